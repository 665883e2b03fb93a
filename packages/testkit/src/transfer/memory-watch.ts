import type { TransferChild } from './children.ts';

/** Resident memory of one process during a transfer, bytes; medians of several looks, for garbage is collected now and then. */
export interface ProcessMemory {
  readonly name: string;
  /** About when a tenth of the transfer was done. */
  readonly tenth: number;
  /** About when half of it was done: pools and code are warm by then, TLS's last of all. */
  readonly half: number;
  /** In the last tenth. */
  readonly late: number;
  readonly peak: number;
}

interface Sample {
  readonly share: number;
  readonly rss: number;
}

/** Looks at the memory of processes while they work. */
export class MemoryWatch {
  readonly #samples: ReadonlyMap<TransferChild, Sample[]>;

  constructor(children: readonly TransferChild[]) {
    this.#samples = new Map(children.map((child) => [child, []]));
  }

  /** To be called every so often. @param share how much of the transfer is done, 0 to 1. */
  look(share: number): void {
    for (const [child, samples] of this.#samples) {
      const { rss } = child;
      if (rss !== undefined) samples.push({ share, rss });
    }
  }

  /** What was seen last of each process, bytes. */
  get last(): ReadonlyMap<string, number> {
    return new Map([...this.#samples].map(([{ name }, samples]) => [name, samples.at(-1)?.rss ?? Number.NaN]));
  }

  report(): ProcessMemory[] {
    return [...this.#samples].map(([{ name }, samples]) => ({
      name,
      tenth: median(samples.filter(({ share }) => share >= 0.05 && share <= 0.15)),
      half: median(samples.filter(({ share }) => share >= 0.45 && share <= 0.55)),
      late: median(samples.filter(({ share }) => share >= 0.9)),
      peak: Math.max(...samples.map(({ rss }) => rss)),
    }));
  }
}

/** NaN where there is no sample. */
function median(samples: readonly Sample[]): number {
  const sorted = samples.map(({ rss }) => rss).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
