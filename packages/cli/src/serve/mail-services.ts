import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { bareName, type Log, readAccounts } from '@rpch/proxy';
import type { RpcInterface } from '@rpch/rpc';
import { afterTimeout, BoundedLog, EmbeddedDirectory, nspiServer, rfrServer, StoreHost } from '@rpch/store';
import type { ServeSettings } from './settings.ts';

/** What mail clients call: information store, address book and referral, over one directory. */
export interface MailServices {
  readonly interfaces: readonly RpcInterface[];
  /** Reads accounts and directory.yaml again. Rejects with RpchError, and then nothing has changed. */
  reload(accounts: ServeSettings['accounts']): Promise<void>;
  /** Ends sessions and closes mailboxes. */
  close(): Promise<void>;
}

/** Opens what the settings name; undefined where they name none of it. Rejects with RpchError. */
export async function openMailServices(settings: ServeSettings, log: Log): Promise<MailServices | undefined> {
  const { interfaces, accounts, mailLevel: minimumLevel, serverName, keepDeleted } = settings;
  if (!(interfaces.has('emsmdb') || interfaces.has('nspi') || interfaces.has('rfr'))) return undefined;
  const { dataDir, auth } = accounts;
  const embedded = await EmbeddedDirectory.load({
    dataDir,
    accounts: await accountNames(accounts),
    defaults: { domain: auth.dnsDomain ?? 'localhost', serverName: serverName ?? hostname() },
    warn: (line) => log.warn({ event: 'directory.odd' }, line),
  });
  const directory = () => embedded.current;
  const singleEndpoint = interfaces.has('nspi') && interfaces.has('rfr');
  const store = interfaces.has('emsmdb')
    ? await StoreHost.start({ dataDir, directory, log, minimumLevel, singleEndpoint, keepDeleted })
    : undefined;
  // The store bounds its lines itself.
  const refusals = new BoundedLog(log, afterTimeout);
  const offered: RpcInterface[] = [];
  if (store !== undefined) offered.push(store.emsmdb(), store.asyncEmsmdb());
  if (interfaces.has('nspi'))
    offered.push(nspiServer({ directory, serverGuid: randomUUID(), log: refusals, minimumLevel }));
  if (interfaces.has('rfr')) offered.push(rfrServer({ directory, log: refusals, minimumLevel }));
  return {
    interfaces: offered,
    reload: async (again) => embedded.reload(await accountNames(again)),
    close: async () => {
      await store?.close();
      refusals.close();
    },
  };
}

/** Everybody who can log in: those of the accounts file, and those of the command line. */
async function accountNames({ dataDir, auth }: ServeSettings['accounts']): Promise<string[]> {
  const kept = (await readAccounts(dataDir)).map(({ name }) => name);
  return [...new Set([...kept, ...auth.users.map(({ name }) => bareName(name, 'account name'))])];
}
