import type { Directory, DirectoryEntry, DirectoryOrganization } from './model.ts';

/**
 * A directory at one moment: entries and the ways to find them. Whatever entries come from (the embedded directory now, LDAP
 * later) makes a new one when they change, with another version.
 */
export class DirectorySnapshot implements Directory {
  readonly organization: DirectoryOrganization;
  readonly version: number;
  readonly entries: readonly DirectoryEntry[];
  readonly #byGuid: ReadonlyMap<string, DirectoryEntry>;
  readonly #byAccount: ReadonlyMap<string, DirectoryEntry>;
  readonly #byLegacyDn: ReadonlyMap<string, DirectoryEntry>;
  readonly #byAddress: ReadonlyMap<string, DirectoryEntry>;

  /** Of entries that share a name the last one is found by it: whoever makes entries sees to it that none do. */
  constructor(organization: DirectoryOrganization, version: number, entries: readonly DirectoryEntry[]) {
    this.organization = organization;
    this.version = version;
    this.entries = entries;
    this.#byGuid = new Map(entries.map((entry) => [entry.guid.toLowerCase(), entry]));
    this.#byLegacyDn = new Map(entries.map((entry) => [entry.legacyDn.toLowerCase(), entry]));
    this.#byAccount = new Map(
      entries.flatMap((entry) => (entry.account === undefined ? [] : [[entry.account, entry] as const])),
    );
    this.#byAddress = new Map(entries.flatMap((entry) => smtpAddresses(entry).map((address) => [address, entry])));
  }

  byGuid(guid: string): DirectoryEntry | undefined {
    return this.#byGuid.get(guid.toLowerCase());
  }

  byAccount(account: string): DirectoryEntry | undefined {
    return this.#byAccount.get(account);
  }

  byLegacyDn(dn: string): DirectoryEntry | undefined {
    return this.#byLegacyDn.get(dn.toLowerCase());
  }

  byAddress(address: string): DirectoryEntry | undefined {
    return this.#byAddress.get(address.toLowerCase());
  }
}

/** All SMTP addresses of an entry, in lower case. */
export function smtpAddresses({ address, proxyAddresses }: DirectoryEntry): string[] {
  const others = proxyAddresses.filter((each) => /^smtp:/iu.test(each)).map((each) => each.slice('smtp:'.length));
  return [...new Set([address, ...others].map((each) => each.toLowerCase()))];
}
