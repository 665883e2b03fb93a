import { RpchError } from '@rpch/rpc';
import {
  dateOf,
  ErrorCode,
  htmlToText,
  MapiError,
  type Message,
  type OpenedMailbox,
  PidTag,
  type Properties,
  type RecipientInfo,
  textOf,
} from '@rpch/store/client';
import { attachmentTable, listedAttachments } from './attachments.ts';
import { tellMessageId } from './ids.ts';
import type { MailIo } from './mail-io.ts';
import { openMessage } from './open-message.ts';
import { manyLines, oneLine } from './plain-text.ts';
import { tellDateInFull } from './quantities.ts';
import { wrap } from './table.ts';

/** Lines of text for people are not longer than that, however wide the terminal is. */
const MAX_WIDTH = 100;
/** Recipients of one kind that are printed; the rest are counted. */
const MAX_PRINTED = 20;

/** Options of `rpch mail … show`. */
export interface ShowFlags {
  readonly json?: boolean;
  readonly headers?: boolean;
  readonly html?: boolean;
  readonly raw?: boolean;
}

/** Width of the titles before the lines of a head. */
const INDENT = 10;

const TAGS = [
  PidTag.SentRepresentingName,
  PidTag.SentRepresentingSmtpAddress,
  PidTag.SentRepresentingAddressType,
  PidTag.SentRepresentingEmailAddress,
  PidTag.SenderName,
  PidTag.SenderSmtpAddress,
  PidTag.SenderAddressType,
  PidTag.SenderEmailAddress,
  PidTag.MessageDeliveryTime,
  PidTag.ClientSubmitTime,
  PidTag.InternetMessageId,
  PidTag.MessageClass,
];

/** `show ID`: who, when, what, the text, and what is attached. */
export async function printMessage(
  { mailbox }: OpenedMailbox,
  idText: string,
  flags: ShowFlags,
  io: MailIo,
): Promise<void> {
  using found = await openMessage(mailbox, idText);
  const { message } = found;
  if (flags.raw === true) {
    await printOriginal(message, io);
    return;
  }
  if (flags.headers === true) {
    io.out(ended(manyLines(await headersOf(message))));
    return;
  }
  if (flags.html === true) {
    const html = await message.html();
    if (html === undefined) throw new RpchError('RPCH_NO_BODY', 'peer', 'the message has no HTML');
    io.out(ended(manyLines(html)));
    return;
  }
  const { values } = await message.properties(TAGS);
  const recipients = await message.recipients();
  const attachments = await message.attachments();
  const text = await textOfBody(message);
  if (flags.json === true) {
    const listed = listedAttachments(found.id, attachments);
    const to = recipients.map(({ type, name, address, addressType }) => ({ type, name, address, addressType }));
    const body = { ...head(message, values), id: tellMessageId(found.id), recipients: to, text, attachments: listed };
    io.out(`${JSON.stringify(body)}\n`);
    return;
  }
  const width = Math.min(io.width ?? MAX_WIDTH, MAX_WIDTH);
  const { from, date, subject } = head(message, values);
  const lines = [
    `From:     ${from}`,
    ...line('To', recipients, 'to', width),
    ...line('Cc', recipients, 'cc', width),
    ...line('Bcc', recipients, 'bcc', width),
    ...(date === undefined ? [] : [`Date:     ${tellDateInFull(date, io.reader)}`]),
    `Subject:  ${subject}`,
  ];
  io.out(`${lines.join('\n')}\n\n${ended(wrap(manyLines(text ?? '').trimEnd(), width))}`);
  const shown = attachments.filter(({ hidden }) => !hidden);
  if (shown.length > 0) io.out(`\n${attachmentTable(found.id, shown, io.width)}`);
}

/** The bytes as they came: they are for a file or a program, so that nothing is taken from them. */
async function printOriginal(message: Message, io: MailIo): Promise<void> {
  try {
    for await (const block of message.original()) io.outBytes(block);
  } catch (error) {
    if (!(error instanceof MapiError) || error.errorCode !== ErrorCode.NotFound) throw error;
    const what = 'the server has not kept what the message has come as';
    throw new RpchError('RPCH_NO_ORIGINAL', 'peer', what, { cause: error });
  }
}

/** The text, or what can be read of the HTML where there is none; undefined where there is neither. */
async function textOfBody(message: Message): Promise<string | undefined> {
  const text = await message.text();
  if (text !== undefined && text.trim() !== '') return text;
  const html = await message.html();
  return html === undefined ? text : htmlToText(html);
}

async function headersOf(message: Message): Promise<string> {
  const blocks: Uint8Array[] = [];
  const { values, errors } = await message.properties([PidTag.TransportMessageHeaders]);
  const headers = textOf(values, PidTag.TransportMessageHeaders);
  if (headers !== undefined) return headers;
  if (errors.size === 0) {
    throw new RpchError(
      'RPCH_NO_BODY',
      'peer',
      'the message has no transport headers: it has not come through the Internet',
    );
  }
  for await (const block of message.stream(PidTag.TransportMessageHeaders, { limit: MAX_HEADERS })) blocks.push(block);
  return Buffer.concat(blocks).toString('utf16le');
}

const MAX_HEADERS = 4 * 1024 * 1024;

function head(message: Message, values: Properties) {
  const said = [PidTag.ClientSubmitTime, PidTag.MessageDeliveryTime].map((tag) => dateOf(values.get(tag)));
  return {
    subject: oneLine(message.subject),
    from: sender(values),
    date: said.find((date) => date !== undefined),
    messageId: textOf(values, PidTag.InternetMessageId),
    messageClass: textOf(values, PidTag.MessageClass),
  };
}

function sender(values: Properties): string {
  const of = (name: number, smtp: number, type: number, address: number): string | undefined => {
    const isSmtp = textOf(values, type)?.toUpperCase() === 'SMTP';
    return tellAddress(
      textOf(values, name) ?? '',
      textOf(values, smtp) || (isSmtp ? textOf(values, address) : undefined) || '',
    );
  };
  const represented = of(
    PidTag.SentRepresentingName,
    PidTag.SentRepresentingSmtpAddress,
    PidTag.SentRepresentingAddressType,
    PidTag.SentRepresentingEmailAddress,
  );
  const sent = of(PidTag.SenderName, PidTag.SenderSmtpAddress, PidTag.SenderAddressType, PidTag.SenderEmailAddress);
  if (represented === undefined) return sent ?? '';
  return sent === undefined || sent === represented ? represented : `${represented}, sent by ${sent}`;
}

function line(
  title: string,
  recipients: readonly RecipientInfo[],
  type: RecipientInfo['type'],
  width: number,
): string[] {
  const of = recipients.filter((recipient) => recipient.type === type);
  if (of.length === 0) return [];
  const told = of.slice(0, MAX_PRINTED).map(({ name, address, addressType }) => {
    return tellAddress(name, addressType.toUpperCase() === 'SMTP' ? address : '') ?? oneLine(address);
  });
  const more = of.length > MAX_PRINTED ? [`and ${of.length - MAX_PRINTED} more`] : [];
  const [first = '', ...rest] = wrap([...told, ...more].join(', '), width - INDENT).split('\n');
  return [`${`${title}:`.padEnd(INDENT)}${first}`, ...rest.map((next) => ' '.repeat(INDENT) + next)];
}

/** `Name <address>`; undefined where there is neither. */
function tellAddress(name: string, address: string): string | undefined {
  const [clean, mail] = [oneLine(name), oneLine(address)];
  if (mail === '') return clean === '' ? undefined : clean;
  return clean === '' || clean === mail ? mail : `${clean} <${mail}>`;
}

function ended(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}
