import assert from 'node:assert/strict';
import { PduProtection, type PduProtectionOptions } from '../../src/dcerpc/pdu-protection.ts';
import {
  AuthLevel,
  AuthType,
  type MessageProtection,
  type SecurityInitiator,
} from '../../src/dcerpc/security-context.ts';
import { ProtocolError, RpchError } from '../../src/errors.ts';

/** A checksum that sees every byte, its place, and the number of the message. */
function checksum(message: Uint8Array, number: number): number {
  let sum = (0x811c9dc5 ^ number) >>> 0;
  for (const byte of message) sum = Math.imul(sum ^ byte, 0x01000193) >>> 0;
  return sum;
}

/** Signs with a numbered checksum and encrypts by XOR: the order of messages matters, and so does every byte. */
export class FakeProtection implements MessageProtection {
  readonly signatureLength: number;
  readonly headerSigningNegotiable: boolean;
  readonly canSeal: boolean;
  #sent = 0;
  #received = 0;

  constructor({ negotiable = false, signatureLength = 16, canSeal = true } = {}) {
    this.canSeal = canSeal;
    this.headerSigningNegotiable = negotiable;
    this.signatureLength = signatureLength;
  }

  sign(message: Uint8Array, signature: Uint8Array): void {
    assert.equal(signature.length, this.signatureLength);
    signature.fill(0xee);
    const view = new DataView(signature.buffer, signature.byteOffset, signature.length);
    view.setUint32(0, checksum(message, this.#sent), true);
    view.setUint32(4, this.#sent++, true);
  }

  seal(message: Uint8Array, secret: Uint8Array, signature: Uint8Array): void {
    const key = this.#sent + 1;
    this.sign(message, signature);
    for (let i = 0; i < secret.length; i++) secret[i] = (secret[i] as number) ^ (key + i) ^ 0x5a;
  }

  verify(message: Uint8Array, signature: Uint8Array): void {
    const expected = new Uint8Array(this.signatureLength).fill(0xee);
    const view = new DataView(expected.buffer);
    view.setUint32(0, checksum(message, this.#received), true);
    view.setUint32(4, this.#received++, true);
    if (!Buffer.from(expected).equals(signature)) throw new ProtocolError('RPCH_BAD_SIGNATURE', 'not the next', 'test');
  }

  unseal(message: Uint8Array, secret: Uint8Array, signature: Uint8Array): void {
    const key = this.#received + 1;
    for (let i = 0; i < secret.length; i++) secret[i] = (secret[i] as number) ^ (key + i) ^ 0x5a;
    this.verify(message, signature);
  }
}

/** Protects as one end of a connection does; two of the same options understand each other. */
export function fakeProtection(
  options: Partial<PduProtectionOptions> & { negotiable?: boolean; signatureLength?: number } = {},
): PduProtection {
  return new PduProtection({
    authType: AuthType.ntlm,
    authLevel: AuthLevel.privacy,
    authContextId: 1,
    headerSigning: false,
    protection: new FakeProtection(options),
    ...options,
  });
}

/** An initiator of `legs` tokens in all, both sides' together; token n is the one byte n, from 1. */
export class FakeInitiator implements SecurityInitiator {
  readonly authType = AuthType.ntlm;
  readonly #legs: number;
  readonly #protection: FakeProtection;
  #next = 1;

  constructor(legs: number, protection = new FakeProtection()) {
    this.#legs = legs;
    this.#protection = protection;
  }

  get complete(): boolean {
    return this.#next > this.#legs;
  }

  get protection(): MessageProtection {
    if (!this.complete) throw new RpchError('RPCH_CONTEXT_INCOMPLETE', 'caller', 'not yet');
    return this.#protection;
  }

  async step(token: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    await Promise.resolve();
    if (this.#next > 1) {
      if (token?.length !== 1 || token[0] !== this.#next) throw new ProtocolError('RPCH_BAD_TOKEN', 'test', 'test');
      this.#next++;
    } else assert.equal(token, undefined);
    if (this.#next > this.#legs) return undefined;
    return Uint8Array.of(this.#next++);
  }
}
