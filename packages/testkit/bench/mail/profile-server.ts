import { mkdirSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Children } from '../children.ts';
import { type CpuProfile, topSelfTimes } from '../profile.ts';
import { decimal, table } from '../table.ts';
import { measureOnce, type Places } from './measurements.ts';
import { startServer } from './server.ts';

const FUNCTIONS = 25;
/** How often the profiler looks, microseconds. */
const INTERVAL = '500';

/**
 * Starts another server under the profiler, has 64 clients read pages for some seconds, and says which functions took the most time
 * themselves, of the main thread and of each worker that had work.
 */
export async function profileServer(children: Children, places: Places, seconds: number): Promise<string> {
  const folder = join(places.setting.dataDir, 'profiles');
  mkdirSync(folder);
  const nodeArgs = ['--cpu-prof', `--cpu-prof-interval=${INTERVAL}`, `--cpu-prof-dir=${folder}`];
  const server = await startServer(children, places.setting, nodeArgs);
  // Code is compiled, and the address book is read, before what is looked at.
  await measureOnce('pages-64', children, { ...places, server }, seconds);
  const since = Number(process.hrtime.bigint() / 1000n);
  await measureOnce('pages-64', children, { ...places, server }, seconds);
  await children.end(server.pid);
  const parts: string[] = [];
  for (const file of readdirSync(folder).sort()) {
    const profile = JSON.parse(await readFile(join(folder, file), 'utf8')) as CpuProfile;
    const rows = topSelfTimes(profile, FUNCTIONS, since).map(({ where, milliseconds, share }) => {
      return [where, milliseconds.toFixed(0), decimal(share)];
    });
    parts.push(`\n${table([file, 'ms', 'share'], rows)}`);
  }
  return parts.join('\n');
}
