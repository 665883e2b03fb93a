import {
  type Counter,
  type Mailbox,
  type MutableProperties,
  PidTag,
  type PropertyTag,
  type PropertyValue,
  packProperties,
} from '@rpch/store/mailbox';

/** Messages written in one transaction. */
const BATCH = 10_000;

const WORDS = (
  'budget report meeting agenda invoice release customer contract holiday lunch server outage proposal review draft ' +
  'minutes project schedule travel expenses training interview offer delivery order payment reminder survey network'
).split(' ');
const NAMES = 'Alice Bob Carol Dave Erin Frank Grace Heidi Ivan Judy Mallory Niaj Olivia Peggy Rupert Sybil'.split(' ');

/** A number below `below` that looks random and is the same in each run. */
export function scattered(index: number, below: number): number {
  let state = Math.imul(index ^ 0x9e37_79b9, 0x85eb_ca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2_ae35);
  return ((state ^ (state >>> 16)) >>> 0) % below;
}

function pick(list: readonly string[], index: number): string {
  return list[scattered(index, list.length)] ?? '';
}

/** The subject of a message; that of each is another one. */
export function subjectOf(index: number): string {
  return `${pick(WORDS, index)} ${pick(WORDS, index + 7)} ${scattered(index, 1_000_000_007).toString(36)} ${index}`;
}

/** What a message of everyday use has in the way of small properties: 1.2 KB. */
function propertiesOf(index: number): MutableProperties {
  const sender = `${pick(NAMES, index)} ${pick(NAMES, index * 3)}`;
  const address = `${sender.replace(' ', '.').toLowerCase()}@example.com`;
  // Messages come nearly in the order in which they were delivered.
  const delivered =
    133_000_000_000_000_000n + BigInt(index) * 600_000_000n + BigInt(scattered(index, 1_800)) * 10_000_000n;
  const subject = subjectOf(index);
  return new Map<PropertyTag, PropertyValue>([
    [PidTag.MessageClass, 'IPM.Note'],
    [PidTag.Importance, 1],
    [PidTag.Sensitivity, 0],
    [PidTag.Subject, subject],
    [PidTag.NormalizedSubject, subject],
    [PidTag.ConversationTopic, subject],
    [PidTag.ClientSubmitTime, delivered - 20_000_000n],
    [PidTag.MessageDeliveryTime, delivered],
    [PidTag.CreationTime, delivered],
    [PidTag.LastModificationTime, delivered],
    [PidTag.SenderName, sender],
    [PidTag.SenderAddressType, 'SMTP'],
    [PidTag.SenderEmailAddress, address],
    [PidTag.SentRepresentingName, sender],
    [PidTag.DisplayTo, pick(NAMES, index * 5)],
    [PidTag.DisplayCc, ''],
    [PidTag.HasAttachments, index % 7 === 0],
    [PidTag.InternetMessageId, `<${index}.${scattered(index, 1_000_000)}@mail.example.com>`],
    [PidTag.Body, `Hello,\r\n${Array.from({ length: 12 }, (_, at) => pick(WORDS, index + at)).join(' ')}.\r\n`],
  ]);
}

/**
 * Fills a folder with so many messages past the message store, and orders them at last: a million take minutes otherwise.
 * @param first names the messages, as {@link subjectOf} does
 * @returns the id of the first message; the others follow
 */
export function fillFolder(mailbox: Mailbox, folder: Counter, count: number, first: number): Counter {
  const { database } = mailbox;
  let firstId: Counter | undefined;
  for (let from = 0; from < count; from += BATCH) {
    const size = Math.min(BATCH, count - from);
    const id = mailbox.clientIds.reserve(size);
    firstId ??= id;
    mailbox.transaction(() => {
      let bytes = 0;
      for (let at = 0; at < size; at += 1) {
        const { bytes: packed } = packProperties(propertiesOf(first + from + at));
        bytes += packed.length;
        database.run(
          `INSERT INTO messages (id, folder, associated, change, flags, size, properties, recipients)
           VALUES (?, ?, 0, ?, ?, ?, ?, x'00000000')`,
          id + at,
          folder,
          id + at,
          at % 5 === 0 ? 0 : 1,
          packed.length,
          packed,
        );
      }
      database.run('UPDATE folders SET content = content + ?, size = size + ? WHERE id = ?', size, bytes, folder);
    });
  }
  mailbox.transaction(() => mailbox.contents.rebuild(folder, false));
  return firstId ?? 0;
}
