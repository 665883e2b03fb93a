/**
 * Calls rpcecho through any binding: adds one, sends bytes there and back, and says what the server offers.
 *
 * Usage: node examples/call.ts BINDING [BYTES] [FLAGS]
 */
import { echoDeclaration, mgmtDeclaration, RpcClient, type RpcClientOptions } from '@rpch/rpc';
import { commandLine, run } from './command-line.ts';

const { binding, rest, options } = commandLine(
  "node examples/call.ts 'ncacn_http:server[6101,RpcProxy=proxy:443]' [BYTES] [FLAGS]",
);

// #region limits
const limits: RpcClientOptions = {
  connectTimeout: 5_000, // name, TCP, tunnel and TLS, ms
  callTimeout: 60_000, // each call, ms; without it calls may take as long as they like
  maxResponse: 16 * 1024 * 1024, // bytes of one answer; 64 MiB if nothing is said
};
// #endregion

await run(async () => {
  await using client = new RpcClient(binding, { ...limits, ...options });

  // #region several interfaces
  const echo = await client.bind(echoDeclaration);
  const mgmt = await client.bind(mgmtDeclaration);
  // #endregion
  const { out_data } = await echo.addOne({ in_data: 41 });
  console.log(`41 + 1 = ${out_data}`);

  const length = Number(rest[0] ?? 100_000);
  // #region big arguments
  const bytes = new Uint8Array(length).fill(0x5a);
  const { out_data: back } = await echo.echoData({ in_data: bytes });
  console.log(`${back.length} bytes there and back`);
  // #endregion
  if (Buffer.compare(bytes, back) !== 0) throw new Error('other bytes came back');

  // #region concurrent calls
  const sums = await Promise.all([1, 2, 3].map((in_data) => echo.addOne({ in_data })));
  console.log(sums.map((sum) => sum.out_data)); // [ 2, 3, 4 ]
  // #endregion

  const { if_id_vector } = await mgmt.inqIfIds();
  for (const offered of if_id_vector?.if_id ?? []) {
    if (offered !== null) console.log(`offers ${offered.uuid} ${offered.vers_major}.${offered.vers_minor}`);
  }
});
