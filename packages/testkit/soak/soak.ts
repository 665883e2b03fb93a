import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What there is to soak, by the name of its file in this folder, and what it does. */
const SOAKS: readonly (readonly [name: string, what: string])[] = [
  [
    'simulation',
    'the four roles in virtual time, many schedules, goes on where it stopped: --seeds N, --jobs N, --plan JSON',
  ],
  ['mutants', 'faults planted in the roles, each of which the simulation must catch: --seeds N, --jobs N, --only NAME'],
  [
    'fuzz',
    'hostile bytes for every decoder and state machine, and for a live server: --minutes N, --jobs N, --only NAME, --live',
  ],
  ['peers-matrix', 'real peers with every option and transport'],
  ['transfer', 'gigabytes and thousands of channel recyclings through one virtual connection: --help'],
  ['farm', 'two proxies on two hosts, one killed or drained under load: --sessions N, --seconds N'],
  [
    'mail-attack',
    "another's mailbox by every id, and malformed ROPs and stubs: --inputs N, --messages N, --seed N, --only PART",
  ],
  ['idle', 'sessions idle behind middleboxes that forget silent connections: --minutes N, --middlebox SECONDS'],
];

/**
 * `npm run soak` runs all of them, one after the other; `npm run soak -- NAME …` one, with the arguments that follow. Each
 * is a process of its own. The exit code is that of the first that failed.
 */
async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined) {
    let code = 0;
    for (const [soak] of SOAKS) {
      const result = existsSync(fileOf(soak)) ? await runSoak(soak, []) : 0;
      if (code === 0) code = result;
    }
    return code;
  }
  if (!SOAKS.some(([soak]) => soak === name) || !existsSync(fileOf(name))) {
    console.error('usage: npm run soak [-- NAME [ARGUMENT…]]');
    for (const [soak, what] of SOAKS) if (existsSync(fileOf(soak))) console.error(`  ${soak.padEnd(14)}${what}`);
    return 2;
  }
  return await runSoak(name, args);
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`${name}.ts`, import.meta.url));
}

function runSoak(name: string, args: readonly string[]): Promise<number> {
  console.log(`soak: ${name}`);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fileOf(name), ...args], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : 1));
  });
}

process.exitCode = await main(process.argv.slice(2));
