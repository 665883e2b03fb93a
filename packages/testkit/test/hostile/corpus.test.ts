import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { mutateSequence } from '../../soak/fuzz-sequence.ts';
import { give } from '../../soak/fuzz-target.ts';
import { TARGETS } from '../../soak/fuzz-targets.ts';
import { corpusOf } from '../../soak/fuzzer.ts';
import { mutate } from '../../src/mutate.ts';
import { SeededRandom } from '../../src/simulation/random.ts';

const MUTATIONS = 500;
/** Each of them is a session. */
const SESSIONS = 20;

for (const target of TARGETS) {
  const { name, seeds, sequence } = target;
  const count = sequence === undefined ? MUTATIONS : SESSIONS;
  test(`${name}: what fuzzing has kept, and ${count} mutations of it, do no worse than they may`, async () => {
    const folder = corpusOf(name);
    const kept = existsSync(folder) ? readdirSync(folder).map((file) => readFileSync(join(folder, file))) : [];
    const inputs = [...seeds, ...kept];
    for (const seed of seeds) await target.run(Uint8Array.from(seed));
    const random = new SeededRandom(1);
    const pick = (i: number) => inputs[i % inputs.length] ?? new Uint8Array();
    const mutations = Array.from({ length: count }, (_, i) =>
      sequence === undefined
        ? mutate(pick(i), random)
        : mutateSequence(pick(i), pick(random.int(0, inputs.length - 1)), random, sequence.fit),
    );
    for (const input of [...inputs, ...mutations]) {
      try {
        await give(target, input);
      } catch (error) {
        const hex = Buffer.from(input).toString('hex');
        assert.fail(`${hex}: ${error instanceof Error ? error.stack : String(error)}`);
      }
    }
  });
}
