import { Cursor, ProtocolError, RpchError, Writer } from '@rpch/rpc/internal';
import { ErrorCode } from '../mapi/error-code.ts';
import type { PropertyTag } from '../mapi/property.ts';
import { NO_HANDLE } from '../mapi/rop-buffer.ts';
import { Backoff, BufferTooSmall, Notify, Pending } from '../mapi/rops/extra-responses.ts';
import type { Fields, RopCoding } from '../mapi/rops/field.ts';
import type { HeaderShape, RequestOf, ResponseOf, Rop } from '../mapi/rops/rop.ts';
import { Release } from '../mapi/rops/store.ts';
import { MapiError } from './mapi-error.ts';
import type { MapiSession, SessionCallOptions } from './session.ts';

/** Entries that a u8 index can name. */
const MAX_HANDLES = 255;
/** How often a server may ask to wait in one batch, and how long each time, ms. */
const MAX_BACKOFFS = 5;
const MAX_BACKOFF = 30_000;
const SECTION = '[MS-OXCROPS] 3.1.5.1';

interface AnyResponse {
  readonly ok: boolean;
  readonly returnValue: number;
}

/** What the server says to one ROP of a batch, once that has run. */
export class RopAnswer<T extends AnyResponse> {
  readonly #operation: string;
  /** One, unless responses were chained ([MS-OXCRPC] 3.1.4.2.1.2); none where the server did not come to it. */
  readonly responses: T[] = [];

  constructor(operation: string) {
    this.#operation = operation;
  }

  /** ReturnValue; undefined where there is no response. */
  get returnValue(): number | undefined {
    return this.responses[0]?.returnValue;
  }

  get failed(): boolean {
    return this.responses[0]?.ok !== true;
  }

  /** The response of success, or the first of them. Throws MapiError; ProtocolError where the server left the ROP out. */
  get value(): Extract<T, { readonly ok: true }> {
    return this.#successful(this.responses[0]);
  }

  /** All responses, of success each. Throws as `value` does. */
  get values(): Extract<T, { readonly ok: true }>[] {
    const { value } = this;
    return [value, ...this.responses.slice(1).map((response) => this.#successful(response))];
  }

  #successful(response: T | undefined): Extract<T, { readonly ok: true }> {
    if (response === undefined) {
      throw new ProtocolError('RPCH_ROP_UNANSWERED', `${this.#operation} was not answered`, SECTION);
    }
    if (!response.ok) throw new MapiError(this.#operation, response.returnValue);
    return response as Extract<T, { readonly ok: true }>;
  }
}

interface Step {
  readonly operation: string;
  /** Undefined: RopRelease, which has no response. */
  readonly responseId: number | undefined;
  write(writer: Writer): void;
  /** Reads a response behind its RopId. */
  read(cursor: Cursor): void;
}

/**
 * ROPs that go to the server in one call, each of which may use the handles of those before it:
 *
 * ```ts
 * const batch = new RopBatch(session);
 * const folder = batch.newHandle();
 * const opened = batch.add(OpenFolder, { logonId, inputHandleIndex: batch.handle(logon), outputHandleIndex: folder, … });
 * await batch.run();
 * opened.value.hasRules;       // throws what the server has answered
 * batch.handleAt(folder);
 * ```
 *
 * A ROP that fails does not stop those behind it ([MS-OXCROPS] 3.2.5.1): each answer is looked at by itself.
 */
export class RopBatch {
  readonly #session: MapiSession;
  readonly #handles: number[] = [];
  #steps: Step[] = [];

  constructor(session: MapiSession) {
    this.#session = session;
  }

  /** The index of a handle that is known. */
  handle(handle: number): number {
    const known = this.#handles.indexOf(handle);
    return known >= 0 && handle !== NO_HANDLE ? known : this.#newIndex(handle);
  }

  /** The index of a handle that a ROP of this batch will bring. */
  newHandle(): number {
    return this.#newIndex(NO_HANDLE);
  }

  /** The handle at an index, once the batch has run; undefined where the server gave none. */
  handleAt(index: number): number | undefined {
    const handle = this.#handles[index];
    return handle === NO_HANDLE ? undefined : handle;
  }

  /** @param columns of the rows in the response, where its request does not name them. */
  add<H extends HeaderShape, Q extends Fields, P extends Fields, X extends Fields>(
    rop: Rop<H, Q, P, X>,
    request: RequestOf<Rop<H, Q, P, X>>,
    columns?: readonly PropertyTag[],
  ): RopAnswer<ResponseOf<Rop<H, Q, P, X>> & AnyResponse> {
    const operation = `Rop${rop.name}`;
    const { coding } = this.#session;
    const answer = new RopAnswer<ResponseOf<Rop<H, Q, P, X>> & AnyResponse>(operation);
    const responseCoding: RopCoding = { ...coding, columns: columns ?? rop.columnsOf(request) };
    this.#steps.push({
      operation,
      responseId: rop.hasResponse ? rop.responseId : undefined,
      write: (writer) => rop.writeRequest(writer, request, coding),
      read: (cursor) => {
        answer.responses.push(rop.readResponse(cursor, responseCoding) as ResponseOf<Rop<H, Q, P, X>> & AnyResponse);
      },
    });
    return answer;
  }

  /**
   * Sends the batch, and again what the server did not come to: because it asked to wait, or because the answers had no room.
   * Rejects with MapiError `BufferTooSmall` where one answer has no room however much there is, `ServerBusy` where the server goes
   * on asking to wait, and as {@link MapiSession.execute}.
   */
  async run(options: SessionCallOptions = {}): Promise<void> {
    let steps = [...this.#releases(), ...this.#steps];
    this.#steps = [];
    let { chain = false } = options;
    let backoffs = 0;
    let ample = false;
    for (;;) {
      const { left, backoff, tooSmall } = await this.#send(steps, { ...options, chain, ample });
      if (left.length === 0) return;
      const stuck = left.length === steps.length;
      const [first] = left;
      if (backoff !== undefined) {
        backoffs += 1;
        if (backoffs > MAX_BACKOFFS) throw new MapiError(first?.operation ?? 'EcDoRpcExt2', ErrorCode.ServerBusy);
        await this.#session.wait(Math.min(backoff, MAX_BACKOFF), options.signal);
      } else if (tooSmall && !(stuck && ample)) {
        ample = stuck;
        chain = options.chain ?? false;
      } else if (tooSmall) {
        throw new MapiError(first?.operation ?? 'EcDoRpcExt2', ErrorCode.BufferTooSmall);
      } else {
        return;
      }
      steps = left;
    }
  }

  #newIndex(handle: number): number {
    if (this.#handles.length >= MAX_HANDLES) {
      throw new RpchError('RPCH_ROP_BATCH_FULL', 'caller', `a batch has ${MAX_HANDLES} handles at most`);
    }
    return this.#handles.push(handle) - 1;
  }

  /** Handles that nobody needs any more go along. */
  #releases(): Step[] {
    const room = MAX_HANDLES - this.#handles.length;
    return this.#session.takeDiscarded(room).map(({ logonId, handle }) => {
      const inputHandleIndex = this.#newIndex(handle);
      return {
        operation: 'RopRelease',
        responseId: undefined,
        write: (writer: Writer) => Release.writeRequest(writer, { logonId, inputHandleIndex }, this.#session.coding),
        read: () => {},
      };
    });
  }

  async #send(
    steps: readonly Step[],
    options: SessionCallOptions & { readonly ample: boolean },
  ): Promise<{ readonly left: Step[]; readonly backoff?: number; readonly tooSmall: boolean }> {
    const writer = new Writer(256);
    for (const step of steps) step.write(writer);
    const [first, ...chained] = await this.#session.execute(
      { ropsList: writer.finish(), handles: this.#handles },
      options,
    );
    if (first === undefined) throw new ProtocolError('RPCH_ROP_UNANSWERED', 'an answer without a payload', SECTION);
    for (const [index, handle] of first.handles.entries()) {
      if (index < this.#handles.length) this.#handles[index] = handle;
    }
    const cursor = new Cursor(first.ropsList, SECTION);
    for (const [at, step] of steps.entries()) {
      if (step.responseId === undefined) continue;
      if (cursor.remaining === 0) return { left: steps.slice(at), tooSmall: false };
      const id = cursor.u8();
      if (id === step.responseId) step.read(cursor);
      else if (id === BufferTooSmall.id) return { left: steps.slice(at), tooSmall: true };
      else if (id === Backoff.id)
        return { left: steps.slice(at), backoff: Backoff.read(cursor, this.#session.coding).duration, tooSmall: false };
      else if (id === Notify.id || id === Pending.id) return { left: steps.slice(at), tooSmall: false };
      else throw unexpected(step, id);
    }
    const last = steps.at(-1);
    if (last !== undefined) for (const { ropsList } of chained) readChained(last, ropsList);
    return { left: [], tooSmall: false };
  }
}

/** A further payload has one more response to the last ROP, as if that had been sent again ([MS-OXCRPC] 3.1.4.2.1.2). */
function readChained(step: Step, ropsList: Uint8Array): void {
  const cursor = new Cursor(ropsList, SECTION);
  if (cursor.remaining === 0) return;
  const id = cursor.u8();
  if (id === Notify.id || id === Pending.id) return;
  if (id !== step.responseId) throw unexpected(step, id);
  step.read(cursor);
}

function unexpected(step: Step, id: number): ProtocolError {
  const found = `0x${id.toString(16).padStart(2, '0')}`;
  return new ProtocolError(
    'RPCH_ROP_UNEXPECTED',
    `expected the response to ${step.operation}, found RopId ${found}`,
    SECTION,
  );
}
