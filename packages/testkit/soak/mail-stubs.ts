import {
  asyncEmsmdbDeclaration,
  type ClientOf,
  type ContextHandle,
  emsmdbDeclaration,
  type InterfaceDeclaration,
  nspiDeclaration,
  type RpcClient,
  rfrDeclaration,
} from '@rpch/rpc/internal';
import { PidTag } from '@rpch/store/client';
import { mutate } from '../src/mutate.ts';
import type { SeededRandom } from '../src/simulation/random.ts';
import { STAT } from './mail-requests.ts';

const INTERFACES = {
  emsmdb: emsmdbDeclaration,
  asyncemsmdb: asyncEmsmdbDeclaration,
  nspi: nspiDeclaration,
  rfri: rfrDeclaration,
} as const;
export type MailInterface = keyof typeof INTERFACES;

/** The declaration of an interface, with its operations by their names. */
export function declarationOf(name: MailInterface): InterfaceDeclaration {
  return INTERFACES[name];
}

/** An operation with a stub as a client makes it, but for its handle. */
export interface StubSample {
  readonly of: MailInterface;
  readonly method: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Handles of one client. */
export interface StubHandles {
  readonly emsmdb: ContextHandle;
  readonly asyncemsmdb: ContextHandle;
  readonly nspi: ContextHandle;
}

const TAGS = { aulPropTag: [PidTag.DisplayName, PidTag.EmailAddress] };
const GUID = { ab: Uint8Array.from({ length: 16 }, (_, i) => i) };
const NAME = { lpguid: GUID, ulReserved: 0, lID: 7 };
const TEXT = { ulPropTag: PidTag.DisplayName, ulReserved: 0, Value: { case: 31, value: 'alice' } };
const exists = { rt: 8, res: { case: 8, value: { ulReserved1: 0, ulPropTag: PidTag.DisplayName, ulReserved2: 0 } } };
const contains = { rt: 4, res: { case: 4, value: { relop: 4, ulPropTag: PidTag.DisplayName, lpProp: TEXT } } };
const FILTER = {
  rt: 0,
  res: { case: 0, value: { lpRes: [exists, contains, { rt: 2, res: { case: 2, value: { lpRes: exists } } }] } },
};
const nspi = (method: string, input: StubSample['input']): StubSample => ({
  of: 'nspi',
  method,
  input: { Reserved: 0, ...input },
});
const BYTES = Uint8Array.from({ length: 32 }, (_, i) => i);

/** A stub of each operation. */
export const STUB_SAMPLES: readonly StubSample[] = [
  nspi('bind', { dwFlags: 0, pStat: STAT, pServerGuid: GUID }),
  nspi('updateStat', { pStat: STAT, plDelta: 1 }),
  nspi('queryRows', { dwFlags: 0, pStat: STAT, lpETable: [16, 17], Count: 10, pPropTags: TAGS }),
  nspi('queryRows', { dwFlags: 2, pStat: STAT, lpETable: null, Count: 10, pPropTags: null }),
  nspi('seekEntries', { pStat: STAT, pTarget: TEXT, lpETable: null, pPropTags: TAGS }),
  nspi('getMatches', {
    ...{ Reserved1: 0, pStat: STAT, pReserved: null, Reserved2: 0, Filter: FILTER, lpPropName: null },
    ...{ ulRequested: 100, pPropTags: TAGS },
  }),
  nspi('resortRestriction', { pStat: STAT, pInMIds: { aulPropTag: [16, 17] }, ppOutMIds: null }),
  nspi('dnToMId', { pNames: { Strings: ['/cn=alice', null] } }),
  nspi('getPropList', { dwFlags: 0, dwMId: 16, CodePage: 1252 }),
  nspi('getProps', { dwFlags: 0, pStat: { ...STAT, CurrentRec: 16 }, pPropTags: TAGS }),
  nspi('compareMIds', { pStat: STAT, MId1: 16, MId2: 17 }),
  nspi('modProps', { pStat: STAT, pPropTags: TAGS, pRow: { Reserved: 0, lpProps: [TEXT] } }),
  nspi('getSpecialTable', { dwFlags: 0, pStat: STAT, lpVersion: 1 }),
  nspi('getTemplateInfo', { dwFlags: 1, ulType: 0, pDN: null, dwCodePage: 1252, dwLocaleID: 0x0409 }),
  nspi('modLinkAtt', { dwFlags: 0, ulPropTag: 0x8009000d, dwMId: 16, lpEntryIds: { lpbin: [{ lpb: BYTES }] } }),
  nspi('queryColumns', { dwFlags: 0 }),
  nspi('getNamesFromIDs', { lpguid: GUID, pPropTags: TAGS }),
  nspi('getIDsFromNames', { dwFlags: 0, pNames: [NAME, null] }),
  nspi('resolveNames', { pStat: STAT, pPropTags: TAGS, paStr: { Strings: ['ali', 'bob'] } }),
  nspi('resolveNamesW', { pStat: STAT, pPropTags: TAGS, paWStr: { Strings: ['ali', '\u00e9'] } }),
  { of: 'rfri', method: 'getNewDSA', input: { ulFlags: 0, pUserDN: '/cn=alice', ppszUnused: null, ppszServer: 'x' } },
  { of: 'rfri', method: 'getFQDNFromServerDN', input: { ulFlags: 0, szMailboxServerDN: '/o=First Organization/cn=x' } },
  {
    of: 'emsmdb',
    method: 'ecDoConnectEx',
    input: {
      ...{
        szUserDN: '/cn=mallory',
        ulFlags: 0,
        ulConMod: 0,
        cbLimit: 0,
        ulCpid: 1252,
        ulLcidString: 1033,
        ulLcidSort: 1033,
      },
      ...{ ulIcxrLink: 0xffffffff, usFCanConvertCodePages: 1, rgwClientVersion: [15, 0x1144, 0x3f9], pulTimeStamp: 0 },
      ...{ rgbAuxIn: BYTES, pcbAuxOut: 0x1008 },
    },
  },
  {
    of: 'emsmdb',
    method: 'ecDoRpcExt2',
    input: {
      pulFlags: 3,
      rgbIn: Uint8Array.of(0, 0, 4, 0, 2, 0, 2, 0, 2, 0),
      pcbOut: 0x8007,
      rgbAuxIn: BYTES,
      pcbAuxOut: 0x1008,
    },
  },
  { of: 'emsmdb', method: 'ecDoDisconnect', input: {} },
  { of: 'emsmdb', method: 'ecDoAsyncConnectEx', input: {} },
  { of: 'emsmdb', method: 'ecDummyRpc', input: {} },
  {
    of: 'emsmdb',
    method: 'ecRRegisterPushNotification',
    input: { iRpc: 0, rgbContext: BYTES.subarray(0, 8), grbitAdviseBits: 7, rgbCallbackAddress: BYTES.subarray(0, 16) },
  },
  { of: 'asyncemsmdb', method: 'ecDoAsyncWaitEx', input: { ulFlagsIn: 0 } },
];

/** The stub of a sample. */
export function stubOf({ of, method, input }: StubSample, handles: StubHandles): Uint8Array {
  const procedure = declarationOf(of).procedures[method];
  if (procedure === undefined) throw new Error(`no operation ${method}`);
  const handle = of === 'rfri' ? undefined : handles[of];
  const named =
    handle === undefined ? {} : { hRpc: handle, contextHandle: handle, pcxh: handle, cxh: handle, acxh: handle };
  return procedure.encodeRequest({ ...named, ...input }, true);
}

/** A stub of which something is not as it should be. */
export function mutantStub(stub: Uint8Array, random: SeededRandom): Buffer {
  const kind = random.int(0, 3);
  // The handle is left whole more often than chance would: behind it is the rest.
  const from = random.chance(0.7) ? Math.min(20, stub.length) : 0;
  const [head, rest] = [stub.subarray(0, from), Buffer.from(stub.subarray(from))];
  if (kind === 0) return Buffer.concat([head, rest.subarray(0, random.int(0, rest.length))]);
  if (kind === 1 && rest.length >= 4) {
    const at = random.int(0, (rest.length >> 2) - 1) * 4;
    rest.writeUInt32LE(random.pick([0, 1, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff]), at);
    return Buffer.concat([head, rest]);
  }
  return Buffer.concat([head, mutate(rest, random)]);
}

/** The operations of an interface with stubs for input and output. */
export interface RawCalls {
  call(method: string, stub: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>;
}

/** Binds an interface whose calls take any bytes for a stub. */
export async function bindRaw(client: RpcClient, name: MailInterface): Promise<RawCalls> {
  const declared = declarationOf(name);
  const procedures = Object.fromEntries(
    Object.entries(declared.procedures).map(([method, { opnum }]) => [
      method,
      {
        opnum,
        encodeRequest: ({ stub }: { readonly stub: Uint8Array }) => stub,
        decodeResponse: (stub: Uint8Array) => stub.slice(),
      },
    ]),
  );
  const raw = { ...declared, procedures } as unknown as InterfaceDeclaration;
  const bound = (await client.bind(raw)) as ClientOf<InterfaceDeclaration>;
  return {
    call: (method, stub, signal) =>
      bound[method]?.({ stub }, signal === undefined ? {} : { signal }) as Promise<Uint8Array>,
  };
}
