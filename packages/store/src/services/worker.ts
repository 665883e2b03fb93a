import { DirectoryView } from './emsmdb/directory-view.ts';
import { MailboxPool } from './emsmdb/mailbox-pool.ts';
import type { FromWorker, ToWorker, WorkerStart } from './emsmdb/messages.ts';
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
}

/** One worker of the store: some of the mailboxes, and of each session that logs on to them its part here. */
export class StoreWorker {
  readonly #surroundings: WorkerSurroundings;
  readonly #mailboxes: MailboxPool;
  readonly #log: ServiceLog;
  readonly #sessions = new Map<number, RopSession>();
  #services: RopServices | undefined;

  constructor(surroundings: WorkerSurroundings) {
    const { start, now, random } = surroundings;
    this.#surroundings = surroundings;
    this.#mailboxes = new MailboxPool(start.mailboxes, start, { now, random });
    this.#log = logTo((message) => surroundings.post(message, []));
  }

  /** Takes a message. What it throws is a defect: nothing is known of the sessions after that, and the worker must end. */
  receive(message: ToWorker): void {
    switch (message.kind) {
      case 'directory': {
        const { now, random } = this.#surroundings;
        const directory = new DirectoryView(message.organization, message.entries);
        this.#services = { directory, mailboxes: this.#mailboxes, log: this.#log, now, random };
        break;
      }
      case 'begin': {
        const { session } = message;
        const pending = () => this.#surroundings.post({ kind: 'pending', session: session.id }, []);
        this.#sessions.set(session.id, new RopSession(session, this.#surroundings.start, pending));
        break;
      }
      case 'execute':
        this.#execute(message);
        break;
      case 'end':
        this.#sessions.get(message.session)?.close();
        this.#sessions.delete(message.session);
        break;
      case 'close':
        this.close();
        break;
    }
  }

  /** Ends all sessions and closes the mailboxes. */
  close(): void {
    for (const session of this.#sessions.values()) session.close();
    this.#sessions.clear();
    this.#mailboxes.close();
  }

  #execute(message: Extract<ToWorker, { readonly kind: 'execute' }>): void {
    const { call, input, visit } = message;
    const session = this.#sessions.get(message.session);
    const services = this.#services;
    if (session === undefined || services === undefined) throw new Error(`session ${message.session} was not begun`);
    const elsewhere = new Map(message.elsewhere);
    for (const logonId of elsewhere.keys()) session.dropLogon(logonId);
    const end = runBuffer(session, services, input, { logons: elsewhere, visit });
    const changed = session.changedLogons();
    const executed = { call, ...(changed !== undefined && { logons: changed }) };
    const transfer = end.kind === 'done' ? [end.rgbOut.buffer as ArrayBuffer] : [];
    this.#surroundings.post({ ...end, ...executed }, transfer);
    session.notifications.remind();
  }
}

function logTo(post: (message: Extract<FromWorker, { readonly kind: 'log' }>) => void): ServiceLog {
  const at = (level: 'debug' | 'info' | 'warn' | 'error') => {
    return (fields: Readonly<Record<string, unknown>>, message: string) =>
      post({ kind: 'log', level, fields, message });
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
