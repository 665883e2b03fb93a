import type { Directory, DirectoryEntry, DirectoryOrganization } from '../../directory/model.ts';

/** The part of a directory that a worker needs: the main thread's, as it was when it was last sent. */
export class DirectoryView implements Pick<Directory, 'organization' | 'byAccount' | 'byLegacyDn'> {
  readonly organization: DirectoryOrganization;
  readonly #byAccount = new Map<string, DirectoryEntry>();
  readonly #byDn = new Map<string, DirectoryEntry>();

  constructor(organization: DirectoryOrganization, entries: readonly DirectoryEntry[]) {
    this.organization = organization;
    for (const entry of entries) {
      if (entry.account !== undefined) this.#byAccount.set(entry.account, entry);
      this.#byDn.set(entry.legacyDn.toLowerCase(), entry);
    }
  }

  byAccount(account: string): DirectoryEntry | undefined {
    return this.#byAccount.get(account);
  }

  byLegacyDn(dn: string): DirectoryEntry | undefined {
    return this.#byDn.get(dn.toLowerCase());
  }
}
