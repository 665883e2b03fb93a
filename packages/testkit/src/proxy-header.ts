import { isIPv4 } from 'node:net';

/** Version 2 of the PROXY protocol, as load balancers send it (proxy-protocol.txt 2.2): TCP over IPv4 from `source`; LOCAL without one. */
export function proxyHeader(source?: string): Buffer {
  const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
  if (source === undefined) return Buffer.concat([signature, Buffer.from('20000000', 'hex')]);
  if (!isIPv4(source)) throw new Error(`${source} is no IPv4 address`);
  const addresses = Buffer.from([...source.split('.').map(Number), 127, 0, 0, 1, 0xdc, 0x04, 0x01, 0xbb]);
  return Buffer.concat([signature, Buffer.from('2111000c', 'hex'), addresses]);
}
