import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { RpchError } from '@rpch/rpc';
import type { Children } from './children.ts';

/** Paths of what the benchmark runs beside Node: the two C programs, compiled, and HAProxy. */
export interface Programs {
  readonly echod: string;
  readonly rohload: string;
  readonly haproxy: string;
}

const NEEDED = ['cc', 'haproxy'] as const;
/** Debian leaves the folders of HAProxy and its like out of the PATH of ordinary users. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin'];
const COMPILE_LIMIT = 60_000;

async function find(program: string): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), ...SYSTEM_FOLDERS];
  for (const folder of folders) {
    const path = join(folder, program);
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return path;
  }
  return undefined;
}

/** Names the programs that the benchmark needs and this machine lacks: none, or of `cc` and `haproxy`. */
export async function missingPrograms(): Promise<string[]> {
  const paths = await Promise.all(NEEDED.map(find));
  return NEEDED.filter((_, at) => paths[at] === undefined);
}

/**
 * Compiles echod and rohload into `folder`, with `cc -O2`, and finds HAProxy. Throws RpchError: `RPCH_BENCH_MISSING` names
 * the program that is not installed, `RPCH_BENCH_COMPILE` quotes the compiler.
 */
export async function preparePrograms(children: Children, folder: string): Promise<Programs> {
  const [cc, haproxy] = await Promise.all(NEEDED.map(find));
  if (cc === undefined || haproxy === undefined) {
    const missing = (await missingPrograms()).join(' and ');
    const cure = 'on Debian: apt-get install gcc libc6-dev haproxy';
    throw new RpchError('RPCH_BENCH_MISSING', 'configuration', `the benchmark needs ${missing}; ${cure}`);
  }
  const compile = async (name: string): Promise<string> => {
    const source = fileURLToPath(new URL(`${name}.c`, import.meta.url));
    const program = join(folder, name);
    const { code, stderr } = await children.run('cc', cc, ['-O2', '-o', program, source], COMPILE_LIMIT);
    if (code === 0) return program;
    throw new RpchError('RPCH_BENCH_COMPILE', 'configuration', `cc did not compile ${name}.c: ${stderr.trim()}`);
  };
  const [echod, rohload] = await Promise.all([compile('echod'), compile('rohload')]);
  return { echod, rohload, haproxy };
}
