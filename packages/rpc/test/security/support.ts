import assert from 'node:assert/strict';
import type {
  AcceptorResult,
  MessageProtection,
  SecurityAcceptor,
  SecurityInitiator,
} from '../../src/dcerpc/security-context.ts';
import type { NtlmAcceptorOptions } from '../../src/security/ntlm/acceptor.ts';
import { ntowfv1 } from '../../src/security/ntlm/crypto.ts';
import type { NtlmInitiatorOptions } from '../../src/security/ntlm/initiator.ts';

const NOW = Date.UTC(2026, 10, 23);
export const NT_HASH = ntowfv1('Al1ce.Passw0rd');
export type Accepted = Extract<AcceptorResult, { kind: 'accepted' }>;

/** Bytes that differ from call to call, and from run to run not. */
export function counting(): (length: number) => Uint8Array {
  let calls = 0;
  return (length) => Buffer.from(Array.from({ length }, (_, i) => (++calls * 37 + i * 11) & 0xff));
}

export const acceptorOptions: NtlmAcceptorOptions = {
  target: { netbiosDomain: 'PEER', netbiosComputer: 'PEERDC' },
  now: () => NOW,
  random: counting(),
  lookup: async (user) => (user === 'alice' ? NT_HASH : undefined),
};

export const initiatorOptions = (level: number): NtlmInitiatorOptions => ({
  credentials: { user: 'alice', domain: 'PEER', password: 'Al1ce.Passw0rd' },
  level,
  now: () => NOW,
  random: counting(),
  workstation: 'CLIENT',
});

/** What may happen to a token on its way. */
export type OnTheWay = (token: Uint8Array, leg: number) => Uint8Array;

/** Runs a whole exchange in memory; returns the acceptor's last result, and how many tokens went over. */
export async function authenticate(
  initiator: SecurityInitiator,
  acceptor: SecurityAcceptor,
  onTheWay: OnTheWay = (token) => token,
): Promise<{ result: AcceptorResult; legs: number }> {
  let legs = 0;
  let token = await initiator.step(undefined);
  while (token !== undefined) {
    assert.equal(acceptor.complete, false);
    const result = await acceptor.step(onTheWay(token, legs++));
    if (result.kind === 'refused') return { result, legs };
    token = result.token && (await initiator.step(onTheWay(result.token, legs++)));
    if (result.kind === 'accepted') {
      assert.equal(token, undefined);
      return { result, legs };
    }
  }
  return assert.fail('the initiator has nothing more to say, and the acceptor has not accepted');
}

/** A few messages both ways, signed and sealed. */
export function converse(one: MessageProtection, other: MessageProtection, seals: boolean): void {
  for (let i = 0; i < 4; i++) {
    const [from, to] = i % 2 === 0 ? [one, other] : [other, one];
    const message = Buffer.from(`head, secret number ${i}, tail`);
    const sent = Buffer.from(message);
    const secret = sent.subarray(5, 20);
    const signature = new Uint8Array(from.signatureLength);
    from.sign(sent, signature);
    to.verify(sent, signature);
    if (!seals) continue;
    from.seal(sent, secret, signature);
    assert.notDeepEqual(sent, message);
    to.unseal(sent, secret, signature);
    assert.deepEqual(sent, message);
  }
}
