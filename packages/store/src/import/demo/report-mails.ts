import { compose, filePart, mailbox, messagePart, multipart, textPart } from './compose.ts';
import { pngChart } from './files.ts';
import { DAY, dateField, type Field, HOUR, type MailMaker } from './mail-maker.ts';
import type { Who } from './people.ts';

/** What came back, what was read, and what was passed on whole. */
export function putReports(maker: MailMaker): void {
  const undelivered = compose(
    [
      ['From', maker.mailboxOf('alice')],
      ['To', 'purchasing@closed.example'],
      ['Subject', 'Data sheet of the Tern logger'],
      ['Date', dateField(maker.end - 21 * DAY)],
      ['Message-ID', maker.id('undelivered')],
    ],
    textPart('As promised, the data sheet.\n\nAlice'),
  );
  const status = `Reporting-MTA: dns; mail.${maker.domain}\r\nArrival-Date: ${dateField(maker.end - 21 * DAY)}\r\n\r\nFinal-Recipient: rfc822; purchasing@closed.example\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n`;
  const bounce = multipart('report; report-type=delivery-status', [
    textPart('Your message could not be delivered to purchasing@closed.example: no such user.'),
    { headers: ['Content-Type: message/delivery-status'], body: status },
    messagePart(undelivered),
  ]);
  const failed: Field[] = [
    ['Subject', 'Undelivered Mail Returned to Sender'],
    ['Auto-Submitted', 'auto-replied'],
  ];
  maker.put(
    { from: 'daemon', to: ['alice'] },
    { id: maker.id('bounce'), sent: maker.end - 21 * DAY + 60_000, fields: failed, body: bounce },
  );

  const complaint = compose(
    [
      ['From', mailbox('Café Métropole', 'direction@metropole.example')],
      ['To', maker.mailboxOf('tomas')],
      ['Subject', 'Votre enregistreur sonne la nuit'],
      ['Date', dateField(maker.end - 15 * DAY)],
      ['Message-ID', maker.id('complaint')],
    ],
    multipart('mixed', [
      textPart(
        'Bonjour,\n\nl’enregistreur de la chambre froide sonne toutes les nuits à trois heures. La courbe est jointe.\n\nCordialement',
      ),
      filePart(pngChart('courbe.png', [12, 14, 13, 44, 15, 13, 12], [0x8f, 0x2d, 0x56])),
    ]),
  );
  const forwarded = multipart('mixed', [
    textPart('Alice, Bob: does anybody know why at three? I forward the whole message.\n\nTomás'),
    messagePart(complaint),
  ]);
  const passedOn: Field[] = [['Subject', 'Fwd: Votre enregistreur sonne la nuit']];
  maker.put(
    { from: 'tomas', to: ['alice', 'bob'] },
    { id: maker.id('forward'), sent: maker.end - 14.8 * DAY, fields: passedOn, body: forwarded, isFlagged: true },
  );
}

export function putDrafts(maker: MailMaker): void {
  const text =
    maker.account === 'alice'
      ? 'Dear Ms Tanaka,\n\nabout the prices for next year: '
      : 'Priya, before you order revision D: ';
  const to: Who = maker.account === 'alice' ? 'hanako' : 'priya';
  const sent = maker.end - 2 * HOUR;
  const fields: Field[] = [['Subject', maker.account === 'alice' ? 'Prices for next year' : 'Revision D']];
  const bytes = maker.compose(
    { from: maker.account, to: [to] },
    { id: maker.id('draft'), sent, fields, body: textPart(text) },
  );
  maker.mails.push({ bytes, folder: ['Drafts'], flags: { read: true, draft: true }, sent });
}
