import type { MessageProtection, SecurityInitiator } from '../../src/dcerpc/security-context.ts';
import { RpchError } from '../../src/errors.ts';

/** A security context of three legs that proves nothing: `hello`, then `answer to` and the peer's token. */
export class ScriptedInitiator implements SecurityInitiator {
  readonly authType = 10;
  complete = false;
  readonly name: string;

  constructor(name = 'scripted') {
    this.name = name;
  }

  get protection(): MessageProtection {
    throw new RpchError('RPCH_CONTEXT_INCOMPLETE', 'caller', 'this context protects nothing');
  }

  async step(token: Uint8Array | undefined): Promise<Uint8Array | undefined> {
    this.complete = token !== undefined;
    return Buffer.from(token === undefined ? `${this.name} hello` : `${this.name} answers ${Buffer.from(token)}`);
  }
}

/** The value of a field that carries a token. */
export function ntlm(token: string): string {
  return `NTLM ${Buffer.from(token).toString('base64')}`;
}

/** The other way round; undefined where `value` has no token. */
export function tokenOf(value: string | undefined): string | undefined {
  const base64 = /^NTLM (.+)$/.exec(value ?? '')?.[1];
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64').toString();
}
