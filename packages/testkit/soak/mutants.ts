import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { MUTANTS, type Mutant } from './mutants-table.ts';

/** Schedules within which a planted fault must be found; all transitions occur among so many. */
const DEFAULT_SEEDS = 5000;
/** A fault may make a role go round in circles: it is caught by that, ms. */
const TOO_LONG = 300_000;
const PACKAGES = fileURLToPath(new URL('../../', import.meta.url));

const USAGE = `usage: npm run soak -- mutants [OPTION…]
  --seeds N       schedules within which each fault must be found (${DEFAULT_SEEDS})
  --jobs N        how many run at the same time (all processors)
  --only TEXT     only faults whose file and name contain this; repeatable`;

/** What became of a planted fault. */
type Verdict =
  | { readonly kind: 'caught'; readonly seed: number | undefined; readonly by: string; readonly message: string }
  | { readonly kind: 'survived' }
  | { readonly kind: 'broken'; readonly why: string };

/** Plants faults in copies of the roles, one at a time, and has the simulation find them. Returns the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    console.error(USAGE);
    return 2;
  }
  const { seeds, jobs, only } = options;
  const folder = mkdtempSync(join(tmpdir(), 'rpch-mutants-'));
  try {
    const sound = await verdictOf(undefined, join(folder, 'sound'), seeds);
    if (sound.kind !== 'survived') {
      console.log(`mutants: without any fault the simulation must pass: ${JSON.stringify(sound)}`);
      return 1;
    }
    const mutants = MUTANTS.filter(
      ({ name, file }) => only.length === 0 || only.some((text) => `${file} ${name}`.includes(text)),
    );
    return await tryAll(mutants, folder, seeds, jobs);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readOptions(
  args: readonly string[],
): { readonly seeds: number; readonly jobs: number; readonly only: readonly string[] } | undefined {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { seeds: text, jobs: text, only: { ...text, multiple: true } },
    });
    const whole = (value: string | undefined, otherwise: number): number => {
      if (value !== undefined && !/^[1-9]\d{0,8}$/.test(value)) throw new Error(`${value} is no whole number`);
      return value === undefined ? otherwise : Number(value);
    };
    return {
      seeds: whole(values.seeds, DEFAULT_SEEDS),
      jobs: whole(values.jobs, availableParallelism()),
      only: values.only ?? [],
    };
  } catch (error) {
    console.error(`mutants: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

async function tryAll(mutants: readonly Mutant[], folder: string, seeds: number, jobs: number): Promise<number> {
  const counts = { caught: 0, survived: 0, broken: 0 };
  const waiting = [...mutants.entries()];
  console.log(`${'seed'.padStart(6)}  ${'caught by'.padEnd(18)}fault`);
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, mutant] = next;
      const verdict = await verdictOf(mutant, join(folder, String(index)), seeds);
      counts[verdict.kind]++;
      print(mutant, verdict);
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
  const { caught, survived, broken } = counts;
  console.log(`mutants: ${mutants.length} faults planted, ${caught} caught, ${survived} survived, ${broken} broken`);
  return mutants.length === 0 || survived + broken > 0 ? 1 : 0;
}

function print({ name, file }: Mutant, verdict: Verdict): void {
  const seed = verdict.kind === 'caught' ? String(verdict.seed ?? '-') : '-';
  const by = verdict.kind === 'caught' ? verdict.by : verdict.kind.toUpperCase();
  const why = verdict.kind === 'broken' ? `: ${verdict.why}` : '';
  console.log(`${seed.padStart(6)}  ${by.padEnd(18)}${file}: ${name}${why}`);
}

/** @param mutant undefined: the roles as they are. */
async function verdictOf(mutant: Mutant | undefined, folder: string, seeds: number): Promise<Verdict> {
  copyPackages(folder);
  try {
    const why = mutant === undefined ? undefined : plant(mutant, join(folder, 'packages', 'rpc', 'src', 'rpch'));
    return why === undefined ? await run(folder, seeds) : { kind: 'broken', why };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The two packages, and what makes the copy of one find the copy of the other. */
function copyPackages(folder: string): void {
  for (const name of ['rpc', 'testkit']) {
    const from = join(PACKAGES, name);
    const to = join(folder, 'packages', name);
    for (const part of ['package.json', 'src', ...(name === 'testkit' ? ['soak'] : [])]) {
      cpSync(join(from, part), join(to, part), { recursive: true });
    }
  }
  const modules = join(folder, 'node_modules', '@rpch');
  mkdirSync(modules, { recursive: true });
  symlinkSync(join(folder, 'packages', 'rpc'), join(modules, 'rpc'), 'dir');
}

/** Returns why the fault could not be planted. */
function plant({ file, find, replace }: Mutant, rpch: string): string | undefined {
  const path = join(rpch, file);
  const source = readFileSync(path, 'utf8');
  const places = source.split(find).length - 1;
  if (places !== 1) return `its place occurs ${places} times`;
  writeFileSync(
    path,
    source.replace(find, () => replace),
  );
  return undefined;
}

function run(folder: string, seeds: number): Promise<Verdict> {
  return new Promise((resolve, reject) => {
    const script = join(folder, 'packages', 'testkit', 'soak', 'mutants-schedules.ts');
    const child = spawn(process.execPath, [script, String(seeds)], { stdio: ['ignore', 'pipe', 'pipe'] });
    let out = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk;
    });
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      errors += chunk;
    });
    const timer = setTimeout(() => child.kill('SIGKILL'), TOO_LONG);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (signal !== null)
        resolve({ kind: 'caught', seed: undefined, by: signal === 'SIGKILL' ? 'endless' : signal, message: '' });
      else if (code !== 0) resolve({ kind: 'broken', why: errors.trim().split('\n').slice(-8).join(' ') });
      else resolve(verdict(out));
    });
  });
}

function verdict(out: string): Verdict {
  const failure = JSON.parse(out) as { seed: number; invariant: string; message: string } | null;
  if (failure === null) return { kind: 'survived' };
  return { kind: 'caught', seed: failure.seed, by: failure.invariant, message: failure.message };
}

process.exitCode = await main(process.argv.slice(2));
