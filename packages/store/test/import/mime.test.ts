import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { test } from 'node:test';
import { codePageOf, decodeText } from '../../src/import/mime/charset.ts';
import { parseDate } from '../../src/import/mime/date.ts';
import { unflow } from '../../src/import/mime/flowed.ts';
import { parseHeaders } from '../../src/import/mime/headers.ts';
import { parseStructured } from '../../src/import/mime/parameters.ts';
import { contentOf, MimeBudget, type MimePart, parseMime, textOf } from '../../src/import/mime/part.ts';
import { decodeBase64, decodeQuotedPrintable } from '../../src/import/mime/transfer-encoding.ts';
import { fileTime } from '../../src/mailbox/mailbox-context.ts';
import { bytesOf } from './support.ts';

const parse = (lines: readonly string[]): MimePart => parseMime(bytesOf(lines), new MimeBudget());
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const at = (...parts: Parameters<typeof Date.UTC>): bigint => fileTime(Date.UTC(...parts));

test('header fields are unfolded, and the first of a name counts', () => {
  const { headers, body } = parseHeaders(bytesOf('A: one\r\n two\r\nB:x\r\nA: later\r\n\r\nbody'));
  assert.equal(headers.get('a'), 'one two');
  assert.deepEqual(headers.all('a'), ['one two', 'later']);
  assert.equal(body, 31);
  assert.equal(text(headers.raw), 'A: one\r\n two\r\nB:x\r\nA: later\r\n');
});

test('text without a header is a body, and the line of an mbox at the top is passed over', () => {
  assert.equal(parseHeaders(bytesOf('just some text\nand more')).body, 0);
  const { headers, body } = parseHeaders(bytesOf('From a@b Thu Jan  1 00:00:00 2026\nSubject: s\n\nx'));
  assert.equal(headers.get('subject'), 's');
  assert.equal(body, 46);
  assert.equal(
    parseHeaders(bytesOf('Subject: s\nno header here\n')).body,
    11,
    'a line that is no field begins the body',
  );
});

test('headers in UTF-8 and in an old character set are read', () => {
  const utf8 = parseHeaders(new Uint8Array(Buffer.from('Subject: Grüße 🙂\n\n'))).headers.get('subject');
  assert.equal(utf8, 'Grüße 🙂');
  assert.equal(parseHeaders(bytesOf('Subject: Gr\xfc\xdfe\n\n')).headers.get('subject'), 'Grüße');
});

// RFC 2231 3, 4.1 with its own examples; RFC 2045 5.1.
test('parameters: quoted, continued, encoded, with comments', () => {
  const { value, parameters } = parseStructured(
    `Application/X-Stuff (so); title*0*=us-ascii'en'This%20is%20even%20more%20; title*1*=%2A%2A%2Afun%2A%2A%2A%20; title*2="isn't it!"; a="x;\\"y"; flag; A=2`,
  );
  assert.equal(value, 'application/x-stuff');
  assert.equal(parameters.get('title'), "This is even more ***fun*** isn't it!");
  assert.equal(parameters.get('a'), 'x;"y');
  assert.equal(parseStructured("a/b; name*=utf-8''%e2%82%ac%20rates").parameters.get('name'), '€ rates');
  assert.equal(parseStructured('a/b; name="=?iso-8859-1?Q?M=FCller.pdf?="').parameters.get('name'), 'Müller.pdf');
});

test('character sets: labels, code pages, and what is not what it says', () => {
  assert.equal(codePageOf('ISO_8859-1:1987'), 28591);
  assert.equal(codePageOf('x-sjis'), 932);
  assert.equal(codePageOf('csISO2022JP'), 50220);
  assert.equal(codePageOf('windows-1251'), 1251);
  assert.equal(codePageOf('windows-99999'), undefined);
  assert.deepEqual(decodeText(bytesOf('na\xefve'), 'iso-8859-1'), { text: 'naïve', codePage: 28591 });
  assert.deepEqual(decodeText(bytesOf('\x1b$B9q8D\x1b(B!'), 'iso-2022-jp'), { text: '国個!', codePage: 50220 });
  assert.deepEqual(decodeText(bytesOf('\xc4\xe3\xba\xc3'), 'GB18030'), { text: '你好', codePage: 54936 });
  assert.deepEqual(decodeText(bytesOf('\x81'), 'ibm437'), { text: 'ü', codePage: 437 });
  assert.deepEqual(decodeText(bytesOf('Hi Mom -+Jjo--!'), 'utf-7').text, 'Hi Mom -☺-!');
  const utf8 = new Uint8Array(Buffer.from('größer'));
  assert.deepEqual(decodeText(utf8, 'us-ascii'), { text: 'größer', codePage: 65001 }, 'US-ASCII that is UTF-8');
  assert.deepEqual(decodeText(bytesOf('gr\xf6\xdfer'), 'x-unknown'), { text: 'größer', codePage: 1252 });
  assert.equal(decodeText(bytesOf('a\0b')).text, 'ab');
});

test('base64: line ends, junk, padding in the middle and a group that is cut', () => {
  assert.equal(text(decodeBase64(bytesOf('aGVs\r\nbG8='))), 'hello');
  assert.equal(text(decodeBase64(bytesOf('YQ==YmM='))), 'abc');
  assert.equal(text(decodeBase64(bytesOf('aGV*s~bG8'))), 'hello');
  assert.equal(text(decodeBase64(bytesOf('aGVsb'))), 'hel');
  assert.equal(decodeBase64(bytesOf('')).length, 0);
});

// RFC 2045 6.7.
test('quoted-printable: soft breaks, blanks at line ends, escapes that are none', () => {
  assert.equal(text(decodeQuotedPrintable(bytesOf('a=3Db=\r\nc  \r\nd=\t\r\ne'))), 'a=bc\r\nde');
  assert.equal(text(decodeQuotedPrintable(bytesOf('=zz = =4'))), '=zz = =4');
  assert.equal(text(decodeQuotedPrintable(bytesOf('end='))), 'end');
  assert.equal(text(decodeQuotedPrintable(bytesOf('=e4=E4'))), '\xe4\xe4');
});

// RFC 5322 3.3, 4.3 and appendix A.
test('dates', () => {
  assert.equal(parseDate('Fri, 21 Nov 1997 09:55:06 -0600'), at(1997, 10, 21, 15, 55, 6));
  assert.equal(parseDate('21 Nov 97 09:55:06 GMT'), at(1997, 10, 21, 9, 55, 6));
  assert.equal(parseDate('Thu,\t13 Feb 1969 23:32 -0330 (Newfoundland Time)'), at(1969, 1, 14, 3, 2));
  assert.equal(parseDate('1 Jan 2026 10:00:00 EST'), at(2026, 0, 1, 15));
  assert.equal(parseDate('Tuesday, 02-Jun-26 08:00:00 +0200'), at(2026, 5, 2, 6));
  for (const bad of ['', 'yesterday', '40 Nov 2026 10:00', '1 Nov 2026 25:00', '1 Foo 2026 10:00']) {
    assert.equal(parseDate(bad), undefined, bad);
  }
  assert.equal(fileTime(0), 116_444_736_000_000_000n);
});

// RFC 3676 4.
test('format=flowed: paragraphs, quotations, signatures, DelSp', () => {
  assert.equal(
    unflow('one \r\ntwo\r\n three\r\n> a \r\n> b\r\n-- \r\nsig', false),
    'one two\r\nthree\r\n> a b\r\n-- \r\nsig',
  );
  assert.equal(unflow('日 \n本', true), '日本');
  assert.equal(unflow('>> deep \n> shallow', false), '>> deep \r\n> shallow');
});

test('a multipart is cut at its delimiters only', () => {
  const part = parse([
    'Content-Type: multipart/mixed; boundary="b 1"',
    '',
    'preamble',
    '--b 1  ',
    'Content-Type: text/html',
    '',
    '<p>',
    '--b 12',
    ' --b 1',
    '--b 1',
    '',
    'second',
    '',
    '--b 1--',
    'epilogue',
  ]);
  assert.deepEqual(
    part.children.map((child) => [child.type, text(child.body)]),
    [
      ['text/html', '<p>\r\n--b 12\r\n --b 1'],
      ['text/plain', 'second\r\n'],
    ],
  );
});

test('multiparts that are broken keep what they hold', () => {
  const open = parse(['Content-Type: multipart/mixed; boundary=b', '', '--b', '', 'first', '--b', '', 'never closed']);
  assert.deepEqual(
    open.children.map((child) => text(child.body)),
    ['first', 'never closed'],
  );
  assert.equal(parse(['Content-Type: multipart/mixed', '', '--b', 'x']).type, 'text/plain', 'no boundary');
  assert.equal(parse(['Content-Type: multipart/mixed; boundary=c', '', 'x']).type, 'text/plain', 'no delimiter');
  assert.equal(parse(['Content-Type: nonsense', '', 'x']).type, 'text/plain');
  const digest = parse(['Content-Type: multipart/digest; boundary=b', '', '--b', '', 'Subject: in', '', '--b--']);
  assert.equal(digest.children[0]?.type, 'message/rfc822', 'RFC 2046 5.1.5');
});

test('bytes of an attachment are those that were sent', () => {
  const part = parse(['Content-Type: application/x', 'Content-Transfer-Encoding: binary', '', 'a\rb\nc\r\n\x00\xff']);
  assert.equal(text(contentOf(part)), 'a\rb\nc\r\n\x00\xff');
  const koi = parse([
    'Content-Type: text/plain; charset=koi8-r',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '=D0=D2=C9=D7=C5=D4',
  ]);
  assert.deepEqual(textOf(koi), { text: 'привет', codePage: 20866 });
});
