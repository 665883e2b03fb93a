import { ProtocolError } from '../errors.ts';
import { RpcFaultError } from './fault.ts';
import { FaultStatus } from './fault-status.ts';
import type { DeclaredOperation, HandlersOf, InterfaceDeclaration } from './interface-declaration.ts';
import type { RpcCall, RpcInterface } from './rpc-interface.ts';

/** What may be said of a served interface besides its handlers. */
export interface ServerInterfaceOptions {
  /** The lowest AuthLevel at which it may be called; default: none. */
  readonly minimumLevel?: number;
}

type Handler = (input: unknown, call: RpcCall) => unknown;

const NOTHING = new Uint8Array(0);

/**
 * Makes a declared interface one that can be served: a request is decoded, its handler called with the input and the call, what it
 * returns or resolves to is encoded. Handlers that return at once cost no promise.
 *
 * Arrays of bytes in the input are views of the request's stub, which is the handler's: to keep a small one, copy it.
 *
 * A handler throws RpcFaultError for a fault of its choice. What does not decode is rpc_x_bad_stub_data, an operation without a
 * procedure nca_s_op_rng_error; a result that the declaration does not allow is a defect of the handler's.
 */
export function serverInterface<D extends InterfaceDeclaration>(
  declaration: D,
  handlers: HandlersOf<D, RpcCall>,
  options: ServerInterfaceOptions = {},
): RpcInterface {
  const { name, syntax } = declaration;
  const methods: Readonly<Record<string, unknown>> = handlers;
  const operations: (Operation | undefined)[] = [];
  for (const [method, { opnum }] of Object.entries(declaration.procedures)) {
    const declared = declaration.operation(opnum);
    if (declared !== undefined) operations[opnum] = new Operation(declared, methods[method] as Handler, methods);
  }
  return {
    name,
    syntax,
    ...(options.minimumLevel === undefined ? {} : { minimumLevel: options.minimumLevel }),
    handle(opnum, stub, littleEndian, call) {
      const operation = operations[opnum];
      if (operation === undefined) throw new RpcFaultError(FaultStatus.nca_s_op_rng_error);
      return operation.serve(stub, littleEndian, call);
    },
  };
}

class Operation {
  readonly #procedure: DeclaredOperation['procedure'];
  readonly #handler: Handler;
  readonly #handlers: object;
  readonly #takesNothing: boolean;

  constructor({ procedure }: DeclaredOperation, handler: Handler, handlers: object) {
    this.#procedure = procedure;
    this.#handler = handler;
    this.#handlers = handlers;
    this.#takesNothing = decodesNothing(procedure);
  }

  serve(stub: Uint8Array, littleEndian: boolean, call: RpcCall): Uint8Array | Promise<Uint8Array> {
    // What follows the input is nobody's business: Windows and Samba ignore it, and their tests send it.
    const input = this.#procedure.decodeRequest(this.#takesNothing ? NOTHING : stub, littleEndian, true, true);
    const output = this.#handler.call(this.#handlers, input, call);
    if (output instanceof Promise) {
      return output.then((settled) => this.#procedure.encodeResponse(settled, input, littleEndian));
    }
    return this.#procedure.encodeResponse(output, input, littleEndian);
  }
}

/** Whether a procedure has no [in] parameters. */
function decodesNothing(procedure: DeclaredOperation['procedure']): boolean {
  try {
    procedure.decodeRequest(NOTHING, true);
    return true;
  } catch (error) {
    if (error instanceof ProtocolError) return false;
    throw error;
  }
}
