/**
 * Gives a call up that takes long (rpcecho's echo_TestSleep): at Ctrl-C, or after a time.
 *
 * Usage: node examples/cancel.ts BINDING [SECONDS [GIVE-UP-AFTER-MS]] [FLAGS]
 */
import { echoDeclaration, RpcCallError, RpcClient } from '@rpch/rpc';
import { commandLine, run } from './command-line.ts';

const { binding, rest, options } = commandLine(
  "node examples/cancel.ts 'ncacn_ip_tcp:server[6101]' [SECONDS [GIVE-UP-AFTER-MS]] [FLAGS]",
);
const seconds = Number(rest[0] ?? 60);
const timeout = rest[1] === undefined ? {} : { timeout: Number(rest[1]) };

await run(async () => {
  await using client = new RpcClient(binding, options);
  const echo = await client.bind(echoDeclaration);
  console.log(`the server sleeps ${seconds} s; Ctrl-C gives it up`);
  // #region cancel
  const giveUp = new AbortController();
  process.once('SIGINT', () => giveUp.abort());
  try {
    const { result } = await echo.testSleep({ seconds }, { signal: giveUp.signal, ...timeout });
    console.log(`the server slept ${result} s`);
  } catch (error) {
    if (!(error instanceof RpcCallError)) throw error;
    console.log(error.code === 'RPCH_CALL_CANCELLED' ? 'cancelled' : error.message); // or RPCH_CALL_TIMED_OUT
  }
  // #endregion
  const { out_data } = await echo.addOne({ in_data: 1 });
  console.log(`the connection is as good as before: 1 + 1 = ${out_data}`);
});
