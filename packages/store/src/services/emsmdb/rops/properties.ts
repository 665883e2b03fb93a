import { Writer } from '@rpch/rpc/internal';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import {
  type MutableProperties,
  type Properties,
  type PropertyTag,
  PropertyType,
  withType,
} from '../../../mapi/property.ts';
import { writeTaggedValues } from '../../../mapi/property-codec.ts';
import type { Cell } from '../../../mapi/property-row.ts';
import { writeRow } from '../../../mapi/property-row.ts';
import {
  DeleteProperties,
  DeletePropertiesNoReplicate,
  GetPropertiesAll,
  GetPropertiesList,
  GetPropertiesSpecific,
  Progress,
  SetProperties,
  SetPropertiesNoReplicate,
} from '../../../mapi/rops/property.ts';
import { propertiesOf } from '../narrow.ts';
import { approximateSize, cellOf, spoken } from '../objects/property-object.ts';
import { on, type RopContext, refuse, TooSmallError } from '../rop-context.ts';

/** Tags that one request may ask for: more than any object has. */
const MAX_TAGS = 16_384;
/** Bytes of a response beside its values. */
const HEAD = 16;
const TOO_LARGE = { error: ErrorCode.NotEnoughMemory };

/** [MS-OXCPRPT] 3.2.5.1. What is too large for the response is NotEnoughMemory in its place: it is for RopOpenStream. */
const getPropertiesSpecific = on(GetPropertiesSpecific, ({ object, room, coding }, request) => {
  const { propertyTags: tags, wantUnicode, propertySizeLimit } = request;
  if (tags.length > MAX_TAGS) throw new StoreError(ErrorCode.InvalidParam, `${tags.length} tags`);
  const found = propertiesOf(object).find(tags);
  const cells: Cell[] = tags.map((tag, at) => cellOf(found[at], tag, wantUnicode, propertySizeLimit));
  for (;;) {
    const writer = new Writer();
    writeRow(writer, tags, cells, coding);
    if (writer.length + HEAD <= room) return { rowData: writer.finish() };
    const largest = largestOf(cells);
    if (largest === undefined) throw new TooSmallError(writer.length + HEAD);
    cells[largest] = TOO_LARGE;
  }
});

/** Where the largest value is that an error in its place would be smaller than. */
function largestOf(cells: readonly Cell[]): number | undefined {
  let largest: number | undefined;
  let size = 8;
  for (const [at, cell] of cells.entries()) {
    if (cell === 'absent' || 'error' in cell) continue;
    const own = approximateSize(cell.value);
    if (own > size) {
      largest = at;
      size = own;
    }
  }
  return largest;
}

/** [MS-OXCPRPT] 3.2.5.2. */
const getPropertiesAll = on(GetPropertiesAll, ({ object, room, coding }, { propertySizeLimit, wantUnicode }) => {
  const properties = propertiesOf(object);
  const tags = properties.tags();
  const values: MutableProperties = new Map();
  for (const [at, found] of properties.find(tags).entries()) {
    const tag = tags[at];
    if (tag === undefined) continue;
    const cell = cellOf(found, tag, wantUnicode, propertySizeLimit);
    if (cell === 'absent') continue;
    if ('error' in cell) values.set(withType(tag, PropertyType.ErrorCode), cell.error);
    else values.set(spoken(tag, wantUnicode), cell.value);
  }
  for (;;) {
    const writer = new Writer();
    writeTaggedValues(writer, values, coding);
    if (writer.length + HEAD <= room) return { propertyValues: values };
    const largest = largestValue(values);
    if (largest === undefined) throw new TooSmallError(writer.length + HEAD);
    values.delete(largest);
    values.set(withType(largest, PropertyType.ErrorCode), ErrorCode.NotEnoughMemory);
  }
});

function largestValue(values: Properties): PropertyTag | undefined {
  let largest: PropertyTag | undefined;
  let size = 8;
  for (const [tag, value] of values) {
    const own = approximateSize(value);
    if (own > size) {
      largest = tag;
      size = own;
    }
  }
  return largest;
}

/** [MS-OXCPRPT] 3.2.5.3. */
const getPropertiesList = on(GetPropertiesList, ({ object }) => ({ propertyTags: propertiesOf(object).tags() }));

/** [MS-OXCPRPT] 3.2.5.4; 3.2.5.6 differs in what it does to synchronisation by rows, which this store does not have. */
function setProperties({ object }: RopContext, { propertyValues }: { readonly propertyValues: Properties }) {
  return { propertyProblems: propertiesOf(object).set(propertyValues) };
}

/** [MS-OXCPRPT] 3.2.5.5, 3.2.5.7. */
function deleteProperties({ object }: RopContext, { propertyTags }: { readonly propertyTags: readonly PropertyTag[] }) {
  return { propertyProblems: propertiesOf(object).remove(propertyTags) };
}

export const PROPERTY_HANDLERS = [
  getPropertiesSpecific,
  getPropertiesAll,
  getPropertiesList,
  on(SetProperties, setProperties),
  on(SetPropertiesNoReplicate, setProperties),
  on(DeleteProperties, deleteProperties),
  on(DeletePropertiesNoReplicate, deleteProperties),
  // Nothing is ever under way.
  refuse(Progress),
];
