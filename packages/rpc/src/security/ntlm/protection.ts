import { createHash } from 'node:crypto';
import { SequencedHmacMd5 } from '../../crypto/hmac-md5.ts';
import { Rc4 } from '../../crypto/rc4.ts';
import { ProtocolError } from '../../errors.ts';
import type { MechListMic, NegotiableProtection } from '../mechanism.ts';
import { describeNegotiateFlags, hasFlag, NegotiateFlag } from './flags.ts';

/** Bytes of NTLMSSP_MESSAGE_SIGNATURE ([MS-NLMP] 2.2.2.9). */
const NTLM_SIGNATURE_LENGTH = 16;
const VERSION = 1;
const CHECKSUM_OFFSET = 4;
const CHECKSUM_LENGTH = 8;

const KEYS = {
  client: {
    sign: 'session key to client-to-server signing key magic constant\0',
    seal: 'session key to client-to-server sealing key magic constant\0',
  },
  server: {
    sign: 'session key to server-to-client signing key magic constant\0',
    seal: 'session key to server-to-client sealing key magic constant\0',
  },
} as const;
/** Mode of SIGNKEY and SEALKEY: who sends the messages that the key is for. */
export type NtlmSender = keyof typeof KEYS;

/** `SIGNKEY(NegFlg, ExportedSessionKey, Mode)`, 16 bytes ([MS-NLMP] 3.4.5.2). */
export function signKey(exportedSessionKey: Uint8Array, sender: NtlmSender): Uint8Array {
  return createHash('md5').update(exportedSessionKey).update(KEYS[sender].sign).digest();
}

/** `SEALKEY(NegFlg, ExportedSessionKey, Mode)` of extended session security, 16 bytes ([MS-NLMP] 3.4.5.3). */
export function sealKey(flags: number, exportedSessionKey: Uint8Array, sender: NtlmSender): Uint8Array {
  const length = hasFlag(flags, NegotiateFlag.NEGOTIATE_128) ? 16 : hasFlag(flags, NegotiateFlag.NEGOTIATE_56) ? 7 : 5;
  return createHash('md5').update(exportedSessionKey.subarray(0, length)).update(KEYS[sender].seal).digest();
}

/** One direction: its keys, the state of its RC4 stream, and the number of its next message. */
class Direction {
  readonly #hmac: SequencedHmacMd5;
  readonly #sealKey: Uint8Array;
  readonly #keyExchange: boolean;
  #handle: Rc4;
  #seqNum = 0;

  constructor(flags: number, exportedSessionKey: Uint8Array, sender: NtlmSender) {
    this.#hmac = new SequencedHmacMd5(signKey(exportedSessionKey, sender));
    this.#sealKey = sealKey(flags, exportedSessionKey, sender);
    this.#keyExchange = hasFlag(flags, NegotiateFlag.NEGOTIATE_KEY_EXCH);
    this.#handle = new Rc4(this.#sealKey);
  }

  /**
   * [MS-NLMP] 3.4.4.2, with what lies between the checksum and its encryption in the one RC4 stream: `secret`, where
   * it is to be encrypted.
   */
  mac(message: Uint8Array, signature: Uint8Array, secret?: Uint8Array): void {
    writeU32(signature, 0, VERSION);
    this.#hmac.first8(this.#seqNum, message, signature, CHECKSUM_OFFSET);
    if (secret !== undefined) this.#handle.update(secret, secret);
    if (this.#keyExchange) this.#handle.updateWithin(signature, CHECKSUM_OFFSET, CHECKSUM_OFFSET + CHECKSUM_LENGTH);
    writeU32(signature, CHECKSUM_OFFSET + CHECKSUM_LENGTH, this.#seqNum);
    this.#seqNum = (this.#seqNum + 1) >>> 0;
  }

  decrypt(secret: Uint8Array): void {
    this.#handle.update(secret, secret);
  }

  restart(): void {
    this.#handle = new Rc4(this.#sealKey);
  }
}

/**
 * Session security of NTLM, connection-oriented, with extended session security ([MS-NLMP] 3.4). Messages must reach the
 * peer in the order in which they were signed. After a signature that was wrong the context is of no more use.
 */
export class NtlmProtection implements NegotiableProtection {
  readonly signatureLength = NTLM_SIGNATURE_LENGTH;
  readonly canSeal: boolean;
  readonly #sending: Direction;
  readonly #receiving: Direction;
  readonly #expected = new Uint8Array(NTLM_SIGNATURE_LENGTH);

  /**
   * @param flags what was agreed on; see {@link protectionOf}.
   * @param own the side that this end is.
   */
  constructor(flags: number, exportedSessionKey: Uint8Array, own: NtlmSender) {
    this.canSeal = hasFlag(flags, NegotiateFlag.NEGOTIATE_SEAL);
    this.#sending = new Direction(flags, exportedSessionKey, own);
    this.#receiving = new Direction(flags, exportedSessionKey, own === 'client' ? 'server' : 'client');
  }

  sign(message: Uint8Array, signature: Uint8Array): void {
    this.#sending.mac(message, signature);
  }

  /** [MS-NLMP] 3.4.3: the checksum is of the plain text, and is encrypted behind it. */
  seal(message: Uint8Array, secret: Uint8Array, signature: Uint8Array): void {
    this.#sending.mac(message, signature, secret);
  }

  verify(message: Uint8Array, signature: Uint8Array): void {
    const expected = this.#expected;
    this.#receiving.mac(message, expected);
    let difference = signature.length ^ expected.length;
    for (let i = 0; i < NTLM_SIGNATURE_LENGTH; i++) difference |= (signature[i] ?? 0) ^ (expected[i] ?? 0);
    if (difference !== 0) {
      throw new ProtocolError('RPCH_BAD_SIGNATURE', 'the signature is not that of the message', '[MS-NLMP] 3.4.4.2');
    }
  }

  unseal(message: Uint8Array, secret: Uint8Array, signature: Uint8Array): void {
    this.#receiving.decrypt(secret);
    this.verify(message, signature);
  }

  /**
   * The RC4 state is the same for the mechListMIC and for the first message behind it, the sequence number is not
   * ([MS-SPNG] 3.3.5.1).
   */
  signMechList(mechTypes: Uint8Array): Uint8Array {
    const signature = new Uint8Array(NTLM_SIGNATURE_LENGTH);
    this.sign(mechTypes, signature);
    this.#sending.restart();
    return signature;
  }

  /** As {@link signMechList}, for the other direction ([MS-SPNG] 3.2.5.1). */
  verifyMechList(mechTypes: Uint8Array, signature: Uint8Array): void {
    this.verify(mechTypes, signature);
    this.#receiving.restart();
  }
}

/**
 * The protection of a complete context. Throws ProtocolError `RPCH_NTLM_NO_PROTECTION` where what the peer agreed on
 * cannot protect anything: neither signing nor sealing, no extended session security, or a key of 40 bits.
 */
export function protectionOf(flags: number, exportedSessionKey: Uint8Array, own: NtlmSender): NtlmProtection {
  if (canProtect(flags)) return new NtlmProtection(flags, exportedSessionKey, own);
  const what = `what was agreed on protects no messages: ${describeNegotiateFlags(flags).join(', ')}`;
  throw new ProtocolError('RPCH_NTLM_NO_PROTECTION', what, '[MS-NLMP] 3.4');
}

/**
 * What becomes of the mechListMIC: mandatory where the AUTHENTICATE_MESSAGE has a MIC ([MS-SPNG] 3.1.5.1), if messages
 * can be signed at all.
 */
export function mechListMicOf(flags: number, messageMic: boolean): MechListMic {
  if (!canProtect(flags)) return 'unavailable';
  return messageMic ? 'promised' : 'available';
}

function canProtect(flags: number): boolean {
  return (
    hasFlag(flags, NegotiateFlag.NEGOTIATE_EXTENDED_SESSIONSECURITY) &&
    hasFlag(flags, NegotiateFlag.NEGOTIATE_SIGN | NegotiateFlag.NEGOTIATE_SEAL) &&
    hasFlag(flags, NegotiateFlag.NEGOTIATE_128 | NegotiateFlag.NEGOTIATE_56)
  );
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}
