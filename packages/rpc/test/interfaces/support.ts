import { ContextHandles } from '../../src/dcerpc/context-handles.ts';
import {
  bindClient,
  type Call,
  type ClientOf,
  type InterfaceDeclaration,
} from '../../src/dcerpc/interface-declaration.ts';
import type { RpcCall, RpcInterface } from '../../src/dcerpc/rpc-interface.ts';

/** What a handler learns of a call that nobody makes. */
export function rpcCall(changes: Partial<RpcCall> = {}): RpcCall {
  return {
    identity: undefined,
    authType: 0,
    authLevel: 1,
    object: undefined,
    associationGroup: 1,
    peer: { transport: 'tcp', address: '127.0.0.1', label: '127.0.0.1:1', clientAddressHint: undefined },
    signal: new AbortController().signal,
    contextHandles: new ContextHandles(),
    ...changes,
  };
}

/** A client of a served interface without a connection in between: what it encodes is what the server decodes. */
export function clientOf<D extends InterfaceDeclaration>(
  declaration: D,
  served: RpcInterface,
  call: RpcCall = rpcCall(),
): ClientOf<D> {
  const make: Call = async (opnum, stub, decode) => decode(await served.handle(opnum, stub, true, call), true);
  return bindClient(declaration, make);
}
