import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEntryId } from '../../src/mapi/entry-id.ts';
import { PropertyType } from '../../src/mapi/property.ts';
import { PropertySet } from '../../src/mapi/property-name.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { ASCII } from '../../src/mapi/text-coding.ts';
import { ascii, attachment, bytesOf, convert, FALLBACK } from './support.ts';

/** FILETIME of 2026-03-02 09:00 UTC. */
const MARCH_2 = 134_169_156_000_000_000n;

test('subjects: prefix and rest', () => {
  for (const [subject, prefix, normalized] of [
    ['RE: a: b', 'RE: ', 'a: b'],
    ['AW:x', 'AW: ', 'x'],
    ['=?utf-8?B?5Zue5aSNOg==?=   x', '回复: ', 'x'],
    ['R2: x', '', 'R2: x'],
  ] as const) {
    const mail = convert([`Subject: ${subject}`, '', '']);
    assert.equal(mail.get(PidTag.SubjectPrefix), prefix);
    assert.equal(mail.get(PidTag.NormalizedSubject), normalized);
    assert.equal(mail.get(PidTag.Subject), prefix + normalized);
  }
});

test('envelope: who, when, what', () => {
  const mail = convert(
    [
      'Received: from a by b; Mon, 2 Mar 2026 10:00:00 +0100',
      'Received: from c by a; Mon, 2 Mar 2026 08:00:00 +0000',
      'Date: Mon, 2 Mar 2026 04:00:00 -0500',
      'From: =?iso-8859-1?Q?J=FCrgen_M=FCller?= <j@werkzeugbau.example>, second@x.example',
      'Sender: "Office, Front" <office@x.example>',
      'Reply-To: Team: a@x.example, B <b@x.example>;',
      'To: Alice <alice@x.example>, bob@x.example',
      'Cc: friends: carol@x.example;',
      'Bcc: D <d@x.example>',
      'Subject: Re: =?utf-8?B?R3LDvMOf?= =?utf-8?B?ZQ==?= aus',
      ' Ulm',
      'Message-ID: <2@x>',
      'In-Reply-To: <1@x>',
      'References: <0@x>',
      ' <1@x>',
      'X-Priority: 1 (Highest)',
      'Sensitivity: Company-Confidential',
      'Disposition-Notification-To: j@werkzeugbau.example',
      'Keywords: red, =?utf-8?Q?gr=C3=BCn?=',
      'List-Unsubscribe: <mailto:leave@x.example>',
      'X-Mailer: Postbox 1',
      '',
      'hello\nworld',
    ],
    { read: true, answered: true, flagged: true },
  );
  assert.equal(mail.get(PidTag.MessageClass), 'IPM.Note');
  assert.equal(mail.get(PidTag.SentRepresentingName), 'Jürgen Müller');
  assert.equal(mail.get(PidTag.SentRepresentingSmtpAddress), 'j@werkzeugbau.example');
  assert.equal(mail.get(PidTag.SenderName), 'Office, Front');
  assert.equal(ascii(mail.get(PidTag.SenderSearchKey)), 'SMTP:OFFICE@X.EXAMPLE\0');
  const entryId = mail.get(PidTag.SenderEntryId);
  assert.ok(entryId instanceof Uint8Array);
  const { flags, ...oneOff } = parseEntryId(entryId, ASCII) as { flags: number };
  assert.equal(flags & 0x8001, 0x8001);
  assert.deepEqual(oneOff, {
    kind: 'one-off',
    displayName: 'Office, Front',
    addressType: 'SMTP',
    emailAddress: 'office@x.example',
  });
  assert.equal(mail.get(PidTag.ReplyRecipientNames), 'a@x.example;B');
  // FlatEntryList ([MS-OXCDATA] 2.3.3): its count, and the size of what follows.
  const list = mail.get(PidTag.ReplyRecipientEntries);
  assert.ok(list instanceof Uint8Array);
  const view = new DataView(list.buffer, list.byteOffset);
  assert.deepEqual([view.getUint32(0, true), view.getUint32(4, true)], [2, list.length - 8]);

  assert.deepEqual(
    mail.recipients.map(({ rowId, type, properties }) => [
      rowId,
      type,
      properties.get(PidTag.DisplayName),
      properties.get(PidTag.EmailAddress),
    ]),
    [
      [0, 1, 'Alice', 'alice@x.example'],
      [1, 1, 'bob@x.example', 'bob@x.example'],
      [2, 2, 'carol@x.example', 'carol@x.example'],
      [3, 3, 'D', 'd@x.example'],
    ],
  );
  assert.equal(mail.get(PidTag.Subject), 'Re: Grüße aus Ulm');
  assert.equal(mail.get(PidTag.SubjectPrefix), 'Re: ');
  assert.equal(mail.get(PidTag.NormalizedSubject), 'Grüße aus Ulm');
  assert.equal(mail.get(PidTag.ConversationTopic), 'Grüße aus Ulm');
  assert.equal(mail.get(PidTag.ClientSubmitTime), MARCH_2);
  assert.equal(mail.get(PidTag.MessageDeliveryTime), MARCH_2, 'of the Received field on top');
  assert.equal(mail.get(PidTag.InternetMessageId), '<2@x>');
  assert.equal(mail.get(PidTag.InReplyToId), '<1@x>');
  assert.equal(mail.get(PidTag.InternetReferences), '<0@x> <1@x>');
  assert.equal(mail.get(PidTag.Importance), 2);
  assert.equal(mail.get(PidTag.Priority), 1);
  assert.equal(mail.get(PidTag.Sensitivity), 3);
  assert.equal(mail.get(PidTag.ReadReceiptRequested), true);
  assert.equal(mail.get(PidTag.ReadReceiptSmtpAddress), 'j@werkzeugbau.example');
  assert.equal(mail.get(PidTag.ListUnsubscribe), '<mailto:leave@x.example>');
  assert.equal(mail.get(PidTag.MessageFlags), 0x2003);
  assert.equal(mail.get(PidTag.FlagStatus), 2);
  assert.equal(mail.get(PidTag.LastVerbExecuted), 102);
  assert.equal(mail.get(PidTag.Body), 'hello\r\nworld');
  assert.equal(mail.get(PidTag.NativeBody), 1);
  const headers = mail.get(PidTag.TransportMessageHeaders);
  assert.ok(typeof headers === 'string' && headers.startsWith('Received: from a') && headers.endsWith('Postbox 1\r\n'));
  const mailer = { guid: PropertySet.PS_INTERNET_HEADERS, name: 'x-mailer' };
  assert.equal(mail.named(mailer, PropertyType.String), 'Postbox 1');
  const keywords = { guid: PropertySet.PS_PUBLIC_STRINGS, name: 'Keywords' };
  assert.deepEqual(mail.named(keywords, PropertyType.MultipleString), ['red', 'grün']);
});

test('mail that says nothing gets what must be there', () => {
  const mail = convert('');
  assert.equal(mail.get(PidTag.MessageDeliveryTime), FALLBACK);
  assert.equal(mail.get(PidTag.ClientSubmitTime), FALLBACK);
  assert.equal(mail.get(PidTag.Subject), '');
  assert.equal(mail.get(PidTag.Importance), 1);
  assert.equal(mail.get(PidTag.SenderName), undefined);
  assert.deepEqual(mail.recipients, []);
});

test('a sender stands for both where only one is named', () => {
  const mail = convert('From: a@x.example\n\n');
  assert.equal(mail.get(PidTag.SenderEmailAddress), 'a@x.example');
  assert.equal(convert('Sender: b@x.example\n\n').get(PidTag.SentRepresentingName), 'b@x.example');
});

test('a long subject is cut where two fields together may be no longer ([MS-OXCMSG] 2.2.1.10)', () => {
  const mail = convert(`Subject: Re: ${'x'.repeat(248)}\u00f0\u009f\u0098\u0080${'y'.repeat(100)}\n\n`);
  const subject = mail.get(PidTag.Subject);
  assert.ok(typeof subject === 'string');
  assert.equal(subject.length, 252, 'a pair of surrogates is not torn');
});

test('conversations share 22 bytes, and a reply begins with its parent', () => {
  const index = (head: string): string => {
    const value = convert(`${head}\n\n`).get(PidTag.ConversationIndex);
    assert.ok(value instanceof Uint8Array);
    return Buffer.from(value).toString('hex');
  };
  const root = index('Message-ID: <1@x>');
  const reply = index('Message-ID: <2@x>\nIn-Reply-To: <1@x>');
  const second = index('Message-ID: <3@x>\nReferences: <1@x> <2@x>\nIn-Reply-To: <2@x>');
  assert.equal(root.length, 44);
  assert.ok(root.startsWith('01') && reply.startsWith(root) && second.startsWith(reply));
  assert.deepEqual([reply.length, second.length], [54, 64]);
  assert.notEqual(index('Message-ID: <9@x>'), root);
  const given = Buffer.from('01'.padEnd(54, '7'), 'hex');
  assert.equal(index(`Message-ID: <1@x>\nThread-Index: ${given.toString('base64')}`), given.toString('hex'));
  assert.equal(index('Message-ID: <1@x>\nThread-Index: bm9uc2Vuc2U='), root, 'what is no index is passed over');
});

test('HTML keeps its bytes and says in which code page they are', () => {
  const mail = convert([
    'Content-Type: multipart/alternative; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    '',
    'plain \xc3\xa4',
    '--b',
    'Content-Type: text/html; charset=iso-8859-1',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '<p>rich =E4</p>',
    '--b',
    'Content-Type: text/x-amp-html',
    '',
    '<html amp>',
    '--b--',
  ]);
  assert.equal(mail.get(PidTag.Body), 'plain ä');
  assert.equal(ascii(mail.get(PidTag.Html)), '<p>rich \xe4</p>');
  assert.equal(mail.get(PidTag.InternetCodepage), 28591);
  assert.equal(mail.get(PidTag.NativeBody), 3);
  // The form that no property is for is kept, where nobody takes it for a file.
  assert.equal(attachment(mail).properties.get(PidTag.AttachMimeTag), 'text/x-amp-html');
  assert.equal(attachment(mail).properties.get(PidTag.AttachmentHidden), true);
});

test('HTML alone has a text made of it, and its character set from its meta element', () => {
  const mail = convert('Content-Type: text/html\n\n<meta charset="windows-1251"><p>\xcf\xf0\xe8\xe2\xe5\xf2</p>');
  assert.equal(mail.get(PidTag.Body), 'Привет');
  assert.equal(mail.get(PidTag.InternetCodepage), 1251);
});

const RELATED = [
  'Content-Type: multipart/mixed; boundary=m',
  '',
  '--m',
  'Content-Type: multipart/related; boundary=r; start="<main>"',
  '',
  '--r',
  'Content-Type: image/png',
  'Content-ID: <a b@x>',
  'Content-Transfer-Encoding: base64',
  '',
  'iVBORw==',
  '--r',
  'Content-Type: text/html',
  'Content-ID: <main>',
  '',
  '<img src="cid:a%20b@x"><img src="http://x.example/i.gif">',
  '--r',
  'Content-Type: image/gif; name=i.gif',
  'Content-Location: http://x.example/',
  ' i.gif',
  '',
  'GIF',
  '--r--',
  '--m',
  'Content-Type: application/pdf; name="=?utf-8?Q?Pr=C3=BCfbericht_2026.pdf?="',
  'Content-Disposition: attachment; creation-date="Mon, 2 Mar 2026 09:00:00 +0000"',
  'Content-Description: The report',
  '',
  '%PDF',
  '--m',
  '',
  'the footer of a list',
  '--m--',
];

test('attachments: pictures in the text, files, text behind the body', () => {
  const mail = convert(RELATED);
  assert.equal(mail.attachments.length, 4);
  const [png, gif, pdf, footer] = mail.attachments.map(({ properties }) => properties);
  assert.ok(png && gif && pdf && footer);
  assert.equal(png.get(PidTag.AttachContentId), 'a b@x');
  assert.equal(ascii(png.get(PidTag.AttachDataBinary)), '\x89PNG');
  assert.equal(png.get(PidTag.AttachLongFilename), 'ATT00001.png');
  assert.equal(gif.get(PidTag.AttachContentLocation), 'http://x.example/i.gif');
  for (const shown of [png, gif]) {
    assert.equal(shown.get(PidTag.AttachFlags), 4);
    assert.equal(shown.get(PidTag.AttachmentHidden), true);
    assert.equal(shown.get(PidTag.RenderingPosition), -1);
  }
  assert.equal(pdf.get(PidTag.AttachmentHidden), undefined);
  assert.equal(pdf.get(PidTag.AttachMethod), 1);
  assert.equal(pdf.get(PidTag.AttachLongFilename), 'Prüfbericht 2026.pdf');
  assert.equal(pdf.get(PidTag.AttachFilename), 'PRFBER~1.PDF');
  assert.equal(pdf.get(PidTag.AttachExtension), '.pdf');
  assert.equal(pdf.get(PidTag.DisplayName), 'The report');
  assert.equal(pdf.get(PidTag.CreationTime), MARCH_2);
  assert.equal(footer.get(PidTag.AttachLongFilename), 'ATT00004.txt');
  assert.equal(mail.named({ guid: PropertySet.PSETID_Common, lid: 0x8514 }, PropertyType.Boolean), undefined);
});

test('where all attachments are hidden, the message says so', () => {
  const mail = convert(RELATED.slice(3, -12));
  assert.ok(mail.attachments.length > 0);
  assert.equal(mail.named({ guid: PropertySet.PSETID_Common, lid: 0x8514 }, PropertyType.Boolean), true);
});

test('file names are safe', () => {
  const name = (written: string) => {
    const mail = convert(`Content-Type: application/x\nContent-Disposition: attachment; filename="${written}"\n\nx`);
    return attachment(mail).properties.get(PidTag.AttachLongFilename);
  };
  assert.equal(name('../../etc/passwd'), 'passwd');
  assert.equal(name('C:\\\\Users\\\\x\\\\a?b*.doc'), 'a_b_.doc');
  assert.equal(name('...'), 'ATT00001.dat');
  const long = name(`${'x'.repeat(400)}.docx`);
  assert.ok(typeof long === 'string' && long.length === 255 && long.endsWith('.docx'));
});

test('a message within a message is a message', () => {
  const mail = convert([
    'Subject: outer',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: message/rfc822',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from('Subject: inner\r\nFrom: a@x.example\r\nTo: b@x.example\r\n\r\nhello').toString('base64'),
    '--b--',
  ]);
  const { embedded, properties } = attachment(mail);
  assert.equal(properties.get(PidTag.AttachMethod), 5);
  assert.equal(properties.get(PidTag.DisplayName), 'inner');
  assert.equal(properties.get(PidTag.AttachDataBinary), undefined);
  assert.equal(embedded?.properties.get(PidTag.Body), 'hello');
  assert.equal(embedded?.recipients.length, 1);
  assert.equal(embedded?.properties.get(PidTag.MessageClass), 'IPM.Note');
});

// [MS-OXOSMIME] 2.1.3.
test('S/MIME: the whole of what is signed or encrypted is the one attachment', () => {
  const signed = convert(
    bytesOf(
      'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\n\n--b\n\nsigned text\n--b\nContent-Type: application/pkcs7-signature\n\nMII\n--b--\n',
    ),
  );
  assert.equal(signed.get(PidTag.MessageClass), 'IPM.Note.SMIME.MultipartSigned');
  assert.equal(signed.get(PidTag.Body), 'signed text');
  assert.equal(signed.get(PidTag.NativeBody), 4);
  assert.equal(signed.attachments.length, 1);
  assert.equal(
    ascii(attachment(signed).properties.get(PidTag.AttachDataBinary)),
    'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\r\n\r\n--b\r\n\r\nsigned text\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nMII\r\n--b--\r\n',
  );
  const sealed = convert(
    'Content-Type: application/pkcs7-mime; smime-type=enveloped-data\nContent-Transfer-Encoding: base64\n\nMIIB',
  );
  assert.equal(sealed.get(PidTag.MessageClass), 'IPM.Note.SMIME');
  assert.equal(ascii(attachment(sealed).properties.get(PidTag.AttachDataBinary)), '0\x82\x01');
  const pgp = convert(
    'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--',
  );
  assert.equal(pgp.get(PidTag.MessageClass), 'IPM.Note');
  assert.equal(attachment(pgp).properties.get(PidTag.AttachLongFilename), 'ATT00001.asc');
});

// RFC 3464, RFC 8098.
test('reports', () => {
  const report = (type: string, fields: string) =>
    convert(
      `Content-Type: multipart/report; report-type=x; boundary=b\n\n--b\n\nfor people\n--b\nContent-Type: message/${type}\n\n${fields}\n--b--`,
    );
  const failed = report('delivery-status', 'Reporting-MTA: dns; mx.example\n\nAction: delivered\n\nAction: failed\n');
  assert.equal(failed.get(PidTag.MessageClass), 'REPORT.IPM.Note.NDR');
  assert.equal(failed.get(PidTag.ReportingMessageTransferAgent), 'mx.example');
  assert.equal(failed.get(PidTag.Body), 'for people');
  assert.equal(failed.attachments.length, 1, 'the machine part is kept');
  assert.equal(report('delivery-status', '\nAction: delivered').get(PidTag.MessageClass), 'REPORT.IPM.Note.DR');
  const read = report(
    'disposition-notification',
    'Original-Message-ID: <1@x>\nDisposition: manual-action/MDN-sent-manually; displayed',
  );
  assert.equal(read.get(PidTag.MessageClass), 'REPORT.IPM.Note.IPNRN');
  assert.equal(read.get(PidTag.InReplyToId), '<1@x>');
  const unread = report('disposition-notification', 'Disposition: automatic-action/MDN-sent-automatically; deleted');
  assert.equal(unread.get(PidTag.MessageClass), 'REPORT.IPM.Note.IPNNRN');
});

test('flags that programs leave in files', () => {
  const flags = (head: string) => convert(`${head}\n\n`).get(PidTag.MessageFlags);
  assert.equal(flags('Status: RO'), 0x2003);
  assert.equal(flags('Status: O'), 0x2002);
  assert.equal(flags('X-Mozilla-Status: 0001'), 0x2003);
  assert.equal(flags('X-Unsent: 1'), 0x8);
  assert.equal(convert('X-Status: AF\n\n').get(PidTag.FlagStatus), 2);
  assert.equal(convert('Status: RO\n\n', { read: false }).get(PidTag.MessageFlags), 0x2002, 'a Maildir knows better');
});
