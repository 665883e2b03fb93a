import {
  AvId,
  decodeAuthenticate,
  decodeChallenge,
  decodeNegotiate,
  describeNegotiateFlags,
  ProtocolError,
  type SecTrailer,
  type Version,
} from '@rpch/rpc/internal';
import { hex, type Json, printable } from './told.ts';

/** Security providers ([MS-RPCE] 2.2.1.1.7). */
const AUTH_TYPES: ReadonlyMap<number, string> = new Map([
  [0, 'none'],
  [9, 'SPNEGO'],
  [10, 'NTLM'],
  [14, 'Schannel'],
  [16, 'Kerberos'],
  [68, 'Netlogon'],
  [255, 'default (NTLM)'],
]);
/** [MS-RPCE] 2.2.1.1.8. */
const AUTH_LEVELS = ['default', 'none', 'connect', 'call', 'packet', 'integrity', 'privacy'];

/** A token told: what is said in a line, in the long form, and for programs; nothing in it is secret. */
export interface ToldToken {
  readonly words: string;
  readonly details: readonly string[];
  readonly fields: { readonly [key: string]: Json };
  /** Whether the peer refused in it. */
  readonly rejected: boolean;
}

/** sec_trailer without its token. */
export function describeTrailer({ authType, authLevel }: SecTrailer): string {
  return `${AUTH_TYPES.get(authType) ?? `auth_type ${authType}`} ${AUTH_LEVELS[authLevel] ?? `auth_level ${authLevel}`}`;
}

const NTLMSSP = Buffer.from('NTLMSSP\0', 'latin1');
/** 1.2.840.113554.1.2.2, and 1.2.840.48018.1.2.2 as Windows writes it too, in DER. */
const KERBEROS = [Buffer.from('06092a864886f712010202', 'hex'), Buffer.from('06092a864882f712010202', 'hex')];
/** TOK_ID behind the OID (RFC 4121 4.1). */
const KERBEROS_TOKENS: ReadonlyMap<number, string> = new Map([
  [0x0100, 'AP-REQ'],
  [0x0200, 'AP-REP'],
  [0x0300, 'KRB-ERROR'],
]);
/** negState (RFC 4178 4.2.2). */
const NEG_STATES = ['accept-completed', 'accept-incomplete', 'reject', 'request-mic'];
const NEG_TOKEN_RESP = 0xa1;

/**
 * Tells a token of NTLM, Kerberos or SPNEGO by what is found in it, whatever framing it has. Responses to challenges, keys and
 * tickets are left out.
 */
export function tellToken(token: Uint8Array): ToldToken {
  const bytes = Buffer.from(token.buffer, token.byteOffset, token.byteLength);
  const state = negState(bytes);
  const ntlmAt = bytes.indexOf(NTLMSSP);
  const inner = ntlmAt >= 0 ? tellNtlm(bytes.subarray(ntlmAt)) : tellKerberos(bytes);
  const words = [...(state === undefined ? [] : [`SPNEGO ${state}`]), ...(inner === undefined ? [] : [inner.words])];
  return {
    words: words.length > 0 ? words.join(', ') : `token of ${token.length} bytes`,
    details: inner?.details ?? [],
    fields: { ...inner?.fields, ...(state === undefined ? {} : { negState: state }) },
    rejected: state === 'reject',
  };
}

/** NegTokenResp: [1] SEQUENCE { negState [0] ENUMERATED … }. */
function negState(token: Buffer): string | undefined {
  if (token[0] !== NEG_TOKEN_RESP) return undefined;
  let at = 0;
  for (let nested = 0; nested < 2; nested++) at += 1 + lengthOfLength(token[at + 1] ?? 0);
  if (token[at] !== 0xa0 || token[at + 2] !== 0x0a) return undefined;
  return NEG_STATES[token[at + 4] ?? NEG_STATES.length];
}

function lengthOfLength(first: number): number {
  return first < 0x80 ? 1 : 1 + (first & 0x7f);
}

function tellKerberos(token: Buffer): Omit<ToldToken, 'rejected'> | undefined {
  for (const oid of KERBEROS) {
    // Of the OIDs in a list of mechanisms none is followed by a token's number.
    for (let at = token.indexOf(oid); at >= 0; at = token.indexOf(oid, at + oid.length)) {
      const next = at + oid.length;
      const kind = next + 2 <= token.length ? KERBEROS_TOKENS.get(token.readUInt16BE(next)) : undefined;
      if (kind !== undefined) return { words: `Kerberos ${kind}`, details: [], fields: { kerberos: kind } };
    }
  }
  // Without GSS-API's framing, as DCE style has it: APPLICATION 14, 15 and 30 (RFC 4120 5.5, 5.9).
  const bare = new Map([
    [0x6e, 'AP-REQ'],
    [0x6f, 'AP-REP'],
    [0x7e, 'KRB-ERROR'],
  ]).get(token[0] ?? 0);
  return bare === undefined ? undefined : { words: `Kerberos ${bare}`, details: [], fields: { kerberos: bare } };
}

function tellNtlm(message: Buffer): Omit<ToldToken, 'rejected'> {
  const type = message.length >= 12 ? message.readUInt32LE(8) : 0;
  try {
    if (type === 1) return tellNegotiate(message);
    if (type === 2) return tellChallenge(message);
    if (type === 3) return tellAuthenticate(message);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    const words = `damaged NTLM message ${type}: ${printable(error.message)} (${error.section})`;
    return { words, details: [], fields: { ntlm: type, damage: error.message, section: error.section } };
  }
  return { words: `NTLM message ${type}, which does not exist`, details: [], fields: { ntlm: type } };
}

function tellNegotiate(message: Buffer): Omit<ToldToken, 'rejected'> {
  const { flags, version } = decodeNegotiate(message);
  return {
    words: 'NTLM NEGOTIATE',
    details: [flagsLine(flags), ...versionLine(version)],
    fields: { ntlm: 'NEGOTIATE', ntlmFlags: describeNegotiateFlags(flags) },
  };
}

const AV_TEXTS = [
  ['NetBIOS computer', AvId.MsvAvNbComputerName],
  ['NetBIOS domain', AvId.MsvAvNbDomainName],
  ['DNS computer', AvId.MsvAvDnsComputerName],
  ['DNS domain', AvId.MsvAvDnsDomainName],
] as const;

function tellChallenge(message: Buffer): Omit<ToldToken, 'rejected'> {
  const { flags, targetName, targetInfo, version } = decodeChallenge(message);
  const target = printable(targetName);
  const infos = AV_TEXTS.flatMap(([what, id]) => {
    const value = targetInfo.get(id);
    return value === undefined ? [] : [`${what} ${printable(Buffer.from(value).toString('utf16le'))}`];
  });
  return {
    words: `NTLM CHALLENGE from ${target === '' ? 'a server without a name' : target}`,
    details: [...(infos.length === 0 ? [] : [infos.join(', ')]), flagsLine(flags), ...versionLine(version)],
    fields: { ntlm: 'CHALLENGE', target, targetInfo: infos, ntlmFlags: describeNegotiateFlags(flags) },
  };
}

function tellAuthenticate(message: Buffer): Omit<ToldToken, 'rejected'> {
  const { flags, domainName, userName, workstation, ntChallengeResponse, version, mic } = decodeAuthenticate(message);
  const user = printable(domainName === '' ? userName : `${domainName}\\${userName}`);
  // [MS-NLMP] 2.2.2.6: NTLM_RESPONSE has 24 bytes, NTLMv2_RESPONSE more.
  const kind = ntChallengeResponse.length === 0 ? 'anonymous' : ntChallengeResponse.length === 24 ? 'NTLMv1' : 'NTLMv2';
  return {
    words: `NTLM AUTHENTICATE ${kind === 'anonymous' ? kind : `as ${user} (${kind})`} from ${printable(workstation) || 'an unnamed workstation'}`,
    details: [flagsLine(flags), ...(mic === undefined ? [] : ['room for a MIC']), ...versionLine(version)],
    fields: {
      ntlm: 'AUTHENTICATE',
      user,
      workstation: printable(workstation),
      response: kind,
      ntlmFlags: describeNegotiateFlags(flags),
    },
  };
}

function flagsLine(flags: number): string {
  return `NegotiateFlags ${hex(flags, 8)}: ${describeNegotiateFlags(flags).join(' ')}`;
}

function versionLine(version: Version | undefined): string[] {
  return version === undefined ? [] : [`version ${version.major}.${version.minor} build ${version.build}`];
}
