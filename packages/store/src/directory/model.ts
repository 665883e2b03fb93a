/** What stands in the address book, wherever it comes from: the embedded directory, later LDAP. */
export interface DirectoryEntry {
  /** Stable; text form. */
  readonly guid: string;
  readonly kind: 'user' | 'group' | 'contact';
  /** The account that logs in, in canonical form; of users only. */
  readonly account?: string;
  /** legacyExchangeDN; compared without regard to case. */
  readonly legacyDn: string;
  readonly displayName: string;
  readonly givenName?: string;
  readonly surname?: string;
  /** PidTagAccount: the alias. */
  readonly alias: string;
  /** The primary SMTP address. */
  readonly address: string;
  /** All addresses with their types, `SMTP:` the primary and `smtp:` the others. */
  readonly proxyAddresses: readonly string[];
  readonly title?: string;
  readonly department?: string;
  readonly company?: string;
  readonly office?: string;
  readonly telephone?: string;
  readonly mobile?: string;
  /** Not shown in lists, but found by its DN. */
  readonly hidden: boolean;
  /** GUIDs of the members of a group. */
  readonly members?: readonly string[];
}

/** A directory as a whole. Synchronous: it is held in memory, `version` changes when it does. */
export interface Directory {
  readonly organization: DirectoryOrganization;
  readonly version: number;
  readonly entries: readonly DirectoryEntry[];
  byGuid(guid: string): DirectoryEntry | undefined;
  byAccount(account: string): DirectoryEntry | undefined;
  byLegacyDn(dn: string): DirectoryEntry | undefined;
  /** By any of its SMTP addresses. */
  byAddress(address: string): DirectoryEntry | undefined;
}

/** The names of the organisation, its server and its domain. */
export interface DirectoryOrganization {
  /** `/o=…`. */
  readonly name: string;
  /** `/o=…/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)`. */
  readonly administrativeGroupDn: string;
  /** The DN of this server: `…/cn=Configuration/cn=Servers/cn=NAME`. */
  readonly serverDn: string;
  /** The name by which clients reach it: the RPC server of the string binding. */
  readonly serverName: string;
  /** The SMTP domain of new accounts. */
  readonly domain: string;
}
