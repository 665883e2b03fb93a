import { createHmac } from 'node:crypto';
import { rc4k } from '@rpch/rpc/internal';

/** What the scripted client does differently from a modern Windows client. */
export interface Script {
  readonly user: string;
  readonly domain: string;
  readonly ntHash: Uint8Array;
  /** The domain that the proof is computed with. */
  readonly provenDomain?: string;
  readonly flags?: number;
  readonly negotiateFlags?: number;
  /** Says in MsvAvFlags that there is a MIC, and computes it. Default true. */
  readonly mic?: boolean;
  /** Says that there is a MIC but leaves no room for it. */
  readonly micWithoutField?: boolean;
  readonly bindingsHash?: Uint8Array;
  /** Replaces the NtChallengeResponse. */
  readonly ntResponse?: Uint8Array;
  readonly lmResponse?: Uint8Array;
  /** Replaces the EncryptedRandomSessionKey. */
  readonly encryptedKey?: Uint8Array;
  /** Follows MsvAvEOL, as Windows' four zeros do. */
  readonly trailer?: Uint8Array;
}

/** UNICODE, REQUEST_TARGET, SIGN, SEAL, NTLM, ALWAYS_SIGN, ESS, TARGET_INFO, VERSION, 128, KEY_EXCH, 56 */
export const WINDOWS_FLAGS = 0xe2888235;
/** OEM, REQUEST_TARGET, NTLM, ALWAYS_SIGN, ESS: what curl 7 asks for. */
export const CURL_FLAGS = 0x00088206;

export const SESSION_KEY = Buffer.alloc(16, 0x5a);

const hmac = (key: Uint8Array, ...data: Uint8Array[]) => createHmac('md5', key).update(Buffer.concat(data)).digest();
const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const u16 = (value: number) => Buffer.from([value & 0xff, value >> 8]);
const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const head = (type: number) => Buffer.concat([Buffer.from('NTLMSSP\0'), u32(type)]);
const pair = (id: number, value: Uint8Array) => Buffer.concat([u16(id), u16(value.length), value]);

/**
 * A client written against the layouts alone, without the codecs under test. It answers one challenge; the MIC and the
 * AV_PAIRs that it does not add itself come from the challenge's target information, as they must.
 */
export class Initiator {
  readonly negotiate: Buffer;
  readonly #script: Script;

  constructor(script: Script) {
    this.#script = script;
    const flags = script.negotiateFlags ?? script.flags ?? WINDOWS_FLAGS;
    this.negotiate = Buffer.concat([head(1), u32(flags), Buffer.alloc(16), Buffer.from('0a00614a0000000f', 'hex')]);
  }

  authenticate(token: Uint8Array): Buffer {
    const script = this.#script;
    const flags = script.flags ?? WINDOWS_FLAGS;
    const challenge = Buffer.from(token);
    const infoLength = challenge.readUInt16LE(40);
    const infoAt = challenge.readUInt32LE(44);
    const info = challenge.subarray(infoAt, infoAt + infoLength);
    const serverChallenge = challenge.subarray(24, 32);

    const additions: Buffer[] = [];
    if (script.mic ?? true) additions.push(pair(6, u32(2)));
    if (script.bindingsHash !== undefined) additions.push(pair(10, script.bindingsHash));
    const temp = Buffer.concat([
      Buffer.from('0101000000000000', 'hex'),
      info.subarray(-12, -4), // MsvAvTimestamp, the last pair before MsvAvEOL
      Buffer.alloc(8, 0xaa),
      Buffer.alloc(4),
      info.subarray(0, -4),
      ...additions,
      pair(0, Buffer.alloc(0)),
      script.trailer ?? Buffer.alloc(4),
    ]);
    const proven = script.user.toUpperCase() + (script.provenDomain ?? script.domain);
    const responseKey = hmac(script.ntHash, utf16(proven));
    const proof = hmac(responseKey, serverChallenge, temp);
    const baseKey = hmac(responseKey, proof);
    const exchanged = (flags & 0x4000_0000) !== 0;
    const text = (flags & 1) !== 0 ? utf16 : (value: string) => Buffer.from(value, 'latin1');

    const headerLength = script.micWithoutField ? 72 : 88;
    const payload: Buffer[] = [];
    let at = headerLength;
    const field = (value: Uint8Array) => {
      payload.push(Buffer.from(value));
      at += value.length;
      return Buffer.concat([u16(value.length), u16(value.length), u32(at - value.length)]);
    };
    const encryptedKey = script.encryptedKey ?? (exchanged ? rc4k(baseKey, SESSION_KEY) : Buffer.alloc(0));
    const fields = [
      field(script.lmResponse ?? Buffer.alloc(24)),
      field(script.ntResponse ?? Buffer.concat([proof, temp])),
      field(text(script.domain)),
      field(text(script.user)),
      field(text('CLIENT')),
      field(encryptedKey),
    ];
    const version = Buffer.from('0a00614a0000000f', 'hex');
    const micField = script.micWithoutField ? Buffer.alloc(0) : Buffer.alloc(16);
    const message = Buffer.concat([head(3), ...fields, u32(flags), version, micField, ...payload]);
    if ((script.mic ?? true) && !script.micWithoutField) {
      const sessionKey = exchanged ? SESSION_KEY : baseKey;
      hmac(sessionKey, this.negotiate, token, message).copy(message, 72);
    }
    return message;
  }
}
