import { type Cursor, RpchError, type Writer } from '@rpch/rpc/internal';
import { ErrorCode } from '../error-code.ts';
import type { PropertyTag } from '../property.ts';
import { type Fields, type RopCoding, readFields, type Scope, type ValuesOf, writeFields } from './field.ts';
import { u8 } from './primitives.ts';

/** What stands in a request behind RopId and LogonId, and which of it a response repeats as its handle index ([MS-OXCROPS] 2.2). */
const HEADERS = {
  in: { fields: { inputHandleIndex: u8 }, echoed: 'inputHandleIndex' },
  'in+out': { fields: { inputHandleIndex: u8, outputHandleIndex: u8 }, echoed: 'outputHandleIndex' },
  logon: { fields: { outputHandleIndex: u8 }, echoed: 'outputHandleIndex' },
  'response+in': { fields: { responseHandleIndex: u8, inputHandleIndex: u8 }, echoed: 'responseHandleIndex' },
  'source+dest': { fields: { sourceHandleIndex: u8, destHandleIndex: u8 }, echoed: 'sourceHandleIndex' },
} as const;

/** The least RopId that a response can have: RopRelease, 1, has none. */
const FIRST_RESPONSE_ID = 2;

/** Which indexes stand before a request: the names of the shapes. */
export type HeaderShape = keyof typeof HEADERS;

type Simplify<T> = { [K in keyof T]: T[K] };

/** A request by the fields of its ROP, without RopId. */
type Request<H extends HeaderShape, Q extends Fields> = Simplify<
  { readonly logonId: number } & ValuesOf<(typeof HEADERS)[H]['fields']> & ValuesOf<Q>
>;

interface ResponseHeader {
  readonly handleIndex: number;
  /** 0, or a MAPI return value: error-code.ts. */
  readonly returnValue: number;
}

/** A response that was read. `ok` says that the fields of success are there: ReturnValue is 0, or a warning. */
type Response<P extends Fields, X extends Fields> =
  | Simplify<ResponseHeader & { readonly ok: true } & ValuesOf<P>>
  | Simplify<ResponseHeader & { readonly ok: false } & Partial<ValuesOf<X>>>;

/** A response that is to be written. */
type ResponseInput<P extends Fields, X extends Fields> =
  | (ResponseHeader & ValuesOf<P>)
  | (ResponseHeader & ValuesOf<X>);

/** How a ROP is declared: [MS-OXCROPS] 2.2.3 to 2.2.15. */
interface Declaration<H extends HeaderShape, Q extends Fields, P extends Fields, X extends Fields> {
  readonly id: number;
  /** The specification's, without its Rop. */
  readonly name: string;
  readonly header: H;
  readonly request: Q;
  /** What follows ReturnValue when it is 0. */
  readonly response: P;
  /** RopRelease alone has none. */
  readonly hasResponse?: false;
  /** The id of the response, where it is another. */
  readonly responseId?: number;
  /** Return values other than 0 that all fields follow. */
  readonly warnings?: readonly number[];
  /** What follows ReturnValue on failure, if anything does. */
  readonly failure?: {
    /** `returnValue` counts as a field before them. */
    readonly fields: X;
    /** What they are for a request of which nothing was done. */
    nothingDone(request: Request<H, Q>): ValuesOf<X>;
    /** There are servers that leave it out, but for one return value. */
    readonly mayBeAbsent?: { readonly except?: number };
  };
  /** The columns of the rows in the response, where the request names them. */
  columns?(request: Request<H, Q>): readonly PropertyTag[];
}

/**
 * A ROP: codec of its request and response. Reading throws ProtocolError, and StoreError where a restriction in it is TooComplex;
 * writing throws RpchError `RPCH_ROP_NOT_WRITABLE` for values that the layout cannot hold, and StoreError.
 */
export class Rop<H extends HeaderShape, Q extends Fields, P extends Fields, X extends Fields> {
  readonly id: number;
  readonly name: string;
  readonly header: H;
  readonly request: Q;
  readonly response: P;
  readonly failure: X;
  readonly hasResponse: boolean;
  readonly responseId: number;
  readonly #declaration: Declaration<H, Q, P, X>;
  readonly #requestFields: Fields;

  constructor(declaration: Declaration<H, Q, P, X>) {
    this.id = declaration.id;
    this.name = declaration.name;
    this.header = declaration.header;
    this.request = declaration.request;
    this.response = declaration.response;
    this.failure = declaration.failure?.fields ?? ({} as X);
    this.hasResponse = declaration.hasResponse ?? true;
    this.responseId = declaration.responseId ?? declaration.id;
    this.#declaration = declaration;
    this.#requestFields = { logonId: u8, ...HEADERS[declaration.header].fields, ...declaration.request };
  }

  /** Reads what follows RopId. */
  readRequest(cursor: Cursor, coding: RopCoding): Request<H, Q> {
    return readFields(this.#requestFields, cursor, outermost(coding)) as Request<H, Q>;
  }

  /** Writes a request, RopId included. */
  writeRequest(writer: Writer, request: Request<H, Q>, coding: RopCoding): void {
    writer.u8(this.id);
    writeFields(this.#requestFields, writer, request, outermost(coding));
  }

  /** The handle index that the response to a request repeats. */
  handleIndexOf(request: Request<H, Q>): number {
    const values: Readonly<Record<string, unknown>> = request;
    return Number(values[HEADERS[this.header].echoed]);
  }

  /** The columns of the rows in the response to a request, if the request names them. */
  columnsOf(request: Request<H, Q>): readonly PropertyTag[] | undefined {
    return this.#declaration.columns?.(request);
  }

  /** Whether the fields of success follow a return value. */
  succeeds(returnValue: number): boolean {
    return returnValue === ErrorCode.Success || (this.#declaration.warnings?.includes(returnValue) ?? false);
  }

  /** Whether there are servers that leave out what follows a return value of failure. */
  failureMayBeAbsent(returnValue: number): boolean {
    const mayBeAbsent = this.#declaration.failure?.mayBeAbsent;
    return mayBeAbsent !== undefined && mayBeAbsent.except !== returnValue;
  }

  /**
   * Reads what follows RopId. Rows in it are read by the columns in `coding`; without columns they take all that is left. Where
   * servers may leave out what follows a failure, it is absent if nothing is left, or another response follows: what would be
   * there begins with the byte 0, or 1, of which no response is.
   */
  readResponse(cursor: Cursor, coding: RopCoding): Response<P, X> {
    const header = { handleIndex: cursor.u8(), returnValue: cursor.u32() };
    if (this.succeeds(header.returnValue)) {
      return readFields(this.response, cursor, outermost(coding), { ...header, ok: true }) as Response<P, X>;
    }
    const failed = { ...header, ok: false };
    if (this.failureMayBeAbsent(header.returnValue) && (cursor.rest()[0] ?? FIRST_RESPONSE_ID) >= FIRST_RESPONSE_ID) {
      return failed as Response<P, X>;
    }
    return readFields(this.failure, cursor, outermost(coding), failed) as Response<P, X>;
  }

  /** Writes a response, RopId included. */
  writeResponse(writer: Writer, response: ResponseInput<P, X>, coding: RopCoding): void {
    if (!this.hasResponse) throw new RpchError('RPCH_ROP_NO_RESPONSE', 'caller', `Rop${this.name} has no response`);
    writer.u8(this.responseId).u8(response.handleIndex).u32(response.returnValue);
    const fields = this.succeeds(response.returnValue) ? this.response : this.failure;
    writeFields(fields, writer, response, outermost(coding));
  }

  /** Writes the response to a request that failed before anything was done. */
  writeFailure(writer: Writer, request: Request<H, Q>, returnValue: number, coding: RopCoding): void {
    const header = { handleIndex: this.handleIndexOf(request), returnValue };
    const rest = this.#declaration.failure?.nothingDone(request) ?? ({} as ValuesOf<X>);
    this.writeResponse(writer, { ...header, ...rest }, coding);
  }
}

function outermost(coding: RopCoding): Scope {
  return { coding, values: {} };
}

/** A request of whichever ROP. */
export type AnyRequest = { readonly logonId: number } & Readonly<Record<string, unknown>>;

/** Whichever ROP. */
export type AnyRop = Pick<
  Rop<HeaderShape, Fields, Fields, Fields>,
  | 'id'
  | 'name'
  | 'header'
  | 'request'
  | 'response'
  | 'failure'
  | 'hasResponse'
  | 'responseId'
  | 'succeeds'
  | 'failureMayBeAbsent'
> & {
  readRequest(cursor: Cursor, coding: RopCoding): AnyRequest;
  writeRequest(writer: Writer, request: AnyRequest, coding: RopCoding): void;
  handleIndexOf(request: AnyRequest): number;
  columnsOf(request: AnyRequest): readonly PropertyTag[] | undefined;
  readResponse(cursor: Cursor, coding: RopCoding): ResponseHeader & Readonly<Record<string, unknown>>;
  writeResponse(writer: Writer, response: ResponseHeader & Readonly<Record<string, unknown>>, coding: RopCoding): void;
  writeFailure(writer: Writer, request: AnyRequest, returnValue: number, coding: RopCoding): void;
};

/** Declares a ROP: its codec, and the types of its request and response. */
export function defineRop<
  const H extends HeaderShape,
  Q extends Fields,
  P extends Fields,
  // biome-ignore lint/complexity/noBannedTypes: no fields at all
  X extends Fields = {},
>(declaration: Declaration<H, Q, P, X>): Rop<H, Q, P, X> {
  return new Rop(declaration);
}

/** The type of a ROP's request. */
export type RequestOf<R extends RopTypes> = Request<R['header'], R['request']>;
/** The type of a ROP's response when it is read. */
export type ResponseOf<R extends RopTypes> = Response<R['response'], R['failure']>;

interface RopTypes {
  readonly header: HeaderShape;
  readonly request: Fields;
  readonly response: Fields;
  readonly failure: Fields;
}
