import { bindingOptions, directBinding, proxyBinding, type Transport, transports } from '../src/peers/bindings.ts';
import { describeFailure } from '../src/peers/commands.ts';
import { echoLarge } from '../src/peers/echo-large.ts';
import { impacketHttpAuth, impacketLevels, runImpacket } from '../src/peers/impacket.ts';
import { type RunningProxy, startProxy } from '../src/peers/proxy.ts';
import { type SambaPeer, startSamba } from '../src/peers/samba.ts';
import { smbtorture } from '../src/peers/smbtorture.ts';

/** Suites besides rpc.echo that Samba serves on its one port and that pass straight over TCP. */
const SUITES = [
  'rpc.asyncbind',
  'rpc.dssetup',
  'rpc.lsalookup',
  'rpc.unixinfo',
  'rpc.drsuapi_w2k8',
  'rpc.samr.handletype',
];
const ECHO_CALLS = 500;
const MIB = 1024 * 1024;
const SUITE_TIMEOUT_MS = 300_000;
const ECHO_TIMEOUT_MS = 600_000;

/** One line of the table. */
interface Row {
  readonly what: string;
  readonly option: string;
  readonly transport: string;
  /** What is expected, and what came. */
  readonly expected: string;
  readonly got: string;
  readonly seconds: number;
  /** Why it failed, in full; undefined when it did not. */
  readonly failure: string | undefined;
}

function print(row: Row): void {
  const verdict = row.failure === undefined ? 'ok' : 'FAILED';
  const left = `${verdict.padEnd(7)}${row.what.padEnd(22)}${row.option.padEnd(11)}${row.transport.padEnd(12)}`;
  console.log(`${left}${row.expected.padStart(6)}${row.got.padStart(6)}${row.seconds.toFixed(1).padStart(8)} s`);
}

/** Every suite with every option, straight over TCP and over every transport. */
async function* torture(samba: SambaPeer, proxy: RunningProxy): AsyncGenerator<Row> {
  const runs = [
    ...bindingOptions.map((option) => ({ suite: 'rpc.echo', option, as: samba.user })),
    ...SUITES.map((suite) => ({ suite, option: 'seal' as const, as: samba.administrator })),
  ];
  for (const { suite, option, as } of runs) {
    const direct = await smbtorture(samba, directBinding(samba, option), suite, { as, timeoutMs: SUITE_TIMEOUT_MS });
    for (const transport of transports) {
      const binding = proxyBinding(samba, proxy, transport, option);
      const result = await smbtorture(samba, binding, suite, { as, timeoutMs: SUITE_TIMEOUT_MS });
      const same = direct.passed.length > 0 && direct.passed.join() === result.passed.join();
      yield {
        what: suite,
        option,
        transport: transport.name,
        expected: String(direct.passed.length),
        got: String(result.passed.length),
        seconds: result.seconds,
        failure: same ? undefined : result.account,
      };
    }
  }
}

/** impacket over both listeners, with every kind of authentication at both levels. */
async function* impacket(samba: SambaPeer, proxy: RunningProxy): AsyncGenerator<Row> {
  for (const scheme of ['http', 'https'] as const) {
    for (const httpAuth of impacketHttpAuth) {
      for (const level of impacketLevels) {
        const result = await runImpacket(samba, proxy[scheme].url, { httpAuth, level });
        yield {
          what: 'impacket, exit code',
          option: level,
          transport: `${scheme} ${httpAuth}`,
          expected: '0',
          got: String(result.code ?? result.signal),
          seconds: result.seconds,
          failure: result.code === 0 ? undefined : describeFailure(['impacket-rpch.py'], result),
        };
      }
    }
  }
}

/** Large calls on one virtual connection for each transport; the client compares every byte. */
async function* echo(samba: SambaPeer, proxy: RunningProxy): AsyncGenerator<Row> {
  for (const transport of transports) yield await echoOver(samba, proxy, transport);
}

async function echoOver(samba: SambaPeer, proxy: RunningProxy, transport: Transport): Promise<Row> {
  const row = { what: 'EchoData 1 MiB', option: 'seal', transport: transport.name, expected: String(ECHO_CALLS) };
  const begun = performance.now();
  try {
    const binding = proxyBinding(samba, proxy, transport, 'seal');
    const result = await echoLarge(samba, binding, { calls: ECHO_CALLS, size: MIB, timeoutMs: ECHO_TIMEOUT_MS });
    return { ...row, got: String(result.calls), seconds: result.seconds, failure: undefined };
  } catch (error) {
    return { ...row, got: '-', seconds: (performance.now() - begun) / 1000, failure: String(error) };
  }
}

/** Runs all of it, prints the table and then the failures. Returns the exit code. */
async function main(): Promise<number> {
  const samba = await startSamba();
  const failures: string[] = [];
  let rows = 0;
  try {
    const proxy = await startProxy(samba, { users: [samba.administrator] });
    try {
      console.log(`       ${'what'.padEnd(22)}${'option'.padEnd(11)}${'transport'.padEnd(12)}expected got     time`);
      for (const part of [torture, impacket, echo]) {
        for await (const row of part(samba, proxy)) {
          rows++;
          print(row);
          if (row.failure !== undefined) failures.push(row.failure);
        }
      }
    } finally {
      await proxy.stop();
    }
  } finally {
    await samba.stop();
  }
  for (const failure of failures) console.log(`\n${failure}`);
  console.log(`${rows - failures.length} of ${rows} as expected`);
  return failures.length > 0 ? 1 : 0;
}

process.exitCode = await main();
