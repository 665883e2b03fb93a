import {
  ContextResult,
  decodeBind,
  decodeBindAck,
  decodeBindNak,
  decodeFault,
  decodeRequest,
  decodeResponse,
  describeFaultStatus,
  describePduType,
  describeRejectReason,
  type HiddenRange,
  openPdu,
  type Pdu,
  PduType,
  PfcFlag,
  ProviderReason,
} from '@rpch/rpc/internal';
import type { Association } from './association.ts';
import { describeInterface, describeTransferSyntax, interfaceName, operationName } from './interfaces.ts';
import { describeTrailer, type ToldToken, tellToken } from './tell-auth.ts';
import { hex, type Json, printable, type Told } from './told.ts';

/** What one type of PDU adds to what all have in common. */
interface Body {
  readonly words: readonly string[];
  readonly details?: readonly string[];
  readonly fields: { readonly [key: string]: Json };
  readonly notes?: readonly string[];
}

/** PDUs whose token is a signature of their own, not a leg of an authentication. */
const SIGNED: ReadonlySet<number> = new Set([PduType.request, PduType.response, PduType.fault]);

const PTYPES: ReadonlySet<number> = new Set(Object.values(PduType));

/**
 * Tells one RPC PDU (C706 12.6.4, [MS-RPCE] 2.2.2), and lets `association` learn from it. Throws ProtocolError for a damaged
 * one.
 */
export function tellPdu(bytes: Uint8Array, association: Association): Told {
  const pdu = openPdu(bytes);
  const body = tellBody(pdu, association);
  const { secTrailer } = pdu;
  const isSignature = SIGNED.has(pdu.ptype);
  const token = secTrailer === undefined || isSignature ? undefined : tellToken(secTrailer.token);
  const name = describePduType(pdu.ptype);
  return {
    name,
    words: [
      `call ${pdu.callId}`,
      ...fragmentWords(pdu),
      ...body.words,
      ...(secTrailer === undefined ? [] : [authWords(pdu, token)]),
    ],
    details: [
      `pfc_flags ${hex(pdu.pfcFlags, 2)} ${flagNames(pdu).join(' ')}`.trimEnd(),
      ...(pdu.littleEndian ? [] : ['big-endian']),
      ...(body.details ?? []),
      ...(secTrailer === undefined
        ? []
        : [
            `auth_context_id ${secTrailer.authContextId}, auth_pad_length ${secTrailer.authPadLength}, ${secTrailer.token.length} bytes of token`,
          ]),
      ...(token?.details ?? []),
    ],
    fields: {
      ptype: pdu.ptype,
      callId: pdu.callId,
      pfcFlags: pdu.pfcFlags,
      ...body.fields,
      ...(secTrailer === undefined
        ? {}
        : {
            auth: {
              type: secTrailer.authType,
              level: secTrailer.authLevel,
              contextId: secTrailer.authContextId,
              words: describeTrailer(secTrailer),
              tokenLength: secTrailer.token.length,
              ...token?.fields,
            },
          }),
    },
    notes: [
      ...(body.notes ?? []),
      ...(token?.rejected === true ? [`SPNEGO was rejected in ${name}, call ${pdu.callId}`] : []),
    ],
    hidden: secTrailer === undefined || isSignature ? [] : tokenRange(bytes, secTrailer.token),
  };
}

function tokenRange(bytes: Uint8Array, token: Uint8Array): HiddenRange[] {
  return [{ start: bytes.length - token.length, end: bytes.length }];
}

function authWords({ secTrailer }: Pdu, token: ToldToken | undefined): string {
  if (secTrailer === undefined) return '';
  const trailer = describeTrailer(secTrailer);
  return token === undefined ? `auth ${trailer}` : `auth ${trailer}: ${token.words}`;
}

/** Bit 0x04 means one thing in binds and their answers and another in all else ([MS-RPCE] 2.2.2.3). */
function flagNames(pdu: Pdu): string[] {
  const isBind = pdu.ptype >= PduType.bind && pdu.ptype <= PduType.alter_context_resp;
  const other = isBind ? 'PENDING_CANCEL' : 'SUPPORT_HEADER_SIGN';
  return Object.entries(PfcFlag)
    .filter(([name, bit]) => (pdu.pfcFlags & bit) !== 0 && name !== other)
    .map(([name]) => name);
}

function fragmentWords({ pfcFlags }: Pdu): string[] {
  const [first, last] = [(pfcFlags & PfcFlag.FIRST_FRAG) !== 0, (pfcFlags & PfcFlag.LAST_FRAG) !== 0];
  if (first && last) return [];
  return [first ? 'first fragment' : last ? 'last fragment' : 'middle fragment'];
}

function tellBody(pdu: Pdu, association: Association): Body {
  switch (pdu.ptype) {
    case PduType.bind:
    case PduType.alter_context:
      return tellBind(pdu, association);
    case PduType.bind_ack:
    case PduType.alter_context_resp:
      return tellBindAck(pdu, association);
    case PduType.bind_nak:
      return tellBindNak(pdu);
    case PduType.request:
      return tellRequest(pdu, association);
    case PduType.response:
      return tellResponse(pdu, association);
    case PduType.fault:
      return tellFault(pdu, association);
    default:
      return {
        words: [],
        fields: {},
        notes: PTYPES.has(pdu.ptype) ? [] : [`PDU type ${pdu.ptype}, which does not exist`],
      };
  }
}

function tellBind(pdu: Pdu, association: Association): Body {
  const bind = decodeBind(pdu);
  association.propose(bind.callId, bind.elements);
  const contexts = bind.elements.map(({ contextId, abstractSyntax, transferSyntaxes }) => ({
    contextId,
    interface: describeInterface(abstractSyntax),
    uuid: abstractSyntax.uuid,
    transferSyntaxes: transferSyntaxes.map(describeTransferSyntax),
  }));
  return {
    words: contexts.map((c) => `context ${c.contextId} ${c.interface} (${c.transferSyntaxes.join(', ')})`),
    details: [
      `max_xmit_frag ${bind.maxXmitFrag}, max_recv_frag ${bind.maxRecvFrag}, assoc_group_id ${hex(bind.assocGroupId)}`,
    ],
    fields: { maxXmitFrag: bind.maxXmitFrag, maxRecvFrag: bind.maxRecvFrag, assocGroupId: bind.assocGroupId, contexts },
  };
}

const RESULTS = new Map<number, string>(Object.entries(ContextResult).map(([name, value]) => [value, name]));
const REASONS = new Map<number, string>(Object.entries(ProviderReason).map(([name, value]) => [value, name]));

function tellBindAck(pdu: Pdu, association: Association): Body {
  const ack = decodeBindAck(pdu);
  const proposed = association.proposed(ack.callId);
  const notes: string[] = [];
  const results = ack.results.map(({ result, reason, transferSyntax }, i) => {
    const asked = proposed[i];
    const name = RESULTS.get(result) ?? `result ${result}`;
    const of = asked === undefined ? `element ${i}` : describeInterface(asked);
    if (result === ContextResult.acceptance)
      return { of, result: name, words: `${of} accepted (${describeTransferSyntax(transferSyntax)})` };
    if (result === ContextResult.negotiate_ack)
      return { of, result: name, words: `bind-time features ${hex(reason)} granted` };
    const why = REASONS.get(reason) ?? `reason ${reason}`;
    // A client that offers NDR64 or an old version of an interface beside what it has is refused one of them as a rule.
    if (why === 'abstract_syntax_not_supported')
      notes.push(`the server does not offer ${of} (${why}), call ${ack.callId}`);
    else if (why !== 'proposed_transfer_syntaxes_not_supported')
      notes.push(`the server refused ${of}: ${why}, call ${ack.callId}`);
    return { of, result: name, reason: why, words: `${of} refused: ${name}, ${why}` };
  });
  const port = printable(ack.secondaryAddress, 64);
  return {
    words: [...results.map(({ words }) => words), ...(port === '' ? [] : [`secondary address ${port}`])],
    details: [
      `max_xmit_frag ${ack.maxXmitFrag}, max_recv_frag ${ack.maxRecvFrag}, assoc_group_id ${hex(ack.assocGroupId)}`,
    ],
    fields: {
      maxXmitFrag: ack.maxXmitFrag,
      maxRecvFrag: ack.maxRecvFrag,
      assocGroupId: ack.assocGroupId,
      secondaryAddress: port,
      results: results.map(({ words: _, ...rest }) => rest),
    },
    notes,
  };
}

function tellBindNak(pdu: Pdu): Body {
  const { reason, versions, extendedError } = decodeBindNak(pdu);
  const name = describeRejectReason(reason);
  const hint = name === 'invalid_checksum' ? ', which mostly means wrong credentials' : '';
  return {
    words: [name, ...(extendedError === undefined ? [] : ['with extended error information'])],
    details: versions.map(({ major, minor }) => `speaks version ${major}.${minor}`),
    fields: { reason: name, reasonNumber: reason },
    notes: [`the server refused to bind: ${name}${hint}`],
  };
}

function tellRequest(pdu: Pdu, association: Association): Body {
  const request = decodeRequest(pdu);
  const { contextId, opnum, callId, object, stub, allocHint } = request;
  association.began(callId, { contextId, opnum });
  const on = association.interfaceOf(contextId);
  const operation = on === undefined ? undefined : operationName(on.uuid, opnum);
  return {
    words: [
      `context ${contextId}`,
      on === undefined
        ? `opnum ${opnum}`
        : `${interfaceName(on.uuid)} opnum ${opnum}${operation === undefined ? '' : ` ${operation}`}`,
      `stub ${stub.length} bytes`,
      ...(object === undefined ? [] : [`object ${object}`]),
    ],
    details: [`alloc_hint ${allocHint}`],
    fields: {
      contextId,
      opnum,
      stubLength: stub.length,
      allocHint,
      ...(on === undefined ? {} : { interface: interfaceName(on.uuid) }),
      ...(operation === undefined ? {} : { operation }),
      ...(object === undefined ? {} : { object }),
    },
  };
}

function tellResponse(pdu: Pdu, association: Association): Body {
  const { contextId, callId, stub, allocHint, cancelCount, pfcFlags } = decodeResponse(pdu);
  const of = callWords(callId, association);
  if ((pfcFlags & PfcFlag.LAST_FRAG) !== 0) association.ended(callId);
  return {
    words: [`context ${contextId}`, ...(of === undefined ? [] : [`to ${of}`]), `stub ${stub.length} bytes`],
    details: [`alloc_hint ${allocHint}`, ...(cancelCount === 0 ? [] : [`cancel_count ${cancelCount}`])],
    fields: { contextId, stubLength: stub.length, allocHint, ...(of === undefined ? {} : { answers: of }) },
  };
}

function tellFault(pdu: Pdu, association: Association): Body {
  const { contextId, callId, status, extendedError, pfcFlags } = decodeFault(pdu);
  const of = callWords(callId, association);
  association.ended(callId);
  const name = describeFaultStatus(status);
  return {
    words: [
      `context ${contextId}`,
      ...(of === undefined ? [] : [`to ${of}`]),
      name,
      ...((pfcFlags & PfcFlag.DID_NOT_EXECUTE) === 0 ? [] : ['did not execute']),
      ...(extendedError === undefined ? [] : ['with extended error information']),
    ],
    details: [`status ${hex(status, 8)}`],
    fields: { contextId, status: name, statusNumber: status, ...(of === undefined ? {} : { answers: of }) },
    notes: [`fault ${name} on call ${callId}${of === undefined ? '' : ` (${of})`}`],
  };
}

function callWords(callId: number, association: Association): string | undefined {
  const call = association.callOf(callId);
  return call === undefined ? undefined : describeCall(call, association);
}

/** `EMSMDB opnum 10 EcDoConnectEx`. */
export function describeCall(
  { contextId, opnum }: { contextId: number; opnum: number },
  association: Association,
): string {
  const on = association.interfaceOf(contextId);
  const operation = on === undefined ? undefined : operationName(on.uuid, opnum);
  return `${on === undefined ? '' : `${interfaceName(on.uuid)} `}opnum ${opnum}${operation === undefined ? '' : ` ${operation}`}`;
}
