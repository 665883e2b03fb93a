import {
  type CallOptions,
  type ClientOf,
  type ContextHandle,
  type emsmdbDeclaration,
  MAX_ROP_BUFFER,
  ProtocolError,
  RpchError,
} from '@rpch/rpc/internal';
import { ErrorCode } from '../mapi/error-code.ts';
import { readExtendedBuffers, writeExtendedBuffer } from '../mapi/extended-buffer.ts';
import { type RopBuffer, readRopBuffer, writeRopBuffer } from '../mapi/rop-buffer.ts';
import { type TextCoding, widen } from '../mapi/text-coding.ts';
import { MapiError } from './mapi-error.ts';

/** The methods of EMSMDB, over whatever carries the calls. */
export type EmsmdbCalls = ClientOf<typeof emsmdbDeclaration>;

/** pulFlags of EcDoRpcExt2 ([MS-OXCRPC] 3.1.4.2.1). */
const NO_COMPRESSION = 0x1;
const NO_XOR_MAGIC = 0x2;
const CHAIN = 0x4;
/** RPC_HEADER_EXT and a payload of 32 KiB: what one answer takes. */
const ONE_PAYLOAD = 0x8008;
/** From here on compressing a request pays, bytes. */
const WORTH_COMPRESSING = 1024;
/** No session to link this one to (ulIcxrLink). */
const NO_LINK = 0xffff_ffff;
/** Handles that wait for being released, at most; a session that has more lets the server keep them until it ends. */
const MAX_DISCARDED = 4096;

/** How a session is opened. */
export interface MapiSessionOptions {
  /** legacyExchangeDN of who calls: ASCII. */
  readonly userDn: string;
  /** Code page of 8-bit strings (ulCpid). Default 1252. */
  readonly codePage?: number;
  /** Locale of texts and of sorting. Default 0x0409. */
  readonly locale?: number;
  /** rgwClientVersion. Default 15.0.4420.1017: what servers then may do is all that this client knows. */
  readonly clientVersion?: readonly [number, number, number];
  /** Buffers are neither compressed nor obfuscated, where the server follows that. For captures that are to be read. */
  readonly plain?: boolean;
  readonly signal?: AbortSignal;
  /** Waits so many ms when the server asks for that. */
  readonly wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** How one call is made. */
export interface SessionCallOptions {
  readonly signal?: AbortSignal;
  /** The server may answer the last ROP with several payloads ([MS-OXCRPC] 3.1.4.2.1.2). */
  readonly chain?: boolean;
  /** Room for the largest answer there is, where one payload did not do. */
  readonly ample?: boolean;
}

/** A handle on the server that is to be released. */
export interface Discarded {
  readonly logonId: number;
  readonly handle: number;
}

/**
 * A session with an information store ([MS-OXCRPC] 3.2): carries ROPs to it, one call at a time. Ends with {@link disconnect}.
 */
export class MapiSession implements AsyncDisposable {
  readonly coding: TextCoding;
  /** szDisplayName: who the server takes the caller for. */
  readonly displayName: string;
  /** szDNPrefix: what X500DN of recipients leave out ([MS-OXCDATA] 2.8.3.2). */
  readonly dnPrefix: string;
  /** Four numbers. */
  readonly serverVersion: readonly [number, number, number, number];
  readonly #calls: EmsmdbCalls;
  readonly #options: MapiSessionOptions;
  #handle: ContextHandle | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #discarded: Discarded[] = [];

  private constructor(calls: EmsmdbCalls, options: MapiSessionOptions, connected: Connected) {
    this.#calls = calls;
    this.#options = options;
    this.#handle = connected.pcxh;
    this.coding = { codePage: connected.codePage };
    this.displayName = connected.displayName;
    this.dnPrefix = connected.dnPrefix;
    this.serverVersion = connected.serverVersion;
  }

  /** EcDoConnectEx. Rejects with MapiError, and with what the call rejects with. */
  static async connect(calls: EmsmdbCalls, options: MapiSessionOptions): Promise<MapiSession> {
    return new MapiSession(calls, options, await connect(calls, options));
  }

  /** Waits until a server that asked for patience may be asked again. */
  async wait(ms: number, signal?: AbortSignal): Promise<void> {
    const { wait } = this.#options;
    if (wait === undefined) {
      throw new RpchError('RPCH_SERVER_BUSY', 'peer', `the server asks to wait ${ms} ms, and nothing here can`);
    }
    await wait(ms, signal);
  }

  /**
   * EcDoRpcExt2: one ROP buffer to the server and its answer, which is several where `chain` allows that. Calls that are made at
   * once follow each other. Rejects with MapiError, ProtocolError for an answer that cannot be read, and with what the call
   * rejects with; `RPCH_SESSION_ENDED` (peer) where the server has dropped the session.
   */
  execute(buffer: RopBuffer, options: SessionCallOptions = {}): Promise<RopBuffer[]> {
    const result = this.#turn.then(() => this.#execute(buffer, options));
    this.#turn = result.catch(() => {});
    return result;
  }

  /** Has a handle released along with the next call. */
  discard(logonId: number, handle: number | undefined): void {
    if (handle !== undefined && this.#discarded.length < MAX_DISCARDED) this.#discarded.push({ logonId, handle });
  }

  /** Takes handles that are to be released, the oldest first. */
  takeDiscarded(most: number): Discarded[] {
    return this.#discarded.splice(0, most);
  }

  /** EcDoDisconnect; a session that ended already is left alone. Rejects with what the call rejects with. */
  async disconnect(options: CallOptions = {}): Promise<void> {
    await this.#turn;
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) await this.#calls.ecDoDisconnect({ pcxh: handle }, options);
  }

  /** Ends the session; that the server can no longer be told so is no matter then. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.disconnect();
    } catch (error) {
      if (!(error instanceof RpchError)) throw error;
    }
  }

  async #execute(
    buffer: RopBuffer,
    { signal, chain = false, ample = false }: SessionCallOptions,
  ): Promise<RopBuffer[]> {
    if (this.#handle === undefined) throw new RpchError('RPCH_SESSION_CLOSED', 'caller', 'the MAPI session was ended');
    signal?.throwIfAborted();
    const plain = this.#options.plain === true;
    const payload = writeRopBuffer(buffer);
    const rgbIn = writeExtendedBuffer(payload, {
      compress: !plain && payload.length >= WORTH_COMPRESSING,
      xorMagic: !plain,
    });
    const answer = await this.#calls.ecDoRpcExt2(
      {
        pcxh: this.#handle,
        pulFlags: (plain ? NO_COMPRESSION | NO_XOR_MAGIC : 0) | (chain ? CHAIN : 0),
        rgbIn,
        pcbOut: chain || ample ? MAX_ROP_BUFFER : ONE_PAYLOAD,
        rgbAuxIn: new Uint8Array(0),
        pcbAuxOut: 0,
      },
      signal === undefined ? {} : { signal },
    );
    // A null handle is how the server says that the session is gone ([MS-OXCRPC] 3.1.4.2).
    if (isNull(answer.pcxh)) this.#handle = undefined;
    if (answer.result !== ErrorCode.Success) throw new MapiError('EcDoRpcExt2', answer.result);
    if (this.#handle === undefined) {
      throw new RpchError('RPCH_SESSION_ENDED', 'peer', 'the server has ended the MAPI session');
    }
    return readExtendedBuffers(answer.rgbOut).map(readRopBuffer);
  }
}

interface Connected {
  readonly pcxh: ContextHandle;
  readonly codePage: number;
  readonly displayName: string;
  readonly dnPrefix: string;
  readonly serverVersion: readonly [number, number, number, number];
}

async function connect(calls: EmsmdbCalls, options: MapiSessionOptions): Promise<Connected> {
  const { userDn, codePage = 1252, locale = 0x0409, clientVersion = [0x000f, 0x1144, 0x03f9], signal } = options;
  if (!/^[\x20-\x7e]+$/.test(userDn)) {
    throw new RpchError('RPCH_BAD_DN', 'caller', 'a legacyExchangeDN has printable ASCII characters only');
  }
  const answer = await calls.ecDoConnectEx(
    {
      szUserDN: userDn,
      ulFlags: 0,
      ulConMod: 0,
      cbLimit: 0,
      ulCpid: codePage,
      ulLcidString: locale,
      ulLcidSort: locale,
      ulIcxrLink: NO_LINK,
      usFCanConvertCodePages: 1,
      rgwClientVersion: [...clientVersion],
      pulTimeStamp: 0,
      rgbAuxIn: new Uint8Array(0),
      pcbAuxOut: 0x1008,
    },
    signal === undefined ? {} : { signal },
  );
  if (answer.result !== ErrorCode.Success) throw new MapiError('EcDoConnectEx', answer.result);
  if (isNull(answer.pcxh)) {
    throw new ProtocolError('RPCH_NO_SESSION', 'EcDoConnectEx: success without a session', '[MS-OXCRPC] 3.1.4.1');
  }
  return {
    pcxh: answer.pcxh,
    codePage,
    displayName: widen(answer.szDisplayName ?? '', codePage),
    dnPrefix: answer.szDNPrefix ?? '',
    serverVersion: versionOf(answer.rgwServerVersion),
  };
}

/** Three words are four numbers, in either of two ways ([MS-OXCRPC] 3.1.4.1.3). */
function versionOf(words: readonly number[]): [number, number, number, number] {
  const [w0 = 0, w1 = 0, w2 = 0] = words;
  return (w1 & 0x8000) !== 0 ? [w0 >> 8, w0 & 0xff, w1 & 0x7fff, w2] : [w0, 0, w1, w2];
}

function isNull({ uuid }: ContextHandle): boolean {
  return /^[0-]+$/.test(uuid);
}
