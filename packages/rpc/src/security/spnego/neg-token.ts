import { applicationTag, contextTag, DerTag } from '../../asn1/der.ts';
import { DerReader } from '../../asn1/der-reader.ts';
import { der, derEnumerated, derOctets, derOid } from '../../asn1/der-writer.ts';
import { ProtocolError } from '../../errors.ts';

/** The largest token that is read, in bytes: what fits into an RPC PDU. */
export const MAX_SPNEGO_TOKEN = 65_535;
/** Mechanisms of a list; Windows sends four. */
const MAX_MECHANISMS = 32;

/** Object identifiers of mechanisms ([MS-SPNG] 1.9.1, RFC 4178 3). */
export const SPNEGO_OID = '1.3.6.1.5.5.2';
export const NTLMSSP_OID = '1.3.6.1.4.1.311.2.2.10';

/** NegState (RFC 4178 4.2.2). */
export const NegState = { accept_completed: 0, accept_incomplete: 1, reject: 2, request_mic: 3 } as const;

/** What of a NegTokenInit counts (RFC 4178 4.2.1); reqFlags and mechListMIC have no use in it. */
export interface NegTokenInit {
  /** In the initiator's order, the first being the one that it prefers. */
  readonly mechTypes: readonly string[];
  /** The MechTypeList as it was encoded: what the mechListMICs are of. */
  readonly mechTypeList: Uint8Array;
  readonly mechToken: Uint8Array | undefined;
}

/** NegTokenResp (RFC 4178 4.2.2). */
export interface NegTokenResp {
  readonly negState?: number | undefined;
  readonly supportedMech?: string | undefined;
  readonly responseToken?: Uint8Array | undefined;
  readonly mechListMIC?: Uint8Array | undefined;
}

const INIT = 'RFC 4178 4.2.1';
const RESP = 'RFC 4178 4.2.2';

/** The MechTypeList, of which the mechListMICs are (RFC 4178 4.2.1). */
export function encodeMechTypeList(mechTypes: readonly string[]): Uint8Array {
  return der(DerTag.SEQUENCE, ...mechTypes.map(derOid));
}

/** Writes a NegTokenInit with the framing of an initial GSS-API token (RFC 2743 3.1). */
export function encodeNegTokenInit({ mechTypeList, mechToken }: Omit<NegTokenInit, 'mechTypes'>): Uint8Array {
  const fields = [der(contextTag(0), mechTypeList)];
  if (mechToken !== undefined) fields.push(der(contextTag(2), derOctets(mechToken)));
  return der(applicationTag(0), derOid(SPNEGO_OID), der(contextTag(0), der(DerTag.SEQUENCE, ...fields)));
}

/** Reads what {@link encodeNegTokenInit} writes, and the fields of NegTokenInit and NegTokenInit2 that nobody needs. */
export function decodeNegTokenInit(token: Uint8Array): NegTokenInit {
  const outer = readerOf(token, INIT);
  const framed = outer.sub(applicationTag(0));
  outer.end();
  const oid = framed.oid();
  if (oid !== SPNEGO_OID) throw new ProtocolError('RPCH_SPNEGO_OID', `a token of mechanism ${oid}`, 'RFC 2743 3.1');
  const choice = framed.sub(contextTag(0));
  framed.end();
  const fields = choice.sub(DerTag.SEQUENCE);
  choice.end();

  const holder = fields.sub(contextTag(0));
  const mechTypeList = holder.element();
  holder.end();
  const list = new DerReader(mechTypeList, INIT).sub(DerTag.SEQUENCE);
  const mechTypes: string[] = [];
  for (; list.tag !== undefined; mechTypes.push(list.oid())) {
    if (mechTypes.length === MAX_MECHANISMS) {
      throw new ProtocolError('RPCH_SPNEGO_MECHANISMS', `more than ${MAX_MECHANISMS} mechanisms`, INIT);
    }
  }
  if (fields.tag === contextTag(1)) fields.element();
  const mechToken = octetsOf(fields.optional(contextTag(2)));
  // mechListMIC, or negHints and mechListMIC ([MS-SPNG] 2.2.1).
  for (const number of [3, 4]) if (fields.tag === contextTag(number)) fields.element();
  fields.end();
  return { mechTypes, mechTypeList, mechToken };
}

/** Writes the fields that are there. */
export function encodeNegTokenResp(message: NegTokenResp): Uint8Array {
  const { negState, supportedMech, responseToken, mechListMIC } = message;
  const fields: Uint8Array[] = [];
  if (negState !== undefined) fields.push(der(contextTag(0), derEnumerated(negState)));
  if (supportedMech !== undefined) fields.push(der(contextTag(1), derOid(supportedMech)));
  if (responseToken !== undefined) fields.push(der(contextTag(2), derOctets(responseToken)));
  if (mechListMIC !== undefined) fields.push(der(contextTag(3), derOctets(mechListMIC)));
  return der(contextTag(1), der(DerTag.SEQUENCE, ...fields));
}

/** Reads a NegTokenResp. An empty responseToken or mechListMIC is the same as none. */
export function decodeNegTokenResp(token: Uint8Array): NegTokenResp {
  const outer = readerOf(token, RESP);
  const choice = outer.sub(contextTag(1));
  outer.end();
  const fields = choice.sub(DerTag.SEQUENCE);
  choice.end();
  const negState = only(fields.optional(contextTag(0)), (reader) => reader.enumerated());
  const supportedMech = only(fields.optional(contextTag(1)), (reader) => reader.oid());
  const responseToken = octetsOf(fields.optional(contextTag(2)));
  const mechListMIC = octetsOf(fields.optional(contextTag(3)));
  fields.end();
  return { negState, supportedMech, responseToken, mechListMIC };
}

function readerOf(token: Uint8Array, section: string): DerReader {
  if (token.length > MAX_SPNEGO_TOKEN) {
    throw new ProtocolError('RPCH_SPNEGO_TOKEN_SIZE', `token of ${token.length} bytes`, section);
  }
  return new DerReader(token, section);
}

function only<T>(reader: DerReader | undefined, read: (reader: DerReader) => T): T | undefined {
  if (reader === undefined) return undefined;
  const value = read(reader);
  reader.end();
  return value;
}

function octetsOf(reader: DerReader | undefined): Uint8Array | undefined {
  const octets = only(reader, (inner) => inner.octets());
  return octets?.length === 0 ? undefined : octets;
}
