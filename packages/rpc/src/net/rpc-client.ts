import { type Binding, parseBinding } from '../dcerpc/binding.ts';
import type { InterfaceIdentity } from '../dcerpc/client-contexts.ts';
import type { ClientSecurity } from '../dcerpc/client-handshake.ts';
import { bindClient, type ClientOf, type InterfaceDeclaration } from '../dcerpc/interface-declaration.ts';
import { AuthType } from '../dcerpc/security-context.ts';
import { RpchError } from '../errors.ts';
import { epmDeclaration } from '../interfaces/epm.ts';
import { type InitiatorFactory, ntlmMechanism, ntlmSecurity, spnegoSecurity } from '../security/providers.ts';
import { AssociationPool } from './association-pool.ts';
import { MAPPER_PORTS, mapEndpoint } from './endpoint-resolution.ts';
import { type RpcClientOptions, securityOf } from './rpc-client-options.ts';
import { RpcConnection } from './rpc-connection.ts';
import { ntlmIdentity, transportOf } from './rpc-transport.ts';

const OPEN_TIMEOUT = 60_000;
const MAX_CONNECTIONS = 8;

/**
 * Calls the interfaces of one RPC server, over `ncacn_ip_tcp` or `ncacn_http`.
 *
 * ```ts
 * await using client = new RpcClient('ncacn_http:dc1[,RpcProxy=proxy.example.org]', { credentials: { user, password } });
 * const echo = await client.bind(echoDeclaration);
 * const { out_data } = await echo.addOne({ in_data: 1 });
 * ```
 *
 * Nothing is opened before the first {@link RpcClient.bind}; a connection that was lost is opened anew by the next call.
 */
export class RpcClient implements AsyncDisposable {
  readonly #binding: Binding;
  readonly #options: RpcClientOptions;
  readonly #security: (() => ClientSecurity) | undefined;
  /** One for each port of the server. */
  readonly #pools = new Map<number, AssociationPool>();
  /** Ports that the endpoint mapper has named, by interface. */
  readonly #mapped = new Map<string, Promise<number>>();
  /** Of endpoint mappers that are being asked. */
  readonly #asking = new Set<AssociationPool>();
  #closed = false;

  /**
   * @param binding a string binding, or one that was parsed. Without an endpoint the server's endpoint mapper is asked.
   *
   * Throws RpchError (caller): `RPCH_STRING_BINDING`, `RPCH_NO_CREDENTIALS`, `RPCH_NO_SUCH_PROVIDER`.
   */
  constructor(binding: string | Binding, options: RpcClientOptions = {}) {
    const https = options.http?.https;
    this.#binding = typeof binding === 'string' ? parseBinding(binding, https === undefined ? {} : { https }) : binding;
    this.#options = options;
    const security = securityOf(this.#binding, options);
    if (security !== undefined) {
      const { authType, authLevel, credentials } = security;
      const ntlm = {
        ...ntlmIdentity(credentials),
        level: authLevel,
        targetName:
          this.#binding.targetPrincipal ?? `host/${this.#binding.targetHostname ?? this.#binding.networkAddress}`,
      };
      const make: InitiatorFactory =
        authType === AuthType.ntlm ? ntlmSecurity(ntlm) : spnegoSecurity([ntlmMechanism(ntlm)]);
      this.#security = () => ({ initiator: make(), authLevel });
    }
  }

  /** The port of an interface: that of the binding, or what the endpoint mapper says. Rejects as {@link RpcClient.bind} does. */
  async endpointOf(wanted: InterfaceIdentity): Promise<number> {
    const { endpoint } = this.#binding;
    if (endpoint !== undefined) return endpoint;
    const key = keyOf(wanted);
    let mapped = this.#mapped.get(key);
    if (mapped === undefined) {
      mapped = this.#ask(wanted);
      this.#mapped.set(key, mapped);
      mapped.catch(() => this.#mapped.delete(key));
    }
    return mapped;
  }

  /**
   * Makes an interface ready to be called: finds its endpoint, opens a connection where there is none, binds. Rejects with
   * RpchError: what the transport says, BindRefusedError, `RPCH_CONTEXT_REFUSED`, `RPCH_NOT_REGISTERED`, a fault, …
   */
  async bind<D extends InterfaceDeclaration>(declaration: D): Promise<ClientOf<D>> {
    const pool = this.#poolOf(await this.endpointOf(declaration));
    try {
      await pool.bind(declaration);
    } catch (error) {
      // A server that was started anew may have another port.
      if (error instanceof RpchError && error.fault === 'network') this.#mapped.delete(keyOf(declaration));
      throw error;
    }
    return this.#clientOf(pool, declaration);
  }

  /** Ends every connection; calls that are not over reject. */
  close(): void {
    this.#closed = true;
    for (const pool of [...this.#pools.values(), ...this.#asking]) pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #clientOf<D extends InterfaceDeclaration>(pool: AssociationPool, declaration: D): ClientOf<D> {
    const { object, bigEndian } = this.#binding;
    const littleEndian = !bigEndian;
    return bindClient(
      declaration,
      (opnum, stub, decode, options) =>
        pool.call(declaration, { opnum, stub, littleEndian, object: options?.object ?? object }, decode, options),
      littleEndian,
    );
  }

  #poolOf(port: number): AssociationPool {
    let pool = this.#pools.get(port);
    if (pool === undefined) {
      pool = this.#newPool(port, this.#security);
      this.#pools.set(port, pool);
    }
    return pool;
  }

  #newPool(port: number, security: (() => ClientSecurity) | undefined): AssociationPool {
    if (this.#closed) throw new RpchError('RPCH_CLIENT_CLOSED', 'caller', 'the client was closed');
    const { openTimeout = OPEN_TIMEOUT, callTimeout, cancelTimeout } = this.#options;
    const { maxResponse, maxFrag, maxConnections, onHop } = this.#options;
    const transport = transportOf(this.#binding, port, this.#options);
    return new AssociationPool(
      (wanted, assocGroupId, ended, signal) =>
        RpcConnection.open(
          transport,
          {
            interfaces: [wanted],
            security: security?.(),
            assocGroupId,
            littleEndian: !this.#binding.bigEndian,
            bindTimeout: openTimeout,
            callTimeout,
            cancelTimeout,
            maxResponse,
            maxFrag,
            onHop,
          },
          ended,
          signal,
        ),
      maxConnections ?? MAX_CONNECTIONS,
    );
  }

  /** The endpoint mapper is asked without security, as the specification has it ([MS-RPCE] 2.2.1.2). */
  async #ask(wanted: InterfaceIdentity): Promise<number> {
    const { protocol, object } = this.#binding;
    const pool = this.#newPool(MAPPER_PORTS[protocol], undefined);
    this.#asking.add(pool);
    try {
      return await mapEndpoint(this.#clientOf(pool, epmDeclaration), wanted, protocol, object);
    } finally {
      this.#asking.delete(pool);
      pool.close();
    }
  }
}

function keyOf({ syntax }: InterfaceIdentity): string {
  return `${syntax.uuid}/${syntax.version}`;
}
