/**
 * Lists what is registered with a server's endpoint mapper.
 *
 * Usage: node examples/endpoints.ts BINDING [FLAGS]     the mapper is at 135, or 593 over ncacn_http, where the binding has no endpoint
 */
import {
  type ClientOf,
  type ContextHandle,
  decodeTower,
  EptStatus,
  epmDeclaration,
  InquiryType,
  ndr,
  parseBinding,
  RpcClient,
  VersionOption,
} from '@rpch/rpc';
import { commandLine, run } from './command-line.ts';

const { binding: text, options } = commandLine('node examples/endpoints.ts ncacn_ip_tcp:server [FLAGS]');

await run(async () => {
  const binding = parseBinding(text);
  const { endpoint = binding.protocol === 'ncacn_http' ? 593 : 135 } = binding;
  await using client = new RpcClient({ ...binding, endpoint }, options);
  const mapper = await client.bind(epmDeclaration);
  for await (const { tower, annotation } of entries(mapper)) {
    if (tower === null) continue;
    const { interface: offered, protocol = 'another protocol', address, port } = decodeTower(tower.tower_octet_string);
    const version = `${offered.version & 0xffff}.${offered.version >>> 16}`;
    console.log(`${offered.uuid} ${version} ${protocol}:${address}[${port}] ${annotation}`);
  }
});

// #region walk
async function* entries(mapper: ClientOf<typeof epmDeclaration>) {
  let entry_handle: ContextHandle = ndr.NULL_CONTEXT_HANDLE;
  do {
    const page = await mapper.lookup({
      inquiry_type: InquiryType.all,
      object: null,
      interface_id: null,
      vers_option: VersionOption.all,
      entry_handle,
      max_ents: 100,
    });
    if (page.result === EptStatus.not_registered) return;
    yield* page.entries;
    entry_handle = page.entry_handle; // the server's place in the list: a context handle
  } while (entry_handle.uuid !== ndr.NULL_CONTEXT_HANDLE.uuid);
}
// #endregion
