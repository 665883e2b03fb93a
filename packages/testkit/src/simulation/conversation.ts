import { PduType } from '@rpch/rpc/internal';
import type { VirtualClock } from '../virtual-clock.ts';
import type { Plan, PlannedMessage } from './plan.ts';
import { SeededRandom } from './random.ts';
import { Outbox, type Speaker, StreamError, Traffic } from './traffic.ts';

/** The two applications: a client that calls and a server that answers, as the plan says. */
export class Conversation {
  /** Whether RPC PDUs must arrive as they were sent: not where a hostile party sends them or carries them. */
  readonly trusted = { requests: true, answers: true };
  readonly #plan: Plan;
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #requests = new Traffic('requests', PduType.request);
  readonly #answers = new Traffic('answers', PduType.response);
  readonly #requestBox: Outbox;
  readonly #answerBox: Outbox;
  #broken = false;
  #opened = false;
  #silent = false;
  #callsBegun = 0;
  #requestsDone = 0;
  #answersDone = 0;

  constructor(plan: Plan, clock: VirtualClock, client: Speaker, server: Speaker) {
    this.#plan = plan;
    this.#clock = clock;
    this.#random = SeededRandom.of(plan.seed, 'pauses of applications');
    this.#requestBox = new Outbox(this.#requests, clock, SeededRandom.of(plan.seed, 'client sends'), client);
    this.#answerBox = new Outbox(this.#answers, clock, SeededRandom.of(plan.seed, 'server sends'), server);
  }

  /** Whether every call was sent, received and answered, and every answer received; or a hostile party spoilt it. */
  get over(): boolean {
    const { length } = this.#plan.calls;
    return this.#broken || (this.#requestsDone === length && this.#answersDone === length && this.#answers.allReceived);
  }

  get progress(): string {
    return `${this.#requests.progress}; ${this.#answers.progress}`;
  }

  /** The client may call. */
  clientOpened(): void {
    if (this.#opened) throw new Error('the virtual connection was opened twice');
    this.#opened = true;
    this.#call();
  }

  /** The server may send: in free traffic it waits for no call. */
  serverOpened(): void {
    if (this.#plan.traffic !== 'free') return;
    for (const [index, call] of this.#plan.calls.entries()) this.#answer(call.answer, index);
  }

  requestsArrive(run: Uint8Array, count: number): void {
    for (let n = this.#receive(this.#requests, this.trusted.requests, run, count); n > 0; n--) {
      const index = this.#requestsDone++;
      const call = this.#plan.calls[index];
      if (call === undefined || this.#plan.traffic === 'free') continue;
      this.#clock.after(this.#random.int(0, 300), () => this.#answer(call.answer, index));
    }
  }

  answersArrive(run: Uint8Array, count: number): void {
    const done = this.#receive(this.#answers, this.trusted.answers, run, count);
    this.#answersDone += done;
    if (done > 0) this.#clock.after(this.#random.int(0, 500), () => this.#call());
  }

  #receive(traffic: Traffic, trusted: boolean, run: Uint8Array, count: number): number {
    if (this.#broken) return 0;
    try {
      return traffic.receive(run, count);
    } catch (error) {
      if (trusted || !(error instanceof StreamError)) throw error;
      this.#broken = true;
      return 0;
    }
  }

  #call(): void {
    const { calls, concurrency, traffic, silence } = this.#plan;
    while (this.#callsBegun < calls.length) {
      if (traffic !== 'free' && this.#callsBegun - this.#answersDone >= concurrency) break;
      if (this.#callsBegun === calls.length - 1 && silence > 0 && !this.#silent) {
        this.#silent = true;
        this.#clock.after(silence, () => {
          this.#silent = false;
          this.#begin();
          this.#requestBox.wake();
        });
      }
      if (this.#silent) break;
      this.#begin();
    }
    this.#requestBox.wake();
  }

  #begin(): void {
    const index = this.#callsBegun++;
    const call = this.#plan.calls[index];
    if (call !== undefined) this.#planMessage(this.#requests, call.request, `request ${index}`);
  }

  #answer(message: PlannedMessage, index: number): void {
    this.#planMessage(this.#answers, message, `answer ${index}`);
    this.#answerBox.wake();
  }

  #planMessage(traffic: Traffic, { fragments, shortest, longest }: PlannedMessage, purpose: string): void {
    const random = SeededRandom.of(this.#plan.seed, purpose);
    for (let i = 0; i < fragments; i++) {
      traffic.plan(random.int(shortest, longest), i === 0, i === fragments - 1);
    }
  }
}
