import { Cursor } from '../../bytes/cursor.ts';
import {
  expectMessageType,
  MessageType,
  MessageWriter,
  payloadOf,
  payloadStart,
  readField,
  readVersion,
  VERSION_LENGTH,
  type Version,
} from './fields.ts';
import { hasFlag, NegotiateFlag } from './flags.ts';

const SECTION = '[MS-NLMP] 2.2.1.1';
const HEADER_LENGTH = 32;

/** NEGOTIATE_MESSAGE: what the client is able to do. */
export interface NegotiateMessage {
  readonly flags: number;
  /** In the client's OEM code page, which nothing names: kept as bytes. Empty unless its flag says it is supplied. */
  readonly domainName: Uint8Array;
  readonly workstation: Uint8Array;
  readonly version: Version | undefined;
}

/**
 * Reads a NEGOTIATE_MESSAGE ([MS-NLMP] 2.2.1.1). The names are views of `message`.
 *
 * ```
 *  0 Signature 8, 8 MessageType, 12 NegotiateFlags, 16 DomainNameFields, 24 WorkstationFields, 32 Version 8, Payload
 * ```
 */
export function decodeNegotiate(message: Uint8Array): NegotiateMessage {
  const cursor = new Cursor(message, SECTION);
  expectMessageType(cursor, MessageType.NEGOTIATE, SECTION);
  const flags = cursor.u32();
  const domain = supplied(readField(cursor), flags, NegotiateFlag.NEGOTIATE_OEM_DOMAIN_SUPPLIED);
  const workstation = supplied(readField(cursor), flags, NegotiateFlag.NEGOTIATE_OEM_WORKSTATION_SUPPLIED);
  const domainName = payloadOf(message, domain, HEADER_LENGTH, SECTION);
  const workstationName = payloadOf(message, workstation, HEADER_LENGTH, SECTION);
  // Windows NT and curl leave Version out altogether.
  const hasVersion =
    hasFlag(flags, NegotiateFlag.NEGOTIATE_VERSION) &&
    payloadStart(message, [domain, workstation]) >= HEADER_LENGTH + VERSION_LENGTH;
  return { flags, domainName, workstation: workstationName, version: hasVersion ? readVersion(cursor) : undefined };
}

/** Writes a NEGOTIATE_MESSAGE; its flags must agree with the names and the version that are there. */
export function encodeNegotiate(message: NegotiateMessage): Uint8Array {
  const writer = new MessageWriter(MessageType.NEGOTIATE, HEADER_LENGTH + VERSION_LENGTH);
  writer.header.u32(message.flags);
  return writer.field(message.domainName).field(message.workstation).version(message.version).finish();
}

function supplied(field: { length: number; offset: number }, flags: number, bit: number) {
  return hasFlag(flags, bit) ? field : { length: 0, offset: 0 };
}
