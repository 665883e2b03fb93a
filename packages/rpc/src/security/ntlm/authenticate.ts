import { Cursor } from '../../bytes/cursor.ts';
import { decodeUtf16 } from '../../bytes/utf16.ts';
import {
  decodeOem,
  encodeText,
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

const SECTION = '[MS-NLMP] 2.2.1.3';
const HEADER_LENGTH = 64;
/** Where the MIC lies in an AUTHENTICATE_MESSAGE that has one. */
export const MIC_OFFSET = 72;
export const MIC_LENGTH = 16;

/** AUTHENTICATE_MESSAGE: who the client claims to be, and its proof. */
export interface AuthenticateMessage {
  readonly flags: number;
  readonly lmChallengeResponse: Uint8Array;
  readonly ntChallengeResponse: Uint8Array;
  readonly domainName: string;
  readonly userName: string;
  readonly workstation: string;
  readonly encryptedRandomSessionKey: Uint8Array;
  readonly version: Version | undefined;
  /** The 16 bytes where a MIC would lie, if the header has room for it: only MsvAvFlags tells whether it is one. */
  readonly mic: Uint8Array | undefined;
}

/**
 * Reads an AUTHENTICATE_MESSAGE ([MS-NLMP] 2.2.1.3). Byte values are views of `message`.
 *
 * ```
 *  0 Signature 8, 8 MessageType, 12 LmChallengeResponseFields, 20 NtChallengeResponseFields, 28 DomainNameFields,
 * 36 UserNameFields, 44 WorkstationFields, 52 EncryptedRandomSessionKeyFields, 60 NegotiateFlags, 64 Version 8,
 * 72 MIC 16, Payload
 * ```
 */
export function decodeAuthenticate(message: Uint8Array): AuthenticateMessage {
  const cursor = new Cursor(message, SECTION);
  expectMessageType(cursor, MessageType.AUTHENTICATE, SECTION);
  const lm = readField(cursor);
  const nt = readField(cursor);
  const domain = readField(cursor);
  const user = readField(cursor);
  const workstation = readField(cursor);
  const key = readField(cursor);
  const flags = cursor.u32();
  const bytesOf = (field: typeof lm) => payloadOf(message, field, HEADER_LENGTH, SECTION);
  // A client that leaves both bits set means Unicode ([MS-NLMP] 2.2.2.5, bit A).
  const textOf = (field: typeof lm) =>
    hasFlag(flags, NegotiateFlag.NEGOTIATE_UNICODE) ? decodeUtf16(bytesOf(field), SECTION) : decodeOem(bytesOf(field));
  const start = payloadStart(message, [lm, nt, domain, user, workstation, key]);
  const hasVersion = hasFlag(flags, NegotiateFlag.NEGOTIATE_VERSION) && start >= HEADER_LENGTH + VERSION_LENGTH;
  return {
    flags,
    lmChallengeResponse: bytesOf(lm),
    ntChallengeResponse: bytesOf(nt),
    domainName: textOf(domain),
    userName: textOf(user),
    workstation: textOf(workstation),
    encryptedRandomSessionKey: bytesOf(key),
    version: hasVersion ? readVersion(cursor) : undefined,
    mic: start >= MIC_OFFSET + MIC_LENGTH ? message.subarray(MIC_OFFSET, MIC_OFFSET + MIC_LENGTH) : undefined,
  };
}

/** Writes an AUTHENTICATE_MESSAGE, with a MIC field of 16 bytes or none; its flags must agree with what is there. */
export function encodeAuthenticate(message: AuthenticateMessage): Uint8Array {
  const { flags, mic = new Uint8Array() } = message;
  const text = (value: string) => encodeText(value, hasFlag(flags, NegotiateFlag.NEGOTIATE_UNICODE));
  const writer = new MessageWriter(MessageType.AUTHENTICATE, MIC_OFFSET + mic.length)
    .field(message.lmChallengeResponse)
    .field(message.ntChallengeResponse)
    .field(text(message.domainName))
    .field(text(message.userName))
    .field(text(message.workstation))
    .field(message.encryptedRandomSessionKey);
  writer.header.u32(flags);
  writer.version(message.version).header.bytes(mic);
  return writer.finish();
}
