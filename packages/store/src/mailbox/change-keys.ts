import type { Counter } from '../mapi/object-id.ts';
import type { MutableProperties, Properties } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import {
  changeXid,
  formPredecessorChangeList,
  globalIdBytes,
  parsePredecessorChangeList,
  parseXid,
  type Xid,
} from '../mapi/xid.ts';

/**
 * The PidTagChangeKey and PidTagPredecessorChangeList that an object has after a change ([MS-OXCFXICS] 3.1.5.3, 2.2.2.3), put into
 * `set`. A change made here has the key that its change number makes. One that was synchronised from elsewhere brings its own key,
 * and perhaps its own list, in `set`. The list names the last change of each replica, of those known before and those that came.
 */
export function stampChange(set: MutableProperties, stored: Properties, replica: string, change: Counter): void {
  const key = set.get(PidTag.ChangeKey);
  const xid = key instanceof Uint8Array ? parseXid(key) : changeXid(replica, change);
  if (!(key instanceof Uint8Array)) set.set(PidTag.ChangeKey, globalIdBytes({ guid: replica, counter: change }));
  const known = listOf(stored);
  const brought = listOf(set);
  set.set(PidTag.PredecessorChangeList, formPredecessorChangeList(mergeChanges([...known, ...brought, xid])));
}

function listOf(properties: Properties): Xid[] {
  const list = properties.get(PidTag.PredecessorChangeList);
  return list instanceof Uint8Array ? parsePredecessorChangeList(list) : [];
}

/** Of each namespace the last change: the one with the greatest LocalId, as a number. */
export function mergeChanges(xids: readonly Xid[]): Xid[] {
  const last = new Map<string, Xid>();
  for (const xid of xids) {
    const before = last.get(xid.guid);
    if (before === undefined || isLater(xid.localId, before.localId)) last.set(xid.guid, xid);
  }
  return [...last.values()];
}

function isLater(a: Uint8Array, b: Uint8Array): boolean {
  const length = Math.max(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const difference = (a[at - length + a.length] ?? 0) - (b[at - length + b.length] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}
