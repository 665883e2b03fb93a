import { ProtocolError } from '../errors.ts';
import { DrepReader } from './drep.ts';
import { PduType } from './header.ts';
import { assertWhole, encodePdu, type Pdu, WHOLE } from './pdu.ts';
import type { AuthVerifier } from './sec-trailer.ts';
import { readSyntaxId, type SyntaxId, writeSyntaxId } from './syntax-id.ts';

const SECTION = 'C706 12.6.4.3';

/** p_cont_elem_t: one interface, and the transfer syntaxes that the client can use for it (C706 12.6.3.1). */
export interface ContextElement {
  readonly contextId: number;
  readonly abstractSyntax: SyntaxId;
  readonly transferSyntaxes: readonly SyntaxId[];
}

/** bind and alter_context, which have one layout (C706 12.6.4.3, 12.6.4.1). */
export interface Bind {
  readonly ptype: typeof PduType.bind | typeof PduType.alter_context;
  /** FIRST_FRAG and LAST_FRAG are implied; CONC_MPX and SUPPORT_HEADER_SIGN are the sender's choice. */
  readonly pfcFlags: number;
  readonly callId: number;
  readonly littleEndian: boolean;
  readonly maxXmitFrag: number;
  readonly maxRecvFrag: number;
  /** 0 asks for a new association group. */
  readonly assocGroupId: number;
  /** At least one element of at least one transfer syntax. */
  readonly elements: readonly ContextElement[];
}

/** Reads bind or alter_context. Throws a {@link ProtocolError} where the body is not exactly one list of contexts. */
export function decodeBind(pdu: Pdu): Bind {
  if (pdu.ptype !== PduType.bind && pdu.ptype !== PduType.alter_context) {
    throw new ProtocolError('RPCH_UNEXPECTED_PDU', `PTYPE ${pdu.ptype} is no bind`, SECTION);
  }
  assertWhole(pdu, SECTION);
  // 16 max_xmit_frag u16, max_recv_frag u16, assoc_group_id u32, n_context_elem u8, reserved 3, elements
  const reader = new DrepReader(pdu.body, pdu.littleEndian, SECTION);
  const maxXmitFrag = reader.u16();
  const maxRecvFrag = reader.u16();
  const assocGroupId = reader.u32();
  const elementCount = reader.u8();
  reader.skip(3);
  if (elementCount === 0) throw new ProtocolError('RPCH_EMPTY_BIND', 'no presentation context', SECTION);
  const elements: ContextElement[] = [];
  for (let i = 0; i < elementCount; i++) elements.push(readElement(reader));
  reader.end();
  const { ptype, pfcFlags, callId, littleEndian } = pdu;
  return { ptype, pfcFlags, callId, littleEndian, maxXmitFrag, maxRecvFrag, assocGroupId, elements };
}

function readElement(reader: DrepReader): ContextElement {
  // p_cont_id u16, n_transfer_syn u8, reserved u8, abstract_syntax 20, n times transfer_syntax 20
  const contextId = reader.u16();
  const syntaxCount = reader.u8();
  reader.skip(1);
  const abstractSyntax = readSyntaxId(reader);
  if (syntaxCount === 0) throw new ProtocolError('RPCH_EMPTY_BIND', 'no transfer syntax', SECTION);
  const transferSyntaxes: SyntaxId[] = [];
  for (let i = 0; i < syntaxCount; i++) transferSyntaxes.push(readSyntaxId(reader));
  return { contextId, abstractSyntax, transferSyntaxes };
}

/** The PDU, with a leg of authentication where `verifier` is given. More than fits is the caller's fault: RpchError. */
export function encodeBind(bind: Bind, verifier?: AuthVerifier): Uint8Array {
  const length = bind.elements.reduce((sum, { transferSyntaxes }) => sum + 24 + 20 * transferSyntaxes.length, 12);
  return encodePdu(
    { ...bind, pfcFlags: bind.pfcFlags | WHOLE },
    length,
    (writer) => {
      writer.u16(bind.maxXmitFrag).u16(bind.maxRecvFrag).u32(bind.assocGroupId);
      writer.u8(bind.elements.length).zeros(3);
      for (const element of bind.elements) {
        writer.u16(element.contextId).u8(element.transferSyntaxes.length).zeros(1);
        writeSyntaxId(writer, element.abstractSyntax);
        for (const syntax of element.transferSyntaxes) writeSyntaxId(writer, syntax);
      }
    },
    verifier,
  );
}
