/**
 * Coverage-guided fuzzing of every decoder: `npm run soak -- fuzz [--minutes N] [--seed N] [--target NAME]`, 5 minutes
 * unless said otherwise. Inputs that reach new blocks of source are kept below corpus/, where the next run begins. An input
 * that makes a decoder throw anything but ProtocolError, break its promise, or take long is kept as
 * corpus/TARGET/finding-…, printed, and makes the exit code 1.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Coverage } from './coverage.ts';
import { TARGETS } from './fuzz-targets.ts';
import { Fuzzer } from './fuzzer.ts';

const CORPORA = fileURLToPath(new URL('corpus', import.meta.url));
/** How long one decoder is fuzzed before the next has its turn, ms. */
const TURN = 2000;

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, target: { type: 'string' } },
});
const minutes = Number(values.minutes ?? 5);
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const targets = TARGETS.filter(({ name }) => values.target === undefined || name === values.target);
if (!(minutes > 0) || !Number.isInteger(seed) || targets.length === 0) {
  console.error(`usage: fuzz.ts [--minutes N] [--seed N] [--target ${TARGETS.map(({ name }) => name).join('|')}]`);
  process.exit(2);
}

console.log(`seed ${seed}, ${minutes} minutes`);
const coverage = new Coverage();
const fuzzers = targets.map((target) => new Fuzzer(target, coverage, CORPORA, seed));
const end = performance.now() + minutes * 60_000;
while (performance.now() < end) {
  for (const fuzzer of fuzzers) fuzzer.fuzz(Math.min(end, performance.now() + TURN));
}
for (const { target, runs, blocks, kept, findings } of fuzzers) {
  console.log(`${target.name}: ${runs} inputs, ${blocks} blocks, ${kept} kept, ${findings.size} findings`);
}
process.exitCode = fuzzers.some(({ findings }) => findings.size > 0) ? 1 : 0;
