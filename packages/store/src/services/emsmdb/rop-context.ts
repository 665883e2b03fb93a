import type { Writer } from '@rpch/rpc/internal';
import type { Directory } from '../../directory/model.ts';
import { ErrorCode, StoreError } from '../../mapi/error-code.ts';
import type { AnyRequest, AnyRop, RequestOf, ResponseOf } from '../../mapi/rops/rop.ts';
import type { TextCoding } from '../../mapi/text-coding.ts';
import type { ServiceLog } from '../log.ts';
import type { Logon, OpenMailbox, OpenObject } from './logon.ts';
import type { RopSession } from './rop-session.ts';

/** Mailboxes of this worker, and who has them. */
export interface Mailboxes {
  /** Opens a mailbox, which is made if `create` says so; undefined where there is none. */
  open(account: string, create: boolean): OpenMailbox | undefined;
  /** The worker that has the mailbox of an account; undefined where that is this one. */
  workerOf(account: string): number | undefined;
}

/** What ROPs need beside their session. */
export interface RopServices {
  readonly directory: Pick<Directory, 'organization' | 'byAccount' | 'byLegacyDn'>;
  readonly mailboxes: Mailboxes;
  readonly log: ServiceLog;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly random: (length: number) => Uint8Array;
}

/** What a ROP is done with. */
export interface RopContext {
  readonly session: RopSession;
  readonly services: RopServices;
  readonly coding: TextCoding;
  readonly logonId: number;
  /** The logon of the ROP's input object. */
  readonly logon: Logon;
  /** The input object, or the source of a ROP that copies. */
  readonly object: OpenObject;
  /** The handle of that object. */
  readonly handle: number;
  /** Bytes that the whole response may have, at least MIN_ROOM. */
  readonly room: number;
  /** The object in another slot. Throws StoreError: `missing` where there is none. */
  other(index: number, missing?: number): OpenObject;
  /** Gives an object the ROP's output slot. */
  open(object: OpenObject): void;
}

/** Bytes that there are for every response before its ROP is done: more than all but those that look at `room` themselves have. */
export const MIN_ROOM = 256;

/** What a ROP is by its types, which differ from ROP to ROP more than AnyRop allows. */
interface TypedRop {
  readonly id: number;
  readonly header: AnyRop['header'];
  readonly request: AnyRop['request'];
  readonly response: AnyRop['response'];
  readonly failure: AnyRop['failure'];
}

/** The fields of a response that succeeds; `returnValue` where it is a warning. */
export type Answer<R extends TypedRop> = Omit<
  Extract<ResponseOf<R>, { readonly ok: true }>,
  'handleIndex' | 'returnValue' | 'ok'
> & {
  readonly returnValue?: number;
};

/** Where a handler that does not return its response writes it, header and all. */
export interface Out {
  readonly writer: Writer;
  readonly handleIndex: number;
}

/** Says that the response was written already. */
export const WRITTEN = Symbol('written');

/** How one ROP is done. */
export interface Handler {
  /** RopId. */
  readonly id: number;
  run(context: RopContext, request: AnyRequest, out: Out): AnyAnswer | typeof WRITTEN;
}

type AnyAnswer = Readonly<Record<string, unknown>> & { readonly returnValue?: number };

/** Says how a ROP is done: what is returned is its response, a StoreError that is thrown its failure. */
export function on<R extends TypedRop>(
  rop: R,
  run: (context: RopContext, request: RequestOf<R>, out: Out) => Answer<R> | typeof WRITTEN,
): Handler {
  // The request was read by this very ROP.
  return { id: rop.id, run: (context, request, out) => run(context, request as RequestOf<R>, out) };
}

/** A ROP that is parsed and answered with an error, whatever it asks for. */
export function refuse(
  { id, name }: { readonly id: number; readonly name: string },
  errorCode: number = ErrorCode.NotSupported,
): Handler {
  return {
    id,
    run: () => {
      throw new StoreError(errorCode, `Rop${name}`);
    },
  };
}

/** The response does not fit what room there is; it would need so many bytes. Nothing was done. */
export class TooSmallError extends Error {
  override readonly name = 'TooSmallError';
  readonly needed: number;

  constructor(needed: number) {
    super(`a response of ${needed} bytes`);
    this.needed = needed;
  }
}

/** A logon to a mailbox of another worker: thrown by RopLogon before anything is done. */
export class ElsewhereError extends Error {
  override readonly name = 'ElsewhereError';
  readonly worker: number;

  constructor(worker: number) {
    super(`worker ${worker}`);
    this.worker = worker;
  }
}

/** What a ROP asks for is so wrong that the whole call fails with this return value. */
export class CallFailedError extends Error {
  override readonly name = 'CallFailedError';
  readonly result: number;

  constructor(result: number, message: string) {
    super(message);
    this.result = result;
  }
}
