import { RpchError } from '../errors.ts';
import type { Procedure } from '../ndr/procedure.ts';
import { ifVersion, type SyntaxId } from './syntax-id.ts';

/** The operations of an interface, by the names of the methods that stand for them. */
export type Procedures = Readonly<Record<string, Procedure<unknown, unknown>>>;

/** An operation and the method that stands for it. */
export interface DeclaredOperation {
  readonly method: string;
  readonly procedure: Procedure<unknown, unknown>;
}

/** An interface whose operations are declared: see {@link defineInterface}. */
export interface InterfaceDeclaration<P extends Procedures = Procedures> {
  readonly name: string;
  readonly syntax: SyntaxId;
  readonly procedures: P;
  /** The operation of that number; undefined if there is none. */
  operation(opnum: number): DeclaredOperation | undefined;
}

type InputOfProcedure<Q> = Q extends Procedure<infer I, unknown> ? I : never;
type OutputOfProcedure<Q> = Q extends Procedure<unknown, infer O> ? O : never;

/** What may be said of one call. */
export interface CallOptions {
  /** Gives the call up. */
  readonly signal?: AbortSignal;
  /** Milliseconds until the call is given up. */
  readonly timeout?: number;
  /** The object UUID of the call, in text form (C706 12.6.4.9). */
  readonly object?: string;
}

type Method<I, O> =
  Record<never, never> extends I
    ? (input?: I, options?: CallOptions) => Promise<O>
    : (input: I, options?: CallOptions) => Promise<O>;

/** The methods by which an interface is called. Input may be left out where there is none. */
export type ClientOf<D extends InterfaceDeclaration> = {
  readonly [M in keyof D['procedures']]: Method<
    InputOfProcedure<D['procedures'][M]>,
    OutputOfProcedure<D['procedures'][M]>
  >;
};

/** The methods that serve an interface; `Context` is what the server tells of a call. */
export type HandlersOf<D extends InterfaceDeclaration, Context> = {
  readonly [M in keyof D['procedures']]: (
    input: InputOfProcedure<D['procedures'][M]>,
    context: Context,
  ) => OutputOfProcedure<D['procedures'][M]> | Promise<OutputOfProcedure<D['procedures'][M]>>;
};

/**
 * Declares an interface. `version` is its major and its minor version. Two procedures with one opnum throw an RpchError
 * with code `RPCH_NDR_DECLARATION`.
 */
export function defineInterface<const P extends Procedures>(declaration: {
  readonly name: string;
  readonly uuid: string;
  readonly version: readonly [major: number, minor: number];
  readonly procedures: P;
}): InterfaceDeclaration<P> {
  const { name, uuid, version, procedures } = declaration;
  const byOpnum: (DeclaredOperation | undefined)[] = [];
  for (const [method, procedure] of Object.entries(procedures)) {
    const { opnum } = procedure;
    if (byOpnum[opnum] !== undefined) {
      throw new RpchError('RPCH_NDR_DECLARATION', 'caller', `${name} has two operations with opnum ${opnum}`);
    }
    byOpnum[opnum] = { method, procedure };
  }
  return {
    name,
    syntax: { uuid: uuid.toLowerCase(), version: ifVersion(version[0], version[1]) },
    procedures,
    operation: (opnum) => byOpnum[opnum],
  };
}

/** Decodes a response's stub data, which is a view that is valid during this call only. */
export type DecodeStub<T> = (stub: Uint8Array, littleEndian: boolean) => T;

/**
 * Makes one call with a request stub in the byte order that {@link bindClient} was told, and decodes its answer; rejects with a
 * fault, what `decode` throws, or what else went wrong.
 */
export type Call = <T>(
  opnum: number,
  stub: Uint8Array,
  decode: DecodeStub<T>,
  options: CallOptions | undefined,
) => Promise<T>;

const CALL = Symbol('call');
const LITTLE_ENDIAN = Symbol('littleEndian');

interface Bound {
  readonly [CALL]: Call;
  readonly [LITTLE_ENDIAN]: boolean;
}

/** The prototypes of clients: one for each declaration, made when the first client is. */
const prototypes = new WeakMap<InterfaceDeclaration, object>();

/**
 * A client of an interface, over whatever carries the calls. Its methods are called on it, not taken from it. They reject with what `call` rejects with, with an
 * RpchError `RPCH_NDR_VALUE` for an input that the declaration does not allow, and with a ProtocolError for a response that it
 * does not allow.
 */
export function bindClient<D extends InterfaceDeclaration>(
  declaration: D,
  call: Call,
  littleEndian = true,
): ClientOf<D> {
  let prototype = prototypes.get(declaration);
  if (prototype === undefined) {
    prototype = prototypeOf(declaration);
    prototypes.set(declaration, prototype);
  }
  return Object.create(prototype, { [CALL]: { value: call }, [LITTLE_ENDIAN]: { value: littleEndian } }) as ClientOf<D>;
}

function prototypeOf(declaration: InterfaceDeclaration): object {
  const methods: Record<string, unknown> = {};
  for (const [method, procedure] of Object.entries(declaration.procedures)) {
    // Not async: a promise of its own for each call would only pass on the other one's.
    methods[method] = function (this: Bound, input: unknown = {}, options?: CallOptions): Promise<unknown> {
      let request: Uint8Array;
      try {
        request = procedure.encodeRequest(input, this[LITTLE_ENDIAN]);
      } catch (error) {
        return Promise.reject(error);
      }
      const decode = (stub: Uint8Array, littleEndian: boolean): unknown =>
        procedure.decodeResponse(stub, littleEndian, input);
      return this[CALL](procedure.opnum, request, decode, options);
    };
  }
  return methods;
}
