import { Nspi, type PropertyRowR } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import { idOf, type PropertyTag, PropertyType, typeOf } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { widen } from '../../mapi/text-coding.ts';
import type { AddressBook } from './address-book.ts';
import { type AddressBookObject, containerObject } from './address-book-object.ts';
import { type Patience, patience } from './anr-index.ts';
import { CONTAINERS, type Container, HIERARCHY_VERSION } from './containers.ts';
import { type Answer, boundedRows, codePageOf, rowSet, rowsFor, type Scene, wantNarrow } from './request.ts';
import { hasMissing, narrowTag, rowOf, tagsOf } from './rows.ts';
import { templateInfo } from './templates.ts';
import { wireValue } from './wire-values.ts';

/** Everything that an object may have ([MS-OXNSPI] 3.1.4.1.5), as Unicode. */
export const COLUMNS: readonly PropertyTag[] = [
  ...[PidTag.ObjectType, PidTag.DisplayType, PidTag.DisplayTypeEx, PidTag.DisplayName, PidTag.TransmittableDisplayName],
  ...[PidTag.AddressBookDisplayNamePrintable, PidTag.EntryId, PidTag.RecordKey, PidTag.InstanceKey, PidTag.SearchKey],
  ...[PidTag.MappingSignature, PidTag.AddressType, PidTag.EmailAddress, PidTag.AddressBookObjectDistinguishedName],
  ...[PidTag.AddressBookContainerId, PidTag.InitialDetailsPane, PidTag.TemplateId, PidTag.SendRichInfo, PidTag.Account],
  ...[PidTag.SmtpAddress, PidTag.AddressBookProxyAddresses, PidTag.AddressBookObjectGuid, PidTag.GivenName],
  ...[PidTag.Surname, PidTag.Title, PidTag.DepartmentName, PidTag.CompanyName, PidTag.OfficeLocation],
  ...[PidTag.PrimaryTelephoneNumber, PidTag.BusinessTelephoneNumber, PidTag.MobileTelephoneNumber],
  ...[PidTag.AddressBookHomeMessageDatabase, PidTag.AddressBookNetworkAddress, PidTag.AddressBookMember],
  ...[PidTag.AddressBookDistributionListMemberCount, PidTag.AddressBookIsMemberOfDistributionList],
  ...[PidTag.ContainerContents, PidTag.ContainerFlags],
];

/** NspiDNToMId: the ids of DNs, 0 of what is not known ([MS-OXNSPI] 3.1.4.1.13). DNs are ASCII. */
export const dnToMId: Answer<'dnToMId'> = ({ pNames }, { book }) => {
  const mids = pNames.Strings.map((dn) => (dn === null ? undefined : book.byDn(dn))?.mid ?? 0);
  return { ppOutMIds: { aulPropTag: mids }, result: ErrorCode.Success };
};

/** NspiGetPropList: what an object has ([MS-OXNSPI] 3.1.4.1.6). */
export const getPropList: Answer<'getPropList'> = ({ dwFlags, dwMId, CodePage }, { book }) => {
  if (CodePage !== Nspi.CP_WINUNICODE) codePageOf({ CodePage });
  const object = existing(book, dwMId, ErrorCode.GeneralFailure);
  return { ppPropTags: { aulPropTag: tagsOf(object, dwFlags, CodePage) }, result: ErrorCode.Success };
};

/** NspiGetProps: the values of one object ([MS-OXNSPI] 3.1.4.1.7). */
export const getProps: Answer<'getProps'> = ({ dwFlags, pStat, pPropTags }, scene) => {
  const { book } = scene;
  const unicode = pStat.CodePage === Nspi.CP_WINUNICODE;
  const codePage = unicode && !wantNarrow(pPropTags?.aulPropTag ?? []) ? Nspi.CP_WINUNICODE : codePageOf(pStat);
  book.container(pStat.ContainerID);
  if (pPropTags === null) {
    const object = existing(book, pStat.CurrentRec, ErrorCode.GeneralFailure);
    const all = { aulPropTag: tagsOf(object, dwFlags, pStat.CodePage) };
    return answered(rowsFor(scene, all, codePage, dwFlags).of(object));
  }
  return answered(rowsFor(scene, pPropTags, codePage, dwFlags).of(book.object(pStat.CurrentRec)));
};

/** NspiModProps: changes an object, which nobody may here ([MS-OXNSPI] 3.1.4.1.14). */
export const modProps: Answer<'modProps'> = ({ Reserved, pStat, pPropTags }, { book }) => {
  codePageOf(pStat);
  if (Reserved !== 0) throw new StoreError(ErrorCode.GeneralFailure, `Reserved is ${Reserved}`);
  if (pPropTags === null) throw new StoreError(ErrorCode.InvalidParam, 'no properties are named');
  existing(book, pStat.CurrentRec, ErrorCode.InvalidParam);
  throw new StoreError(ErrorCode.AccessDenied, 'the address book is not changed this way');
};

/** NspiModLinkAtt: changes what an object leads to, which nobody may here ([MS-OXNSPI] 3.1.4.1.15). */
export const modLinkAtt: Answer<'modLinkAtt'> = ({ ulPropTag, dwMId }, { book }) => {
  if (!COLUMNS.some((tag) => idOf(tag) === idOf(ulPropTag) && typeOf(tag) === PropertyType.Object)) {
    throw new StoreError(ErrorCode.NotFound, `property ${ulPropTag.toString(16)} leads to no objects`);
  }
  const { entry } = existing(book, dwMId, ErrorCode.InvalidParam);
  // What cannot have members at all is left as it is.
  if (entry?.kind !== 'group') return { result: ErrorCode.Success };
  throw new StoreError(ErrorCode.AccessDenied, 'the address book is not changed this way');
};

/** NspiGetSpecialTable: the containers, or the templates for new addresses, of which there are none ([MS-OXNSPI] 3.1.4.1.3). */
export const getSpecialTable: Answer<'getSpecialTable'> = ({ dwFlags, pStat, lpVersion }) => {
  if ((dwFlags & Nspi.NspiAddressCreationTemplates) !== 0) {
    return { lpVersion, ppRows: { aRow: [] }, result: ErrorCode.Success };
  }
  const unicode = (dwFlags & Nspi.NspiUnicodeStrings) !== 0;
  const codePage = unicode ? Nspi.CP_WINUNICODE : codePageOf(pStat);
  const rows = lpVersion === HIERARCHY_VERSION ? [] : CONTAINERS.map((each) => hierarchyRow(each, unicode, codePage));
  return { lpVersion: HIERARCHY_VERSION, ppRows: { aRow: rows }, result: ErrorCode.Success };
};

/** NspiGetTemplateInfo: the dialog that shows an object ([MS-OXNSPI] 3.1.4.1.18). */
export const getTemplateInfo: Answer<'getTemplateInfo'> = ({ dwFlags, ulType, pDN, dwCodePage }) => {
  if (dwCodePage === Nspi.CP_WINUNICODE) throw new StoreError(ErrorCode.InvalidCodepage, 'a template in UTF-16');
  const codePage = codePageOf({ CodePage: dwCodePage });
  const ppData = pDN === null ? templateInfo(dwFlags, ulType, codePage) : undefined;
  if (ppData === undefined) throw new StoreError(ErrorCode.InvalidLocale, `no template of type ${ulType}`);
  return { ppData, result: ErrorCode.Success };
};

/** NspiQueryColumns: everything that objects may have ([MS-OXNSPI] 3.1.4.1.5). */
export const queryColumns: Answer<'queryColumns'> = ({ dwFlags }) => {
  const unicode = (dwFlags & Nspi.NspiUnicodeProptypes) !== 0;
  return { ppColumns: { aulPropTag: unicode ? COLUMNS : COLUMNS.map(narrowTag) }, result: ErrorCode.Success };
};

/** NspiGetNamesFromIDs: no property here has a name ([MS-NSPI] 3.1.4.16). */
export const getNamesFromIDs: Answer<'getNamesFromIDs'> = ({ pPropTags }) => {
  if (pPropTags === null) {
    return { ppReturnedPropTags: { aulPropTag: [] }, ppNames: { aNames: [] }, result: ErrorCode.Success };
  }
  const aNames = pPropTags.aulPropTag.map(() => ({ lpguid: null, ulReserved: 0, lID: 0 }));
  return { ppReturnedPropTags: null, ppNames: { aNames }, result: ErrorCode.Success };
};

/** NspiGetIDsFromNames: no property here has a name ([MS-NSPI] 3.1.4.17). */
export const getIDsFromNames: Answer<'getIDsFromNames'> = ({ dwFlags, pNames }) => {
  if (pNames.length > 0 && (dwFlags & Nspi.NspiVerifyNames) !== 0) {
    throw new StoreError(ErrorCode.AccessDenied, 'there are no named properties');
  }
  const unknown: PropertyTag = PropertyType.ErrorCode;
  return {
    ppPropTags: { aulPropTag: pNames.map(() => unknown) },
    result: pNames.length > 0 ? ErrorCode.ErrorsReturned : ErrorCode.Success,
  };
};

/** NspiResolveNames: ambiguous name resolution of 8-bit text ([MS-OXNSPI] 3.1.4.1.16). */
export const resolveNames: Answer<'resolveNames'> = ({ pStat, pPropTags, paStr }, scene) => {
  const codePage = codePageOf(pStat);
  const names = paStr.Strings.map((name) => widen(name ?? '', codePage));
  return resolved(names, pStat.ContainerID, pPropTags, codePage, scene);
};

/** NspiResolveNamesW: the same of Unicode text ([MS-OXNSPI] 3.1.4.1.17). Outlook has 0x80000000 in Reserved. */
export const resolveNamesW: Answer<'resolveNamesW'> = ({ pStat, pPropTags, paWStr }, scene) => {
  const names = paWStr.Strings.map((name) => name ?? '');
  return resolved(names, pStat.ContainerID, pPropTags, codePageOf(pStat), scene);
};

function resolved(
  names: readonly string[],
  containerId: number,
  columns: { readonly aulPropTag: readonly PropertyTag[] } | null,
  codePage: number,
  scene: Scene,
) {
  const { book } = scene;
  const container = book.container(containerId);
  const rows = rowsFor(scene, columns, codePage, 0);
  const left = patience();
  const found = names.map((name) => resolve(name, container, book, left));
  const objects = found.flatMap((matches) => (matches.length === 1 ? matches : []));
  if (boundedRows(objects.length, rows.columns) < objects.length) {
    throw new StoreError(ErrorCode.TableTooBig, `${objects.length} rows of ${rows.columns} columns`);
  }
  const outcomes = [Nspi.MID_UNRESOLVED, Nspi.MID_RESOLVED];
  const ppMIds = { aulPropTag: found.map(({ length }) => outcomes[length] ?? Nspi.MID_AMBIGUOUS) };
  return { ppMIds, ppRows: rowSet(rows, objects), result: ErrorCode.Success };
}

/** What a name means in a container: DNs first, which also find what is hidden ([MS-OXNSPI] 3.1.4.7). */
function resolve(name: string, container: Container, book: AddressBook, left: Patience): readonly AddressBookObject[] {
  const holds = ({ entry }: AddressBookObject) => entry !== undefined && container.holds(entry);
  const named = book.byDn(name.startsWith('=') ? name.slice(1) : name);
  if (named !== undefined) return named.entry === undefined || holds(named) ? [named] : [];
  return book.anr.resolve(name, holds, left);
}

function answered(row: PropertyRowR) {
  return { ppRows: row, result: hasMissing(row) ? ErrorCode.ErrorsReturned : ErrorCode.Success };
}

/** Throws StoreError with `code` where there is no such object. */
function existing(book: AddressBook, mid: number, code: number): AddressBookObject {
  const object = book.object(mid);
  if (object === undefined) throw new StoreError(code, `there is no object ${mid}`);
  return object;
}

/** A row of the hierarchy table ([MS-OXOABK] 2.2.2). */
function hierarchyRow(container: Container, unicode: boolean, codePage: number): PropertyRowR {
  const { id, name, depth, flags, parent } = container;
  const displayName = unicode ? PidTag.DisplayName : narrowTag(PidTag.DisplayName);
  return rowOf([
    wireValue(PidTag.EntryId, containerObject(container).permanentEntryId(), codePage),
    wireValue(PidTag.ContainerFlags, flags, codePage),
    wireValue(PidTag.Depth, depth, codePage),
    wireValue(PidTag.AddressBookContainerId, id, codePage),
    wireValue(displayName, name, codePage),
    wireValue(PidTag.AddressBookIsMaster, false, codePage),
    ...(parent === undefined
      ? []
      : [wireValue(PidTag.AddressBookParentEntryId, containerObject(parent).permanentEntryId(), codePage)]),
  ]);
}
