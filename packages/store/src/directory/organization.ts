import type { DirectoryOrganization } from './model.ts';

/** The administrative group of every Exchange organisation from 2007 on, under which clients expect to find recipients. */
const ADMINISTRATIVE_GROUP = 'Exchange Administrative Group (FYDIBOHF23SPDLT)';

/** The name of an organisation that has none. */
const ORGANIZATION = 'First Organization';

/** What an organisation is made of. */
export interface OrganizationParts {
  /** Default: that of a fresh Exchange installation. */
  readonly name?: string;
  readonly domain: string;
  readonly serverName: string;
}

/** The organisation of those names, with its DNs ([MS-OXOABK] 2.2.1.1). */
export function organizationOf({ name = ORGANIZATION, domain, serverName }: OrganizationParts): DirectoryOrganization {
  const administrativeGroupDn = `/o=${dnPart(name)}/ou=${ADMINISTRATIVE_GROUP}`;
  const serverDn = `${administrativeGroupDn}/cn=Configuration/cn=Servers/cn=${dnPart(serverName)}`;
  return { name, administrativeGroupDn, serverDn, serverName, domain };
}

/** The DN of a recipient. */
export function recipientDn({ administrativeGroupDn }: DirectoryOrganization, relativeName: string): string {
  return `${administrativeGroupDn}/cn=Recipients/cn=${relativeName}`;
}

/** DNs are ASCII, and slashes part them; other characters of a name become question marks and underscores. */
function dnPart(name: string): string {
  return name.replaceAll('/', '_').replace(/[^\x20-\x7e]/gu, '?');
}
