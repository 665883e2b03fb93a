import type { Mailbox } from '../mailbox/mailbox.ts';
import { BoundedLog } from './bounded-log.ts';
import { DirectoryView } from './emsmdb/directory-view.ts';
import { AccountAllowance, MAX_WORKER_MEMORY, MemoryPool } from './emsmdb/limits.ts';
import type { Logon } from './emsmdb/logon.ts';
import { MailboxPool } from './emsmdb/mailbox-pool.ts';
import type { FromWorker, SessionInfo, ToWorker, WorkerStart } from './emsmdb/messages.ts';
import type { RopServices } from './emsmdb/rop-context.ts';
import { RopSession } from './emsmdb/rop-session.ts';
import { runBuffer } from './emsmdb/run-buffer.ts';
import type { ServiceLog } from './log.ts';
import type { After } from './timer.ts';

/** What a worker has from outside. */
export interface WorkerSurroundings {
  readonly start: WorkerStart;
  post(message: FromWorker, transfer: ArrayBuffer[]): void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
  readonly after: After;
  /** Does something when the messages that have come meanwhile have been taken. */
  later(work: () => void): void;
}

/** What goes on in mailboxes between calls. */
interface Chore {
  isDue(store: Mailbox): boolean;
  /** Does a step of it; returns whether more remains. */
  proceed(store: Mailbox): boolean;
  /** The event in the log, and what is said, where it fails. */
  readonly failure: string;
  readonly failed: string;
}

const CHORES: readonly Chore[] = [
  {
    isDue: ({ searches }) => searches.isUnfinished,
    proceed: ({ searches }) => searches.proceed(),
    failure: 'store.search.failed',
    failed: 'a search cannot go on',
  },
  {
    isDue: ({ retention }) => retention.isDue,
    proceed: ({ retention }) => retention.proceed(),
    failure: 'store.purge.failed',
    failed: 'what was deleted long ago cannot be removed',
  },
];

/** One worker of the store: some of the mailboxes, and of each session that logs on to them its part here. */
export class StoreWorker {
  readonly #surroundings: WorkerSurroundings;
  readonly #mailboxes: MailboxPool;
  readonly #log: BoundedLog;
  readonly #sessions = new Map<number, RopSession>();
  readonly #memory = new MemoryPool(MAX_WORKER_MEMORY);
  readonly #accounts = new Map<string, { readonly allowance: AccountAllowance; sessions: number }>();
  #services: RopServices | undefined;
  /** The accounts in whose mailboxes a chore goes on between calls. */
  readonly #busy: ReadonlyMap<Chore, Set<string>> = new Map(CHORES.map((chore) => [chore, new Set()]));
  /** The session whose call is under way. */
  #running: number | undefined;

  constructor(surroundings: WorkerSurroundings) {
    const { start, now, random } = surroundings;
    this.#surroundings = surroundings;
    const { keepDeleted } = start;
    this.#mailboxes = new MailboxPool(start.mailboxes, start, { now, random, keepDeleted });
    const log = logTo((message) => surroundings.post(message, []));
    this.#log = new BoundedLog(log, surroundings.after);
  }

  /** Takes a message. What a call does wrong ends its session; what this throws is a defect of the worker's, which must end. */
  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'directory': {
        const { now, random } = this.#surroundings;
        const directory = new DirectoryView(message.organization, message.entries);
        this.#services = { directory, mailboxes: this.#mailboxes, log: this.#log, now, random };
        break;
      }
      case 'begin': {
        this.#begin(message.session);
        break;
      }
      case 'execute':
        this.#execute(message);
        break;
      case 'end':
        this.#end(message.session);
        break;
      case 'close':
        this.close();
        break;
    }
  }

  /** Ends all sessions and closes the mailboxes. */
  close(): void {
    for (const id of [...this.#sessions.keys()]) this.#end(id);
    for (const accounts of this.#busy.values()) accounts.clear();
    this.#mailboxes.close();
    this.#log.close();
  }

  #begin(info: SessionInfo): void {
    // What a call brings about itself is told by its own answer.
    const pending = () => {
      if (this.#running !== info.id) this.#surroundings.post({ kind: 'pending', session: info.id }, []);
    };
    const account = this.#accounts.get(info.account) ?? {
      allowance: new AccountAllowance(this.#memory),
      sessions: 0,
    };
    account.sessions += 1;
    this.#accounts.set(info.account, account);
    this.#sessions.set(info.id, new RopSession(info, this.#surroundings.start, account.allowance, pending));
  }

  #end(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    const account = this.#accounts.get(session.info.account);
    if (account !== undefined) {
      account.sessions -= 1;
      if (account.sessions === 0) this.#accounts.delete(session.info.account);
    }
    session.close();
  }

  #execute(message: Extract<ToWorker, { readonly kind: 'execute' }>): void {
    const { call } = message;
    const session = this.#sessions.get(message.session);
    const services = this.#services;
    if (services === undefined) throw new Error('a call before there was a directory');
    if (session === undefined) {
      this.#surroundings.post({ kind: 'broken', call }, []);
      return;
    }
    this.#running = message.session;
    try {
      this.#run(session, services, message);
    } catch (error) {
      // A defect. Nothing is known of the session any more; the mailbox has rolled back what was under way.
      const fields = { event: 'store.session.broken', account: session.info.account, session: session.info.id };
      this.#log.error({ ...fields, error: error instanceof Error ? error.stack : String(error) }, 'a ROP has failed');
      this.#surroundings.post({ kind: 'broken', call }, []);
      this.#end(message.session);
    } finally {
      this.#running = undefined;
    }
    session.notifications.remind();
    for (const { store } of session.logons) {
      for (const chore of CHORES) if (chore.isDue(store)) this.#goOn(chore, store.info.account);
    }
  }

  /** Lets a chore go on in a mailbox, a step at a time, so that nobody waits for it longer than that. */
  #goOn(chore: Chore, account: string): void {
    const accounts = this.#busy.get(chore);
    if (accounts === undefined || accounts.has(account)) return;
    const mailbox = this.#mailboxes.open(account, false);
    if (mailbox === undefined) return;
    accounts.add(account);
    const step = (): void => {
      let isUnfinished = false;
      try {
        isUnfinished = accounts.has(account) && chore.proceed(mailbox.store);
      } catch (error) {
        // A call that finds it due tries again; until then all stands where it was.
        this.#log.error({ event: chore.failure, account, error: String(error) }, chore.failed);
      }
      if (isUnfinished) {
        this.#surroundings.later(step);
        return;
      }
      accounts.delete(account);
      mailbox.release();
    };
    this.#surroundings.later(step);
  }

  #run(session: RopSession, services: RopServices, message: Extract<ToWorker, { readonly kind: 'execute' }>): void {
    const { call, input, visit } = message;
    const elsewhere = new Map(message.elsewhere);
    for (const logonId of elsewhere.keys()) session.dropLogon(logonId);
    const end = together(session.logons, () => runBuffer(session, services, input, { logons: elsewhere, visit }));
    const changed = session.changedLogons();
    const executed = { call, ...(changed !== undefined && { logons: changed }) };
    const transfer = end.kind === 'done' ? [end.rgbOut.buffer as ArrayBuffer] : [];
    this.#surroundings.post({ ...end, ...executed }, transfer);
  }
}

/** What a buffer reads, it reads of one state of each mailbox, up to where it writes. */
function together<T>([logon, ...others]: readonly Logon[], work: () => T): T {
  return logon === undefined ? work() : logon.store.database.together(() => together(others, work));
}

function logTo(post: (message: Extract<FromWorker, { readonly kind: 'log' }>) => void): ServiceLog {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => {
    return (fields: Readonly<Record<string, unknown>>, message: string) =>
      post({ kind: 'log', level, fields, message });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
