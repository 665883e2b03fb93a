import type { TransferChild } from './children.ts';
import type { KeptMemory } from './inspector.ts';

/** Shares of a transfer at which what is kept is looked at: warm, half-way, done. */
const MARKS = [0.1, 0.5, 0.97] as const;

/** One look at what a process keeps. */
export interface MemoryMark extends KeptMemory {
  /** How much of the transfer was done, 0 to 1. */
  readonly share: number;
}

/** The memory of one process during a transfer. */
export interface ProcessMemory {
  readonly name: string;
  /** At a tenth of the transfer, at half, when pools and code are warm, TLS's last of all, and at the end. */
  readonly marks: readonly MemoryMark[];
  /** Largest resident memory between collections, bytes. */
  readonly peak: number;
}

/** Looks at the memory of processes while they work. */
export class MemoryWatch {
  readonly #children: readonly TransferChild[];
  readonly #marks: ReadonlyMap<TransferChild, MemoryMark[]>;
  readonly #peaks = new Map<TransferChild, number>();
  readonly #last = new Map<string, number>();
  #marking: Promise<void> = Promise.resolve();
  #marked = 0;

  constructor(children: readonly TransferChild[]) {
    this.#children = children;
    this.#marks = new Map(children.map((child) => [child, []]));
  }

  /** To be called every so often. @param share how much of the transfer is done, 0 to 1. */
  look(share: number): void {
    for (const child of this.#children) {
      const { rss } = child;
      if (rss === undefined) continue;
      this.#last.set(child.name, rss);
      this.#peaks.set(child, Math.max(this.#peaks.get(child) ?? 0, rss));
    }
    while (share >= (MARKS[this.#marked] ?? Number.POSITIVE_INFINITY)) {
      this.#marked++;
      this.#marking = this.#marking.then(() => this.#mark(share));
      this.#marking.catch(() => {});
    }
  }

  /** Resident memory seen last of each process, bytes. */
  get last(): ReadonlyMap<string, number> {
    return this.#last;
  }

  /** What was seen. Rejects where a process could not be asked. */
  async report(): Promise<ProcessMemory[]> {
    await this.#marking;
    return this.#children.map((child) => ({
      name: child.name,
      marks: this.#marks.get(child) ?? [],
      peak: this.#peaks.get(child) ?? Number.NaN,
    }));
  }

  async #mark(share: number): Promise<void> {
    for (const [child, marks] of this.#marks) {
      const inspector = await child.inspector();
      marks.push({ share, ...(await inspector.keptMemory()) });
    }
  }
}
