import { DirectoryView } from './emsmdb/directory-view.ts';
import { MAX_ACCOUNT_MEMORY, MAX_WORKER_MEMORY, MemoryPool } from './emsmdb/limits.ts';
import type { Logon } from './emsmdb/logon.ts';
import { MailboxPool } from './emsmdb/mailbox-pool.ts';
import type { FromWorker, SessionInfo, ToWorker, WorkerStart } from './emsmdb/messages.ts';
import type { RopServices } from './emsmdb/rop-context.ts';
import { RopSession } from './emsmdb/rop-session.ts';
import { runBuffer } from './emsmdb/run-buffer.ts';
import type { ServiceLog } from './log.ts';

/** What a worker has from outside. */
export interface WorkerSurroundings {
  readonly start: WorkerStart;
  post(message: FromWorker, transfer: ArrayBuffer[]): void;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
  /** Does something when the messages that have come meanwhile have been taken. */
  later(work: () => void): void;
}

/** One worker of the store: some of the mailboxes, and of each session that logs on to them its part here. */
export class StoreWorker {
  readonly #surroundings: WorkerSurroundings;
  readonly #mailboxes: MailboxPool;
  readonly #log: ServiceLog;
  readonly #sessions = new Map<number, RopSession>();
  readonly #memory = new MemoryPool(MAX_WORKER_MEMORY);
  readonly #accounts = new Map<string, { readonly memory: MemoryPool; sessions: number }>();
  #services: RopServices | undefined;
  /** The accounts in whose mailboxes a search goes on between calls. */
  readonly #searching = new Set<string>();
  /** The session whose call is under way. */
  #running: number | undefined;

  constructor(surroundings: WorkerSurroundings) {
    const { start, now, random } = surroundings;
    this.#surroundings = surroundings;
    this.#mailboxes = new MailboxPool(start.mailboxes, start, { now, random });
    this.#log = logTo((message) => surroundings.post(message, []));
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
    this.#searching.clear();
    this.#mailboxes.close();
  }

  #begin(info: SessionInfo): void {
    // What a call brings about itself is told by its own answer.
    const pending = () => {
      if (this.#running !== info.id) this.#surroundings.post({ kind: 'pending', session: info.id }, []);
    };
    const account = this.#accounts.get(info.account) ?? {
      memory: new MemoryPool(MAX_ACCOUNT_MEMORY, this.#memory),
      sessions: 0,
    };
    account.sessions += 1;
    this.#accounts.set(info.account, account);
    this.#sessions.set(info.id, new RopSession(info, this.#surroundings.start, account.memory, pending));
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
    for (const { store } of session.logons) if (store.searches.isUnfinished) this.#search(store.info.account);
  }

  /** Lets the searches in a mailbox go on, a step at a time, so that nobody waits for them longer than that. */
  #search(account: string): void {
    if (this.#searching.has(account)) return;
    const mailbox = this.#mailboxes.open(account, false);
    if (mailbox === undefined) return;
    this.#searching.add(account);
    const step = (): void => {
      let isUnfinished = false;
      try {
        isUnfinished = this.#searching.has(account) && mailbox.store.searches.proceed();
      } catch (error) {
        // The next call tries again; until then the search stands where it was.
        this.#log.error({ event: 'store.search.failed', account, error: String(error) }, 'a search cannot go on');
      }
      if (isUnfinished) {
        this.#surroundings.later(step);
        return;
      }
      this.#searching.delete(account);
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
