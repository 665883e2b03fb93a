import type { Writer } from '@rpch/rpc/internal';
import { ErrorCode, errorName, StoreError } from '../../mapi/error-code.ts';
import { NO_HANDLE } from '../../mapi/rop-buffer.ts';
import type { ParsedRop } from '../../mapi/rops/read-rops.ts';
import type { AnyRequest } from '../../mapi/rops/rop.ts';
import type { Logon, OpenObject } from './logon.ts';
import {
  CallFailedError,
  ElsewhereError,
  type Handler,
  MIN_ROOM,
  type RopContext,
  type RopServices,
  TooSmallError,
  WRITTEN,
} from './rop-context.ts';
import type { RopSession } from './rop-session.ts';
import { HANDLERS } from './rops/all.ts';

/** How doing one ROP ended: its response is written, or what stops the rest of the buffer. */
export type RopEnd =
  | { readonly kind: 'done'; readonly returnValue: number }
  /** The response would need so many bytes; nothing was done. */
  | { readonly kind: 'too-small'; readonly needed: number }
  /** The ROP is for a mailbox of another worker; nothing was done. */
  | { readonly kind: 'elsewhere'; readonly worker: number }
  | { readonly kind: 'failed'; readonly result: number };

/**
 * Does the ROPs of one buffer, one after the other, over its handle table ([MS-OXCROPS] 3.2.5): what a ROP got wrong is its
 * response and the next is done all the same.
 */
export class Executor {
  readonly handles: number[];
  readonly #session: RopSession;
  readonly #services: RopServices;

  constructor(session: RopSession, services: RopServices, handles: readonly number[]) {
    this.#session = session;
    this.#services = services;
    this.handles = [...handles];
  }

  /** Does one ROP and writes its response, of at most `room` bytes. What is thrown is a defect. */
  run({ rop, request }: ParsedRop, writer: Writer, room: number): RopEnd {
    const start = writer.length;
    let opened: number | undefined;
    const outputIndex = numberAt(request, 'outputHandleIndex');
    const context = new Context(this.#session, this.#services, this.handles, request, room, (handle) => {
      opened = handle;
    });
    try {
      if (rop.hasResponse && room < MIN_ROOM) throw new TooSmallError(MIN_ROOM);
      const handler = HANDLERS.get(rop.id) ?? NOT_SUPPORTED;
      if (rop.header !== 'logon')
        context.resolve(rop.header === 'source+dest' ? 'sourceHandleIndex' : 'inputHandleIndex');
      if (outputIndex !== undefined) checkIndex(outputIndex, this.handles);
      const handleIndex = rop.handleIndexOf(request);
      const answer = handler.run(context, request, { writer, handleIndex });
      if (!rop.hasResponse) return { kind: 'done', returnValue: ErrorCode.Success };
      const returnValue = answer === WRITTEN ? ErrorCode.Success : (answer.returnValue ?? ErrorCode.Success);
      if (answer !== WRITTEN) rop.writeResponse(writer, { ...answer, handleIndex, returnValue }, this.#session.coding);
      if (writer.length - start > room) throw new TooSmallError(writer.length - start);
      if (opened !== undefined && outputIndex !== undefined) this.handles[outputIndex] = opened;
      return { kind: 'done', returnValue };
    } catch (error) {
      writer.truncate(start);
      if (opened !== undefined) this.#session.logon(request.logonId)?.release(opened);
      if (error instanceof TooSmallError) return { kind: 'too-small', needed: error.needed };
      if (error instanceof ElsewhereError) return { kind: 'elsewhere', worker: error.worker };
      if (error instanceof CallFailedError) return { kind: 'failed', result: error.result };
      if (!(error instanceof StoreError)) throw error;
      return this.#fail({ rop, request }, error, writer, outputIndex);
    }
  }

  #fail(
    { rop, request }: Pick<ParsedRop, 'rop' | 'request'>,
    error: StoreError,
    writer: Writer,
    outputIndex: number | undefined,
  ): RopEnd {
    if (outputIndex !== undefined && outputIndex < this.handles.length) this.handles[outputIndex] = NO_HANDLE;
    if (error.errorCode === ErrorCode.MaxObjsExceeded || error.errorCode === ErrorCode.NotEnoughMemory) {
      const { account, id: session } = this.#session.info;
      const mailbox = this.#session.logon(request.logonId)?.store.info.account;
      const fields = { account, mailbox, session, rop: rop.id, error: errorName(error.errorCode), why: error.message };
      this.#services.log.warn(
        { event: 'store.limit', ...fields },
        'a session, or all of an account, would use too much',
      );
    }
    if (rop.hasResponse) rop.writeFailure(writer, request, error.errorCode, this.#session.coding);
    return { kind: 'done', returnValue: error.errorCode };
  }
}

const NOT_SUPPORTED: Pick<Handler, 'run'> = {
  run: () => {
    throw new StoreError(ErrorCode.NotSupported, 'not supported');
  },
};

class Context implements RopContext {
  readonly session: RopSession;
  readonly services: RopServices;
  readonly room: number;
  readonly logonId: number;
  readonly #handles: readonly number[];
  readonly #request: AnyRequest;
  readonly #opened: (handle: number) => void;
  #object: OpenObject | undefined;
  #handle = NO_HANDLE;

  constructor(
    session: RopSession,
    services: RopServices,
    handles: readonly number[],
    request: AnyRequest,
    room: number,
    opened: (handle: number) => void,
  ) {
    this.session = session;
    this.services = services;
    this.room = room;
    this.logonId = request.logonId;
    this.#handles = handles;
    this.#request = request;
    this.#opened = opened;
  }

  get coding() {
    return this.session.coding;
  }

  get logon(): Logon {
    const logon = this.session.logon(this.logonId);
    if (logon === undefined) throw new StoreError(ErrorCode.NullObject, `no logon ${this.logonId}`);
    return logon;
  }

  get object(): OpenObject {
    if (this.#object === undefined) throw new StoreError(ErrorCode.NullObject, 'no input object');
    return this.#object;
  }

  get handle(): number {
    return this.#handle;
  }

  /** Finds the input object. */
  resolve(field: 'inputHandleIndex' | 'sourceHandleIndex'): void {
    const index = numberAt(this.#request, field) ?? this.#handles.length;
    this.#object = this.other(index);
    this.#handle = this.#handles[index] ?? NO_HANDLE;
  }

  other(index: number, missing?: number): OpenObject {
    const handle = this.#handles[index];
    try {
      if (handle === undefined || handle === NO_HANDLE) {
        throw new StoreError(ErrorCode.NullObject, `slot ${index} of ${this.#handles.length} is empty`);
      }
      return this.session.object(this.logonId, handle);
    } catch (error) {
      if (missing !== undefined && error instanceof StoreError) throw new StoreError(missing, error.message);
      throw error;
    }
  }

  open(object: OpenObject): void {
    this.#opened(this.logon.add(object));
  }
}

function checkIndex(index: number, handles: readonly number[]): void {
  if (index >= handles.length) throw new StoreError(ErrorCode.NullObject, `output slot ${index} of ${handles.length}`);
}

function numberAt(request: AnyRequest, field: string): number | undefined {
  const value = request[field];
  return typeof value === 'number' ? value : undefined;
}
