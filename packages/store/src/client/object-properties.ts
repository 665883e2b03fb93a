import type { Properties, PropertyTag } from '../mapi/property.ts';
import { GetPropertiesAll, GetPropertiesSpecific } from '../mapi/rops/property.ts';
import { readRows } from '../mapi/rops/row-data.ts';
import { type PropertyResult, resultOf } from './property-result.ts';
import type { RemoteObject } from './property-stream.ts';
import { RopBatch } from './rop-batch.ts';

/** Adds the ROP that asks for properties; returns what reads them from its answer: it throws what the server has answered. */
export function addProperties(
  batch: RopBatch,
  logonId: number,
  inputHandleIndex: number,
  tags: readonly PropertyTag[],
  coding: { readonly codePage: number },
): () => PropertyResult {
  const request = { logonId, inputHandleIndex, propertySizeLimit: 0, wantUnicode: true, propertyTags: tags };
  const answer = batch.add(GetPropertiesSpecific, request);
  return () => {
    const [cells = []] = readRows(answer.value.rowData, 1, tags, coding);
    return resultOf(tags, cells);
  };
}

/** Properties of an object by their tags. Rejects with MapiError. */
export async function properties(
  { session, logonId, handle }: RemoteObject,
  tags: readonly PropertyTag[],
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<PropertyResult> {
  const batch = new RopBatch(session);
  const read = addProperties(batch, logonId, batch.handle(handle), tags, session.coding);
  await batch.run(signal === undefined ? {} : { signal });
  return read();
}

/** All properties of an object; in place of those that are too long the server gives an error, which is left out. Rejects with MapiError. */
export async function allProperties(
  { session, logonId, handle }: RemoteObject,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<Properties> {
  const batch = new RopBatch(session);
  const answer = batch.add(GetPropertiesAll, {
    logonId,
    inputHandleIndex: batch.handle(handle),
    propertySizeLimit: 0,
    wantUnicode: true,
  });
  await batch.run(signal === undefined ? {} : { signal });
  return answer.value.propertyValues;
}
