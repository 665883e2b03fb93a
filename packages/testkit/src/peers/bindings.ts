import type { RunningProxy } from './proxy.ts';
import type { SambaPeer } from './samba.ts';

/** A way to the proxy, in the words of Samba's client. */
export interface Transport {
  readonly name: string;
  readonly tls: boolean;
  readonly httpAuth: 'basic' | 'ntlm';
}

export const transports: readonly Transport[] = [
  { name: 'http basic', tls: false, httpAuth: 'basic' },
  { name: 'http ntlm', tls: false, httpAuth: 'ntlm' },
  { name: 'https ntlm', tls: true, httpAuth: 'ntlm' },
];

/**
 * Binding options of Samba's client that change what is on the wire: the four levels of authentication, big-endian
 * integers, and a check of every padding byte. The last two come with integrity, Samba's default.
 */
export const bindingOptions = ['connect', 'packet', 'sign', 'seal', 'bigendian', 'padcheck'] as const;

export type BindingOption = (typeof bindingOptions)[number];

/** Samba's string binding for the peer, straight over TCP. */
export function directBinding(samba: SambaPeer, option: BindingOption): string {
  return `ncacn_ip_tcp:${samba.ip}[${samba.rpcPort},${option}]`;
}

/** Samba's string binding for the peer through the proxy. */
export function proxyBinding(
  samba: SambaPeer,
  proxy: RunningProxy,
  transport: Transport,
  option: BindingOption,
): string {
  const { port } = transport.tls ? proxy.https : proxy.http;
  const http = `RpcProxy=127.0.0.1:${port},HttpUseTls=${transport.tls},HttpAuthOption=${transport.httpAuth}`;
  return `ncacn_http:${samba.ip}[${samba.rpcPort},${option},${http}]`;
}
