import {
  type Binding,
  type ClientOf,
  type InterfaceDeclaration,
  RpcClient,
  type RpcClientOptions,
} from '@rpch/rpc/internal';

/** The three services that a MAPI client uses. */
export type MapiService = 'referral' | 'address book' | 'information store';

/** Where they listen behind an RPC Proxy, unless said otherwise ([MS-OXCRPC] 2.1, [MS-OXNSPI] 2.1, [MS-OXABREF] 2.1). */
export const MAPI_PORTS: Readonly<Record<MapiService, number>> = {
  'information store': 6001,
  referral: 6002,
  'address book': 6004,
};

/** Ports by service; `mapper`: the endpoint mapper of the server says. */
export type MapiPorts = Readonly<Partial<Record<MapiService, number | 'mapper'>>>;

/** How the services are reached. */
export interface MapiServers {
  /** @param server the name of the RPC server, where it is another than the first. */
  bind<D extends InterfaceDeclaration>(service: MapiService, declaration: D, server?: string): Promise<ClientOf<D>>;
  close(): void;
}

/** A place that is about to be reached. */
export interface Reach {
  readonly service: MapiService;
  readonly server: string;
  /** Undefined: the endpoint mapper is asked. */
  readonly port: number | undefined;
  /** There was a call to this server and port before, so that there may be a connection already. */
  readonly again: boolean;
}

/** How the servers of MAPI are reached. */
export interface RpcServersOptions {
  readonly client?: RpcClientOptions;
  readonly ports?: MapiPorts;
  /** Told before each bind, and after it. */
  readonly onReach?: (reach: Reach) => void;
  readonly onBound?: (reach: Reach) => void;
}

/**
 * The services of a server that a string binding names. Ports that are not given are found so:
 *
 * | binding | endpoint in the binding | information store | referral | address book |
 * | --- | --- | --- | --- | --- |
 * | ncacn_http | none, or 6001 | 6001 | 6002 | 6004 |
 * | ncacn_http | another | that one | that one | that one |
 * | ncacn_ip_tcp | named | that one | that one | that one |
 * | ncacn_ip_tcp | none | the endpoint mapper's answer | … | … |
 */
export class RpcServers implements MapiServers {
  readonly #binding: Binding;
  readonly #options: RpcServersOptions;
  readonly #clients = new Map<string, RpcClient>();

  constructor(binding: Binding, options: RpcServersOptions = {}) {
    this.#binding = binding;
    this.#options = options;
  }

  /** Where a service is. */
  portOf(service: MapiService): number | undefined {
    const { ports = {} } = this.#options;
    const said = ports[service];
    if (said !== undefined) return said === 'mapper' ? undefined : said;
    const { endpoint, protocol } = this.#binding;
    if (protocol === 'ncacn_ip_tcp') return endpoint;
    return endpoint === undefined || endpoint === MAPI_PORTS['information store'] ? MAPI_PORTS[service] : endpoint;
  }

  async bind<D extends InterfaceDeclaration>(
    service: MapiService,
    declaration: D,
    server = this.#binding.networkAddress,
  ): Promise<ClientOf<D>> {
    const port = this.portOf(service);
    const key = `${server}:${port}`;
    let client = this.#clients.get(key);
    const reach = { service, server, port, again: client !== undefined };
    this.#options.onReach?.(reach);
    if (client === undefined) {
      const { endpoint: _, ...rest } = this.#binding;
      const binding = { ...rest, networkAddress: server, ...(port === undefined ? {} : { endpoint: port }) };
      client = new RpcClient(binding, this.#options.client ?? {});
      this.#clients.set(key, client);
    }
    const bound = await client.bind(declaration);
    this.#options.onBound?.(reach);
    return bound;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
  }
}
