import type { ImportProgress } from '@rpch/store';
import { tellSize } from '../mail/quantities.ts';

/** Milliseconds between two lines, on a terminal and in a file. */
const PAUSE = { terminal: 100, file: 10_000 } as const;

/** A line that is written over on a terminal, and told now and then elsewhere. */
export class ProgressLine {
  readonly #out: { readonly err: (text: string) => void; readonly isTerminal: boolean; readonly now: () => number };
  #last: number | undefined;
  #isOpen = false;

  constructor(out: { readonly err: (text: string) => void; readonly isTerminal: boolean; readonly now: () => number }) {
    this.#out = out;
  }

  show(text: string): void {
    const { err, isTerminal, now } = this.#out;
    const time = now();
    if (this.#last !== undefined && time - this.#last < (isTerminal ? PAUSE.terminal : PAUSE.file)) return;
    this.#last = time;
    this.#isOpen = isTerminal;
    err(isTerminal ? `\r\x1b[K${text}` : `${text}\n`);
  }

  /** Takes the line away: what is written next stands in its place. */
  end(): void {
    if (this.#isOpen) this.#out.err('\r\x1b[K');
    this.#isOpen = false;
  }
}

/** `1 message`, `12,400 messages`. */
export function tellMessages(count: number): string {
  return `${tellCount(count)} ${count === 1 ? 'message' : 'messages'}`;
}

/** `12,400 messages, 310 MiB of 1.2 GiB (25 %), 830 a second, 2 min 10 s left`. */
export function tellProgress({ messages, bytes, totalBytes, elapsed, remaining }: ImportProgress): string {
  const percent = totalBytes === 0 ? 100 : Math.min(100, Math.floor((bytes * 100) / totalBytes));
  const rate = elapsed === 0 ? '' : `, ${tellCount(Math.round((messages * 1000) / elapsed))} a second`;
  const left = remaining === undefined ? '' : `, ${tellDuration(remaining)} left`;
  return `${tellMessages(messages)}, ${tellSize(bytes)} of ${tellSize(totalBytes)} (${percent} %)${rate}${left}`;
}

/** `12,400`. */
export function tellCount(count: number): string {
  return count.toLocaleString('en-GB');
}

/** `8 s`, `2 min 10 s`, `3 h 5 min`. */
export function tellDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}
