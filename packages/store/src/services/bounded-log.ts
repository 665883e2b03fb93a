import { hash } from 'node:crypto';
import type { ServiceLog } from './log.ts';
import type { After } from './timer.ts';

/** Time for which the lines of one account are remembered, ms. */
export const INTERVAL = 60_000;
/** Time after which it is said how many lines were left out, ms. */
export const SUMMARY_AFTER = 5_000;
/** Lines of one account in an interval that are written whatever they say, and those that are written as long as each says something new. */
export const MAX_LINES = 20;
export const MAX_DISTINCT = 500;
/** Characters of a text in a line; names come from the wire. */
const MAX_TEXT = 512;
/** Longer keys are remembered by their hash. */
const MAX_KEY = 200;
/** What tells no two things apart that were asked for: where it came from, and what it was made of. */
const VOLATILE: ReadonlySet<string> = new Set(['session', 'peer', 'size', 'room', 'aux', 'bytes', 'why']);

interface Account {
  readonly name: string;
  lines: number;
  /** What was said in this interval. */
  readonly said: Set<string>;
  /** Lines that were left out and not told of, by what they are counted as. */
  readonly more: Map<string, number>;
  giveUp: (() => void) | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * A log in which what callers get wrong costs no more than it must: of each account's warnings in a minute the first
 * {@link MAX_LINES} are written, then those of which there was none like it, up to {@link MAX_DISTINCT} different ones. What is left out
 * is counted, and a line says how many of which there were. Other lines are written as they are.
 */
export class BoundedLog implements ServiceLog {
  readonly #log: ServiceLog;
  readonly #after: After;
  readonly #accounts = new Map<string, Account>();
  readonly #counts = new Map<string, number>();

  constructor(log: ServiceLog, after: After) {
    this.#log = log;
    this.#after = after;
  }

  debug(fields: Fields, message: string): void {
    this.#log.debug(fields, message);
  }

  info(fields: Fields, message: string): void {
    this.#log.info(fields, message);
  }

  error(fields: Fields, message: string): void {
    this.#log.error(fields, message);
  }

  /** A line about what an account has done: `account` or `user` of the fields. */
  warn(fields: Fields, message: string): void {
    const name = nameOf(fields);
    count(this.#counts, name);
    const account = this.#account(String(fields.account ?? fields.user ?? ''));
    const key = keyOf(fields, message);
    const isNew = !account.said.has(key) && account.said.size < MAX_DISTINCT;
    if (isNew || account.lines < MAX_LINES) {
      account.lines += 1;
      if (isNew) account.said.add(key);
      this.#log.warn(cut(fields), message);
      return;
    }
    count(account.more, name);
    account.giveUp ??= this.#after(SUMMARY_AFTER, () => this.#summarise(account));
  }

  /** Says what was left out so far, and how many warnings there were in all. */
  close(): void {
    for (const account of this.#accounts.values()) this.#summarise(account);
    if (this.#counts.size === 0) return;
    const counts = Object.fromEntries(this.#counts);
    this.#log.info({ event: 'store.refused.total', counts }, 'what was refused in all');
  }

  #account(name: string): Account {
    const known = this.#accounts.get(name);
    if (known !== undefined) return known;
    const account: Account = { name, lines: 0, said: new Set(), more: new Map(), giveUp: undefined };
    this.#accounts.set(name, account);
    this.#after(INTERVAL, () => {
      this.#summarise(account);
      this.#accounts.delete(name);
    });
    return account;
  }

  #summarise(account: Account): void {
    account.giveUp?.();
    account.giveUp = undefined;
    if (account.more.size === 0) return;
    const more = Object.fromEntries(account.more);
    account.more.clear();
    this.#log.warn({ event: 'store.refused.more', account: account.name, more }, 'more of the same');
  }
}

/** What a line is counted as: its event, and the error where there is one. Both are ours, never the wire's: there are few. */
function nameOf({ event, error }: Fields): string {
  return error === undefined ? String(event) : `${event}: ${error}`;
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function keyOf(fields: Fields, message: string): string {
  const said = Object.entries(fields).flatMap(([name, value]) => (VOLATILE.has(name) ? [] : [name, String(value)]));
  const key = JSON.stringify([message, ...said]);
  return key.length > MAX_KEY ? hash('sha256', key, 'base64') : key;
}

function cut(fields: Fields): Fields {
  const isLong = (value: unknown): value is string => typeof value === 'string' && value.length > MAX_TEXT;
  if (!Object.values(fields).some(isLong)) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, isLong(value) ? `${value.slice(0, MAX_TEXT)}…` : value]),
  );
}
