import { ALICE, LiveProxy, type LiveProxyOptions } from '../../src/live-proxy.ts';
import { RawConnection, type RawTarget } from '../../src/raw-connection.ts';
import { RpcServerStub } from '../../src/rpc-server-stub.ts';
import { basic, type RequestOptions, requestHead } from '../../src/scripted-client.ts';

export const GOOD = basic(ALICE.name, ALICE.password);
export const WRONG = basic(ALICE.name, 'not-her-password');

/** A proxy, a server behind it, and connections to the proxy whose bytes are the test's. */
export class Scene implements AsyncDisposable {
  readonly live: LiveProxy;
  readonly server: RpcServerStub;
  readonly target: string;

  private constructor(live: LiveProxy, server: RpcServerStub) {
    this.live = live;
    this.server = server;
    this.target = `127.0.0.1:${server.port}`;
  }

  static async open({ flags = {}, limits = {} }: LiveProxyOptions = {}): Promise<Scene> {
    const server = await RpcServerStub.listen();
    const allow = [`ncacn_ip_tcp:127.0.0.1[${server.port}]`];
    return new Scene(await LiveProxy.start({ flags: { allow, ...flags }, limits }), server);
  }

  connect(options: Partial<RawTarget> = {}): Promise<RawConnection> {
    return RawConnection.connect({ port: this.live.port, ...options });
  }

  head(method: string, options: Partial<RequestOptions> = {}): string {
    return requestHead(method, { server: this.target, authorization: GOOD, ...options });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.live.stop();
  }
}

/** A response's head, taken apart. */
export interface Head {
  readonly status: number;
  /** All values of a field, in order. */
  field(name: string): readonly string[];
}

/** Takes a response's head and, where it has a short one, its body. */
export async function takeResponse(connection: RawConnection): Promise<Head & { readonly body: Buffer }> {
  const head = parse(await connection.takeHead());
  const length = Number(head.field('content-length')[0] ?? 0);
  return { ...head, body: length > 0 && length < 65_536 ? await connection.take(length) : Buffer.alloc(0) };
}

function parse(text: string): Head {
  const [statusLine = '', ...lines] = text.trimEnd().split('\r\n');
  const fields = lines.map((line): [string, string] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return {
    status: Number(statusLine.split(' ')[1]),
    field: (name) => fields.filter(([one]) => one === name).map(([, value]) => value),
  };
}
