import { SocketAddress } from 'node:net';
import { ProtocolError } from '@rpch/rpc';
import { parseIp } from '../access/ip.ts';

/** What stands at the beginning of a connection that a proxy made. */
export interface ProxyHeader {
  /** Bytes of the header; what follows is the client's. */
  readonly length: number;
  /** The client's address; undefined where the connection is the proxy's own (a health check), or it does not say. */
  readonly source: string | undefined;
}

/** Longest version 1 header, CRLF included (2.1), bytes. */
const MAX_V1_LENGTH = 107;
/** Most that may follow the 16 bytes of a version 2 header: addresses, and TLVs of which a client's certificate is the longest, bytes. */
export const MAX_V2_LENGTH = 4096;

const V1_SIGNATURE = Buffer.from('PROXY ', 'latin1');
const V1_LINE = /^PROXY TCP([46]) (\S+) (\S+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4})$/;
const V1_UNKNOWN = /^PROXY UNKNOWN( |$)/;
const V2_SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const V2_FIXED_LENGTH = 16;
const V2_LOCAL = 0x20;
const V2_PROXY = 0x21;
/** What follows for each address family (2.2), bytes: AF_UNSPEC, AF_INET, AF_INET6, AF_UNIX. */
const ADDRESS_LENGTHS = [0, 12, 36, 216] as const;
const TCP_OVER_IPV4 = 0x11;
const TCP_OVER_IPV6 = 0x21;
/** UNSPEC, STREAM, DGRAM. */
const LAST_TRANSPORT = 2;

/**
 * Reads the header of the PROXY protocol (HAProxy's proxy-protocol.txt), version 1 or 2, from the first bytes of a connection.
 * Undefined while it has not come in whole; then the bytes so far are those of a header. TLVs are skipped, the checksum among them.
 * Throws {@link ProtocolError} `RPCH_PROXY_HEADER`.
 */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeader | undefined {
  const begun = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, V2_FIXED_LENGTH + MAX_V2_LENGTH));
  if (isBeginning(begun, V2_SIGNATURE)) return begun.length < V2_FIXED_LENGTH ? undefined : version2(begun);
  if (isBeginning(begun, V1_SIGNATURE)) return version1(begun);
  throw malformed('no header of the PROXY protocol', '2');
}

/** Whether bytes are a signature, or may become one. */
function isBeginning(bytes: Buffer, signature: Buffer): boolean {
  const compared = Math.min(bytes.length, signature.length);
  return bytes.compare(signature, 0, compared, 0, compared) === 0;
}

function version1(bytes: Buffer): ProxyHeader | undefined {
  const line = bytes.toString('latin1', 0, MAX_V1_LENGTH);
  const end = line.indexOf('\r\n');
  if (end < 0) {
    if (line.length < MAX_V1_LENGTH) return undefined;
    throw malformed(`no CRLF in the first ${MAX_V1_LENGTH} bytes`, '2.1');
  }
  const length = end + 2;
  const text = line.slice(0, end);
  if (V1_UNKNOWN.test(text)) return { length, source: undefined };
  const [, family = '', source = '', destination = '', ...ports] = V1_LINE.exec(text) ?? [];
  const holds = [source, destination].every((address) => isOfFamily(address, family));
  if (!holds || ports.some((port) => Number(port) > 0xffff)) throw malformed('malformed line', '2.1');
  return { length, source: parseIp(source)?.address };
}

function isOfFamily(address: string, family: string): boolean {
  return parseIp(address) !== undefined && address.includes(':') === (family === '6');
}

function version2(bytes: Buffer): ProxyHeader | undefined {
  const [command = 0, family = 0] = bytes.subarray(V2_SIGNATURE.length);
  if (command !== V2_LOCAL && command !== V2_PROXY) throw malformed(`version and command 0x${hex(command)}`, '2.2');
  const following = bytes.readUInt16BE(14);
  if (following > MAX_V2_LENGTH) throw malformed(`${following} bytes, more than ${MAX_V2_LENGTH}`, '2.2');
  const length = V2_FIXED_LENGTH + following;
  if (command === V2_LOCAL) return bytes.length < length ? undefined : { length, source: undefined };
  const needed = ADDRESS_LENGTHS[family >> 4];
  if (needed === undefined || (family & 0x0f) > LAST_TRANSPORT) {
    throw malformed(`family and transport 0x${hex(family)}`, '2.2');
  }
  if (following < needed) throw malformed(`${following} bytes for addresses of ${needed}`, '2.2');
  if (bytes.length < length) return undefined;
  return { length, source: sourceOf(family, bytes.subarray(V2_FIXED_LENGTH)) };
}

function sourceOf(family: number, addresses: Buffer): string | undefined {
  if (family === TCP_OVER_IPV4) return addresses.subarray(0, 4).join('.');
  if (family !== TCP_OVER_IPV6) return undefined;
  const groups = Array.from({ length: 8 }, (_, i) => addresses.readUInt16BE(2 * i).toString(16));
  const { address } = new SocketAddress({ address: groups.join(':'), family: 'ipv6' });
  return parseIp(address)?.address;
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function malformed(why: string, section: string): ProtocolError {
  return new ProtocolError('RPCH_PROXY_HEADER', why, `PROXY protocol ${section}`);
}
