import { calendarPart, filePart, multipart, textPart } from './compose.ts';
import { pdfPage, pngChart } from './files.ts';
import { DAY, escapeHtml, type Field, HOUR, type MailMaker, page } from './mail-maker.ts';
import type { Who } from './people.ts';
import { ALERTS, BUILDS, CUSTOMERS, NEWS, ORDERS, QUESTIONS } from './series.ts';

const NEWSLETTERS = 24;
const BUILD_COUNT = 90;
const ALERT_COUNT = 60;
const MEETINGS = 16;
const TICKETS = 36;

export function putNewsletters(maker: MailMaker): void {
  for (let issue = 0; issue < NEWSLETTERS; issue += 1) {
    const [title, summary] = NEWS[issue % NEWS.length] ?? ['', ''];
    const sent = maker.end - (NEWSLETTERS - issue) * 7 * DAY + 8 * HOUR;
    const contentId = `logo@${issue}.measurement-weekly.example`;
    const html = page(
      `<table width="600"><tr><td><img src="cid:${contentId}" alt="Measurement Weekly"></td></tr>
<tr><td><h1>${escapeHtml(title)}</h1><p>${escapeHtml(summary)}</p>
<p><a href="https://measurement-weekly.example/issues/${issue + 1}">Read on</a></p>
<h2>Also in this issue</h2><ul>${NEWS.slice(0, 3)
        .map(([other]) => `<li>${escapeHtml(other)}</li>`)
        .join('')}</ul>
<p style="font-size: 80%">You get this because you asked for it. <a href="https://measurement-weekly.example/leave">Leave</a></p></td></tr></table>`,
    );
    const body = multipart('related', [
      textPart(html, { subtype: 'html' }),
      filePart(pngChart('logo.png', [20, 40, 60, 40, 20, 30, 50], [0xc7, 0x3e, 0x1d]), contentId),
    ]);
    const fields: Field[] = [
      ['Subject', `Measurement Weekly no. ${issue + 1}: ${title}`],
      ['List-Id', 'Measurement Weekly <news.measurement-weekly.example>'],
      ['List-Unsubscribe', '<https://measurement-weekly.example/leave>'],
      ['Precedence', 'bulk'],
      ['X-Campaign', `weekly-${issue + 1}`],
    ];
    maker.put(
      { from: 'newsletter', to: [maker.account] },
      { id: maker.id(`news ${issue}`), sent, fields, body, folder: 'Newsletters' },
    );
  }
}

export function putBuilds(maker: MailMaker): void {
  for (let number = 0; number < BUILD_COUNT; number += 1) {
    const [job, passed] = BUILDS[number % BUILDS.length] ?? ['tern-firmware', true];
    const build = 1180 + number;
    const sent = maker.end - (BUILD_COUNT - number) * 1.5 * DAY + 2 * HOUR;
    const text = passed
      ? `${job} #${build} passed in ${3 + (number % 5)} min ${(number * 17) % 60} s.\n\n412 tests, 0 failed.`
      : `${job} #${build} failed in step "test".\n\n412 tests, 2 failed:\n\n  radio/wake_test.c:118\n  log/read_test.c:44\n\nLast change: ${(build * 7919).toString(16)} by Bob Mason`;
    const fields: Field[] = [
      ['Subject', `[builds] ${job} #${build}: ${passed ? 'passed' : 'FAILED'}`],
      ['Auto-Submitted', 'auto-generated'],
      ['X-Build', String(build)],
    ];
    const to: Who = passed || number % 3 === 0 ? 'bob' : 'alice';
    maker.put(
      { from: 'builds', to: [to] },
      { id: maker.id(`build ${number}`), sent, fields, body: textPart(text), folder: 'Builds' },
    );
  }
}

export function putAlerts(maker: MailMaker): void {
  for (let number = 0; number < ALERT_COUNT; number += 1) {
    const [level, title, text] = ALERTS[number % ALERTS.length] ?? ['warning', '', ''];
    const sent = maker.end - (ALERT_COUNT - number) * 2 * DAY + ((number * 131) % 1440) * 60_000 - DAY;
    const fields: Field[] = [
      ['Subject', `${level.toUpperCase()}: ${title}`],
      ['Auto-Submitted', 'auto-generated'],
      ['Keywords', `monitoring, ${level}`],
      ...(level === 'critical' ? ([['X-Priority', '1 (Highest)']] as const) : []),
    ];
    maker.put(
      { from: 'monitor', to: ['alice', 'bob'] },
      { id: maker.id(`alert ${number}`), sent, fields, body: textPart(text) },
    );
  }
}

export function putOrders(maker: MailMaker): void {
  ORDERS.forEach(([what, count, price], number) => {
    const sent = maker.end - (ORDERS.length - number) * 13 * DAY;
    const total = (count * price).toFixed(2);
    const lines = [
      `Invoice ${70210 + number}`,
      '',
      `${count} x ${what}`,
      `EUR ${total}`,
      '',
      'Payable within 14 days.',
    ];
    const text = `Thank you for your order.\n\n${count} × ${what}: ${total} €\n\nYour invoice is attached.`;
    const html = page(
      `<p>Thank you for your order.</p><table><tr><td>${count} ×</td><td>${escapeHtml(what)}</td><td><b>${total} €</b></td></tr></table><p>Your invoice is attached.</p>`,
    );
    const body = multipart('mixed', [
      multipart('alternative', [textPart(text), textPart(html, { subtype: 'html' })]),
      filePart(pdfPage(`invoice-${70210 + number}.pdf`, lines)),
    ]);
    const fields: Field[] = [['Subject', `Your order ${70210 + number}`]];
    maker.put(
      { from: 'shop', to: [number % 2 === 0 ? 'alice' : 'bob'] },
      { id: maker.id(`order ${number}`), sent, fields, body },
    );
  });
}

/** Invitations to the weekly meeting, one of which was called off; the last one is to all that follow. */
export function putMeetings(maker: MailMaker): void {
  for (let week = MEETINGS - 1; week >= 0; week -= 1) {
    const sent = maker.end - (week * 7 + 4) * DAY;
    const isCancelled = week === 3;
    const method = isCancelled ? 'CANCEL' : 'REQUEST';
    const start = new Date(sent + 4 * DAY);
    start.setUTCHours(8, 0, 0, 0);
    const stamp = (date: Date): string => date.toISOString().replace(/[-:]|\.\d{3}/g, '');
    const event = [
      'BEGIN:VCALENDAR',
      'VERSION:2.0',
      `PRODID:-//${maker.domain}//Calendar//EN`,
      `METHOD:${method}`,
      'BEGIN:VEVENT',
      `UID:tern-weekly-${week}@${maker.domain}`,
      `DTSTAMP:${stamp(new Date(sent))}`,
      `DTSTART:${stamp(start)}`,
      'DURATION:PT30M',
      ...(week === 0 ? ['RRULE:FREQ=WEEKLY;COUNT=12'] : []),
      `SEQUENCE:${isCancelled ? 1 : 0}`,
      `STATUS:${isCancelled ? 'CANCELLED' : 'CONFIRMED'}`,
      'SUMMARY:Tern weekly',
      'LOCATION:Room Fahrenheit\\, 2nd floor',
      `ORGANIZER;CN="Priya Raman":mailto:${maker.people.priya.address}`,
      ...(['alice', 'bob'] as const).map(
        (who) => `ATTENDEE;CN="${maker.people[who].name}";RSVP=TRUE:mailto:${maker.people[who].address}`,
      ),
      'END:VEVENT',
      'END:VCALENDAR',
    ];
    const text = isCancelled
      ? 'I am away: no meeting this week.\n\nPriya'
      : `${week === 0 ? 'Every ' : ''}Tuesday at ten in Fahrenheit, thirty minutes.\n\nPriya`;
    const body = multipart('alternative', [textPart(text), calendarPart(event, method)]);
    const fields: Field[] = [['Subject', isCancelled ? 'Canceled: Tern weekly' : 'Tern weekly']];
    maker.put({ from: 'priya', to: ['alice', 'bob'] }, { id: maker.id(`meeting ${week}`), sent, fields, body });
  }
}

/** Questions of customers, and what bob answered. */
export function putTickets(maker: MailMaker): void {
  for (let number = 0; number < TICKETS; number += 1) {
    const customer = CUSTOMERS[(number * 5) % CUSTOMERS.length];
    const entry = QUESTIONS[number % QUESTIONS.length];
    if (customer === undefined || entry === undefined) continue;
    const [subject, question, answer] = entry;
    const sent = maker.end - (TICKETS - number) * 3.1 * DAY - ((number * 71) % 600) * 60_000;
    const asked = maker.id(`ticket ${number}`);
    const tagged = `${subject} [ticket ${5200 + number}]`;
    const text = `Hello,\n\n${question}\n\nRegards\n${customer.name}`;
    const shared = { charset: customer.charset, folder: 'Support' } as const;
    const fields: Field[] = [
      ['Subject', tagged],
      ['X-Ticket', String(5200 + number)],
    ];
    const body = textPart(text, customer.charset === undefined ? {} : { charset: customer.charset });
    const isAnswered = maker.account === 'bob' && sent + 5 * HOUR < maker.end;
    maker.put({ from: customer, to: ['bob'], cc: ['alice'] }, { ...shared, id: asked, sent, fields, body, isAnswered });

    const reply = `Hello,\n\n${answer}\n\nBest regards\nBob Mason\n\n${customer.name} wrote:\n${text
      .split('\n')
      .map((line) => `> ${line}`.trimEnd())
      .join('\n')}`;
    const replyFields: Field[] = [
      ['Subject', `RE: ${tagged}`],
      ['In-Reply-To', asked],
      ['References', asked],
      ['X-Ticket', String(5200 + number)],
    ];
    maker.put(
      { from: 'bob', to: [customer], cc: ['alice'] },
      {
        folder: 'Support',
        id: maker.id(`answer ${number}`),
        sent: sent + 5 * HOUR,
        fields: replyFields,
        body: textPart(reply, { flowed: true }),
      },
    );
  }
}
