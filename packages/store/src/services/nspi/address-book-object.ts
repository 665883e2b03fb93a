import { Nspi, parseGuid } from '@rpch/rpc/internal';
import type { DirectoryEntry, DirectoryOrganization } from '../../directory/model.ts';
import { formEntryId, ProviderUid } from '../../mapi/entry-id.ts';
import { idOf, type PropertyTag, type PropertyValue } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { ObjectType } from '../../mapi/property-values.ts';
import { type Container, ContainerFlag } from './containers.ts';

/** A property with its own tag: strings are PtypString. */
export interface NativeProperty {
  readonly tag: PropertyTag;
  readonly value: PropertyValue;
}

/** PidTagDisplayTypeEx of a mailbox: that access can be granted to it ([MS-OXOABK] 2.2.3.12). */
const ACL_CAPABLE = 0x40000000;
/** Of a property whose value is a table: it is opened by NspiGetMatches, and its value says nothing. */
const TABLE = 0;

/** Something that has a minimal entry id: an entry of the directory, a container, or the server. */
export class AddressBookObject {
  readonly mid: number;
  readonly displayType: number;
  readonly dn: string;
  readonly displayName: string;
  /** Undefined of containers and the server. */
  readonly entry: DirectoryEntry | undefined;
  readonly #describe: (object: AddressBookObject) => readonly (readonly [PropertyTag, PropertyValue | undefined])[];
  #properties: ReadonlyMap<number, NativeProperty> | undefined;

  constructor(
    identity: Pick<AddressBookObject, 'mid' | 'displayType' | 'dn' | 'displayName'> & {
      readonly entry?: DirectoryEntry;
    },
    describe: (object: AddressBookObject) => readonly (readonly [PropertyTag, PropertyValue | undefined])[],
  ) {
    this.mid = identity.mid;
    this.displayType = identity.displayType;
    this.dn = identity.dn;
    this.displayName = identity.displayName;
    this.entry = identity.entry;
    this.#describe = describe;
  }

  /** Its properties by their ids, made when they are first asked for. */
  get properties(): ReadonlyMap<number, NativeProperty> {
    if (this.#properties === undefined) {
      const properties = new Map<number, NativeProperty>();
      for (const [tag, value] of this.#describe(this))
        if (value !== undefined) properties.set(idOf(tag), { tag, value });
      this.#properties = properties;
    }
    return this.#properties;
  }

  /** The entry id that holds in every session ([MS-OXNSPI] 2.2.9.3). */
  permanentEntryId(): Uint8Array {
    return formEntryId({ kind: 'address-book', type: this.displayType, dn: this.dn });
  }

  /** The entry id that holds in sessions with this server ([MS-OXNSPI] 2.2.9.2). */
  ephemeralEntryId(server: string): Uint8Array {
    return formEntryId({ kind: 'ephemeral', server, type: this.displayType, mid: this.mid });
  }
}

/** The display types of entries ([MS-OXNSPI] 2.2.1.3). */
const DISPLAY_TYPES = { user: Nspi.DT_MAILUSER, group: Nspi.DT_DISTLIST, contact: Nspi.DT_REMOTE_MAILUSER } as const;

/** An entry as an object: what every object must have ([MS-OXNSPI] 3.1.4.1.1 and following), and what the entry says. */
export function entryObject(
  mid: number,
  entry: DirectoryEntry,
  organization: DirectoryOrganization,
  isMember: (entry: DirectoryEntry) => boolean,
): AddressBookObject {
  const { kind, legacyDn, displayName } = entry;
  const displayType = DISPLAY_TYPES[kind];
  const isGroup = kind === 'group';
  return new AddressBookObject({ mid, displayType, dn: legacyDn, displayName, entry }, (object) => [
    ...identity(object, isGroup ? ObjectType.DistributionList : ObjectType.MailUser),
    [PidTag.DisplayType, displayType],
    [PidTag.DisplayTypeEx, kind === 'user' ? displayType | ACL_CAPABLE : displayType],
    [PidTag.TemplateId, object.permanentEntryId()],
    [PidTag.SendRichInfo, kind !== 'contact'],
    [PidTag.Account, entry.alias],
    [PidTag.SmtpAddress, entry.address],
    [PidTag.AddressBookProxyAddresses, entry.proxyAddresses],
    [PidTag.AddressBookObjectGuid, parseGuid(entry.guid)],
    [PidTag.GivenName, entry.givenName],
    [PidTag.Surname, entry.surname],
    [PidTag.Title, entry.title],
    [PidTag.DepartmentName, entry.department],
    [PidTag.CompanyName, entry.company],
    [PidTag.OfficeLocation, entry.office],
    [PidTag.PrimaryTelephoneNumber, entry.telephone],
    [PidTag.BusinessTelephoneNumber, entry.telephone],
    [PidTag.MobileTelephoneNumber, entry.mobile],
    [PidTag.AddressBookHomeMessageDatabase, kind === 'user' ? privateMdbDn(organization) : undefined],
    [PidTag.AddressBookMember, isGroup ? TABLE : undefined],
    [PidTag.AddressBookDistributionListMemberCount, isGroup ? (entry.members?.length ?? 0) : undefined],
    [PidTag.ContainerContents, isGroup ? TABLE : undefined],
    [PidTag.ContainerFlags, isGroup ? ContainerFlag.Recipients | ContainerFlag.Unmodifiable : undefined],
    [PidTag.AddressBookIsMemberOfDistributionList, isMember(entry) ? TABLE : undefined],
  ]);
}

/** A container as an object. Its display type is told in its entry id only ([MS-OXNSPI] 2.2.1.3). */
export function containerObject({ id, name, guid, flags }: Container): AddressBookObject {
  const dn = containerDn(guid);
  return new AddressBookObject({ mid: id, displayType: Nspi.DT_CONTAINER, dn, displayName: name }, (object) => [
    ...identity(object, ObjectType.Container),
    [PidTag.ContainerFlags, flags],
    [PidTag.AddressBookObjectGuid, guid === undefined ? undefined : parseGuid(guid)],
  ]);
}

/** The DN of a container: the GUID as its bytes stand on the wire ([MS-OXNSPI] 2.2.9.3). */
function containerDn(guid: string | undefined): string {
  return guid === undefined ? '/' : `/guid=${Buffer.from(parseGuid(guid)).toString('hex')}`;
}

/** The server, which old clients look up to learn how it is reached. It is in no list. */
export function serverObject(mid: number, { serverDn, serverName }: DirectoryOrganization): AddressBookObject {
  const identityOf = { mid, displayType: Nspi.DT_MAILUSER, dn: serverDn, displayName: serverName };
  return new AddressBookObject(identityOf, (object) => [
    ...identity(object, ObjectType.MailUser),
    [PidTag.AddressBookNetworkAddress, [`ncacn_ip_tcp:${serverName}`, `ncacn_http:${serverName}`]],
  ]);
}

/** The DN of the database that all mailboxes of the server are in. */
function privateMdbDn({ serverDn }: DirectoryOrganization): string {
  return `${serverDn}/cn=Microsoft Private MDB`;
}

function identity(object: AddressBookObject, objectType: number): [PropertyTag, PropertyValue][] {
  const { mid, dn, displayName } = object;
  const instanceKey = new Uint8Array(4);
  new DataView(instanceKey.buffer).setUint32(0, mid, true);
  return [
    [PidTag.ObjectType, objectType],
    [PidTag.DisplayName, displayName],
    [PidTag.TransmittableDisplayName, displayName],
    [PidTag.AddressBookDisplayNamePrintable, sevenBitName(object)],
    [PidTag.EntryId, object.permanentEntryId()],
    [PidTag.RecordKey, object.permanentEntryId()],
    [PidTag.InstanceKey, instanceKey],
    [PidTag.SearchKey, Buffer.from(`EX:${dn.toUpperCase()}\0`, 'latin1')],
    [PidTag.MappingSignature, parseGuid(ProviderUid.AddressBook)],
    [PidTag.AddressType, 'EX'],
    [PidTag.EmailAddress, dn],
    [PidTag.AddressBookObjectDistinguishedName, dn],
    [PidTag.AddressBookContainerId, 0],
    [PidTag.InitialDetailsPane, 0],
  ];
}

/** PidTag7BitDisplayName: the name without its accents if that is ASCII, else the alias, else what [MS-NSPI] <7> says. */
function sevenBitName({ displayName, entry }: AddressBookObject): string {
  for (const name of [displayName.normalize('NFKD').replace(/\p{M}/gu, ''), entry?.alias ?? '']) {
    if (/^[\x20-\x7e]+$/u.test(name)) return name;
  }
  return 'Unavailable';
}
