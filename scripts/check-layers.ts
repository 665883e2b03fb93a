import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { findCycles } from './import-cycles.ts';
import { type Import, importsOf } from './imports.ts';

/** Packages from the bottom to the top, by folder, with the names under which they are imported; those of one line must not know each other. */
const packages = [
  [{ folder: 'rpc', name: '@rpch/rpc' }],
  [
    { folder: 'proxy', name: '@rpch/proxy' },
    { folder: 'store', name: '@rpch/store' },
  ],
  [{ folder: 'cli', name: 'rpch' }],
] as const;
const TESTKIT = { folder: 'testkit', name: '@rpch/testkit' } as const;

interface Layering {
  /** The folders and files below src from the bottom to the top; those of one line must not know each other. */
  readonly layers: readonly (readonly string[])[];
  /** Those that may take from Node what they like; the others get {@link PURE_BUILTINS} alone: sockets, files and clocks come in from outside. */
  readonly impure: readonly string[];
}

/** How packages are cut inside. */
const layerings: Readonly<Record<string, Layering>> = {
  rpc: {
    layers: [
      ['errors.ts'],
      ['bytes'],
      ['crypto', 'asn1'],
      ['ndr'],
      ['dcerpc'],
      ['security'],
      ['rpch'],
      ['interfaces'],
      ['net'],
      ['mod.ts'],
      ['internal_mod.ts'],
    ],
    impure: ['net'],
  },
  store: {
    // The client knows what goes over the wire, and nothing of the store.
    layers: [
      ['mapi', 'text'],
      ['client', 'sql'],
      ['mailbox', 'directory'],
      ['import', 'services'],
      ['mod.ts'],
      ['internal_mod.ts'],
    ],
    impure: ['client', 'sql', 'mailbox', 'directory', 'import', 'services'],
  },
};
const PURE_BUILTINS: ReadonlySet<string> = new Set(['node:crypto', 'node:buffer']);

/** Folders of a package that are not part of it: they may use the testkit. */
const OUTSIDE_SRC: ReadonlySet<string> = new Set(['test', 'bench', 'soak']);

/** Programs that show the libraries to their users: they have nothing but their public doors. */
const EXAMPLES = 'examples';
const PUBLIC_DOORS = ['@rpch/rpc', '@rpch/store/client'];

interface Source {
  /** Relative to the root, with slashes. */
  readonly path: string;
  readonly package: string;
  /** `src`, `test`, `bench` or `soak`. */
  readonly part: string;
  readonly imports: readonly Import[];
}

/**
 * Checks every import statement below `root` and returns the violations, each as `FILE:LINE: what is wrong`: packages and
 * their layers import downwards only, no file takes part in a cycle, pure layers know no sockets, files and clocks,
 * every package that is imported is declared, @rpch/rpc depends on nothing, and the examples have the public doors alone.
 */
export function checkLayers(root: string): { readonly files: number; readonly violations: readonly string[] } {
  const sources = readSources(root);
  const violations: string[] = [];
  const edges = new Map<string, string[]>();
  for (const source of sources) {
    const targets: string[] = [];
    for (const item of source.imports) {
      const target = localTarget(root, source, item);
      const wrong = target === undefined ? checkOutside(root, source, item) : checkLocal(root, source, target);
      if (wrong !== undefined) violations.push(`${source.path}:${item.line}: ${wrong}`);
      if (target !== undefined) targets.push(target);
    }
    edges.set(source.path, targets);
  }
  const examples = checkExamples(root);
  violations.push(...examples.violations);
  for (const cycle of findCycles(edges)) violations.push(`${cycle[0]}:1: an import cycle: ${cycle.join(' -> ')}`);
  if (existsSync(join(root, 'packages/rpc/package.json'))) {
    for (const name of dependenciesOf(root, 'rpc')) {
      violations.push(`packages/rpc/package.json:1: @rpch/rpc must not depend on anything, and does on ${name}`);
    }
  }
  return { files: sources.length + examples.files, violations };
}

function checkExamples(root: string): { readonly files: number; readonly violations: readonly string[] } {
  const paths = globSync(`${EXAMPLES}/**/*.ts`, { cwd: root }).sort();
  const violations = paths.flatMap((path) =>
    importsOf(readFileSync(join(root, path), 'utf8')).flatMap(({ from = 'something', line }) => {
      const own = from.startsWith('.') && resolve(root, dirname(path), from).startsWith(resolve(root, EXAMPLES, '.'));
      if (own || PUBLIC_DOORS.includes(from) || from.startsWith('node:')) return [];
      return [`${path}:${line}: examples import ${PUBLIC_DOORS.join(', ')} and each other, not ${from}`];
    }),
  );
  return { files: paths.length, violations };
}

function readSources(root: string): Source[] {
  const paths = globSync('packages/*/{src,test,bench,soak}/**/*.ts', { cwd: root }).map((path) =>
    path.replaceAll('\\', '/'),
  );
  return paths.sort().map((path) => {
    const [, folder = '', part = ''] = path.split('/');
    return { path, package: folder, part, imports: importsOf(readFileSync(join(root, path), 'utf8')) };
  });
}

/** The file that a relative import names, relative to the root. */
function localTarget(root: string, source: Source, item: Import): string | undefined {
  if (item.from === undefined || !item.from.startsWith('.')) return undefined;
  return resolve(root, dirname(source.path), item.from)
    .slice(resolve(root).length + 1)
    .replaceAll('\\', '/');
}

function checkLocal(root: string, source: Source, target: string): string | undefined {
  if (!existsSync(join(root, target))) return `${target} does not exist`;
  if (target.startsWith('scripts/') && source.part !== 'src') return undefined;
  const [, folder = '', part = ''] = target.split('/');
  if (folder !== source.package) return `${target} belongs to another package: import it by its name`;
  if (source.part === 'src' && part !== 'src') return `the package must not import ${target}`;
  const layering = layerings[folder];
  if (layering === undefined || source.part !== 'src') return undefined;
  const from = layerOf(layering, source.path);
  const to = layerOf(layering, target);
  if (from === undefined) return `${source.path} is in no layer`;
  if (to === undefined) return `${target} is in no layer`;
  if (to.name === from.name || to.rank < from.rank) return undefined;
  return `${from.name} must not import ${to.name}, which is ${to.rank > from.rank ? 'above' : 'beside'} it`;
}

function layerOf({ layers }: Layering, path: string): { readonly name: string; readonly rank: number } | undefined {
  const name = path.split('/')[3] ?? '';
  const rank = layers.findIndex((layer) => layer.includes(name));
  return rank < 0 ? undefined : { name, rank };
}

function checkOutside(root: string, source: Source, item: Import): string | undefined {
  const { from } = item;
  if (from === undefined) {
    return source.part === 'src' && source.package !== TESTKIT.folder
      ? 'an import() of something that is no literal cannot be checked'
      : undefined;
  }
  if (from.startsWith('node:')) return checkBuiltin(source, from);
  const name = from.split('/', from.startsWith('@') ? 2 : 1).join('/');
  if (name === TESTKIT.name) {
    return OUTSIDE_SRC.has(source.part) ? undefined : 'only tests, benchmarks and soaks may import the testkit';
  }
  const target = packages.findIndex((line) => line.some((entry) => entry.name === name));
  const own = packages.findIndex((line) => line.some((entry) => entry.folder === source.package));
  const itself = packages.flat().some((entry) => entry.name === name && entry.folder === source.package);
  if (itself) return undefined;
  if (target >= 0 && source.package !== TESTKIT.folder && target >= own) {
    return `${source.package} must not import ${name}, which is ${target > own ? 'above' : 'beside'} it`;
  }
  // What tests need beyond the package itself is declared once, for the whole workspace.
  if (source.part !== 'src' && dependenciesOf(root, undefined).includes(name)) return undefined;
  return dependenciesOf(root, source.package).includes(name) ? undefined : `${name} is not declared as a dependency`;
}

function checkBuiltin(source: Source, from: string): string | undefined {
  const layering = layerings[source.package];
  if (layering === undefined || source.part !== 'src' || PURE_BUILTINS.has(from)) return undefined;
  const layer = layerOf(layering, source.path)?.name ?? source.path;
  if (layering.impure.includes(layer)) return undefined;
  return `${layer} must not import ${from}: sockets, files and clocks are for ${layering.impure.join(', ')}`;
}

/** Names in package.json: what a package depends on at run time, or, without a folder, what the workspace develops with. */
function dependenciesOf(root: string, folder: string | undefined): string[] {
  const file = folder === undefined ? 'package.json' : `packages/${folder}/package.json`;
  const manifest = JSON.parse(readFileSync(join(root, file), 'utf8')) as Record<string, object | undefined>;
  const sections =
    folder === undefined ? ['devDependencies'] : ['dependencies', 'optionalDependencies', 'peerDependencies'];
  return sections.flatMap((section) => Object.keys(manifest[section] ?? {}));
}

if (import.meta.main) {
  const { files, violations } = checkLayers(process.argv[2] ?? process.cwd());
  for (const violation of violations) console.error(violation);
  console.log(`layers: ${files} files, ${violations.length} violations`);
  process.exitCode = violations.length > 0 ? 1 : 0;
}
