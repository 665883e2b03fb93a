import { isDeepStrictEqual } from 'node:util';
import { Cursor, ProtocolError, RpchError, Writer } from '@rpch/rpc/internal';
import {
  type AuxBlock,
  compileRestriction,
  formEntryId,
  MAX_PAYLOAD,
  MailConverter,
  type MessageContent,
  PidTag,
  type PropertyName,
  type PropertyNames,
  type PropertyTag,
  type PropertyValue,
  parseEntryId,
  parsePredecessorChangeList,
  parseXid,
  type Restriction,
  ROPS,
  readAuxBlocks,
  readExtendedBuffers,
  readRestriction,
  readRopBuffer,
  readRops,
  StoreError,
  writeAuxBlocks,
  writeExtendedBuffer,
  writeExtendedBuffers,
  writeRestriction,
  writeRopBuffer,
} from '@rpch/store/internal';
import { SeededRandom } from '../src/simulation/random.ts';
import { must, type Target } from './fuzz-target.ts';
import { CODING, madeUpRequest, requestBytes } from './mail-rops.ts';
import { SAMPLES } from './mail-samples.ts';

const ALL_ROPS = [...ROPS.values()];
/** Columns of the rows in responses. */
const COLUMNS: readonly PropertyTag[] = [
  PidTag.Subject,
  PidTag.MessageSize,
  PidTag.EntryId,
  PidTag.HasAttachments,
  0x3002_0000,
];

/** Zeros behind the head of a response that is a seed: its fields. */
const ZEROS = 130;

/** Codec functions say what is right and cannot be done with a StoreError. */
const isStoreError = (error: unknown): boolean => error instanceof StoreError;
/** What servers and clients are lenient with when they read it, as text that is not ASCII, they do not write. */
const mayNotBeWritten = (error: unknown): boolean =>
  isStoreError(error) || (error instanceof RpchError && error.code === 'RPCH_ROP_NOT_WRITABLE');

/** A request of each ROP, and what a client does in its mailbox. */
const REQUESTS: readonly Uint8Array[] = [
  ...ALL_ROPS.flatMap((rop) => {
    const request = madeUpRequest(rop, new SeededRandom(rop.id));
    return request === undefined ? [] : [requestBytes(rop, [request])];
  }),
  ...SAMPLES.map(({ rop, request }) => requestBytes(rop, [request])),
];
const PAYLOADS = REQUESTS.map((ropsList) => writeRopBuffer({ ropsList, handles: [1, 2, 0xffff_ffff] }));

function ropRequests(bytes: Uint8Array): void {
  const { ropsList } = readRopBuffer(bytes);
  for (const { rop, request, start, end } of readRops(ropsList, CODING)) {
    must(start < end && end <= ropsList.length, 'a ROP lies within its list');
    const again = readRops(requestBytes(rop, [request]), CODING);
    must(again.length === 1 && isDeepStrictEqual(again[0]?.request, request), `Rop${rop.name} survives a round trip`);
  }
}

/** The first byte chooses the ROP. */
function ropResponses(bytes: Uint8Array): void {
  const rop = ALL_ROPS[(bytes[0] ?? 0) % ALL_ROPS.length];
  if (rop === undefined || !rop.hasResponse) return;
  const coding = { ...CODING, columns: COLUMNS };
  const response = rop.readResponse(new Cursor(bytes.subarray(1), 'a response'), coding);
  const writer = new Writer();
  rop.writeResponse(writer, response, coding);
  const cursor = new Cursor(writer.finish(), 'a response', 1);
  must(
    isDeepStrictEqual(rop.readResponse(cursor, coding), response),
    `the response of Rop${rop.name} survives a round trip`,
  );
}

const RESPONSES = ALL_ROPS.flatMap((rop, i) =>
  rop.hasResponse
    ? [0, 0x8004_010f].map((returnValue) => {
        const head = new Writer().u8(i).u8(0).u32(returnValue).finish();
        return Buffer.concat([head, new Uint8Array(ZEROS)]);
      })
    : [],
).filter(isWhole);

/** Zeros are not fields of every response: a property of type 0 is none. */
function isWhole(bytes: Uint8Array): boolean {
  try {
    ropResponses(Uint8Array.from(bytes));
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}

function extendedBuffers(bytes: Uint8Array): void {
  const payloads = readExtendedBuffers(bytes);
  for (const payload of payloads) must(payload.length <= MAX_PAYLOAD, 'no payload is too long');
  for (const options of [{}, { compress: true, xorMagic: true }]) {
    const again = readExtendedBuffers(writeExtendedBuffers(payloads, options));
    must(isDeepStrictEqual(again.map(hex), payloads.map(hex)), 'payloads survive a round trip');
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const TEXT = Buffer.from('What is said again and again is said again and again. '.repeat(6));
const EXTENDED = [
  writeExtendedBuffer(PAYLOADS[0] ?? TEXT),
  writeExtendedBuffer(TEXT, { compress: true }),
  writeExtendedBuffer(TEXT, { compress: true, xorMagic: true }),
  writeExtendedBuffer(Buffer.alloc(MAX_PAYLOAD, 'ab'), { compress: true }),
  writeExtendedBuffers([TEXT, TEXT.subarray(0, 50), TEXT], { compress: true }),
];

const AUX: readonly AuxBlock[] = readAuxBlocks(
  // PERF_REQUESTID, PERF_CLIENTINFO cut to its head, and a block of a type that nobody knows ([MS-OXCRPC] 2.2.2.2).
  Buffer.from('0c0001010100010004000500' + '08000199aabbccdd', 'hex'),
);

function auxBlocks(bytes: Uint8Array): void {
  const blocks = readAuxBlocks(bytes);
  must(isDeepStrictEqual(readAuxBlocks(writeAuxBlocks(blocks)), blocks), 'auxiliary blocks survive a round trip');
}

/** What a row has that is held against restrictions. */
const ROW: ReadonlyMap<PropertyTag, PropertyValue> = new Map<PropertyTag, PropertyValue>([
  [PidTag.Subject, 'A subject'],
  [PidTag.MessageSize, 4711],
  [PidTag.HasAttachments, true],
  [PidTag.CreationTime, 134_116_992_000_000_000n],
  [PidTag.EntryId, Uint8Array.of(1, 2, 3)],
  [0x6809_101f, ['one', 'two']],
]);

function restrictions(bytes: Uint8Array): void {
  const cursor = new Cursor(bytes, 'a restriction');
  const restriction = readRestriction(cursor, CODING);
  const writer = new Writer();
  writeRestriction(writer, restriction, CODING);
  const again = readRestriction(new Cursor(writer.finish(), 'a restriction'), CODING);
  must(isDeepStrictEqual(again, restriction), 'a restriction survives a round trip');
  const matches = compileRestriction(restriction);
  const get = (tag: PropertyTag) => ROW.get(tag);
  const subobjects = () => [get, get];
  const first = matches(get, subobjects);
  must(matches(get, subobjects) === first, 'a restriction is not of two minds');
}

const RESTRICTIONS = SAMPLES.flatMap(({ request }) =>
  'restrictionData' in request ? [request.restrictionData as Restriction] : [],
)
  .concat([
    { kind: 'property', relOp: 5, tag: 0x6809_101f, valueTag: 0x6809_001f, value: 'one' },
    { kind: 'content', fuzzyLow: 0, fuzzyHigh: 7, tag: PidTag.Subject, valueTag: PidTag.Subject, value: 'A SUBJECT' },
    {
      kind: 'content',
      fuzzyLow: 2,
      fuzzyHigh: 0,
      tag: PidTag.EntryId,
      valueTag: PidTag.EntryId,
      value: Uint8Array.of(1),
    },
  ])
  .map((restriction) => {
    const writer = new Writer();
    writeRestriction(writer, restriction, CODING);
    return writer.finish().slice();
  });

/** The first byte chooses what they are: entry ids, change keys and lists of them. */
function ids(bytes: Uint8Array): void {
  const id = bytes.slice(1);
  const kind = (bytes[0] ?? 0) % 3;
  if (kind === 1) parseXid(id);
  else if (kind === 2) parsePredecessorChangeList(id);
  else {
    const entryId = parseEntryId(id, CODING);
    must(isDeepStrictEqual(parseEntryId(formEntryId(entryId), CODING), entryId), 'an entry id survives a round trip');
  }
}

const UID = '00112233-4455-6677-8899-aabbccddeeff';
const IDS = [
  formEntryId({ kind: 'address-book', type: 0, dn: '/o=First Organization/cn=alice' }),
  formEntryId({ kind: 'store', public: false, server: 'server', mailboxDn: '/cn=alice' }),
  formEntryId({ kind: 'ephemeral', server: UID, type: 0, mid: 16 }),
].map((id) => Buffer.concat([Uint8Array.of(0), id]));
const CHANGE_KEY = Buffer.concat([Buffer.alloc(16, 7), Buffer.from('000000000107', 'hex')]);

/** Named properties of a mailbox that is not there. */
class SomeNames implements PropertyNames {
  readonly #names: PropertyName[] = [];

  idOf(name: PropertyName, create: boolean): number {
    const at = this.#names.findIndex((known) => isDeepStrictEqual(known, name));
    if (at >= 0) return 0x8000 + at;
    return create ? 0x7fff + this.#names.push(name) : 0;
  }

  nameOf(id: number): PropertyName | undefined {
    return this.#names[id - 0x8000];
  }

  all() {
    return this.#names.map((name, at) => ({ id: 0x8000 + at, name }));
  }
}

const FALLBACK = 134_116_992_000_000_000n;
const MAX_DEPTH = 64;

function mail(bytes: Uint8Array): void {
  const { content } = new MailConverter(new SomeNames()).toMessage(bytes, { fallback: FALLBACK });
  checkContent(content, 0);
}

function checkContent({ properties, attachments }: MessageContent, depth: number): void {
  must(depth < MAX_DEPTH, 'messages lie within each other up to a bound');
  for (const [tag, value] of properties) {
    must(typeof value !== 'string' || !value.includes('\0'), `no text ends before its end: 0x${tag.toString(16)}`);
  }
  for (const { embedded } of attachments) if (embedded !== undefined) checkContent(embedded, depth + 1);
}

const lines = (...all: readonly string[]): Buffer => Buffer.from(all.join('\r\n'), 'latin1');
const MAILS = [
  lines(
    'From: "A (b)" <a@b.test>, c: d@e.test;',
    'To: =?utf-8?Q?J=C3=BCrgen?= <j@b.test>',
    'Subject: =?utf-8?B?w7w=?= =?iso-8859-1?q?=FC?=',
    'Date: Thu, 1 Jan 2026 12:00:00 +0100',
    'Message-ID: <1@b.test>',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary="b"',
    ...['', '--b', 'Content-Type: multipart/alternative; boundary=c', ''],
    ...[
      '--c',
      'Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes',
      'Content-Transfer-Encoding: quoted-printable',
      '',
    ],
    ...['=C3=A9 and so =', 'on ', '--c', 'Content-Type: text/html; charset=utf-16', ''],
    ...['<html><a href="cid:x">x</a><img src=cid:%zz>', '--c--', '--b'],
    "Content-Disposition: attachment; filename*0*=utf-8''%C3%A9; filename*1=.txt",
    ...['Content-Transfer-Encoding: base64', 'Content-Type: application/octet-stream', '', 'AAECAwQF', '--b'],
    ...['Content-Type: message/rfc822', '', 'Subject: within', '', 'text', '--b--', ''],
  ),
  lines(
    'Content-Type: text/calendar; method=REQUEST; charset=utf-8',
    ...['', 'BEGIN:VCALENDAR', 'METHOD:REQUEST', 'BEGIN:VEVENT', 'UID:1@b.test', 'SUMMARY:Meeting\\, long'],
    ...['DTSTART;TZID=Europe/Berlin:20260101T120000', 'DURATION:P1DT2H', 'RRULE:FREQ=WEEKLY;BYDAY=MO,TU;COUNT=4'],
    ...[
      'ORGANIZER;CN=A:mailto:a@b.test',
      'ATTENDEE;PARTSTAT=ACCEPTED:mailto:c@d.test',
      'END:VEVENT',
      'END:VCALENDAR',
      '',
    ],
  ),
  lines(
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    ...['', '--b', 'Content-Type: text/plain', '', 'failed', '--b', 'Content-Type: message/delivery-status', ''],
    ...[
      'Reporting-MTA: dns; b.test',
      '',
      'Final-Recipient: rfc822; x@b.test',
      'Action: failed',
      'Status: 5.1.1',
      '--b--',
      '',
    ],
  ),
  lines(
    'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b',
    '',
    '--b',
    '',
    'x',
    '--b--',
    '',
  ),
];

/** Decoders of the information store, and of what is imported into it. */
export const STORE_TARGETS: readonly Target[] = [
  { name: 'ROP requests', seeds: PAYLOADS, mayThrow: mayNotBeWritten, run: ropRequests },
  { name: 'ROP responses', seeds: RESPONSES, mayThrow: mayNotBeWritten, run: ropResponses },
  { name: 'extended buffers', seeds: EXTENDED, run: extendedBuffers },
  { name: 'auxiliary blocks', seeds: [writeAuxBlocks(AUX)], run: auxBlocks },
  { name: 'restrictions', seeds: RESTRICTIONS, mayThrow: isStoreError, run: restrictions },
  {
    name: 'entry ids',
    seeds: [
      ...IDS,
      Buffer.concat([Uint8Array.of(1), CHANGE_KEY]),
      Buffer.concat([Uint8Array.of(2, CHANGE_KEY.length), CHANGE_KEY, Uint8Array.of(CHANGE_KEY.length), CHANGE_KEY]),
    ],
    mayThrow: isStoreError,
    run: ids,
  },
  { name: 'mail', seeds: MAILS, run: mail },
];
