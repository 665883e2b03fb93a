import { parseYaml, type YamlValue } from './yaml-file.ts';

/** What may be said of a user, a group or a contact in directory.yaml. */
export interface DescribedEntry {
  /** Where it stands, for messages. */
  readonly place: YamlValue;
  readonly guid?: string;
  readonly legacyDn?: string;
  readonly displayName?: string;
  readonly givenName?: string;
  readonly surname?: string;
  readonly alias?: string;
  readonly address?: string;
  /** Other SMTP addresses. */
  readonly addresses: readonly string[];
  readonly title?: string;
  readonly department?: string;
  readonly company?: string;
  readonly office?: string;
  readonly telephone?: string;
  readonly mobile?: string;
  readonly hidden: boolean;
  /** Accounts, names of groups and contacts, or addresses, each with its place; of groups only. */
  readonly members: readonly { readonly name: string; readonly place: YamlValue }[];
}

/** The contents of directory.yaml; names are in canonical form. */
export interface DirectoryFile {
  readonly organization: { readonly name?: string; readonly domain?: string; readonly server?: string };
  readonly users: ReadonlyMap<string, DescribedEntry>;
  readonly groups: ReadonlyMap<string, DescribedEntry>;
  readonly contacts: ReadonlyMap<string, DescribedEntry>;
}

/** The most entries of a directory. */
export const MAX_ENTRIES = 100_000;

const TEXTS = ['displayName', 'givenName', 'surname', 'title', 'department', 'company', 'office'] as const;
const NUMBERS = ['telephone', 'mobile'] as const;
const COMMON = ['guid', 'legacyDn', 'alias', 'address', 'addresses', 'hidden'] as const;
const OF_PERSONS = [...TEXTS, ...NUMBERS, ...COMMON] as const;
const OF_GROUPS = ['displayName', ...COMMON, 'members'] as const;
type Key = (typeof OF_PERSONS)[number] | (typeof OF_GROUPS)[number];

const GUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu;
const ADDRESS = /^[^\s@<>",;:/\\]+@[^\s@<>",;:/\\]+$/u;
const HOST = /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/iu;
const ALIAS = /^[^\s@<>",;:/\\=]+$/u;
const LEGACY_DN = /^(?:\/[a-z]+=[\x20-\x2e\x30-\x7e]+)+$/iu;

/**
 * Reads the text of directory.yaml.
 * @param name the file's name, for messages.
 * @throws RpchError `RPCH_BAD_DIRECTORY` with the line of what is wrong.
 */
export function parseDirectoryFile(text: string, name: string): DirectoryFile {
  const whole = parseYaml(text, name).fields('a map', ['organization', 'users', 'groups', 'contacts']);
  return {
    organization: organizationOf(whole.organization),
    users: entriesOf(whole.users, OF_PERSONS),
    groups: entriesOf(whole.groups, OF_GROUPS),
    contacts: entriesOf(whole.contacts, OF_PERSONS),
  };
}

/** Accounts and names of entries are compared so: lower case, in composed form. */
export function canonicalName(name: string): string {
  return name.normalize('NFC').toLowerCase().normalize('NFC');
}

function organizationOf(value: YamlValue | undefined): DirectoryFile['organization'] {
  const { name, domain, server } = value?.fields('a map', ['name', 'domain', 'server']) ?? {};
  return {
    ...(name === undefined ? {} : { name: name.text('the name of the organisation') }),
    ...(domain === undefined ? {} : { domain: matching(domain, 'a domain such as example.org', HOST).toLowerCase() }),
    ...(server === undefined ? {} : { server: matching(server, 'the name of a server', HOST) }),
  };
}

function entriesOf(section: YamlValue | undefined, known: readonly Key[]): Map<string, DescribedEntry> {
  const entries = new Map<string, DescribedEntry>();
  for (const [key, value] of section?.entries('a map from names to what is said of them') ?? []) {
    const name = canonicalName(key);
    if (!ALIAS.test(name)) throw value.bad('a name has no spaces, and none of @ < > " , ; : / \\ =');
    if (entries.has(name)) throw value.bad(`${name} is there twice`);
    if (entries.size >= MAX_ENTRIES) throw value.bad(`more than ${MAX_ENTRIES} entries`);
    entries.set(name, entryOf(value, known));
  }
  return entries;
}

function entryOf(place: YamlValue, known: readonly Key[]): DescribedEntry {
  const fields = place.fields('a map', known);
  const found: Partial<Record<Key, string>> = {};
  for (const key of [...TEXTS, ...NUMBERS]) {
    const value = fields[key];
    if (value !== undefined) found[key] = value.text('a text');
  }
  const { guid, legacyDn, alias, address, addresses, hidden, members } = fields;
  if (guid !== undefined) found.guid = matching(guid, 'a GUID', GUID).toLowerCase();
  if (legacyDn !== undefined) found.legacyDn = matching(legacyDn, 'a DN such as /o=…/cn=…, in ASCII', LEGACY_DN);
  if (alias !== undefined) found.alias = matching(alias, 'an alias, without spaces', ALIAS);
  if (address !== undefined) found.address = addressOf(address);
  const { addresses: _addresses, hidden: _hidden, members: _members, ...texts } = found;
  return {
    place,
    ...texts,
    addresses: addresses?.list('a list of addresses').map(addressOf) ?? [],
    hidden: hidden?.boolean() ?? false,
    members: members?.list('a list of members').map((each) => ({ name: each.text('a member'), place: each })) ?? [],
  };
}

function addressOf(value: YamlValue): string {
  return matching(value, 'an address such as alice@example.org', ADDRESS);
}

function matching(value: YamlValue, what: string, pattern: RegExp): string {
  const text = value.text(what);
  if (!pattern.test(text)) throw value.bad(`expected ${what}`);
  return text;
}
