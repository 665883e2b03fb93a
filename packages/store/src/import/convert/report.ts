import type { MutableProperties } from '../../mapi/property.ts';
import { PidTag } from '../../mapi/property-tags.ts';
import { parseDate } from '../mime/date.ts';
import { type HeaderField, parseHeaders } from '../mime/headers.ts';
import { contentOf, type MimePart } from '../mime/part.ts';

/** Groups of fields in one report that are looked at: one for the message and one for each recipient (RFC 3464 2.1). */
const MAX_GROUPS = 200;

/**
 * The message class of a report ([MS-OXCMAIL] 2.2.3.8): delivery status notifications (RFC 3464) by their worst action, disposition
 * notifications (RFC 8098) by whether the message was displayed. Sets what else the report says of the message that it is about.
 * Undefined for a message that is no report.
 */
export function setReport(properties: MutableProperties, root: MimePart): string | undefined {
  if (root.type !== 'multipart/report') return undefined;
  for (const part of root.children) {
    if (part.type === 'message/delivery-status' || part.type === 'message/global-delivery-status') {
      return deliveryClass(properties, groupsOf(part));
    }
    if (part.type === 'message/disposition-notification') return dispositionClass(properties, groupsOf(part));
  }
  return undefined;
}

type Group = readonly HeaderField[];

function groupsOf(part: MimePart): readonly Group[] {
  let rest = contentOf(part);
  const groups: Group[] = [];
  while (rest.length > 0 && groups.length < MAX_GROUPS) {
    const { headers, body } = parseHeaders(rest);
    if (headers.fields.length > 0) groups.push(headers.fields);
    // An empty line is passed over; text that is no field ends the report.
    const at = body === 0 ? rest.indexOf(0x0a) + 1 : body;
    if (at === 0) break;
    rest = rest.subarray(at);
  }
  return groups;
}

function field(group: Group | undefined, name: string): string | undefined {
  return group?.find((entry) => entry.name.toLowerCase() === name)?.value;
}

/** RFC 3464 2.3.3: what happened, from the worst. */
function deliveryClass(properties: MutableProperties, groups: readonly Group[]): string {
  const actions = new Set(groups.map((group) => field(group, 'action')?.trim().toLowerCase().split(/\s/)[0]));
  const arrival = parseDate(field(groups[0], 'arrival-date') ?? '');
  if (arrival !== undefined) properties.set(PidTag.OriginalSubmitTime, arrival);
  const mta = field(groups[0], 'reporting-mta');
  if (mta !== undefined)
    properties.set(PidTag.ReportingMessageTransferAgent, mta.replace(/^[^;]{0,32};\s*/, '').slice(0, 255));
  if (actions.has('failed')) return 'REPORT.IPM.Note.NDR';
  if (actions.has('delayed')) return 'REPORT.IPM.Note.Delayed.DR';
  if (actions.has('relayed')) return 'REPORT.IPM.Note.Relayed.DR';
  if (actions.has('expanded')) return 'REPORT.IPM.Note.Expanded.DR';
  return actions.has('delivered') ? 'REPORT.IPM.Note.DR' : 'REPORT.IPM.Note.NDR';
}

/** RFC 8098 3.2.6: `automatic-action/MDN-sent-automatically; displayed`. */
function dispositionClass(properties: MutableProperties, groups: readonly Group[]): string {
  const id = field(groups[0], 'original-message-id');
  if (id !== undefined && id !== '') properties.set(PidTag.InReplyToId, id.slice(0, 998));
  const type = /;\s*([a-z-]+)/i.exec(field(groups[0], 'disposition') ?? '')?.[1]?.toLowerCase();
  return type === 'displayed' || type === 'dispatched' ? 'REPORT.IPM.Note.IPNRN' : 'REPORT.IPM.Note.IPNNRN';
}
