import { ProtocolError, RpchError } from '../errors.ts';
import { DrepReader } from './drep.ts';
import { PduType } from './header.ts';
import { assertWhole, encodePdu, type Pdu, WHOLE } from './pdu.ts';

const SECTION = 'C706 12.6.4.5';

/** p_reject_reason_t (C706 12.6.3.1, [MS-RPCE] 2.2.2.5). */
export const RejectReason = {
  reason_not_specified: 0,
  temporary_congestion: 1,
  local_limit_exceeded: 2,
  called_paddr_unknown: 3,
  protocol_version_not_supported: 4,
  default_context_not_supported: 5,
  user_data_not_readable: 6,
  no_psap_available: 7,
  authentication_type_not_recognized: 8,
  invalid_checksum: 9,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(RejectReason).map(([name, value]) => [value, name]));

/** The specification's name of a reject reason, for logs. */
export function describeRejectReason(reason: number): string {
  return NAMES.get(reason) ?? `reject reason ${reason}`;
}

/** What the reasons mean for whoever has to put it right. */
const MEANINGS: ReadonlyMap<number, string> = new Map([
  [
    RejectReason.reason_not_specified,
    'the server does not say why; an association group that is not there is one cause',
  ],
  [RejectReason.temporary_congestion, 'the server is too busy; try again later'],
  [RejectReason.local_limit_exceeded, 'the server is out of resources; try again later'],
  [RejectReason.protocol_version_not_supported, 'the server found the bind malformed, or speaks another version'],
  [RejectReason.authentication_type_not_recognized, 'the server does not have this security provider'],
  [RejectReason.invalid_checksum, 'the security provider refused it: usually a wrong user name or password'],
]);

/** The server refused the association with bind_nak. */
export class BindRefusedError extends RpchError {
  override readonly name = 'BindRefusedError';
  /** One of {@link RejectReason}; unknown values are kept. */
  readonly reason: number;

  constructor(reason: number) {
    const meaning = MEANINGS.get(reason);
    const why = describeRejectReason(reason);
    super('RPCH_BIND_REFUSED', 'peer', meaning === undefined ? `bind_nak: ${why}` : `bind_nak: ${why} (${meaning})`);
    this.reason = reason;
  }
}

/** Announces extended error information in a bind_nak ([MS-RPCE] 2.2.2.9). */
const EXTENDED_ERROR_SIGNATURE = '90740320-fad0-11d3-82d7-009027b130ab';

/** bind_nak: the association is refused (C706 12.6.4.5). */
export interface BindNak {
  readonly callId: number;
  readonly littleEndian: boolean;
  /** One of {@link RejectReason}; unknown values are kept. */
  readonly reason: number;
  /** Protocol versions that the server has. */
  readonly versions: readonly { readonly major: number; readonly minor: number }[];
  /** A view of the EEInfo blob, undecoded ([MS-RPCE] 2.2.2.9). */
  readonly extendedError?: Uint8Array;
}

/** Reads bind_nak; what follows the versions without being extended error information is padding. */
export function decodeBindNak(pdu: Pdu): BindNak {
  if (pdu.ptype !== PduType.bind_nak) {
    throw new ProtocolError('RPCH_UNEXPECTED_PDU', `PTYPE ${pdu.ptype} is no bind_nak`, SECTION);
  }
  assertWhole(pdu, SECTION);
  // 16 provider_reject_reason u16, 18 n_protocols u8, n times {major u8, minor u8}, padding, [signature 16, EEInfo]
  const reader = new DrepReader(pdu.body, pdu.littleEndian, SECTION);
  const reason = reader.u16();
  const versionCount = reader.u8();
  const versions: { major: number; minor: number }[] = [];
  for (let i = 0; i < versionCount; i++) versions.push({ major: reader.u8(), minor: reader.u8() });
  const nak = { callId: pdu.callId, littleEndian: pdu.littleEndian, reason, versions };
  const padding = paddingAfter(versionCount);
  if (reader.remaining < padding + 16) return nak;
  reader.skip(padding);
  if (reader.uuid() !== EXTENDED_ERROR_SIGNATURE) return nak;
  return { ...nak, extendedError: reader.bytes(reader.remaining) };
}

/** The PDU, without extended error information: it would tell strangers of the server's inside. */
export function encodeBindNak(nak: Omit<BindNak, 'extendedError'>): Uint8Array {
  const { callId, littleEndian } = nak;
  const padding = paddingAfter(nak.versions.length);
  const length = 3 + 2 * nak.versions.length + padding;
  return encodePdu({ ptype: PduType.bind_nak, pfcFlags: WHOLE, callId, littleEndian }, length, (writer) => {
    writer.u16(nak.reason).u8(nak.versions.length);
    for (const { major, minor } of nak.versions) writer.u8(major).u8(minor);
    writer.zeros(padding);
  });
}

/** Bytes between reason, count and versions, and the next multiple of 4. */
function paddingAfter(versionCount: number): number {
  return 3 - ((2 + 2 * versionCount) % 4);
}
