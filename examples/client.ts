/**
 * A client of the store that serve.ts serves.
 *
 * Usage: node examples/client.ts BINDING STORE list [FLAGS]
 *        node examples/client.ts BINDING STORE get KEY [FLAGS]
 *        node examples/client.ts BINDING STORE set KEY TEXT [FLAGS]
 *        node examples/client.ts BINDING STORE wait KEY [FLAGS]      until somebody sets it
 */
import { RpcClient } from '@rpch/rpc';
import { commandLine, run } from './command-line.ts';
import { type KvEntry, KvStatus, kv } from './kv.ts';

const USAGE = 'node examples/client.ts BINDING STORE list | get KEY | set KEY TEXT | wait KEY [FLAGS]';
const ARGUMENTS = { list: 2, get: 3, set: 4, wait: 3 } as const;
const { binding, rest, options } = commandLine(USAGE, ([, verb = '', ...more]) => {
  return Object.entries(ARGUMENTS).some(([known, count]) => known === verb && count === more.length + 2);
});
const [name = '', verb, key = '', text = ''] = rest;

function tell(entry: KvEntry | null): void {
  if (entry === null) console.log('there is no such key');
  else if (entry.value.case === 1) console.log(`${entry.key} = ${entry.value.value}`);
  else if (entry.value.case === 2) console.log(`${entry.key} = ${entry.value.value}n`);
  else if (entry.value.case === 3) console.log(`${entry.key} = ${entry.value.value.data.length} bytes`);
  else console.log(`${entry.key} has no value`);
}

await run(async () => {
  await using client = new RpcClient(binding, options);
  // #region call
  const stores = await client.bind(kv);
  const { store, result } = await stores.open({ name });
  if (result !== KvStatus.ok) throw new Error(`the store was not opened: ${result}`);
  // #endregion
  if (verb === 'set') {
    const number = /^-?\d{1,18}$/.test(text);
    // #region values
    const entry: KvEntry = number
      ? { key, value: { case: 2, value: BigInt(text) } }
      : { key, value: { case: 1, value: text } };
    const { result } = await stores.set({ store, entry });
    // #endregion
    console.log(result === KvStatus.ok ? 'set' : `not set: ${result}`);
  } else if (verb === 'get') tell((await stores.get({ store, key })).entry);
  else if (verb === 'wait') tell((await stores.wait({ store, key })).entry);
  else for (const entry of (await stores.list({ store })).entries ?? []) tell(entry);
  // Not reached after an error: the server closes what is open when the connection ends.
  await stores.close({ store });
});
