import { accessSync, chmodSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { runOrThrow } from './commands.ts';
import { RPCMAP, SYSTEM_PYTHON } from './impacket.ts';

/** The foreign programs that tests talk to. */
export type Peer = 'samba' | 'impacket' | 'freerdp' | 'tshark' | 'curl' | 'squid' | 'haproxy' | 'nginx';

interface Requirement {
  /** Programs on the path, or absolute paths of files. All must be there. */
  readonly files: readonly string[];
  /** Debian 12 packages that bring them. `samba-up` knows the rest of what Samba needs. */
  readonly packages: readonly string[];
  /** Why root is needed, where it is. */
  readonly root?: string;
}

const IMPACKET_MODULE = '/usr/lib/python3/dist-packages/impacket/__init__.py';

/** Debian keeps it in a package of its own. */
export const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

const requirements: Readonly<Record<Peer, Requirement>> = {
  samba: {
    files: ['samba', 'smbtorture', 'samba-tool', 'winbindd', 'gcc'],
    packages: ['samba', 'samba-common-bin', 'samba-testsuite', 'winbind', 'gcc', 'libc6-dev'],
    root: 'its endpoint mapper is on port 135',
  },
  impacket: { files: [SYSTEM_PYTHON, IMPACKET_MODULE, RPCMAP], packages: ['python3-impacket'] },
  freerdp: { files: ['xfreerdp', 'Xvfb'], packages: ['freerdp2-x11', 'xvfb'] },
  tshark: { files: ['tshark', 'dumpcap'], packages: ['tshark'], root: 'it captures on the loopback interface' },
  curl: { files: ['curl'], packages: ['curl'] },
  squid: { files: ['squid', '/usr/lib/squid/basic_fake_auth'], packages: ['squid'] },
  haproxy: { files: ['haproxy'], packages: ['haproxy'] },
  nginx: { files: ['nginx', STREAM_MODULE], packages: ['nginx-light', 'libnginx-mod-stream'] },
};

/** True when this run has to have every peer: RPCH_REQUIRE_PEERS=1. */
export function peersAreRequired(): boolean {
  return process.env.RPCH_REQUIRE_PEERS === '1';
}

/** True when the peer can be used now, without installing anything. */
export function hasPeer(peer: Peer): boolean {
  return missingFor(peer) === undefined;
}

/**
 * Says whether a test may go on with `peer`. If it is not there: with RPCH_REQUIRE_PEERS=1 it is installed (Debian,
 * root), and an installation that fails is an error; otherwise the test is skipped, with the peer's name, and the result
 * is false.
 */
export async function requirePeer(t: TestContext, peer: Peer): Promise<boolean> {
  const missing = missingFor(peer);
  if (missing === undefined) return true;
  if (!peersAreRequired()) {
    t.skip(`${peer}: ${missing}`);
    return false;
  }
  if (!isRoot()) throw new Error(`RPCH_REQUIRE_PEERS=1, but ${peer}: ${missing}, and only root can change that`);
  await installPackages(requirements[peer].packages);
  const still = missingFor(peer);
  if (still !== undefined) throw new Error(`${peer} was installed and yet ${still}`);
  return true;
}

function missingFor(peer: Peer): string | undefined {
  const { files, root } = requirements[peer];
  const missing = files.filter((file) => !isThere(file));
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  if (root !== undefined && !isRoot()) return `needs root: ${root}`;
  return undefined;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function isThere(file: string): boolean {
  if (file.startsWith('/')) return existsSync(file);
  // Debian keeps servers in sbin folders, which are not on every user's path.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/bin'];
  return folders.some((folder) => isExecutable(join(folder, file)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const POLICY = '/usr/sbin/policy-rc.d';

/**
 * Installs Debian packages. While it does, a policy keeps them from starting services of their own. Small Debian images
 * leave out documentation, and with it impacket's example programs: those are asked for by name.
 */
async function installPackages(packages: readonly string[]): Promise<void> {
  const ownPolicy = !existsSync(POLICY);
  if (ownPolicy) {
    writeFileSync(POLICY, '#!/bin/sh\nexit 101\n');
    chmodSync(POLICY, 0o755);
  }
  try {
    const env = { DEBIAN_FRONTEND: 'noninteractive' };
    const wait = ['-o', 'DPkg::Lock::Timeout=300'];
    await runOrThrow('apt-get', [...wait, 'update'], { timeoutMs: 300_000, env });
    const how = [
      '-y',
      '--no-install-recommends',
      '--reinstall',
      '-o',
      `DPkg::Options::=--path-include=${dirname(RPCMAP)}/*`,
    ];
    await runOrThrow('apt-get', [...wait, 'install', ...how, ...packages], { timeoutMs: 600_000, env });
  } finally {
    if (ownPolicy) rmSync(POLICY);
  }
}
