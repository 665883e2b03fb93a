import { hash } from 'node:crypto';
import type { MailFlags } from '../convert/status-flags.ts';
import { type Charset, compose, type Entity, mailbox } from './compose.ts';
import { demoPeople, type Person, type Who } from './people.ts';

/** One message in the mailbox of one of the accounts. */
export interface DemoMail {
  readonly bytes: Uint8Array;
  readonly folder: readonly string[];
  readonly flags: MailFlags;
  /** Milliseconds since 1970. */
  readonly sent: number;
}

/** Milliseconds. */
export const HOUR = 3_600_000;
/** Milliseconds. */
export const DAY = 24 * HOUR;
/** What was sent within so many days is unread for those who have not answered it. */
const UNREAD_DAYS = 3;

/** A header field: name and value. */
export type Field = readonly [string, string];

/** Who writes to whom. */
export interface Route {
  readonly from: Who | Person;
  readonly to: readonly (Who | Person)[];
  readonly cc?: readonly (Who | Person)[];
}

/** What a mail is made of. */
export interface MailParts {
  readonly id: string;
  readonly sent: number;
  readonly fields: readonly Field[];
  readonly body: Entity;
  readonly folder?: string | undefined;
  readonly charset?: Charset | undefined;
  readonly isAnswered?: boolean;
  readonly isFlagged?: boolean;
}

/** Makes the mail of one account, and keeps what that account has of it. */
export class MailMaker {
  readonly mails: DemoMail[] = [];
  readonly account: 'alice' | 'bob';
  readonly domain: string;
  /** Milliseconds since 1970. */
  readonly end: number;
  readonly people: ReturnType<typeof demoPeople>;

  constructor(account: 'alice' | 'bob', domain: string, end: number) {
    this.account = account;
    this.domain = domain;
    this.end = end;
    this.people = demoPeople(domain);
  }

  /** Puts a message where this account has it: sent, received, or nowhere. */
  put(letter: Route, mail: MailParts): void {
    const { sent, folder, isAnswered = false, isFlagged = false } = mail;
    const isOwn = letter.from === this.account;
    const isReader = letter.to.includes(this.account) || letter.cc?.includes(this.account) === true;
    if (sent > this.end || (!isOwn && !isReader)) return;
    const bytes = this.compose(letter, mail);
    if (isOwn) {
      this.mails.push({ bytes, folder: ['Sent Items'], flags: { read: true, fromMe: true }, sent });
    } else {
      const read = isAnswered || sent < this.end - UNREAD_DAYS * DAY;
      const path = folder === undefined ? ['Inbox'] : folder.split('/');
      this.mails.push({ bytes, folder: path, flags: { read, answered: isAnswered, flagged: isFlagged }, sent });
    }
  }

  compose({ from, to, cc }: Route, { id, sent, fields, body, charset }: MailParts): Uint8Array {
    const sender: Person = this.person(from);
    const written = charset ?? 'utf-8';
    const list = (who: Route['to']): string => who.map((one) => this.mailboxOf(one, written)).join(', ');
    const host = sender.address.slice(sender.address.indexOf('@') + 1);
    const queue = hash('sha256', id).slice(0, 11).toUpperCase();
    return compose(
      [
        ['Return-Path', `<${sender.address}>`],
        [
          'Received',
          `from mail.${host} (mail.${host} [192.0.2.25]) by mail.${this.domain} with ESMTPS id ${queue}; ${dateField(sent + 4000)}`,
        ],
        ['Date', dateField(sent)],
        ['From', this.mailboxOf(from, written)],
        ['To', list(to)],
        ...(cc === undefined ? [] : ([['Cc', list(cc)]] as const)),
        ...fields,
        ['Message-ID', id],
        ['X-Mailer', sender.program],
      ],
      body,
      written,
    );
  }

  mailboxOf(who: Who | Person, charset: Charset = 'utf-8'): string {
    const { name, address, charset: own }: Person = this.person(who);
    // A name that the letter's character set has not is written in UTF-8.
    const fits = charset === 'iso-8859-1' ? /^[\x20-\xff]*$/.test(name) : own === charset;
    return mailbox(name, address, fits ? charset : 'utf-8');
  }

  person(who: Who | Person): Person {
    return typeof who === 'string' ? this.people[who] : who;
  }

  id(what: string): string {
    return `<${hash('sha256', what).slice(0, 20)}@${this.domain}>`;
  }
}

/** A date as header fields have it (RFC 5322 3.3). */
export function dateField(time: number): string {
  return new Date(time).toUTCString().replace('GMT', '+0000');
}

/** A page of HTML around a body. */
export function page(body: string): string {
  return `<html><head><meta http-equiv="Content-Type" content="text/html; charset=utf-8"><style>p, td { font-family: sans-serif }</style></head>\n<body>\n${body}\n</body></html>\n`;
}

/** Text as HTML has it. */
export function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
