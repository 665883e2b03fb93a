/** What serves kv: the handlers, and the stores behind them, in memory. Not a tool: serve.ts listens. */
import { EventEmitter, once } from 'node:events';
import {
  AuthLevel,
  type ContextHandleType,
  FaultStatus,
  ndr,
  RpcFaultError,
  type RpcInterface,
  serverInterface,
} from '@rpch/rpc';
import { type KvEntry, KvStatus, kv } from './kv.ts';

/** Stores of all clients, and keys of one store. */
const MAX_STORES = 100;
const MAX_KEYS = 1000;
const MAX_NAME = 256;

class Store {
  readonly entries = new Map<string, KvEntry>();
  readonly changes = new EventEmitter().setMaxListeners(0);
}

// #region context handle
/** What a client has open: a store, in the name of an account. */
interface OpenStore {
  readonly name: string;
  readonly user: string;
  readonly store: Store;
}

const openStore = (log: (line: string) => void): ContextHandleType<OpenStore> => ({
  name: 'kv store',
  rundown: ({ name, user }) => log(`${user} is gone and had ${JSON.stringify(name)} open`),
});
// #endregion

export function kvServer(log: (line: string) => void): RpcInterface {
  const stores = new Map<string, Store>();
  const OPEN = openStore(log);
  // #region handlers
  return serverInterface(
    kv,
    {
      open: ({ name }, { identity, contextHandles }) => {
        const user = identity?.user;
        if (user === undefined || name.length > MAX_NAME) throw new RpcFaultError(FaultStatus.access_denied);
        const store = stores.get(name) ?? new Store();
        if (!stores.has(name) && stores.size >= MAX_STORES) {
          return { store: ndr.NULL_CONTEXT_HANDLE, result: KvStatus.full };
        }
        stores.set(name, store);
        log(`${user} opens ${JSON.stringify(name)}`);
        return { store: contextHandles.open(OPEN, { name, user, store }), result: KvStatus.ok };
      },
      close: ({ store }, { contextHandles }) => {
        const { name, user } = contextHandles.close(OPEN, store);
        log(`${user} closes ${JSON.stringify(name)}`);
        return { store: ndr.NULL_CONTEXT_HANDLE, result: KvStatus.ok };
      },
      set: ({ store, entry }, { contextHandles }) => {
        const { entries, changes } = contextHandles.get(OPEN, store).store;
        if (entry.key.length > MAX_NAME || (!entries.has(entry.key) && entries.size >= MAX_KEYS)) {
          return { result: KvStatus.full };
        }
        entries.set(entry.key, entry);
        changes.emit(`key ${entry.key}`);
        return { result: KvStatus.ok };
      },
      get: ({ store, key }, { contextHandles }) => {
        const entry = contextHandles.get(OPEN, store).store.entries.get(key) ?? null;
        return { entry, result: entry === null ? KvStatus.not_found : KvStatus.ok };
      },
      list: ({ store }, { contextHandles }) => {
        return { entries: [...contextHandles.get(OPEN, store).store.entries.values()], result: KvStatus.ok };
      },
      wait: async ({ store, key }, { contextHandles, signal }) => {
        const { entries, changes } = contextHandles.get(OPEN, store).store;
        await once(changes, `key ${key}`, { signal }); // rejects when the client cancels, or is gone
        return { entry: entries.get(key) ?? null, result: KvStatus.ok };
      },
    },
    { minimumLevel: AuthLevel.integrity },
  );
  // #endregion
}
