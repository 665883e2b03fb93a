/**
 * The client that is measured, in a process of its own: the argument is {@link ClientTask}, JSON. Prints calls per second.
 */
import { echoDeclaration, RpcClient, type RpcClientOptions } from '@rpch/rpc';

/** What a client does. */
export interface ClientTask {
  readonly binding: string;
  readonly options: RpcClientOptions;
  /** Calls that are under way at a time. */
  readonly inFlight: number;
  /** What is not counted: V8 compiles meanwhile. */
  readonly warmUp: number;
  readonly seconds: number;
  /** Bytes of EchoData; 0: AddOne. */
  readonly size: number;
}

const { binding, options, inFlight, warmUp, seconds, size } = JSON.parse(process.argv[2] ?? '') as ClientTask;
const client = new RpcClient(binding, options);
const echo = await client.bind(echoDeclaration);
const data = new Uint8Array(size).fill(7);

async function callOnce(value: number): Promise<void> {
  if (size === 0) {
    const { out_data } = await echo.addOne({ in_data: value });
    if (out_data !== value + 1) throw new Error('a wrong answer');
  } else {
    const { out_data } = await echo.echoData({ in_data: data });
    if (out_data.length !== size || out_data[size - 1] !== 7) throw new Error('a wrong answer');
  }
}

let calls = 0;
let until = 0;
async function loop(): Promise<void> {
  while (performance.now() < until) {
    await callOnce(calls++);
  }
}
async function run(duration: number): Promise<number> {
  calls = 0;
  const begun = performance.now();
  until = begun + duration * 1000;
  await Promise.all(Array.from({ length: inFlight }, loop));
  return calls / ((performance.now() - begun) / 1000);
}
await run(warmUp);
console.log(JSON.stringify({ rate: await run(seconds) }));
client.close();
