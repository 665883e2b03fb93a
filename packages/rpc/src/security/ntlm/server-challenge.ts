import { encodeUtf16 } from '../../bytes/utf16.ts';
import { ProtocolError, RpchError } from '../../errors.ts';
import { AvId, type AvPair, timestampOf } from './av-pairs.ts';
import { encodeChallenge } from './challenge.ts';
import { OWN_VERSION } from './fields.ts';
import { hasFlag, NegotiateFlag } from './flags.ts';

/** Who the server says it is. A server without a domain gives its computer name for both NetBIOS names. */
export interface NtlmTarget {
  /** 1 to 15 characters. */
  readonly netbiosDomain: string;
  /** 1 to 15 characters. */
  readonly netbiosComputer: string;
  readonly dnsDomain?: string;
  readonly dnsComputer?: string;
}

/** What of a client's NegotiateFlags is agreed to; Unicode and OEM are chosen apart. */
const SUPPORTED =
  NegotiateFlag.NEGOTIATE_SIGN |
  NegotiateFlag.NEGOTIATE_SEAL |
  NegotiateFlag.NEGOTIATE_EXTENDED_SESSIONSECURITY |
  NegotiateFlag.NEGOTIATE_VERSION |
  NegotiateFlag.NEGOTIATE_128 |
  NegotiateFlag.NEGOTIATE_KEY_EXCH |
  NegotiateFlag.NEGOTIATE_56;

/** Set in every challenge ([MS-NLMP] 3.2.5.1.1). */
const ALWAYS =
  NegotiateFlag.REQUEST_TARGET |
  NegotiateFlag.NEGOTIATE_NTLM |
  NegotiateFlag.NEGOTIATE_ALWAYS_SIGN |
  NegotiateFlag.NEGOTIATE_TARGET_INFO;

/**
 * The CHALLENGE_MESSAGE for a client that offers `offered`, and the flags it agrees to ([MS-NLMP] 3.2.5.1.1). `now` is
 * in milliseconds since 1970. A client that can do neither Unicode nor OEM is a {@link ProtocolError}.
 */
export function serverChallengeMessage(
  offered: number,
  target: NtlmTarget,
  serverChallenge: Uint8Array,
  now: number,
): { flags: number; token: Uint8Array } {
  const flags = negotiated(offered, target.netbiosDomain !== target.netbiosComputer);
  const token = encodeChallenge({
    flags,
    targetName: target.netbiosDomain,
    serverChallenge,
    targetInfo: targetInfo(target, now),
    version: hasFlag(flags, NegotiateFlag.NEGOTIATE_VERSION) ? OWN_VERSION : undefined,
  });
  return { flags, token };
}

/** A name of the wrong length is an {@link RpchError} `RPCH_NTLM_TARGET`. */
export function checkTarget(target: NtlmTarget): void {
  const bad = (name: string, max: number) => name.length === 0 || name.length > max;
  const { netbiosDomain, netbiosComputer, dnsDomain, dnsComputer } = target;
  if (
    [netbiosDomain, netbiosComputer].some((name) => bad(name, 15)) ||
    [dnsDomain, dnsComputer].some((name) => name !== undefined && bad(name, 255))
  ) {
    throw new RpchError('RPCH_NTLM_TARGET', 'configuration', 'a name of the NTLM target is empty or too long');
  }
}

function negotiated(offered: number, inDomain: boolean): number {
  const text = hasFlag(offered, NegotiateFlag.NEGOTIATE_UNICODE)
    ? NegotiateFlag.NEGOTIATE_UNICODE
    : offered & NegotiateFlag.NEGOTIATE_OEM;
  if (text === 0) {
    throw new ProtocolError('RPCH_NTLM_FLAGS', 'neither Unicode nor OEM is offered', '[MS-NLMP] 2.2.2.5');
  }
  const type = inDomain ? NegotiateFlag.TARGET_TYPE_DOMAIN : NegotiateFlag.TARGET_TYPE_SERVER;
  return ((offered & SUPPORTED) | ALWAYS | text | type) >>> 0;
}

function* targetInfo(target: NtlmTarget, now: number): Iterable<AvPair> {
  yield [AvId.MsvAvNbDomainName, encodeUtf16(target.netbiosDomain)];
  yield [AvId.MsvAvNbComputerName, encodeUtf16(target.netbiosComputer)];
  if (target.dnsDomain !== undefined) yield [AvId.MsvAvDnsDomainName, encodeUtf16(target.dnsDomain)];
  if (target.dnsComputer !== undefined) yield [AvId.MsvAvDnsComputerName, encodeUtf16(target.dnsComputer)];
  yield [AvId.MsvAvTimestamp, timestampOf(now)];
}
