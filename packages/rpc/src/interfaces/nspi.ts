import { defineInterface } from '../dcerpc/interface-declaration.ts';
import {
  char,
  conformantArray,
  contextHandle,
  input,
  inputOutput,
  int32,
  output,
  procedure,
  range,
  string,
  uint32,
  unique,
} from '../ndr/mod.ts';
import {
  binaryArray,
  flatUid,
  MAX_NSPI_VALUES,
  nspiPropertyName,
  nspiPropertyNameSet,
  propertyRow,
  propertyRowSet,
  propertyTagArray,
  propertyValue,
  restriction,
  stat,
  stringsArray,
  wideStringsArray,
} from './nspi-types.ts';

/** Flags and reserved numbers of NSPI ([MS-OXNSPI] 2.2.1). */
export const Nspi = {
  /** Minimal entry ids that stand for positions (2.2.1.8). */
  MID_BEGINNING_OF_TABLE: 0,
  MID_CURRENT: 1,
  MID_END_OF_TABLE: 2,
  /** What became of a name (2.2.1.9). */
  MID_UNRESOLVED: 0,
  MID_AMBIGUOUS: 1,
  MID_RESOLVED: 2,
  /** Sort types (2.2.1.10). */
  SortTypeDisplayName: 0,
  SortTypePhoneticDisplayName: 3,
  SortTypeDisplayName_RO: 0x3e8,
  SortTypeDisplayName_W: 0x3e9,
  /** Of NspiBind (2.2.1.11). */
  fAnonymousLogin: 0x20,
  /** Of NspiQueryRows, NspiGetProps and NspiGetPropList (2.2.1.12). */
  fSkipObjects: 1,
  fEphID: 2,
  /** Of NspiGetSpecialTable (2.2.1.13). */
  NspiAddressCreationTemplates: 2,
  NspiUnicodeStrings: 4,
  /** Of NspiQueryColumns (2.2.1.14). */
  NspiUnicodeProptypes: 0x80000000,
  /** Of NspiGetIDsFromNames ([MS-NSPI] 2.2.15). */
  NspiVerifyNames: 2,
  /** Of NspiGetTemplateInfo (2.2.1.15). */
  TI_TEMPLATE: 1,
  TI_SCRIPT: 4,
  TI_EMT: 0x10,
  /** Code pages (2.2.1.5). */
  CP_WINUNICODE: 1200,
  CP_TELETEX: 20261,
  /** Display types (2.2.1.3). */
  DT_MAILUSER: 0,
  DT_DISTLIST: 1,
  DT_REMOTE_MAILUSER: 6,
  DT_CONTAINER: 0x100,
} as const;

const handle = input(contextHandle);
const tags = unique(propertyTagArray);
const rows = unique(propertyRowSet);

/**
 * NSPI, the address book, version 56.0 ([MS-OXNSPI]; operations 17 and 18 as [MS-NSPI] has them). Operation 15 is not used on the
 * wire. Return values are those of [MS-OXNSPI] 2.2.1.2.
 */
export const nspiDeclaration = defineInterface({
  name: 'nspi',
  uuid: 'f5cc5a18-4264-101a-8c59-08002b2f8426',
  version: [56, 0],
  procedures: {
    bind: procedure({
      name: 'NspiBind',
      opnum: 0,
      parameters: {
        dwFlags: input(uint32),
        pStat: input(stat),
        pServerGuid: inputOutput(unique(flatUid)),
        contextHandle: output(contextHandle),
      },
      returns: uint32,
    }),
    unbind: procedure({
      name: 'NspiUnbind',
      opnum: 1,
      parameters: { contextHandle: inputOutput(contextHandle), Reserved: input(uint32) },
      returns: uint32,
    }),
    updateStat: procedure({
      name: 'NspiUpdateStat',
      opnum: 2,
      parameters: {
        hRpc: handle,
        Reserved: input(uint32),
        pStat: inputOutput(stat),
        plDelta: inputOutput(unique(int32)),
      },
      returns: uint32,
    }),
    queryRows: procedure({
      name: 'NspiQueryRows',
      opnum: 3,
      parameters: {
        hRpc: handle,
        dwFlags: input(uint32),
        pStat: inputOutput(stat),
        dwETableCount: input(range(uint32, 0, MAX_NSPI_VALUES)),
        lpETable: input(unique(conformantArray(uint32, { size_is: 'dwETableCount' }))),
        Count: input(uint32),
        pPropTags: input(tags),
        ppRows: output(rows),
      },
      returns: uint32,
    }),
    seekEntries: procedure({
      name: 'NspiSeekEntries',
      opnum: 4,
      parameters: {
        hRpc: handle,
        Reserved: input(uint32),
        pStat: inputOutput(stat),
        pTarget: input(propertyValue),
        lpETable: input(tags),
        pPropTags: input(tags),
        ppRows: output(rows),
      },
      returns: uint32,
    }),
    getMatches: procedure({
      name: 'NspiGetMatches',
      opnum: 5,
      parameters: {
        hRpc: handle,
        Reserved1: input(uint32),
        pStat: inputOutput(stat),
        pReserved: input(tags),
        Reserved2: input(uint32),
        Filter: input(unique(restriction)),
        lpPropName: input(unique(nspiPropertyName)),
        ulRequested: input(uint32),
        ppOutMIds: output(tags),
        pPropTags: input(tags),
        ppRows: output(rows),
      },
      returns: uint32,
    }),
    resortRestriction: procedure({
      name: 'NspiResortRestriction',
      opnum: 6,
      parameters: {
        hRpc: handle,
        Reserved: input(uint32),
        pStat: inputOutput(stat),
        pInMIds: input(propertyTagArray),
        ppOutMIds: inputOutput(tags),
      },
      returns: uint32,
    }),
    dnToMId: procedure({
      name: 'NspiDNToMId',
      opnum: 7,
      parameters: { hRpc: handle, Reserved: input(uint32), pNames: input(stringsArray), ppOutMIds: output(tags) },
      returns: uint32,
    }),
    getPropList: procedure({
      name: 'NspiGetPropList',
      opnum: 8,
      parameters: {
        hRpc: handle,
        dwFlags: input(uint32),
        dwMId: input(uint32),
        CodePage: input(uint32),
        ppPropTags: output(tags),
      },
      returns: uint32,
    }),
    getProps: procedure({
      name: 'NspiGetProps',
      opnum: 9,
      parameters: {
        hRpc: handle,
        dwFlags: input(uint32),
        pStat: input(stat),
        pPropTags: input(tags),
        ppRows: output(unique(propertyRow)),
      },
      returns: uint32,
    }),
    compareMIds: procedure({
      name: 'NspiCompareMIds',
      opnum: 10,
      parameters: {
        hRpc: handle,
        Reserved: input(uint32),
        pStat: input(stat),
        MId1: input(uint32),
        MId2: input(uint32),
        plResult: output(int32),
      },
      returns: uint32,
    }),
    modProps: procedure({
      name: 'NspiModProps',
      opnum: 11,
      parameters: {
        hRpc: handle,
        Reserved: input(uint32),
        pStat: input(stat),
        pPropTags: input(tags),
        pRow: input(propertyRow),
      },
      returns: uint32,
    }),
    getSpecialTable: procedure({
      name: 'NspiGetSpecialTable',
      opnum: 12,
      parameters: {
        hRpc: handle,
        dwFlags: input(uint32),
        pStat: input(stat),
        lpVersion: inputOutput(uint32),
        ppRows: output(rows),
      },
      returns: uint32,
    }),
    getTemplateInfo: procedure({
      name: 'NspiGetTemplateInfo',
      opnum: 13,
      parameters: {
        hRpc: handle,
        dwFlags: input(uint32),
        ulType: input(uint32),
        pDN: input(unique(string(char))),
        dwCodePage: input(uint32),
        dwLocaleID: input(uint32),
        ppData: output(unique(propertyRow)),
      },
      returns: uint32,
    }),
    modLinkAtt: procedure({
      name: 'NspiModLinkAtt',
      opnum: 14,
      parameters: {
        hRpc: handle,
        dwFlags: input(uint32),
        ulPropTag: input(uint32),
        dwMId: input(uint32),
        lpEntryIds: input(binaryArray),
      },
      returns: uint32,
    }),
    queryColumns: procedure({
      name: 'NspiQueryColumns',
      opnum: 16,
      parameters: { hRpc: handle, Reserved: input(uint32), dwFlags: input(uint32), ppColumns: output(tags) },
      returns: uint32,
    }),
    getNamesFromIDs: procedure({
      name: 'NspiGetNamesFromIDs',
      opnum: 17,
      parameters: {
        hRpc: handle,
        Reserved: input(uint32),
        lpguid: input(unique(flatUid)),
        pPropTags: input(tags),
        ppReturnedPropTags: output(tags),
        ppNames: output(unique(nspiPropertyNameSet)),
      },
      returns: uint32,
    }),
    getIDsFromNames: procedure({
      name: 'NspiGetIDsFromNames',
      opnum: 18,
      parameters: {
        hRpc: handle,
        Reserved: input(uint32),
        dwFlags: input(uint32),
        cPropNames: input(range(uint32, 0, MAX_NSPI_VALUES)),
        pNames: input(conformantArray(unique(nspiPropertyName), { size_is: 'cPropNames' })),
        ppPropTags: output(tags),
      },
      returns: uint32,
    }),
    resolveNames: procedure({
      name: 'NspiResolveNames',
      opnum: 19,
      parameters: {
        hRpc: handle,
        Reserved: input(uint32),
        pStat: input(stat),
        pPropTags: input(tags),
        paStr: input(stringsArray),
        ppMIds: output(tags),
        ppRows: output(rows),
      },
      returns: uint32,
    }),
    resolveNamesW: procedure({
      name: 'NspiResolveNamesW',
      opnum: 20,
      parameters: {
        hRpc: handle,
        Reserved: input(uint32),
        pStat: input(stat),
        pPropTags: input(tags),
        paWStr: input(wideStringsArray),
        ppMIds: output(tags),
        ppRows: output(rows),
      },
      returns: uint32,
    }),
  },
});
