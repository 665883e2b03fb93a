import {
  AuthLevel,
  type ContextHandle,
  type ContextHandleType,
  FaultStatus,
  ndr,
  type PeerIdentity,
  type RpcCall,
  RpcFaultError,
  type RpcInterface,
  serverInterface,
} from '@rpch/rpc';
import { asyncEmsmdbDeclaration, emsmdbDeclaration, NOTIFICATION_PENDING } from '@rpch/rpc/internal';
import type { Directory } from '../../directory/model.ts';
import { ErrorCode, errorName } from '../../mapi/error-code.ts';
import { narrow } from '../../mapi/text-coding.ts';
import type { ServiceLog } from '../log.ts';
import { connectAux } from './aux-answer.ts';
import type { ClientSession } from './client-session.ts';
import { admit, type Refusal } from './connect.ts';
import type { RopAnswer, RopCall } from './messages.ts';
import type { SessionRegistry } from './session-registry.ts';
import { SERVER_VERSION, versionWords } from './version.ts';

/** pcmsPollsMax, ms: how often a client asks that has no parked call. */
const POLLS_MAX = 60_000;
/** pcRetry and pcmsRetryDelay, ms: what a client is to do where the server is too busy. */
const RETRY_COUNT = 6;
const RETRY_DELAY = 10_000;

/** RPC_HEADER_EXT ([MS-OXCRPC] 2.2.2.1). */
const HEADER_SIZE = 8;
/** One header, and the largest payload that a client may send without packing ([MS-OXCRPC] 3.1.4.2). */
const MAX_ROP_INPUT = 0x8007;
/** ulIcxrLink where a session is not linked with another. */
const NO_LINK = 0xffffffff;

/** The longest callback context of EcRRegisterPushNotification ([MS-OXCRPC] 3.1.4.5). */
const MAX_CALLBACK_CONTEXT = 16;
const AF_INET = 2;
const AF_INET6 = 23;

const NOTHING: Uint8Array = new Uint8Array(0);
const NO_WORDS = [0, 0, 0];
const { NULL_CONTEXT_HANDLE } = ndr;

/** What the two interfaces of a store need. */
export interface EmsmdbContext {
  /** The directory of the moment. */
  readonly directory: () => Directory;
  readonly sessions: SessionRegistry;
  readonly log: ServiceLog;
  /** The account of a caller in canonical form. */
  readonly accountOf: (identity: PeerIdentity) => string;
  /** Milliseconds, from any beginning. */
  readonly now: () => number;
  readonly minimumLevel: number;
  /** Whether NSPI and RFR are at the same endpoint. */
  readonly singleEndpoint: boolean;
  /** Has the ROPs of one call done; undefined where the session has ended meanwhile. */
  execute(session: ClientSession, call: RopCall): Promise<RopAnswer | undefined>;
  /** Ends a session, if it has not ended. */
  end(session: ClientSession): void;
}

/** EMSMDB and AsyncEMSMDB over one set of sessions ([MS-OXCRPC] 3.1.4, 3.3.4). */
export class EmsmdbServer {
  readonly emsmdb: RpcInterface;
  readonly asyncEmsmdb: RpcInterface;
  readonly #context: EmsmdbContext;
  readonly #session: ContextHandleType<ClientSession>;
  /** A second handle of a session, for the calls that are parked. */
  readonly #asyncSession: ContextHandleType<ClientSession>;

  constructor(context: EmsmdbContext) {
    this.#context = context;
    this.#session = { name: 'EMSMDB session', rundown: (session) => context.end(session) };
    this.#asyncSession = { name: 'asynchronous EMSMDB session' };
    const { minimumLevel } = context;
    this.emsmdb = serverInterface(
      emsmdbDeclaration,
      {
        ecDoConnectEx: (input, call) => this.#connect(input, call),
        ecDoDisconnect: (input, call) => this.#disconnect(input, call),
        ecDummyRpc: () => ({ result: ErrorCode.Success }),
        ecDoRpcExt2: (input, call) => this.#rpcExt2(input, call),
        ecDoAsyncConnectEx: (input, call) => this.#asyncConnect(input, call),
        ecRRegisterPushNotification: (input, call) => this.#registerPush(input, call),
      },
      { minimumLevel },
    );
    this.asyncEmsmdb = serverInterface(
      asyncEmsmdbDeclaration,
      { ecDoAsyncWaitEx: (input, call) => this.#asyncWait(input, call) },
      { minimumLevel },
    );
  }

  /** [MS-OXCRPC] 3.1.4.1. */
  #connect(input: ConnectInput, call: RpcCall) {
    const { sessions, now } = this.#context;
    if (isCut(input.rgbAuxIn)) return refusal(ErrorCode.RpcFailed, input);
    const account = this.#accountOf(call);
    const admission = admit(input, account, this.#context.directory());
    if ('refused' in admission) return this.#refuseConnect(input, call, admission);
    const stamp = Math.floor(now()) >>> 0;
    const session = sessions.open({ account: admission.account, codePage: input.ulCpid, stamp });
    if (session === undefined) {
      return this.#refuseConnect(input, call, { refused: ErrorCode.ServerBusy, why: 'too many sessions' });
    }
    let pcxh: ContextHandle;
    try {
      pcxh = call.contextHandles.open(this.#session, session);
    } catch (error) {
      this.#context.end(session);
      throw error;
    }
    const { account: name } = session.info;
    this.#context.log.info(
      { event: 'store.session', account: name, session: session.info.id, peer: call.peer.label },
      'session',
    );
    const aux = connectAux(this.#context.singleEndpoint);
    return {
      ...timing(),
      pcxh,
      piCxr: session.info.index,
      szDNPrefix: '',
      szDisplayName: narrow(admission.entry.displayName, input.ulCpid),
      rgwServerVersion: versionWords(SERVER_VERSION),
      rgwBestVersion: input.rgwClientVersion,
      pulTimeStamp: input.ulIcxrLink === NO_LINK ? stamp : input.pulTimeStamp,
      rgbAuxOut: aux.length <= input.pcbAuxOut ? aux : NOTHING,
      result: ErrorCode.Success,
    };
  }

  #refuseConnect(input: ConnectInput, call: RpcCall, refused: Refusal) {
    const fields = { account: this.#accountOf(call), dn: input.szUserDN, peer: call.peer.label };
    const message = `no session: ${errorName(refused.refused)}: ${refused.why}`;
    this.#context.log.warn({ event: 'store.session.refused', ...fields }, message);
    return refusal(refused.refused, input, refused.bestVersion);
  }

  /** [MS-OXCRPC] 3.1.4.3. */
  #disconnect({ pcxh }: { readonly pcxh: ContextHandle }, call: RpcCall) {
    const session = this.#sessionOf(this.#session, pcxh, call);
    call.contextHandles.close(this.#session, pcxh);
    this.#context.end(session);
    return { pcxh: NULL_CONTEXT_HANDLE, result: ErrorCode.Success };
  }

  /** [MS-OXCRPC] 3.1.4.2. */
  async #rpcExt2(input: RpcExt2Input, call: RpcCall) {
    const begun = this.#context.now();
    const session = this.#sessionOf(this.#session, input.pcxh, call);
    const answer = (pcxh: ContextHandle, result: number, rgbOut = NOTHING) => ({
      pcxh,
      pulFlags: 0,
      rgbOut,
      rgbAuxOut: NOTHING,
      pulTransTime: Math.max(0, Math.round(this.#context.now() - begun)),
      result,
    });
    const invalid = invalidSizes(input);
    if (invalid !== undefined) {
      const sizes = { size: input.rgbIn.length, room: input.pcbOut, aux: input.rgbAuxIn.length };
      const { account, id } = session.info;
      const line = `EcDoRpcExt2 with sizes that cannot be: ${errorName(invalid)}`;
      this.#context.log.warn({ event: 'store.rop.malformed', account, session: id, ...sizes }, line);
      return answer(input.pcxh, invalid);
    }
    if (session.busy) throw new RpcFaultError(FaultStatus.nca_s_server_too_busy);
    const { pulFlags: flags, pcbOut: room, rgbIn } = input;
    const done = session.over ? undefined : await this.#context.execute(session, { kind: 'call', rgbIn, flags, room });
    if (done !== undefined) return answer(input.pcxh, done.result, done.rgbOut);
    // A null handle says that the session is no more ([MS-OXCRPC] 3.1.4.2).
    if (call.contextHandles.has(this.#session, input.pcxh)) call.contextHandles.close(this.#session, input.pcxh);
    this.#context.end(session);
    return answer(NULL_CONTEXT_HANDLE, ErrorCode.RpcFailed);
  }

  /** [MS-OXCRPC] 3.1.4.4. */
  #asyncConnect({ cxh }: { readonly cxh: ContextHandle }, call: RpcCall) {
    const session = this.#sessionOf(this.#session, cxh, call);
    return { pacxh: call.contextHandles.open(this.#asyncSession, session), result: ErrorCode.Success };
  }

  /** [MS-OXCRPC] 3.1.4.5. Its datagrams to the client's address cannot pass an HTTP proxy. */
  #registerPush(input: PushInput, call: RpcCall) {
    this.#sessionOf(this.#session, input.pcxh, call);
    const { rgbContext, rgbCallbackAddress: address } = input;
    const family = (address[0] ?? 0) | ((address[1] ?? 0) << 8);
    let result: number = ErrorCode.NotSupported;
    if (family !== AF_INET && family !== AF_INET6) result = ErrorCode.InvalidParam;
    if (rgbContext.length > MAX_CALLBACK_CONTEXT) result = ErrorCode.TooBig;
    return { pcxh: input.pcxh, hNotification: 0, result };
  }

  /** [MS-OXCRPC] 3.3.4.1. */
  async #asyncWait({ acxh }: { readonly acxh: ContextHandle }, call: RpcCall) {
    const session = this.#sessionOf(this.#asyncSession, acxh, call);
    if (session.parked) return { pulFlagsOut: 0, result: ErrorCode.Rejected };
    const end = await session.park(call.signal);
    if (end === 'over') return { pulFlagsOut: 0, result: ErrorCode.Exiting };
    return { pulFlagsOut: end === 'pending' ? NOTIFICATION_PENDING : 0, result: ErrorCode.Success };
  }

  /** The session that a handle stands for. The handle is the association's; the session is its account's alone. */
  #sessionOf(type: ContextHandleType<ClientSession>, handle: ContextHandle, call: RpcCall): ClientSession {
    const session = call.contextHandles.get(type, handle);
    const account = this.#accountOf(call);
    if (account === session.info.account) return session;
    const fields = { account, owner: session.info.account, session: session.info.id, peer: call.peer.label };
    this.#context.log.warn({ event: 'store.session.foreign', ...fields }, "another account's session was named");
    throw new RpcFaultError(FaultStatus.access_denied);
  }

  #accountOf({ identity }: RpcCall): string | undefined {
    return identity === undefined ? undefined : this.#context.accountOf(identity);
  }
}

/** The level below which no call is answered, by default: names and mails are nobody else's business ([MS-OXCRPC] 3.1.4.1). */
export const DEFAULT_LEVEL = AuthLevel.privacy;

interface ConnectInput {
  readonly szUserDN: string;
  readonly ulFlags: number;
  readonly ulCpid: number;
  readonly ulIcxrLink: number;
  readonly rgwClientVersion: readonly number[];
  readonly pulTimeStamp: number;
  readonly rgbAuxIn: Uint8Array;
  readonly pcbAuxOut: number;
}

interface RpcExt2Input {
  readonly pcxh: ContextHandle;
  readonly pulFlags: number;
  readonly rgbIn: Uint8Array;
  readonly pcbOut: number;
  readonly rgbAuxIn: Uint8Array;
}

interface PushInput {
  readonly pcxh: ContextHandle;
  readonly rgbContext: Uint8Array;
  readonly rgbCallbackAddress: Uint8Array;
}

function timing() {
  return { pcmsPollsMax: POLLS_MAX, pcRetry: RETRY_COUNT, pcmsRetryDelay: RETRY_DELAY };
}

function refusal(result: number, input: ConnectInput, bestVersion: readonly number[] = input.rgwClientVersion) {
  return {
    pcmsPollsMax: 0,
    pcRetry: 0,
    pcmsRetryDelay: 0,
    pcxh: NULL_CONTEXT_HANDLE,
    piCxr: 0,
    szDNPrefix: null,
    szDisplayName: null,
    rgwServerVersion: result === ErrorCode.VersionMismatch ? versionWords(SERVER_VERSION) : NO_WORDS,
    rgwBestVersion: bestVersion,
    pulTimeStamp: 0,
    rgbAuxOut: NOTHING,
    result,
  };
}

/** Sizes that the declaration allows and the protocol does not ([MS-OXCRPC] 3.1.4.2). */
function invalidSizes({ rgbIn, pcbOut, rgbAuxIn }: RpcExt2Input): number | undefined {
  if (rgbIn.length < HEADER_SIZE || pcbOut < HEADER_SIZE || isCut(rgbAuxIn)) return ErrorCode.RpcFailed;
  return rgbIn.length > MAX_ROP_INPUT ? ErrorCode.RpcFormat : undefined;
}

/** Neither nothing nor a whole header. */
function isCut(aux: Uint8Array): boolean {
  return aux.length > 0 && aux.length < HEADER_SIZE;
}
