import { bindClient, type ClientOf, type HandlersOf, type InterfaceDeclaration } from '@rpch/rpc/internal';

/** A call that has been made. */
export interface Made {
  readonly method: string;
  readonly input: unknown;
}

/**
 * The client of an interface whose calls go, as NDR, to handlers in the same process.
 * @param made is told of each call.
 */
export function inMemory<D extends InterfaceDeclaration>(
  declaration: D,
  handlers: Partial<HandlersOf<D, unknown>>,
  made: (call: Made) => void = () => {},
): ClientOf<D> {
  return bindClient(declaration, async (opnum, stub, decode, options) => {
    options?.signal?.throwIfAborted();
    const operation = declaration.operation(opnum);
    if (operation === undefined) throw new Error(`no operation ${opnum}`);
    const { method, procedure } = operation;
    const input = procedure.decodeRequest(stub, true);
    made({ method, input });
    const handler = (handlers as Record<string, ((input: unknown) => unknown) | undefined>)[method];
    if (handler === undefined) throw new Error(`nothing answers ${method}`);
    return decode(procedure.encodeResponse(await handler(input), input), true);
  });
}
