import { Association } from './association.ts';
import type { Notes } from './notes.ts';
import { describeCall } from './tell-pdu.ts';
import { shortCookie } from './told.ts';

/** Virtual connections that are remembered. */
const MAX_VIRTUAL_CONNECTIONS = 4096;
/** Streams that one of them may take, by recycling. */
const MAX_LEGS = 1000;
/** Calls without an answer that are named one by one. */
const MAX_NAMED_CALLS = 5;

/** Between client and proxy, or between proxy and server. */
export type LegSide = 'client' | 'server';
/** The kinds of channels. */
export type Channel = 'in' | 'out';

/** One channel instance of a virtual connection. */
export interface Leg {
  readonly side: LegSide;
  readonly channel: Channel;
  readonly stream: number;
}

/** What was seen of one virtual connection, on whichever connections. */
export class VirtualConnection {
  readonly label: string;
  readonly associations: Readonly<Record<LegSide, Association>> = {
    client: new Association(),
    server: new Association(),
  };
  readonly #legs: Leg[] = [];
  readonly #seen = new Set<string>();
  #refused = false;

  constructor(label: string) {
    this.label = label;
  }

  get legs(): readonly Leg[] {
    return this.#legs;
  }

  join(leg: Leg): void {
    if (this.#legs.some(({ stream }) => stream === leg.stream) || this.#legs.length >= MAX_LEGS) return;
    this.#legs.push(leg);
  }

  /** An RTS PDU of one of these names was seen on it. */
  saw(names: readonly string[]): void {
    for (const name of names) this.#seen.add(name);
  }

  /** The proxy answered one of its channels with an error, which is told on its own. */
  refused(): void {
    this.#refused = true;
  }

  has(side: LegSide, channel: Channel): boolean {
    return this.#legs.some((leg) => leg.side === side && leg.channel === channel);
  }

  /** Whether CONN/C2, or C1 where only the server's side was captured, was seen. */
  get opened(): boolean {
    return this.#seen.has('CONN/C2') || (!this.has('client', 'out') && this.#seen.has('CONN/C1'));
  }

  /** Whether a recycling was begun, of either channel and kind. */
  get recycled(): boolean {
    return [...this.#seen].some((name) => name.startsWith('IN_R') || name.startsWith('OUT_R'));
  }

  /** What went wrong on it, as far as the capture tells. */
  judge(notes: Notes): void {
    const of = `virtual connection ${this.label}`;
    if (this.#seen.has('CONN/A1') && !this.#refused) {
      if (!this.#seen.has('CONN/A3'))
        notes.add(
          `${of}: the proxy never sent CONN/A3: it did not let the OUT channel in, or something holds its answer back`,
        );
      else if (!this.#seen.has('CONN/C2')) notes.add(`${of}: CONN/C2 never came: ${this.#whyNoC2()}`);
    }
    for (const side of ['client', 'server'] as const) {
      if (this.has(side, 'in') && this.has(side, 'out')) judgeCalls(this.associations[side], of, notes);
    }
  }

  #whyNoC2(): string {
    if (!this.has('client', 'in') && !this.has('server', 'in'))
      return 'its IN channel is not in the capture, or never came';
    if (!this.has('server', 'out'))
      return 'the proxy did not reach the server, or IN and OUT channel reached different proxies';
    return this.#seen.has('CONN/C1')
      ? 'the server sent CONN/C1, and the proxy did not pass it on'
      : 'the server never sent CONN/C1';
  }
}

/** Notes the calls that are left without an answer. */
export function judgeCalls(association: Association, of: string, notes: Notes): void {
  const calls = [...association.unanswered];
  for (const [callId, call] of calls.slice(0, MAX_NAMED_CALLS)) {
    notes.add(`${of}: call ${callId} (${describeCall(call, association)}) has no answer in the capture`);
  }
  if (calls.length > MAX_NAMED_CALLS)
    notes.add(`${of}: ${calls.length - MAX_NAMED_CALLS} more calls have no answer in the capture`);
}

/** Pairs channels by the virtual connection's cookie. */
export class VirtualConnections {
  readonly #byCookie = new Map<string, VirtualConnection>();
  readonly #notes: Notes;
  #forgotten = 0;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  /** The virtual connection of a cookie, which is new where it was not seen before; the oldest makes room for it. */
  of(cookie: Uint8Array): VirtualConnection {
    const key = Buffer.from(cookie).toString('hex');
    const known = this.#byCookie.get(key);
    if (known !== undefined) return known;
    const [oldest] = this.#byCookie;
    if (oldest !== undefined && this.#byCookie.size >= MAX_VIRTUAL_CONNECTIONS) {
      oldest[1].judge(this.#notes);
      this.#byCookie.delete(oldest[0]);
      this.#forgotten++;
    }
    const made = new VirtualConnection(shortCookie(cookie));
    this.#byCookie.set(key, made);
    return made;
  }

  /** Those that are remembered, after what went wrong on them was noted. */
  judged(): VirtualConnection[] {
    const all = [...this.#byCookie.values()];
    for (const one of all) one.judge(this.#notes);
    if (this.#forgotten > 0) this.#notes.add(`${this.#forgotten} earlier virtual connections are not listed`);
    return all;
  }
}
