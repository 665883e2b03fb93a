import type { ContextHandle } from '@rpch/rpc';
import { emsmdbDeclaration, formatGuid, Nspi, nspiDeclaration } from '@rpch/rpc/internal';
import { type Counter, objectId, PidTag } from '@rpch/store/mailbox';
import { COLUMNS, PAGE_ROWS } from './setting.ts';

/** The requests that the load generator sends, made once: they share nothing with the client of @rpch/store. */

const { ecDoConnectEx, ecDoRpcExt2 } = emsmdbDeclaration.procedures;
const { bind, queryRows, unbind } = nspiDeclaration.procedures;

/** pulFlags: an answer that is neither compressed nor obfuscated ([MS-OXCRPC] 3.1.4.2). */
const PLAIN = 0x3;
const NO_XOR_MAGIC = 0x2;
/** Bytes of a context handle, with which the stubs of all calls in a session begin. */
export const HANDLE_SIZE = 20;
const ONE_PAYLOAD = 0x8008;
const NO_HANDLE = 0xffffffff;
const LAST = 0x0004;

/** RopIds ([MS-OXCROPS] 2.2.2). */
const RopId = {
  Release: 0x01,
  OpenFolder: 0x02,
  GetContentsTable: 0x05,
  SetColumns: 0x12,
  QueryRows: 0x15,
  SeekRow: 0x18,
  Logon: 0xfe,
} as const;

/** EcDoConnectEx. */
export function connectStub(userDn: string): Uint8Array {
  return ecDoConnectEx.encodeRequest({
    szUserDN: userDn,
    ulFlags: 0,
    ulConMod: 0,
    cbLimit: 0,
    ulCpid: 1252,
    ulLcidString: 0x0409,
    ulLcidSort: 0x0409,
    ulIcxrLink: NO_HANDLE,
    usFCanConvertCodePages: 1,
    rgwClientVersion: [0x000f, 0x1144, 0x03f9],
    pulTimeStamp: 0,
    rgbAuxIn: new Uint8Array(0),
    pcbAuxOut: 0x1008,
  });
}

/** The session's handle in the answer. Throws for a return value that is an error. */
export function sessionHandle(answer: Uint8Array): ContextHandle {
  const result = Buffer.from(answer).readUInt32LE(answer.length - 4);
  if (result !== 0) throw new Error(`EcDoConnectEx returned 0x${result.toString(16)}`);
  return { attributes: Buffer.from(answer).readUInt32LE(0), uuid: formatGuid(answer.subarray(4, HANDLE_SIZE)) };
}

/** EcDoRpcExt2 with RopLogon to a private mailbox ([MS-OXCROPS] 2.2.3.1). */
export function logonStub(pcxh: ContextHandle, mailboxDn: string): Uint8Array {
  const dn = Buffer.from(`${mailboxDn}\0`, 'latin1');
  const rops = [[RopId.Logon, 0, 0, 0x01, ...u32(0x01000004), ...u32(0), ...u16(dn.length), ...dn]];
  return ropsStub(pcxh, rops, [NO_HANDLE], PLAIN);
}

/** The logon's handle in the answer: the last four bytes of its payload. */
export function logonHandle(answer: Uint8Array): number {
  const { rgbOut } = ropAnswer(answer);
  return rgbOut.readUInt32LE(rgbOut.length - 4);
}

export interface PageRequest {
  readonly pcxh: ContextHandle;
  readonly logon: number;
  readonly folder: Counter;
  /** Where the page begins. */
  readonly position: number;
  readonly compressed: boolean;
}

/**
 * EcDoRpcExt2: a folder and its contents table are opened, a page is read, and both are released, for else there were soon too many. A page
 * that is not the first is sought.
 */
export function pageStub({ pcxh, logon, folder, position, compressed }: PageRequest): Uint8Array {
  const id = Buffer.alloc(8);
  id.writeBigUInt64LE(objectId(folder));
  const rops = [
    [RopId.OpenFolder, 0, 0, 1, ...id, 0],
    [RopId.GetContentsTable, 0, 1, 2, 0],
    [RopId.SetColumns, 0, 2, 0, ...u16(COLUMNS.length), ...COLUMNS.flatMap(u32)],
    ...(position === 0 ? [] : [[RopId.SeekRow, 0, 2, 0, ...u32(position), 0]]),
    [RopId.QueryRows, 0, 2, 0, 1, ...u16(PAGE_ROWS)],
    [RopId.Release, 0, 2],
    [RopId.Release, 0, 1],
  ];
  return ropsStub(pcxh, rops, [logon, NO_HANDLE, NO_HANDLE], compressed ? NO_XOR_MAGIC : PLAIN);
}

/** Bytes of the responses before that of RopQueryRows: of RopOpenFolder, RopGetContentsTable, RopSetColumns, RopSeekRow. */
const BEFORE_ROWS = 8 + 10 + 7;
const SEEK_ROW = 11;
/** Of RPC_HEADER_EXT and RopSize. */
const PAYLOAD_HEAD = 8 + 2;

/** Rows in the answer to a {@link pageStub} that was not compressed. Throws where it is anything but success. */
export function rowsInAnswer(answer: Uint8Array, position: number): number {
  const { rgbOut } = ropAnswer(answer);
  const at = PAYLOAD_HEAD + BEFORE_ROWS + (position === 0 ? 0 : SEEK_ROW);
  if (rgbOut[at] !== RopId.QueryRows || rgbOut.readUInt32LE(at + 2) !== 0) throw new Error('no rows were answered');
  return rgbOut.readUInt16LE(at + 7);
}

/** rgbOut, which stands behind pcxh, pulFlags and the three numbers of its array. Throws for a return value that is an error. */
export function ropAnswer(answer: Uint8Array): { readonly rgbOut: Buffer } {
  const bytes = Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength);
  const result = bytes.readUInt32LE(bytes.length - 4);
  if (result !== 0) throw new Error(`EcDoRpcExt2 returned 0x${result.toString(16)}`);
  return { rgbOut: bytes.subarray(36, 36 + bytes.readUInt32LE(32)) };
}

function ropsStub(
  pcxh: ContextHandle,
  rops: readonly (readonly number[])[],
  handles: readonly number[],
  flags: number,
): Uint8Array {
  const list = rops.flat();
  const payload = [...u16(2 + list.length), ...list, ...handles.flatMap(u32)];
  const header = [...u16(0), ...u16(LAST), ...u16(payload.length), ...u16(payload.length)];
  return ecDoRpcExt2.encodeRequest({
    pcxh,
    pulFlags: flags,
    rgbIn: Uint8Array.from([...header, ...payload]),
    pcbOut: ONE_PAYLOAD,
    rgbAuxIn: new Uint8Array(0),
    pcbAuxOut: 0,
  });
}

/** What an address book shows. */
const BOOK_COLUMNS = [
  PidTag.DisplayName,
  PidTag.EmailAddress,
  PidTag.AddressType,
  PidTag.SmtpAddress,
  PidTag.Account,
  PidTag.DisplayType,
  PidTag.Title,
];
const STAT = {
  SortType: Nspi.SortTypeDisplayName,
  ContainerID: 0,
  CurrentRec: Nspi.MID_BEGINNING_OF_TABLE,
  Delta: 0,
  NumPos: 0,
  TotalRecs: 0,
  CodePage: 1252,
  TemplateLocale: 0x0409,
  SortLocale: 0x0409,
};

/** NspiBind. */
export function nspiBindStub(): Uint8Array {
  return bind.encodeRequest({ dwFlags: 0, pStat: STAT, pServerGuid: { ab: new Uint8Array(16) } });
}

/** NspiQueryRows and NspiUnbind, with places for the handle, which is another in each session. */
export function nspiQueryRowsStub(hRpc: ContextHandle): Uint8Array {
  const pPropTags = { aulPropTag: BOOK_COLUMNS };
  return queryRows.encodeRequest({ hRpc, dwFlags: 0, pStat: STAT, lpETable: null, Count: PAGE_ROWS, pPropTags });
}

export function nspiUnbindStub(contextHandle: ContextHandle): Uint8Array {
  return unbind.encodeRequest({ contextHandle, Reserved: 0 });
}

/** SourceData: an answer of as many bytes as another call's has. Its request is shorter than any other: 4 bytes. */
export function echoStub(answerSize: number): Uint8Array {
  const stub = Buffer.alloc(4);
  // Before the bytes of the answer there is their number.
  stub.writeUInt32LE(Math.max(0, answerSize - 4));
  return stub;
}

function u16(value: number): number[] {
  return [value & 0xff, value >>> 8];
}

function u32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}
