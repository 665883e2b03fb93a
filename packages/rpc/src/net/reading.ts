import { Socket } from 'node:net';

/** What one read brings at most, bytes. */
export const READ_SIZE = 64 * 1024;
/** A read of more than this is worth a buffer of one's own for the next one, bytes. */
const LARGE = 8 * 1024;
/** So many smaller reads in a row, and the buffer is given up. */
const SMALL_READS = 4;

/** Where all sockets read to that have no buffer of their own: what comes in is copied out of it at once. */
const shared = Buffer.allocUnsafeSlow(READ_SIZE);

/**
 * Node reads into a caller's buffer when a socket is *made* with `onread`; sockets that a server accepted cannot be. The
 * three properties that `onread` sets, and the handle's method behind them, are found here by their names. Where a
 * version of Node has them no more, sockets are read through `data` events, which costs an allocation of 64 KiB for each
 * read and the garbage collector's time.
 */
interface OnreadInternals {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

interface OnreadSocket {
  [property: symbol]: unknown;
  readonly _handle?: { useUserBuffer?(buffer: Uint8Array): void } | null;
}

const internals = findInternals();

function findInternals(): OnreadInternals | undefined {
  const probe = new Socket();
  const symbols = new Map(Object.getOwnPropertySymbols(probe).map((symbol) => [symbol.description, symbol]));
  const [buffer, callback, generator] = ['kBuffer', 'kBufferCb', 'kBufferGen'].map((name) => symbols.get(name));
  probe.destroy();
  if (buffer === undefined || callback === undefined || generator === undefined) return undefined;
  return { buffer, callback, generator };
}

/** Buffers that nobody reads into or sends from, for the next that needs one. */
const free: Buffer[] = [];
/** More than these are left to the garbage collector. */
const MAX_FREE = 64;

/** A buffer that was read into and is still being sent from, by so many legs. */
export class Loan {
  readonly #buffer: Buffer;
  #borrowers: number;

  constructor(buffer: Buffer, borrowers: number) {
    this.#buffer = buffer;
    this.#borrowers = borrowers;
  }

  /** One of the borrowers has sent everything. A borrower whose socket is destroyed never says so. */
  giveBack(): void {
    this.#borrowers--;
    if (this.#borrowers === 0 && free.length < MAX_FREE) free.push(this.#buffer);
  }
}

/**
 * Reads a socket without an allocation for each read. Small reads are copied out of a buffer that all sockets share; a
 * socket that reads much has one of its own for as long as it does, lent to whoever has not sent what was read when
 * `onData` returns. The socket must be paused; `resume` starts it.
 *
 * @param onData is given a view that is valid until it returns.
 * @param lend is asked after each large read: it takes the loan of the buffer if something still needs it, or returns false.
 * @param limit how much the next read should bring at most, bytes, at least 1; asked of sockets that read much.
 */
export function readSocket(
  socket: Socket,
  onData: (chunk: Uint8Array) => void,
  lend: (buffer: Buffer) => boolean,
  limit: () => number,
): void {
  for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) onData(chunk);
  const target = socket as unknown as OnreadSocket;
  const handle = target._handle;
  if (internals === undefined || handle?.useUserBuffer === undefined) {
    socket.on('data', onData);
    return;
  }
  let own: Buffer | undefined;
  let small = 0;
  target[internals.buffer] = shared;
  target[internals.generator] = (): Buffer => {
    if (own === undefined) return shared;
    const size = limit();
    return size < READ_SIZE ? own.subarray(0, size) : own;
  };
  target[internals.callback] = (length: number, buffer: Buffer): boolean => {
    const used = own;
    if (used === undefined) {
      if (length > LARGE) {
        own = free.pop() ?? Buffer.allocUnsafeSlow(READ_SIZE);
        small = 0;
      }
      const copy = Buffer.allocUnsafe(length);
      buffer.copy(copy, 0, 0, length);
      onData(copy);
      return true;
    }
    onData(buffer.subarray(0, length));
    const lent = lend(used);
    small = length > LARGE ? 0 : small + 1;
    if (small === SMALL_READS) own = undefined;
    else if (lent) own = free.pop() ?? Buffer.allocUnsafeSlow(READ_SIZE);
    if (own === undefined && !lent && free.length < MAX_FREE) free.push(used);
    return true;
  };
  handle.useUserBuffer(shared);
}
