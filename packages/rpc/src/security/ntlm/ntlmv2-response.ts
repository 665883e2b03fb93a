import { Cursor } from '../../bytes/cursor.ts';
import { Writer } from '../../bytes/writer.ts';
import { ProtocolError } from '../../errors.ts';
import { type AvPair, type AvPairs, decodeAvPairs, encodeAvPairs } from './av-pairs.ts';

const SECTION = '[MS-NLMP] 2.2.2.7';

/** Length of an NTLMv1 response in bytes; what is longer is NTLMv2 ([MS-NLMP] 3.2.5.1.2). */
export const NTLMV1_RESPONSE_LENGTH = 24;

/** NTLMv2_RESPONSE with its NTLMv2_CLIENT_CHALLENGE. Byte values are views. */
export interface Ntlmv2Response {
  /** Response: the proof of the password, 16 bytes. */
  readonly ntProofStr: Uint8Array;
  /** Everything behind the proof, as the client sent it: what the proof was computed over. */
  readonly temp: Uint8Array;
  /** FILETIME, 100 ns since 1601. The server's own where it sent MsvAvTimestamp. */
  readonly timestamp: bigint;
  readonly challengeFromClient: Uint8Array;
  readonly avPairs: AvPairs;
}

/**
 * Reads an NtChallengeResponse of version 2 ([MS-NLMP] 2.2.2.7 and 2.2.2.8). Bytes behind MsvAvEOL are left alone:
 * Windows, curl and others add four to eight of them, and the proof covers them.
 *
 * ```
 * 0 Response 16 | RespType 1, HiRespType 1, Reserved 2 + 4, TimeStamp 8, ChallengeFromClient 8, Reserved 4, AvPairs
 * ```
 */
export function decodeNtlmv2Response(bytes: Uint8Array): Ntlmv2Response {
  const cursor = new Cursor(bytes, SECTION);
  const ntProofStr = cursor.bytes(16);
  const temp = bytes.subarray(cursor.offset);
  const respType = cursor.u8();
  const hiRespType = cursor.u8();
  if (respType !== 1 || hiRespType !== 1) {
    throw new ProtocolError('RPCH_NTLM_RESP_TYPE', `response of version ${respType}, ${hiRespType}`, SECTION);
  }
  cursor.skip(6);
  const timestamp = cursor.u64();
  const challengeFromClient = cursor.bytes(8);
  cursor.skip(4);
  return { ntProofStr, temp, timestamp, challengeFromClient, avPairs: decodeAvPairs(cursor) };
}

/**
 * `temp` of [MS-NLMP] 3.3.2: NTLMv2_CLIENT_CHALLENGE and the four zeros that Windows puts behind it. `timestamp` has 8
 * bytes, as MsvAvTimestamp, `challengeFromClient` 8.
 */
export function encodeTemp(
  timestamp: Uint8Array,
  challengeFromClient: Uint8Array,
  pairs: Iterable<AvPair>,
): Uint8Array {
  const writer = new Writer(256).u8(1).u8(1).zeros(6);
  return writer.bytes(timestamp).bytes(challengeFromClient).zeros(4).bytes(encodeAvPairs(pairs)).zeros(4).finish();
}
