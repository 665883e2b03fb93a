import { ProtocolError } from '../errors.ts';
import { DrepReader } from './drep.ts';
import { PduType } from './header.ts';
import { assertWhole, encodePdu, type Pdu, WHOLE } from './pdu.ts';
import { type AuthVerifier, SEC_TRAILER_LENGTH } from './sec-trailer.ts';
import { readSyntaxId, type SyntaxId, writeSyntaxId } from './syntax-id.ts';

const SECTION = 'C706 12.6.4.4';

/** p_cont_def_result_t (C706 12.6.3.1); negotiate_ack is [MS-RPCE] 2.2.2.4. */
export const ContextResult = {
  acceptance: 0,
  user_rejection: 1,
  provider_rejection: 2,
  negotiate_ack: 3,
} as const;

/** p_provider_reason_t: why a context was rejected (C706 12.6.3.1). */
export const ProviderReason = {
  reason_not_specified: 0,
  abstract_syntax_not_supported: 1,
  proposed_transfer_syntaxes_not_supported: 2,
  local_limit_exceeded: 3,
} as const;

const REASONS: ReadonlyMap<number, string> = new Map(
  Object.entries(ProviderReason).map(([name, value]) => [value, name]),
);

/** The specification's name of a provider's reason, for messages and logs. */
export function describeProviderReason(reason: number): string {
  return REASONS.get(reason) ?? `reason ${reason}`;
}

/** p_result_t: the answer to one context element (C706 12.6.3.1). */
export interface PResult {
  /** One of {@link ContextResult}; unknown values are kept. */
  readonly result: number;
  /** One of {@link ProviderReason}; of negotiate_ack, the features granted. */
  readonly reason: number;
  readonly transferSyntax: SyntaxId;
}

/** bind_ack and alter_context_resp, which have one layout (C706 12.6.4.4, 12.6.4.2). */
export interface BindAck {
  readonly ptype: typeof PduType.bind_ack | typeof PduType.alter_context_resp;
  /** FIRST_FRAG and LAST_FRAG are implied. */
  readonly pfcFlags: number;
  readonly callId: number;
  readonly littleEndian: boolean;
  readonly maxXmitFrag: number;
  readonly maxRecvFrag: number;
  readonly assocGroupId: number;
  /**
   * The server's endpoint without its NUL; '' is sent with length 0. Bytes are taken as Latin-1: nothing acts on them.
   */
  readonly secondaryAddress: string;
  /** One for each element of the bind, in its order. */
  readonly results: readonly PResult[];
}

/**
 * Reads bind_ack or alter_context_resp. Throws a {@link ProtocolError} where the body is not exactly such an answer.
 */
export function decodeBindAck(pdu: Pdu): BindAck {
  if (pdu.ptype !== PduType.bind_ack && pdu.ptype !== PduType.alter_context_resp) {
    throw new ProtocolError('RPCH_UNEXPECTED_PDU', `PTYPE ${pdu.ptype} is no bind_ack`, SECTION);
  }
  assertWhole(pdu, SECTION);
  // 16 max_xmit_frag u16, max_recv_frag u16, assoc_group_id u32, 24 sec_addr: length u16 with the NUL, text;
  // padding to 4; n_results u8, reserved 3, n times {result u16, reason u16, transfer_syntax 20}
  const reader = new DrepReader(pdu.body, pdu.littleEndian, SECTION);
  const maxXmitFrag = reader.u16();
  const maxRecvFrag = reader.u16();
  const assocGroupId = reader.u32();
  const address = Buffer.from(reader.bytes(reader.u16())).toString('latin1');
  const secondaryAddress = address.endsWith('\0') ? address.slice(0, -1) : address;
  reader.align(4);
  const resultCount = reader.u8();
  reader.skip(3);
  const results: PResult[] = [];
  for (let i = 0; i < resultCount; i++) {
    results.push({ result: reader.u16(), reason: reader.u16(), transferSyntax: readSyntaxId(reader) });
  }
  // [MS-RPCE] 3.3.1.5.2.1: a server that has no more to say may send a sec_trailer whose token is empty: auth_length 0
  if (reader.remaining === SEC_TRAILER_LENGTH) reader.skip(SEC_TRAILER_LENGTH);
  reader.end();
  const { ptype, pfcFlags, callId, littleEndian } = pdu;
  return {
    ptype,
    pfcFlags,
    callId,
    littleEndian,
    maxXmitFrag,
    maxRecvFrag,
    assocGroupId,
    secondaryAddress,
    results,
  };
}

/** The PDU, with a leg of authentication where `verifier` is given. More than fits is the caller's fault: RpchError. */
export function encodeBindAck(ack: BindAck, verifier?: AuthVerifier): Uint8Array {
  const address = Buffer.from(ack.secondaryAddress === '' ? '' : `${ack.secondaryAddress}\0`, 'latin1');
  const padding = (2 + address.length) % 4 === 0 ? 0 : 4 - ((2 + address.length) % 4);
  const length = 8 + 2 + address.length + padding + 4 + 24 * ack.results.length;
  return encodePdu(
    { ...ack, pfcFlags: ack.pfcFlags | WHOLE },
    length,
    (writer) => {
      writer.u16(ack.maxXmitFrag).u16(ack.maxRecvFrag).u32(ack.assocGroupId);
      writer.u16(address.length).bytes(address).zeros(padding).u8(ack.results.length).zeros(3);
      for (const { result, reason, transferSyntax } of ack.results) {
        writer.u16(result).u16(reason);
        writeSyntaxId(writer, transferSyntax);
      }
    },
    verifier,
  );
}
