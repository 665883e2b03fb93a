import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ProtocolError } from '@rpch/rpc';
import { TARGETS } from '../../soak/fuzz-targets.ts';
import { mutate } from '../../src/mutate.ts';
import { SeededRandom } from '../../src/simulation/random.ts';

const MUTATIONS = 2000;

for (const { name, seeds, run } of TARGETS) {
  test(`${name}: what fuzzing has kept, and ${MUTATIONS} mutations of it, do no worse than ProtocolError`, () => {
    const folder = new URL(`../../soak/corpus/${name.replaceAll(' ', '-')}/`, import.meta.url);
    const kept = existsSync(folder) ? readdirSync(folder).map((file) => readFileSync(new URL(file, folder))) : [];
    const inputs = [...seeds, ...kept];
    for (const seed of seeds) run(seed);
    const random = new SeededRandom(1);
    const mutations = Array.from({ length: MUTATIONS }, (_, i) =>
      mutate(inputs[i % inputs.length] ?? new Uint8Array(), random),
    );
    for (const input of [...inputs, ...mutations]) {
      try {
        run(input);
      } catch (error) {
        assert.ok(error instanceof ProtocolError, `${Buffer.from(input).toString('hex')}: ${error}`);
      }
    }
  });
}
