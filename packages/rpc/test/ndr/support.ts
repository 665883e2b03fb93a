import assert from 'node:assert/strict';
import { ProtocolError } from '../../src/errors.ts';

/** Bytes written as hexadecimal digits; blanks do not count. */
export function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

export function hex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

/** Runs a decoder of hostile bytes: it may succeed, or throw a ProtocolError. */
export function survives(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error instanceof Error ? error.stack : error));
  }
}

/** Asserts, when types are checked, that two types are the same; does nothing when run. */
export function sameType<A, B>(_same: Same<A, B>): void {}

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
