import { RpcFaultError } from '@rpch/rpc/internal';

/** Findings that are told one by one; of one defect there are thousands. */
const MOST_TOLD = 40;

/** What came of an attack. */
export class MailTally {
  attempts = 0;
  refused = 0;
  /** Refusals by what they were: return values and faults, in hexadecimal. */
  readonly refusals = new Map<string, number>();
  readonly findings: string[] = [];

  /** An attempt that was answered with a return value, 0 for what was done. */
  answered(returnValue: number): void {
    this.attempts++;
    if (returnValue === 0) return;
    this.refused++;
    this.#count(hexOf(returnValue));
  }

  /** An attempt that was answered with a fault. */
  faulted({ status }: RpcFaultError): void {
    this.attempts++;
    this.refused++;
    this.#count(`fault ${hexOf(status)}`);
  }

  found(what: string): void {
    if (this.findings.length < MOST_TOLD) this.findings.push(what);
  }

  /** Several attempts, each of which must be answered with a return value of its own. */
  mustAllBe(what: (i: number) => string, expected: readonly number[], found: readonly number[]): void {
    for (const [i, value] of found.entries()) {
      this.answered(value);
      if (value !== expected[i])
        this.found(`${what(i)}: expected 0x${expected[i]?.toString(16)}, found 0x${value.toString(16)}`);
    }
    if (found.length !== expected.length) this.found(`${expected.length} attempts, ${found.length} answers`);
  }

  /** An attempt that must be refused, whichever way; says so where it was not. */
  async mustFail(what: string, attempt: () => Promise<number>): Promise<void> {
    const result = await this.result(attempt);
    if (result === 0) this.found(`${what} was done`);
  }

  /** An attempt that must be answered with one return value, or one fault. */
  async mustBe(what: string, expected: number, attempt: () => Promise<number>): Promise<void> {
    const result = await this.result(attempt);
    if (result !== expected) this.found(`${what}: expected 0x${expected.toString(16)}, found 0x${result.toString(16)}`);
  }

  /** The return value of an attempt, or the status of its fault. */
  async result(attempt: () => Promise<number>): Promise<number> {
    try {
      const returnValue = await attempt();
      this.answered(returnValue);
      return returnValue;
    } catch (error) {
      if (!(error instanceof RpcFaultError)) throw error;
      this.faulted(error);
      return error.status;
    }
  }

  /** Lines of numbers, the most frequent first. */
  refusalLines(): string[] {
    return [...this.refusals].sort((a, b) => b[1] - a[1]).map(([what, count]) => `  ${what}: ${count}`);
  }

  #count(what: string): void {
    this.refusals.set(what, (this.refusals.get(what) ?? 0) + 1);
  }
}

/** A number as refusals are counted by it. */
export function hexOf(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
