import { Cursor } from '../bytes/cursor.ts';
import { formatGuid, parseGuid } from '../bytes/guid.ts';
import { Writer } from '../bytes/writer.ts';
import { NDR, type SyntaxId } from '../dcerpc/syntax-id.ts';
import { ProtocolError, RpchError } from '../errors.ts';

const SECTION = 'C706 appendix L';

/** The longest tower, in bytes ([MS-RPCE] 2.2.1.2.2). */
export const MAX_TOWER_LENGTH = 2000;
const MAX_FLOORS = 6;

/** Protocol identifiers: the first byte of a floor's left-hand side (C706 appendix I, [MS-RPCE] 2.2.1.2.6). */
const FloorProtocol = {
  tcp: 0x07,
  ip: 0x09,
  ncacn: 0x0b,
  uuid: 0x0d,
  http: 0x1f,
} as const;

/** The protocol sequences whose towers are understood. */
export type TowerProtocol = 'ncacn_ip_tcp' | 'ncacn_http';

/** A protocol tower: how to reach an interface (C706 appendix L). */
export interface Tower {
  readonly interface: SyntaxId;
  readonly transferSyntax: SyntaxId;
  /** undefined of protocol sequences that are not understood. */
  readonly protocol: TowerProtocol | undefined;
  /** 0 in questions. */
  readonly port: number;
  /** IPv4 in text form; `0.0.0.0` in questions, and where the tower has none. */
  readonly address: string;
}

const NO_ADDRESS = '0.0.0.0';
const UUID_LHS_LENGTH = 19;

interface Floor {
  readonly protocol: number;
  /** Without the protocol identifier. */
  readonly left: Cursor;
  readonly right: Cursor;
}

/** tower_octet_string of a tower of five floors (C706 appendix L). An address that is none is the caller's fault: RpchError. */
export function encodeTower(tower: Tower): Uint8Array {
  const address = tower.address.split('.').map(Number);
  if (address.length !== 4 || address.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) {
    throw new RpchError('RPCH_BAD_TOWER', 'caller', `${tower.address} is no IPv4 address`);
  }
  // floor count u16, floors {length u16, left-hand side, length u16, right-hand side}, all little-endian but port and address
  const writer = new Writer(75).u16(5);
  writeSyntaxFloor(writer, tower.interface);
  writeSyntaxFloor(writer, tower.transferSyntax);
  writer.u16(1).u8(FloorProtocol.ncacn).u16(2).u16(0);
  writer.u16(1).u8(tower.protocol === 'ncacn_http' ? FloorProtocol.http : FloorProtocol.tcp);
  writer
    .u16(2)
    .u8(tower.port >>> 8)
    .u8(tower.port & 0xff);
  writer.u16(1).u8(FloorProtocol.ip).u16(4).bytes(Uint8Array.from(address));
  return writer.finish();
}

/** The question for an interface over a protocol sequence, as ept_map takes it. */
export function questionTower(syntax: SyntaxId, protocol: TowerProtocol): Uint8Array {
  return encodeTower({ interface: syntax, transferSyntax: NDR, protocol, port: 0, address: NO_ADDRESS });
}

/**
 * Reads tower_octet_string. A tower of another protocol sequence has no `protocol`. Throws a {@link ProtocolError} where floors do not
 * fill it exactly, are more than six, or the first two are not those of an interface and a transfer syntax.
 */
export function decodeTower(bytes: Uint8Array): Tower {
  if (bytes.length > MAX_TOWER_LENGTH) throw bad(`a tower of ${bytes.length} bytes`);
  const cursor = new Cursor(bytes, SECTION);
  const count = cursor.u16();
  if (count < 2 || count > MAX_FLOORS) throw bad(`a tower of ${count} floors`);
  const floors: Floor[] = [];
  for (let i = 0; i < count; i++) {
    const left = cursor.sub(cursor.u16());
    floors.push({ protocol: left.u8(), left, right: cursor.sub(cursor.u16()) });
  }
  cursor.end();
  const [first, second, rpc, transport, network] = floors;
  const read = { interface: readSyntaxFloor(first), transferSyntax: readSyntaxFloor(second) };
  const protocol = rpc?.protocol === FloorProtocol.ncacn ? protocolOf(transport?.protocol) : undefined;
  if (protocol === undefined || transport === undefined) return { ...read, protocol, port: 0, address: NO_ADDRESS };
  const port = (transport.right.u8() << 8) | transport.right.u8();
  const address = network?.protocol === FloorProtocol.ip ? [...network.right.bytes(4)].join('.') : NO_ADDRESS;
  return { ...read, protocol, port, address };
}

function protocolOf(floor: number | undefined): TowerProtocol | undefined {
  if (floor === FloorProtocol.tcp) return 'ncacn_ip_tcp';
  return floor === FloorProtocol.http ? 'ncacn_http' : undefined;
}

/** Left: identifier, UUID, major version u16; right: minor version u16. */
function writeSyntaxFloor(writer: Writer, { uuid, version }: SyntaxId): void {
  writer
    .u16(UUID_LHS_LENGTH)
    .u8(FloorProtocol.uuid)
    .bytes(parseGuid(uuid))
    .u16(version & 0xffff);
  writer.u16(2).u16(version >>> 16);
}

function readSyntaxFloor(floor: Floor | undefined): SyntaxId {
  if (floor?.protocol !== FloorProtocol.uuid) throw bad('a floor that is no UUID');
  const uuid = formatGuid(floor.left.bytes(16));
  const major = floor.left.u16();
  return { uuid, version: ((floor.right.u16() << 16) | major) >>> 0 };
}

function bad(why: string): ProtocolError {
  return new ProtocolError('RPCH_BAD_TOWER', why, SECTION);
}
