import { eventually } from '../src/live-proxy.ts';
import type { MailScene } from './mail-scene.ts';
import type { MailTally } from './mail-tally.ts';

/** Patience with lines that are written together, and with the one that says how many were left out, ms. */
const WRITTEN_WITHIN = 10_000;

/** What was refused since this was made, and the lines that say so. */
export class LogExpectation {
  readonly #scene: MailScene;
  readonly #tally: MailTally;
  readonly #of: string;
  readonly #before: ReadonlyMap<string, number>;
  readonly #expected = new Map<string, number>();

  /** @param of what is looked at, for the finding. */
  constructor(scene: MailScene, tally: MailTally, of = '') {
    this.#of = of;
    this.#scene = scene;
    this.#tally = tally;
    this.#before = new Map(scene.server.counts);
  }

  /** An attempt that must be refused, with a line of its own for this event. */
  async refused(event: string, what: string, attempt: () => Promise<number>): Promise<void> {
    await this.#tally.mustFail(what, attempt);
    this.expect(event, 1);
  }

  /** So many lines more are due. */
  expect(event: string, lines: number): void {
    this.#expected.set(event, (this.#expected.get(event) ?? 0) + lines);
  }

  /** Waits until all lines are there that are due; says so where they are not. */
  async check(): Promise<void> {
    for (const [event, expected] of this.#expected) {
      const written = () => this.#scene.server.count(event) - (this.#before.get(event) ?? 0);
      try {
        await eventually(
          () => written() >= expected,
          () => '',
          WRITTEN_WITHIN,
        );
      } catch {
        this.#tally.found(`${this.#of} ${expected} refusals, and ${written()} lines ${event}`.trim());
      }
    }
  }
}
