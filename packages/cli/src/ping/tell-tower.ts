import { Cursor } from '@rpch/rpc/internal';
import { printable } from './tell-found.ts';

const SECTION = 'C706 appendix L';

/** Protocol identifiers of floors (C706 appendix I, [MS-RPCE] 2.1.1, 2.2.1.2.6). */
const Floor = {
  tcp: 0x07,
  udp: 0x08,
  ip: 0x09,
  ncadg: 0x0a,
  ncacn: 0x0b,
  ncalrpc: 0x0c,
  namedPipe: 0x0f,
  localPipe: 0x10,
  netbios: 0x11,
  http: 0x1f,
} as const;

/** Protocol sequence and endpoint of a tower, named pipes and local procedure calls among them. Throws ProtocolError. */
export function tellTower(bytes: Uint8Array): { readonly protocol: string; readonly endpoint: string } {
  const cursor = new Cursor(bytes, SECTION);
  const floors: { readonly protocol: number; readonly right: Uint8Array }[] = [];
  for (let count = cursor.u16(); count > 0; count--) {
    const left = cursor.bytes(cursor.u16());
    floors.push({ protocol: left[0] ?? 0, right: cursor.bytes(cursor.u16()) });
  }
  const [, , rpc, transport, network] = floors;
  const port = String(((transport?.right[0] ?? 0) << 8) | (transport?.right[1] ?? 0));
  const address =
    network?.protocol === Floor.ip && network.right.length === 4 ? [...network.right].join('.') : '0.0.0.0';
  const at = address === '0.0.0.0' ? port : `${port} on ${address}`;
  switch (`${rpc?.protocol} ${transport?.protocol}`) {
    case `${Floor.ncacn} ${Floor.tcp}`:
      return { protocol: 'ncacn_ip_tcp', endpoint: at };
    case `${Floor.ncacn} ${Floor.http}`:
      return { protocol: 'ncacn_http', endpoint: at };
    case `${Floor.ncadg} ${Floor.udp}`:
      return { protocol: 'ncadg_ip_udp', endpoint: at };
    case `${Floor.ncacn} ${Floor.namedPipe}`: {
      const host = network?.protocol === Floor.netbios ? textOf(network.right) : '';
      return { protocol: 'ncacn_np', endpoint: `${textOf(transport?.right)}${host === '' ? '' : ` on ${host}`}` };
    }
    case `${Floor.ncalrpc} ${Floor.localPipe}`:
      return { protocol: 'ncalrpc', endpoint: textOf(transport?.right) };
    default:
      return { protocol: `floors ${rpc?.protocol ?? '-'}, ${transport?.protocol ?? '-'}`, endpoint: '?' };
  }
}

function textOf(bytes: Uint8Array = new Uint8Array()): string {
  return printable(Buffer.from(bytes).toString('latin1').replace(/\0.*$/s, ''));
}
