import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RpchError } from '@rpch/rpc';
import { canonicalName, type DescribedEntry, type DirectoryFile, parseDirectoryFile } from './directory-file.ts';
import type { Directory, DirectoryEntry, DirectoryOrganization } from './model.ts';
import { type OrganizationParts, organizationOf, recipientDn } from './organization.ts';
import { DirectorySnapshot, smtpAddresses } from './snapshot.ts';

/** Name of the directory's file below the data directory. */
export const DIRECTORY_FILE = 'directory.yaml';

/** What the embedded directory is made of. */
export interface EmbeddedDirectoryOptions {
  readonly dataDir: string;
  /** The accounts that have a mailbox, in canonical form. */
  readonly accounts: readonly string[];
  /** What holds where directory.yaml says nothing of the organisation. */
  readonly defaults: OrganizationParts;
  /** Gets a line for each thing that is odd, but no error. */
  readonly warn: (line: string) => void;
}

/**
 * The directory of a server on its own: its accounts, with what `directory.yaml` in the data directory says of them, and the groups
 * and contacts that stand there. The file need not exist. All is held in memory; {@link EmbeddedDirectory.reload} reads it again.
 *
 * Whoever uses a directory has a function that returns the {@link Directory} of the moment: there LDAP can take this one's place.
 */
export class EmbeddedDirectory {
  readonly #options: EmbeddedDirectoryOptions;
  #current: Directory;

  private constructor(options: EmbeddedDirectoryOptions, current: Directory) {
    this.#options = options;
    this.#current = current;
  }

  /**
   * @throws RpchError `RPCH_BAD_DIRECTORY` with file and line where directory.yaml is not as it should be; `RPCH_IO` where it
   * cannot be read.
   */
  static async load(options: EmbeddedDirectoryOptions): Promise<EmbeddedDirectory> {
    return new EmbeddedDirectory(options, await read(options, options.accounts, 1));
  }

  /** The directory as it was last read. */
  get current(): Directory {
    return this.#current;
  }

  /** Reads the file again, for these accounts. Where that fails, as {@link EmbeddedDirectory.load} does, all stays as it was. */
  async reload(accounts: readonly string[]): Promise<void> {
    this.#current = await read(this.#options, accounts, this.#current.version + 1);
  }
}

async function read(
  { dataDir, defaults, warn }: EmbeddedDirectoryOptions,
  accounts: readonly string[],
  version: number,
): Promise<Directory> {
  const path = join(dataDir, DIRECTORY_FILE);
  const file = parseDirectoryFile(await textOf(path), path);
  const { name, domain, server } = file.organization;
  const organization = organizationOf({
    ...defaults,
    ...(name === undefined ? {} : { name }),
    ...(domain === undefined ? {} : { domain }),
    ...(server === undefined ? {} : { serverName: server }),
  });
  return new DirectorySnapshot(organization, version, entriesOf(file, accounts, organization, warn));
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return '';
    throw new RpchError('RPCH_IO', 'configuration', `cannot read ${path}: ${code}`, { cause });
  }
}

type Kind = DirectoryEntry['kind'];

function entriesOf(
  file: DirectoryFile,
  accounts: readonly string[],
  organization: DirectoryOrganization,
  warn: (line: string) => void,
): readonly DirectoryEntry[] {
  const known = new Set(accounts);
  for (const [name, { place }] of file.users) {
    if (!known.has(name))
      warn(`${place.bad('there is no such account, so that it is not in the address book').message}`);
  }
  const names = new Map<string, DirectoryEntry>();
  const unique = new UniqueNames();
  const add = (kind: Kind, name: string, described: DescribedEntry | undefined) => {
    if (names.has(name)) throw described?.place.bad(`${name} is the name of another entry too`) ?? twice(name);
    const entry = entryOf(kind, name, described, organization);
    unique.add(entry, described);
    names.set(name, entry);
  };
  for (const account of known) add('user', account, file.users.get(account));
  for (const [name, described] of file.groups) add('group', name, described);
  for (const [name, described] of file.contacts) add('contact', name, described);
  const left = new Set([...file.users.keys()].filter((name) => !known.has(name)));
  return [...names].map(([name, entry]) => {
    if (entry.kind !== 'group') return entry;
    return { ...entry, members: membersOf(file.groups.get(name), names, unique, left) };
  });
}

function entryOf(
  kind: Kind,
  name: string,
  described: DescribedEntry | undefined,
  organization: DirectoryOrganization,
): DirectoryEntry {
  const { alias = name, displayName = name, addresses = [], hidden = false } = described ?? {};
  if (kind === 'contact' && described?.address === undefined) {
    throw described?.place.bad('a contact needs an address') ?? twice(name);
  }
  const { address = `${name}@${organization.domain}` } = described ?? {};
  const guid = described?.guid ?? namedGuid(`${kind}:${name}@${organization.administrativeGroupDn}`);
  const others = addresses.filter((each) => each.toLowerCase() !== address.toLowerCase());
  const { givenName, surname, title, department, company, office, telephone, mobile } = described ?? {};
  return {
    guid,
    kind,
    ...(kind === 'user' ? { account: name } : {}),
    legacyDn: described?.legacyDn ?? recipientDn(organization, relativeName(name, guid)),
    displayName,
    alias,
    address,
    proxyAddresses: [`SMTP:${address}`, ...others.map((each) => `smtp:${each}`)],
    hidden,
    ...(givenName === undefined ? {} : { givenName }),
    ...(surname === undefined ? {} : { surname }),
    ...(title === undefined ? {} : { title }),
    ...(department === undefined ? {} : { department }),
    ...(company === undefined ? {} : { company }),
    ...(office === undefined ? {} : { office }),
    ...(telephone === undefined ? {} : { telephone }),
    ...(mobile === undefined ? {} : { mobile }),
  };
}

function membersOf(
  described: DescribedEntry | undefined,
  names: ReadonlyMap<string, DirectoryEntry>,
  unique: UniqueNames,
  left: ReadonlySet<string>,
): readonly string[] {
  const members = new Set<string>();
  for (const { name, place } of described?.members ?? []) {
    const member = names.get(canonicalName(name)) ?? unique.byAddress(name);
    if (member !== undefined) members.add(member.guid);
    else if (!left.has(canonicalName(name))) {
      throw place.bad('expected an account, the name of a group or a contact, or the address of one of them');
    }
  }
  return [...members];
}

/** Sees to it that no two entries have one GUID, DN or address. */
class UniqueNames {
  readonly #taken = new Map<string, DirectoryEntry>();

  add(entry: DirectoryEntry, described: DescribedEntry | undefined): void {
    const addresses = smtpAddresses(entry).map((address) => `address ${address}`);
    for (const name of [`GUID ${entry.guid}`, `DN ${entry.legacyDn.toLowerCase()}`, ...addresses]) {
      if (this.#taken.has(name)) throw described?.place.bad(`another entry has the ${name} too`) ?? twice(name);
      this.#taken.set(name, entry);
    }
  }

  byAddress(address: string): DirectoryEntry | undefined {
    return this.#taken.get(`address ${address.toLowerCase()}`);
  }
}

/** An account that is there twice, or takes what another one was given. */
function twice(name: string): RpchError {
  return new RpchError('RPCH_BAD_DIRECTORY', 'configuration', `two entries of the directory have the name ${name}`);
}

/** DNs are ASCII ([MS-OXOABK] 2.2.1.1): an entry with another name goes by its GUID. */
function relativeName(name: string, guid: string): string {
  return /^[\w.-]+$/u.test(name) ? name : guid.replaceAll('-', '');
}

/** The namespace of GUIDs that follow from names. */
const NAMESPACE = '7d1b6c0e-92f4-4f6e-9c55-0f6b3c2a8e11';

/** The GUID of a name, the same on every run and every computer: version 5 (RFC 9562 5.5). */
export function namedGuid(name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(NAMESPACE.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest('hex');
  const variant = ((Number.parseInt(hash.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-5${hash.slice(13, 16)}-${variant}${hash.slice(18, 20)}-${hash.slice(20, 32)}`;
}
