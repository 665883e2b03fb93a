/**
 * The proxy in a process whose memory can be asked for: forked by {@link ProxyUnderTest}. The argument is its options, JSON.
 * Each message from the parent is answered with a {@link ChildStatus}; it ends when the parent goes.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Log, settingsFromFlags, startProxy } from '@rpch/proxy';
import type { ChildOptions, ChildStatus } from './proxy-under-test.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const { flags, limits } = JSON.parse(process.argv[2] ?? '') as ChildOptions;
const faults: string[] = [];
/** Lines are counted, not kept: what is measured is the memory of the proxy. */
const counting = (): void => {};
const log: Log = {
  debug: counting,
  info: counting,
  warn: counting,
  error: (fields) => faults.push(JSON.stringify(fields)),
};
const defaults = settingsFromFlags(flags);
const proxy = await startProxy({ ...defaults, limits: { ...defaults.limits, ...limits } }, log);

process.on('message', () => {
  collectGarbage();
  const { rss, heapUsed, external } = process.memoryUsage();
  const status: ChildStatus = {
    port: proxy.listening[0]?.port ?? 0,
    load: proxy.load,
    counts: proxy.counters.snapshot(),
    faults,
    rss,
    heap: heapUsed + external,
  };
  process.send?.(status);
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
