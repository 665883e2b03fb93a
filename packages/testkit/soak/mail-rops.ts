import { Cursor, emsmdbDeclaration, type RpcClient, Writer } from '@rpch/rpc/internal';
import { type EmsmdbCalls, MapiSession } from '@rpch/store/client';
import {
  type AnyRequest,
  type AnyRop,
  Logon,
  LogonFlags,
  LogonOpenFlags,
  NO_HANDLE,
  type RequestOf,
  type ResponseOf,
  ROPS,
} from '@rpch/store/internal';
import type { SeededRandom } from '../src/simulation/random.ts';

export const CODING = { codePage: 1252 };

/** Bytes of a request that is made up, at most: lists in it are short. */
const MADE_UP = 96;
const TRIES = 40;
/** ROPs of one buffer whose responses have room in one answer. */
const TOGETHER = 16;

/** What EcDoRpcExt2 answers to one buffer, taken out of its headers. */
export interface RopsAnswer {
  readonly responses: Uint8Array;
  readonly handles: readonly number[];
}

/** What a ROP is by its types, which AnyRop does not have. */
interface TypedRop {
  readonly header: AnyRop['header'];
  readonly request: AnyRop['request'];
  readonly response: AnyRop['response'];
  readonly failure: AnyRop['failure'];
}

type Fields<R extends TypedRop> = Omit<
  RequestOf<R>,
  'logonId' | 'inputHandleIndex' | 'outputHandleIndex' | 'responseHandleIndex' | 'sourceHandleIndex' | 'destHandleIndex'
>;

/** Indexes of the handles of a buffer: what is worked on, what it is moved to, and what is opened. */
const INDEXES = {
  logonId: 0,
  inputHandleIndex: 0,
  sourceHandleIndex: 0,
  responseHandleIndex: 0,
  destHandleIndex: 1,
  outputHandleIndex: 2,
};

/** A session whose ROPs are put together one by one, right or wrong. */
export class RopSender {
  readonly session: MapiSession;

  constructor(session: MapiSession) {
    this.session = session;
  }

  /** @param watch sees and may replace what is called. */
  static async connect(
    client: RpcClient,
    userDn: string,
    watch: (calls: EmsmdbCalls) => EmsmdbCalls = (calls) => calls,
  ): Promise<RopSender> {
    const calls = watch(await client.bind(emsmdbDeclaration));
    return new RopSender(await MapiSession.connect(calls, { userDn }));
  }

  async send(ropsList: Uint8Array, handles: readonly number[]): Promise<RopsAnswer> {
    const [answer] = await this.session.execute({ ropsList, handles }, { ample: true });
    return { responses: answer?.ropsList ?? new Uint8Array(0), handles: answer?.handles ?? [] };
  }

  /** One ROP on a handle; of a ROP that has two, `to` is the other. Returns its response and the handle of what it has opened. */
  async rop<R extends TypedRop>(
    rop: R,
    handle: number,
    request: Fields<R>,
    { to = NO_HANDLE, logonId = 0 }: { readonly to?: number; readonly logonId?: number } = {},
  ): Promise<{ readonly response: ResponseOf<R>; readonly returnValue: number; readonly handle: number }> {
    const any = rop as unknown as AnyRop;
    const writer = new Writer();
    any.writeRequest(writer, { ...INDEXES, ...request, logonId }, CODING);
    const { responses, handles } = await this.send(writer.finish(), [handle, to, NO_HANDLE]);
    const cursor = new Cursor(responses, 'a response', 1);
    const response = any.readResponse(cursor, { ...CODING, columns: any.columnsOf({ ...INDEXES, ...request }) });
    return { response: response as ResponseOf<R>, returnValue: response.returnValue, handle: handles[2] ?? NO_HANDLE };
  }

  /** One ROP on a handle with several requests, a buffer of {@link TOGETHER} at a time; what they return. */
  async returnValues<R extends TypedRop>(
    rop: R,
    handle: number,
    requests: readonly (Fields<R> & { readonly logonId?: number })[],
  ): Promise<number[]> {
    const any = rop as unknown as AnyRop;
    const values: number[] = [];
    for (let at = 0; at < requests.length; at += TOGETHER) {
      const some = requests.slice(at, at + TOGETHER).map((request) => ({ ...INDEXES, ...request }));
      const { responses } = await this.send(requestBytes(any, some), [handle, NO_HANDLE, NO_HANDLE]);
      const cursor = new Cursor(responses, 'responses');
      for (const _ of some) {
        if (cursor.u8() !== any.responseId) throw new Error(`no response of Rop${any.name}`);
        values.push(any.readResponse(cursor, CODING).returnValue);
      }
    }
    return values;
  }

  /** RopLogon; the return value of one that fails is beside NO_HANDLE. */
  async logon(
    essdn: string,
    more: { readonly logonFlags?: number; readonly openFlags?: number; readonly logonId?: number } = {},
  ): Promise<{ readonly returnValue: number; readonly handle: number }> {
    const { logonFlags = LogonFlags.Private, openFlags = LogonOpenFlags.UsePerMdbReplidMapping, logonId = 0 } = more;
    return await this.rop(Logon, NO_HANDLE, { logonFlags, openFlags, essdn }, { logonId });
  }

  close(): Promise<void> {
    return this.session[Symbol.asyncDispose]();
  }
}

/** The bytes of several requests, as a buffer has them. */
export function requestBytes(rop: AnyRop, requests: readonly AnyRequest[]): Uint8Array {
  const writer = new Writer();
  for (const request of requests) rop.writeRequest(writer, request, CODING);
  return writer.finish();
}

/** A request with made up fields, which are all that its declaration allows; undefined where no bytes were found that make one. */
export function madeUpRequest(rop: AnyRop, random: SeededRandom): AnyRequest | undefined {
  for (let tries = 0; tries < TRIES; tries++) {
    // The first byte is the LogonId; small numbers keep lists short.
    const bytes = Uint8Array.from({ length: MADE_UP }, () => (random.chance(0.6) ? 0 : random.int(0, 3)));
    try {
      const request = { ...rop.readRequest(new Cursor(bytes, 'made up'), CODING), ...indexesOf(rop) };
      rop.writeRequest(new Writer(), request, CODING);
      return request;
    } catch {
      // Not such a request: others are.
    }
  }
  return undefined;
}

function indexesOf(rop: AnyRop): { readonly logonId: number } & Readonly<Record<string, number>> {
  const { logonId, inputHandleIndex, outputHandleIndex, sourceHandleIndex, destHandleIndex, responseHandleIndex } =
    INDEXES;
  switch (rop.header) {
    case 'in':
      return { logonId, inputHandleIndex };
    case 'in+out':
      return { logonId, inputHandleIndex, outputHandleIndex };
    case 'logon':
      return { logonId, outputHandleIndex };
    case 'response+in':
      return { logonId, responseHandleIndex, inputHandleIndex };
    default:
      return { logonId, sourceHandleIndex, destHandleIndex };
  }
}

/** All ROPs but those that end what the others need: RopRelease, and RopLogon, which is tried by itself. */
export const ATTACKED_ROPS: readonly AnyRop[] = [...ROPS.values()].filter(
  ({ name }) => name !== 'Release' && name !== 'Logon',
);
