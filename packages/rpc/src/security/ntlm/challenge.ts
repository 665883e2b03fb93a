import { Cursor } from '../../bytes/cursor.ts';
import { decodeUtf16 } from '../../bytes/utf16.ts';
import { type AvPair, type AvPairs, decodeAvPairs, encodeAvPairs } from './av-pairs.ts';
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

const SECTION = '[MS-NLMP] 2.2.1.2';
const HEADER_LENGTH = 48;

/** CHALLENGE_MESSAGE: what the server chose, its nonce, and who it is. */
export interface ChallengeMessage {
  readonly flags: number;
  /** The server's domain, or the server itself where it has none. */
  readonly targetName: string;
  /** Eight bytes. */
  readonly serverChallenge: Uint8Array;
  /** Empty unless the flags have NEGOTIATE_TARGET_INFO. */
  readonly targetInfo: AvPairs;
  readonly version: Version | undefined;
}

/**
 * Reads a CHALLENGE_MESSAGE ([MS-NLMP] 2.2.1.2). Byte values are views of `message`.
 *
 * ```
 *  0 Signature 8, 8 MessageType, 12 TargetNameFields, 20 NegotiateFlags, 24 ServerChallenge 8, 32 Reserved 8,
 * 40 TargetInfoFields, 48 Version 8, Payload
 * ```
 */
export function decodeChallenge(message: Uint8Array): ChallengeMessage {
  const cursor = new Cursor(message, SECTION);
  expectMessageType(cursor, MessageType.CHALLENGE, SECTION);
  const target = readField(cursor);
  const flags = cursor.u32();
  const serverChallenge = cursor.bytes(8);
  cursor.skip(8);
  const info = readField(cursor);
  const name = payloadOf(message, target, HEADER_LENGTH, SECTION);
  const infoBytes = payloadOf(message, info, HEADER_LENGTH, SECTION);
  const hasVersion =
    hasFlag(flags, NegotiateFlag.NEGOTIATE_VERSION) &&
    payloadStart(message, [target, info]) >= HEADER_LENGTH + VERSION_LENGTH;
  return {
    flags,
    targetName: hasFlag(flags, NegotiateFlag.NEGOTIATE_UNICODE) ? decodeUtf16(name, SECTION) : decodeOem(name),
    serverChallenge,
    targetInfo: hasFlag(flags, NegotiateFlag.NEGOTIATE_TARGET_INFO) ? targetInfoOf(infoBytes) : new Map(),
    version: hasVersion ? readVersion(cursor) : undefined,
  };
}

/** Writes a CHALLENGE_MESSAGE with `targetInfo` in the order given; its flags must agree with what is there. */
export function encodeChallenge(
  message: Omit<ChallengeMessage, 'targetInfo'> & { readonly targetInfo: Iterable<AvPair> },
): Uint8Array {
  const { flags } = message;
  const writer = new MessageWriter(MessageType.CHALLENGE, HEADER_LENGTH + VERSION_LENGTH);
  writer.field(encodeText(message.targetName, hasFlag(flags, NegotiateFlag.NEGOTIATE_UNICODE)));
  writer.header.u32(flags).bytes(message.serverChallenge).zeros(8);
  const hasInfo = hasFlag(flags, NegotiateFlag.NEGOTIATE_TARGET_INFO);
  writer.field(hasInfo ? encodeAvPairs(message.targetInfo) : new Uint8Array());
  return writer.version(message.version).finish();
}

function targetInfoOf(bytes: Uint8Array): AvPairs {
  if (bytes.length === 0) return new Map();
  const cursor = new Cursor(bytes, SECTION);
  const pairs = decodeAvPairs(cursor);
  cursor.end();
  return pairs;
}
