import type { After } from '../timer.ts';
import type { SessionInfo } from './messages.ts';

/** Milliseconds after which EcDoAsyncWaitEx is answered though nothing has happened ([MS-OXCRPC] 3.3.4.1). */
export const ASYNC_WAIT = 5 * 60 * 1000;

/** EcDoRpcExt2 calls of one session that may wait for each other; one more is a fault nca_s_server_too_busy. */
export const MAX_WAITING_CALLS = 16;

/** How a parked EcDoAsyncWaitEx ended. */
export type WaitEnd = 'pending' | 'idle' | 'over';

interface Parked {
  readonly settle: (end: WaitEnd) => void;
  cancelTimer: () => void;
}

/** A session on the side of the RPC server: who it is of, where its logons live, and its parked call. */
export class ClientSession {
  readonly info: SessionInfo;
  /** pulTimeStamp. */
  readonly stamp: number;
  /** Workers that know this session. */
  readonly workers = new Set<number>();
  /** Which worker has which logon. */
  readonly logons = new Map<number, number>();
  /** Workers that have said that there are notifications, and were not asked since. */
  readonly pending = new Set<number>();
  readonly #after: After;
  #queue: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #parked: Parked | undefined;
  #over = false;

  constructor(info: SessionInfo, stamp: number, after: After) {
    this.info = info;
    this.stamp = stamp;
    this.#after = after;
  }

  /** Whether it has ended: nothing can be done with it any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Whether as many calls wait as may. */
  get busy(): boolean {
    return this.#waiting >= MAX_WAITING_CALLS;
  }

  /** Does one thing after another: ROP buffers of a session never run at once ([MS-OXCRPC] 3.1.4.2). */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting += 1;
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Notes which logons a worker has, and returns nothing; a LogonId is with the last worker that named it. */
  setLogons(worker: number, logonIds: readonly number[]): void {
    for (const [logonId, other] of this.logons) if (other === worker) this.logons.delete(logonId);
    for (const logonId of logonIds) this.logons.set(logonId, worker);
  }

  /** A worker has notifications. */
  notify(worker: number): void {
    this.pending.add(worker);
    this.#parked?.settle('pending');
  }

  /** EcDoRpcExt2 was called: what is parked may go on being so. */
  active(): void {
    if (this.#parked === undefined) return;
    this.#parked.cancelTimer();
    this.#parked.cancelTimer = this.#after(ASYNC_WAIT, () => this.#parked?.settle('idle'));
  }

  /** Whether a call is parked. */
  get parked(): boolean {
    return this.#parked !== undefined;
  }

  /** Parks a call until there are notifications, for {@link ASYNC_WAIT} without EcDoRpcExt2, or until `signal` is aborted, which rejects. */
  park(signal: AbortSignal): Promise<WaitEnd> {
    if (this.#over) return Promise.resolve('over');
    if (this.pending.size > 0) return Promise.resolve('pending');
    return new Promise<WaitEnd>((resolve, reject) => {
      const end = () => {
        this.#parked?.cancelTimer();
        this.#parked = undefined;
        signal.removeEventListener('abort', abort);
      };
      const abort = () => {
        end();
        reject(signal.reason);
      };
      const settle = (why: WaitEnd) => {
        end();
        resolve(why);
      };
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      signal.addEventListener('abort', abort);
      this.#parked = { settle, cancelTimer: this.#after(ASYNC_WAIT, () => settle('idle')) };
    });
  }

  /** The session ends; what is parked is answered. */
  end(): void {
    this.#over = true;
    this.#parked?.settle('over');
  }
}
