import { type AssociationOutput, fragLengthAt, RpchError } from '@rpch/rpc/internal';
import { must } from './fuzz-target.ts';

/** PDUs that fill a run, each a copy. */
export function cutRun(run: Uint8Array, count: number): Uint8Array[] {
  const pdus: Uint8Array[] = [];
  for (let at = 0; at < run.length; ) {
    const end = at + fragLengthAt(run, at);
    must(end <= run.length, 'a PDU that is sent is whole');
    pdus.push(run.slice(at, end));
    at = end;
  }
  must(pdus.length === count, 'so many PDUs are sent as it says');
  return pdus;
}

/** Takes what an association sends, and sees to it that it keeps to its contract. */
export class Wire implements AssociationOutput {
  readonly #isFull: boolean;
  readonly #pdus: Uint8Array[] = [];
  #defect: Error | undefined;
  /** It was told that there is no room. */
  full = false;
  held = false;
  over = false;
  /** Bytes that were sent. */
  sent = 0;

  /** @param isFull there is room for one run at a time. */
  constructor(isFull: boolean) {
    this.#isFull = isFull;
  }

  send(run: Uint8Array, count: number): boolean {
    this.#must(!this.over, 'nothing is sent after the end');
    this.#must(!this.full, 'nothing is sent while there is no room');
    this.#pdus.push(...cutRun(run, count));
    this.sent += run.length;
    this.full = this.#isFull;
    return !this.full;
  }

  hold(held: boolean): void {
    this.#must(held !== this.held, 'only changes are told');
    this.held = held;
  }

  end(why: RpchError | undefined): void {
    this.#must(!this.over, 'it ends once');
    this.over = true;
    this.#must(why === undefined || why instanceof RpchError, `it ends for a reason that is an RpchError: ${why}`);
    if (why?.code === 'RPCH_INTERNAL') this.#defect ??= why;
  }

  handlerFailed(why: RpchError): void {
    this.#defect ??= why;
  }

  callRefused(): void {}

  /** Throws what went wrong here: whoever calls a wire may have caught it. */
  check(): void {
    if (this.#defect !== undefined) throw new Error('a defect', { cause: this.#defect });
  }

  /** What was sent since the last time. */
  take(): Uint8Array[] {
    return this.#pdus.splice(0);
  }

  #must(holds: boolean, what: string): void {
    if (holds) return;
    this.#defect ??= new Error(`broken promise: ${what}`);
    throw this.#defect;
  }
}
