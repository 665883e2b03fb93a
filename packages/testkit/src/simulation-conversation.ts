import { PduType } from '@rpch/rpc/internal';
import type { Plan } from './simulation-plan.ts';
import type { SeededRandom } from './simulation-random.ts';
import { Outbox, type Speaker, Traffic } from './simulation-traffic.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** The two applications: a client that calls and a server that answers, as the plan says. */
export class Conversation {
  readonly #plan: Plan;
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #requests: Traffic;
  readonly #answers: Traffic;
  readonly #requestBox: Outbox;
  readonly #answerBox: Outbox;
  #callsBegun = 0;
  #requestsDone = 0;
  #answersDone = 0;

  constructor(plan: Plan, clock: VirtualClock, random: SeededRandom, client: Speaker, server: Speaker) {
    this.#plan = plan;
    this.#clock = clock;
    this.#random = random;
    this.#requests = new Traffic('requests', PduType.request, random);
    this.#answers = new Traffic('answers', PduType.response, random);
    this.#requestBox = new Outbox(clock, random, client);
    this.#answerBox = new Outbox(clock, random, server);
  }

  /** Whether every call was sent, received and answered, and every answer received. */
  get over(): boolean {
    const { length } = this.#plan.calls;
    return this.#requestsDone === length && this.#answersDone === length && this.#answers.allReceived;
  }

  get progress(): string {
    return `${this.#requests.progress}; ${this.#answers.progress}`;
  }

  /** The client may call. */
  clientOpened(): void {
    this.#call();
  }

  /** The server may send: in free traffic it waits for no call. */
  serverOpened(): void {
    if (this.#plan.traffic === 'free') for (const call of this.#plan.calls) this.#answer(call.answer);
  }

  requestsArrive(run: Uint8Array, count: number): void {
    for (let n = this.#requests.receive(run, count); n > 0; n--) {
      const call = this.#plan.calls[this.#requestsDone++];
      if (call === undefined || this.#plan.traffic === 'free') continue;
      this.#clock.after(this.#random.int(0, 300), () => this.#answer(call.answer));
    }
  }

  answersArrive(run: Uint8Array, count: number): void {
    const done = this.#answers.receive(run, count);
    this.#answersDone += done;
    if (done > 0) this.#clock.after(this.#random.int(0, 500), () => this.#call());
  }

  #call(): void {
    const { calls, concurrency, traffic } = this.#plan;
    while (
      this.#callsBegun < calls.length &&
      (traffic === 'free' || this.#callsBegun - this.#answersDone < concurrency)
    ) {
      const request = calls[this.#callsBegun++]?.request ?? [];
      request.forEach((length, i) => {
        this.#requestBox.add(this.#requests.make(length, i === 0, i === request.length - 1));
      });
    }
  }

  #answer(lengths: readonly number[]): void {
    lengths.forEach((length, i) => {
      this.#answerBox.add(this.#answers.make(length, i === 0, i === lengths.length - 1));
    });
  }
}
