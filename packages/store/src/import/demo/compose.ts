import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';
import iconv from 'iconv-lite';

/** A body or a part of one: its MIME header lines, and its encoded content with CR LF. */
export interface Entity {
  readonly headers: readonly string[];
  readonly body: string;
}

/** A file to attach. */
export interface DemoFile {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** The charsets that the demonstration writes mail in. */
export type Charset = 'utf-8' | 'iso-8859-1' | 'iso-2022-jp' | 'gb18030' | 'koi8-u';

/** A text part; `flowed` folds its paragraphs softly (RFC 3676). */
export function textPart(
  text: string,
  { charset = 'utf-8', flowed = false, subtype = 'plain' }: TextOptions = {},
): Entity {
  const content = flowed ? text.split('\n').map(flow).join('\n') : text;
  const bytes = encodeCharset(content.replaceAll('\n', '\r\n'), charset);
  const parameters = `charset=${charset}${flowed ? '; format=flowed' : ''}`;
  const head = `Content-Type: text/${subtype}; ${parameters}`;
  // ISO-2022-JP is made to go through as it is; everything else is nearly ASCII, or is not at all.
  if (charset === 'iso-2022-jp') {
    return { headers: [head, 'Content-Transfer-Encoding: 7bit'], body: `${bytes.toString('latin1')}\r\n` };
  }
  if (charset === 'gb18030' || charset === 'koi8-u') {
    return { headers: [head, 'Content-Transfer-Encoding: base64'], body: base64Lines(bytes) };
  }
  return { headers: [head, 'Content-Transfer-Encoding: quoted-printable'], body: quotedPrintable(bytes) };
}

/** How a text part is written. */
export interface TextOptions {
  readonly charset?: Charset;
  readonly flowed?: boolean;
  readonly subtype?: 'plain' | 'html';
}

/** A multipart of parts (RFC 2046 5.1); its boundary follows from what is in it. */
export function multipart(kind: 'mixed' | 'alternative' | 'related' | string, parts: readonly Entity[]): Entity {
  const inner = parts.map((part) => `${part.headers.join('\r\n')}\r\n\r\n${part.body}`);
  const boundary = `=_${hash('sha256', inner.join()).slice(0, 24)}`;
  return {
    headers: [`Content-Type: multipart/${kind}; boundary="${boundary}"`],
    body: `${inner.map((text) => `--${boundary}\r\n${text}\r\n`).join('')}--${boundary}--\r\n`,
  };
}

/** A file; with a `contentId` one that the HTML beside it shows. */
export function filePart({ name, type, bytes }: DemoFile, contentId?: string): Entity {
  const disposition = contentId === undefined ? 'attachment' : 'inline';
  const isAscii = /^[\x20-\x7e]*$/.test(name);
  const filename = isAscii ? `filename="${name}"` : `filename*=utf-8''${encodeURIComponent(name)}`;
  return {
    headers: [
      `Content-Type: ${type}${isAscii ? `; name="${name}"` : ''}`,
      'Content-Transfer-Encoding: base64',
      `Content-Disposition: ${disposition}; ${filename}`,
      ...(contentId === undefined ? [] : [`Content-ID: <${contentId}>`]),
    ],
    body: base64Lines(bytes),
  };
}

/** A whole message within a message. */
export function messagePart(bytes: Uint8Array): Entity {
  return {
    headers: ['Content-Type: message/rfc822', 'Content-Disposition: attachment'],
    body: Buffer.from(bytes).toString('latin1'),
  };
}

/** A calendar that asks for something (RFC 6047). */
export function calendarPart(lines: readonly string[], method: string): Entity {
  return {
    headers: [`Content-Type: text/calendar; charset=utf-8; method=${method}`, 'Content-Transfer-Encoding: base64'],
    body: base64Lines(Buffer.from(lines.map((line) => `${line}\r\n`).join(''))),
  };
}

/** The bytes of a message: header fields with folding and encoded words, then its body. */
export function compose(
  fields: readonly (readonly [string, string])[],
  body: Entity,
  charset: Charset = 'utf-8',
): Uint8Array {
  const head = fields.map(([name, value]) => `${name}: ${foldField(value, charset)}`);
  const lines = [...head, 'MIME-Version: 1.0', ...body.headers, '', body.body];
  return new Uint8Array(Buffer.from(lines.join('\r\n'), 'latin1'));
}

/** A name and an address, encoded. */
export function mailbox(name: string, address: string, charset: Charset = 'utf-8'): string {
  const isAtoms = /^[\w !#$%&'*+/=?^`{|}~-]*$/.test(name);
  const isAscii = /^[\x20-\x7e]*$/.test(name);
  return `${isAtoms ? name : isAscii ? `"${name}"` : encodedWords(name, charset)} <${address}>`;
}

function foldField(value: string, charset: Charset): string {
  const text = /^[\x20-\x7e]*$/.test(value) ? value : encodedWords(value, charset);
  return text.length < 70
    ? text
    : text.replace(/(.{1,70})(?: |$)/g, (_, piece: string, at: number) => (at === 0 ? '' : '\r\n ') + piece);
}

/** RFC 2047, in words of at most ten characters, each whole in itself. */
function encodedWords(text: string, charset: Charset): string {
  const characters = [...text];
  const words: string[] = [];
  for (let at = 0; at < characters.length; at += 10) {
    const bytes = encodeCharset(characters.slice(at, at + 10).join(''), charset);
    words.push(`=?${charset}?B?${bytes.toString('base64')}?=`);
  }
  return words.join(' ');
}

function encodeCharset(text: string, charset: Charset): Buffer {
  if (charset !== 'iso-2022-jp') return iconv.encode(text, charset);
  // RFC 1468: JIS X 0208 between escape sequences is EUC-JP without its high bits.
  return Buffer.concat(
    text.split(/((?:[^\p{ASCII}])+)/u).map((run, at) => {
      if (at % 2 === 0) return Buffer.from(run, 'latin1');
      const codes = iconv.encode(run, 'euc-jp').map((byte) => byte & 0x7f);
      return Buffer.concat([Buffer.from('\x1b$B'), codes, Buffer.from('\x1b(B')]);
    }),
  );
}

function base64Lines(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('base64')
    .replace(/.{1,76}/g, '$&\r\n');
}

function quotedPrintable(bytes: Uint8Array): string {
  const lines = Buffer.from(bytes).toString('latin1').split('\r\n');
  const encoded = lines.map((line) => {
    const escaped = line
      .replace(
        /[^\x20-\x3c\x3e-\x7e\t]/g,
        (char) => `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
      )
      .replace(/[ \t]$/, (blank) => `=${blank.charCodeAt(0).toString(16).padStart(2, '0')}`);
    return escaped.replace(/(.{1,72})(?<!=|=.)(?=.)/g, '$1=\r\n');
  });
  return `${encoded.join('\r\n')}\r\n`;
}

/**
 * A paragraph in lines of at most 72 characters that end in a blank, each with the marks of its quotation (RFC 3676 4.2 and 4.5).
 * What would be taken for such a mark, or for the start of a message in an mbox, is stuffed with a blank (4.4).
 */
function flow(paragraph: string): string {
  const written = /^(?:> ?)*/.exec(paragraph)?.[0] ?? '';
  const marks = written.replaceAll(' ', '');
  const lines = paragraph.slice(written.length).replace(/(?=.{73})(.{1,71} )(?=\S)/g, '$1\n');
  return lines
    .split('\n')
    .map((line) => {
      const stuffed = marks === '' ? /^(?:[ >]|From )/.test(line) : line !== '';
      return `${marks}${stuffed ? ' ' : ''}${line}`;
    })
    .join('\n');
}
