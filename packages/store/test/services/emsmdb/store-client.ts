import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AuthLevel, type RpcCall, type RpcInterface } from '@rpch/rpc';
import {
  asyncEmsmdbDeclaration,
  bindClient,
  type Call,
  type ClientOf,
  ContextHandles,
  emsmdbDeclaration,
  type InterfaceDeclaration,
} from '@rpch/rpc/internal';
import type { Directory } from '../../../src/directory/model.ts';
import { DirectoryView } from '../../../src/services/emsmdb/directory-view.ts';
import type { FromWorker } from '../../../src/services/emsmdb/messages.ts';
import { StoreHost, type StoreHostOptions } from '../../../src/services/store-host.ts';
import type { After } from '../../../src/services/timer.ts';
import { StoreWorker } from '../../../src/services/worker.ts';
import type { StartWorker } from '../../../src/services/worker-link.ts';
import { countingBytes, dnOf, NOW, ORGANIZATION, recordingLog, user } from './rop-client.ts';

const ENTRIES = ['alice', 'bob', 'carol'].map(user);
const view = new DirectoryView(ORGANIZATION, ENTRIES);

export const DIRECTORY: Directory = {
  organization: ORGANIZATION,
  version: 1,
  entries: ENTRIES,
  byGuid: (guid) => ENTRIES.find((entry) => entry.guid === guid),
  byAccount: (account) => view.byAccount(account),
  byLegacyDn: (dn) => view.byLegacyDn(dn),
  byAddress: (address) => ENTRIES.find((entry) => entry.address === address),
};

/** Workers that are objects of this thread. Messages are cloned and delivered later, as between threads. */
export class InProcessWorkers {
  readonly live = new Map<number, { crash(error: Error): void }>();
  started = 0;
  readonly #after: After;

  constructor(after: After) {
    this.#after = after;
  }

  readonly start: StartWorker = (start, listener) => {
    this.started += 1;
    let over = false;
    const end = (error: Error | undefined) => {
      if (over) return;
      over = true;
      this.live.delete(start.index);
      worker.close();
      listener.ended(error);
    };
    const deliver = (message: FromWorker, transfer: ArrayBuffer[]) => {
      const copy = structuredClone(message, { transfer });
      queueMicrotask(() => {
        if (!over) listener.message(copy);
      });
    };
    const worker = new StoreWorker({
      start,
      post: deliver,
      now: () => NOW,
      random: countingBytes,
      after: this.#after,
      later: (work) => setImmediate(work),
    });
    this.live.set(start.index, { crash: end });
    return {
      post: (message, transfer) => {
        const copy = structuredClone(message, { transfer });
        queueMicrotask(() => {
          if (over) return;
          try {
            worker.receive(copy);
          } catch (error) {
            end(error as Error);
          }
          if (copy.kind === 'close') end(undefined);
        });
      },
      terminate: async () => end(undefined),
    };
  };
}

/** Time that passes when it is told to. */
export class ManualTime {
  #now = 1000;
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>();

  readonly now = (): number => this.#now;

  readonly after: After = (milliseconds, callback) => {
    const timer = { at: this.#now + milliseconds, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  pass(milliseconds: number): void {
    this.#now += milliseconds;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now || !this.#timers.delete(timer)) continue;
      timer.callback();
    }
  }
}

/** A store of its own folder with workers of this thread, and what calls it without RPC around. */
export class RunningStore {
  readonly host: StoreHost;
  readonly workers: InProcessWorkers;
  readonly time: ManualTime;
  readonly recorded: ReturnType<typeof recordingLog>;
  /** Everything that the store has. */
  readonly folder: string;

  static async start(options: Partial<StoreHostOptions> = {}): Promise<RunningStore> {
    const folder = await mkdtemp(join(tmpdir(), 'rpch-store-'));
    const time = new ManualTime();
    const workers = new InProcessWorkers(time.after);
    const recorded = recordingLog();
    const host = await StoreHost.start({
      dataDir: folder,
      directory: () => DIRECTORY,
      log: recorded.log,
      startWorker: workers.start,
      now: time.now,
      after: time.after,
      ...options,
    });
    return new RunningStore(host, workers, time, recorded, folder);
  }

  private constructor(
    host: StoreHost,
    workers: InProcessWorkers,
    time: ManualTime,
    recorded: ReturnType<typeof recordingLog>,
    folder: string,
  ) {
    this.host = host;
    this.workers = workers;
    this.time = time;
    this.recorded = recorded;
    this.folder = folder;
  }

  connection(account: string | undefined, handles = new ContextHandles()): Connection {
    return new Connection(this.host, account, handles);
  }

  async close(): Promise<void> {
    await this.host.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** An association of one account with a store. */
export class Connection {
  readonly emsmdb: ClientOf<typeof emsmdbDeclaration>;
  readonly asyncEmsmdb: ClientOf<typeof asyncEmsmdbDeclaration>;
  readonly handles: ContextHandles;
  readonly #account: string | undefined;

  constructor(host: StoreHost, account: string | undefined, handles: ContextHandles) {
    this.#account = account;
    this.handles = handles;
    this.emsmdb = this.#client(emsmdbDeclaration, host.emsmdb());
    this.asyncEmsmdb = this.#client(asyncEmsmdbDeclaration, host.asyncEmsmdb());
  }

  #client<D extends InterfaceDeclaration>(declaration: D, served: RpcInterface): ClientOf<D> {
    const make: Call = async (opnum, stub, decode, options) => {
      const call: RpcCall = {
        identity: this.#account === undefined ? undefined : { user: this.#account, domain: '', workstation: '' },
        authType: 10,
        authLevel: AuthLevel.privacy,
        object: undefined,
        associationGroup: 1,
        peer: { transport: 'tcp', address: '127.0.0.1', label: '127.0.0.1:1', clientAddressHint: undefined },
        signal: options?.signal ?? new AbortController().signal,
        contextHandles: this.handles,
      };
      return decode(await served.handle(opnum, stub, true, call), true);
    };
    return bindClient(declaration, make);
  }

  connect(changes: Partial<Parameters<Connection['emsmdb']['ecDoConnectEx']>[0]> = {}) {
    return this.emsmdb.ecDoConnectEx({
      szUserDN: dnOf(this.#account ?? 'alice'),
      ulFlags: 0,
      ulConMod: 0,
      cbLimit: 0,
      ulCpid: 1252,
      ulLcidString: 0x409,
      ulLcidSort: 0x409,
      ulIcxrLink: 0xffffffff,
      usFCanConvertCodePages: 1,
      rgwClientVersion: [0x000c, 0x183e, 0x03e8],
      pulTimeStamp: 0,
      rgbAuxIn: new Uint8Array(0),
      pcbAuxOut: 0x1008,
      ...changes,
    });
  }

  rpc(
    pcxh: Awaited<ReturnType<Connection['connect']>>['pcxh'],
    rgbIn: Uint8Array,
    changes: Partial<Parameters<Connection['emsmdb']['ecDoRpcExt2']>[0]> = {},
  ) {
    return this.emsmdb.ecDoRpcExt2({
      pcxh,
      pulFlags: 3,
      rgbIn,
      pcbOut: 0x8007,
      rgbAuxIn: new Uint8Array(0),
      pcbAuxOut: 0x1008,
      ...changes,
    });
  }
}
