import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PeerIdentity, RpcInterface } from '@rpch/rpc';
import type { Directory } from '../directory/model.ts';
import { KEEP_DELETED } from '../mailbox/limits.ts';
import { MAILBOXES } from '../mailbox/mailbox-file.ts';
import { BoundedLog } from './bounded-log.ts';
import type { ClientSession } from './emsmdb/client-session.ts';
import { DEFAULT_LEVEL, EmsmdbServer } from './emsmdb/emsmdb-server.ts';
import { type FromWorker, type RopAnswer, type RopCall, type RopContinuation, workerOf } from './emsmdb/messages.ts';
import { SessionRegistry } from './emsmdb/session-registry.ts';
import type { ServiceLog } from './log.ts';
import { type After, afterTimeout } from './timer.ts';
import { type StartWorker, startThread, type WorkerPort } from './worker-link.ts';

/** Worker threads by default: mailboxes are spread over them. */
const DEFAULT_WORKERS = 2;
/** ms that workers have for what they are at when the store is closed. */
const CLOSE_GRACE = 5_000;

/** What a store needs. */
export interface StoreHostOptions {
  /** Folder of everything that is stored; mailboxes are in `mailboxes` below it. */
  readonly dataDir: string;
  /** The directory of the moment. */
  readonly directory: () => Directory;
  readonly log: ServiceLog;
  /** Number of worker threads, 1 to 64. */
  readonly workers?: number;
  /** Days for which soft-deleted messages are kept; 0: what is deleted is gone. Default: 14. */
  readonly keepDeleted?: number;
  /** Lowest AuthLevel of EMSMDB and AsyncEMSMDB; default: privacy. */
  readonly minimumLevel?: number;
  /** Whether NSPI and RFR are served at the same endpoint as EMSMDB, which clients then use alone; default: false. */
  readonly singleEndpoint?: boolean;
  /** The account of a caller in canonical form; by default his user name as it is, which `rpch serve` has made canonical. */
  readonly accountOf?: (identity: PeerIdentity) => string;
  /** For tests: what workers are, and time. */
  readonly startWorker?: StartWorker;
  readonly now?: () => number;
  readonly after?: After;
}

type Done = Extract<FromWorker, { readonly kind: 'done' | 'elsewhere' }>;

interface LiveWorker {
  readonly port: WorkerPort;
  readonly calls: Map<number, (done: Done | undefined) => void>;
  /** The version of the directory that it has. */
  directory: number;
  readonly ended: Promise<void>;
}

/**
 * The information store of one server: sessions on this thread, mailboxes on worker threads. A worker that crashes takes its sessions
 * with it and nothing else; it is started again when it is next needed.
 */
export class StoreHost {
  readonly #options: StoreHostOptions;
  readonly #count: number;
  readonly #mailboxes: string;
  readonly #start: StartWorker;
  readonly #workers: (LiveWorker | undefined)[];
  readonly #sessions: SessionRegistry;
  readonly #server: EmsmdbServer;
  readonly #after: After;
  /** What is refused on this thread; workers bound their own lines. */
  readonly #refusals: BoundedLog;
  #lastCall = 0;
  #closing = false;

  /** Makes the folders; workers start when they are needed. */
  static async start(options: StoreHostOptions): Promise<StoreHost> {
    const mailboxes = join(options.dataDir, MAILBOXES);
    await mkdir(mailboxes, { recursive: true, mode: 0o700 });
    return new StoreHost(options, mailboxes);
  }

  private constructor(options: StoreHostOptions, mailboxes: string) {
    this.#options = options;
    this.#count = Math.min(64, Math.max(1, options.workers ?? DEFAULT_WORKERS));
    this.#mailboxes = mailboxes;
    this.#start = options.startWorker ?? startThread;
    this.#workers = new Array<LiveWorker | undefined>(this.#count).fill(undefined);
    this.#after = options.after ?? afterTimeout;
    this.#refusals = new BoundedLog(options.log, this.#after);
    this.#sessions = new SessionRegistry(this.#after);
    this.#server = new EmsmdbServer({
      directory: options.directory,
      sessions: this.#sessions,
      log: this.#refusals,
      accountOf: options.accountOf ?? (({ user }) => user),
      now: options.now ?? (() => performance.now()),
      minimumLevel: options.minimumLevel ?? DEFAULT_LEVEL,
      singleEndpoint: options.singleEndpoint ?? false,
      execute: (session, call) => session.inTurn(() => this.#execute(session, call)),
      end: (session) => this.#end(session),
    });
  }

  /** EMSMDB of this store. */
  emsmdb(): RpcInterface {
    return this.#server.emsmdb;
  }

  /** AsyncEMSMDB of this store. */
  asyncEmsmdb(): RpcInterface {
    return this.#server.asyncEmsmdb;
  }

  /** Sessions that are open. */
  get sessions(): number {
    return this.#sessions.size;
  }

  /** Ends all sessions, lets workers close their mailboxes, and ends them. */
  async close(): Promise<void> {
    this.#closing = true;
    for (const session of this.#sessions.all()) this.#end(session);
    await Promise.all(this.#workers.map((worker) => worker && this.#closeWorker(worker)));
    this.#refusals.close();
  }

  async #closeWorker({ port, ended }: LiveWorker): Promise<void> {
    const giveUp = this.#after(CLOSE_GRACE, () => void port.terminate());
    port.post({ kind: 'close' }, []);
    await ended;
    giveUp();
  }

  /** Has workers do ROPs, one after another where the session's logons live with several; undefined where the session ended. */
  async #execute(session: ClientSession, call: RopCall): Promise<RopAnswer | undefined> {
    session.active();
    let index = workerOf(session.info.account, this.#count);
    let input: RopCall | RopContinuation = { ...call, rgbIn: owned(call.rgbIn) };
    // Each ROP of a buffer moves it once at most, and each worker that has notifications once more.
    for (;;) {
      if (session.over || this.#closing) return undefined;
      const done: Done | undefined = await this.#ask(index, session, input);
      if (done === undefined) return undefined;
      if (done.logons !== undefined) session.setLogons(index, done.logons);
      if (done.kind === 'done') return done;
      index = done.worker;
      input = done.rest;
    }
  }

  #ask(index: number, session: ClientSession, input: RopCall | RopContinuation): Promise<Done | undefined> {
    const worker = this.#workerAt(index);
    if (!session.workers.has(index)) {
      session.workers.add(index);
      worker.port.post({ kind: 'begin', session: session.info }, []);
    }
    session.pending.delete(index);
    this.#lastCall += 1;
    const call = this.#lastCall;
    const elsewhere = [...session.logons].filter(([, other]) => other !== index);
    const transfer = input.kind === 'call' ? [input.rgbIn.buffer as ArrayBuffer] : [];
    return new Promise((resolve) => {
      worker.calls.set(call, resolve);
      const { id } = session.info;
      worker.port.post({ kind: 'execute', call, session: id, input, elsewhere, visit: [...session.pending] }, transfer);
    });
  }

  #end(session: ClientSession): void {
    if (!this.#sessions.end(session)) return;
    for (const index of session.workers) this.#workers[index]?.port.post({ kind: 'end', session: session.info.id }, []);
    const { account, id } = session.info;
    this.#options.log.info({ event: 'store.session.end', account, session: id }, 'session ended');
  }

  /** The worker, started where it does not run, with the directory as it is now. */
  #workerAt(index: number): LiveWorker {
    const worker = this.#workers[index] ?? this.#startWorker(index);
    const { organization, version, entries } = this.#options.directory();
    if (worker.directory !== version) {
      worker.directory = version;
      worker.port.post({ kind: 'directory', organization, version, entries }, []);
    }
    return worker;
  }

  #startWorker(index: number): LiveWorker {
    const calls: LiveWorker['calls'] = new Map();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const keepDeleted = this.#options.keepDeleted ?? KEEP_DELETED;
    const start = { mailboxes: this.#mailboxes, index, count: this.#count, keepDeleted };
    const port = this.#start(start, {
      message: (message) => this.#hear(index, calls, message),
      ended: (error) => {
        if (this.#workers[index] === worker) this.#lose(index, worker, error);
        resolve();
      },
    });
    const worker: LiveWorker = { port, calls, directory: Number.NaN, ended };
    this.#workers[index] = worker;
    return worker;
  }

  #lose(index: number, { calls }: LiveWorker, error: Error | undefined): void {
    this.#workers[index] = undefined;
    const lost = this.#sessions.knownTo(index);
    if (!this.#closing) {
      const fields = { event: 'store.worker.lost', worker: index, sessions: lost.length, error: error?.stack };
      this.#options.log.error(fields, `a worker of the store has ended: ${error?.message ?? 'nobody asked it to'}`);
    }
    for (const session of lost) this.#end(session);
    for (const settle of calls.values()) settle(undefined);
    calls.clear();
  }

  #hear(index: number, calls: LiveWorker['calls'], message: FromWorker): void {
    switch (message.kind) {
      case 'done':
      case 'elsewhere': {
        const settle = calls.get(message.call);
        calls.delete(message.call);
        settle?.(message);
        break;
      }
      case 'broken': {
        const settle = calls.get(message.call);
        calls.delete(message.call);
        settle?.(undefined);
        break;
      }
      case 'pending':
        this.#sessions.byId(message.session)?.notify(index);
        break;
      case 'log':
        this.#options.log[message.level]({ ...message.fields, worker: index }, message.message);
        break;
    }
  }
}

/** A copy, if what it is a view of is larger: a worker takes the whole buffer. */
function owned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset === 0 && bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
}
