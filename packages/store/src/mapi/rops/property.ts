import { ErrorCode } from '../error-code.ts';
import type { PropertyName } from '../property-name.ts';
import type { Earlier, Field } from './field.ts';
import { bool, bool16, guid, u8, u16, u32 } from './primitives.ts';
import { defineRop } from './rop.ts';
import { RowData } from './row-data.ts';
import { arrayOf, sized, when } from './structures.ts';
import { propertyName, propertyProblems, propertyTags, propertyValues } from './values.ts';

/** CopyFlags of RopCopyTo and RopCopyProperties ([MS-OXCPRPT] 2.2.10.1). */
export const CopyFlags = { Move: 0x01, NoOverwrite: 0x02 } as const;

/** Flags of RopGetPropertyIdsFromNames ([MS-OXCPRPT] 2.2.12.1). */
export const PropertyIdsFlags = { GetOnly: 0x00, Create: 0x02 } as const;

/** QueryFlags of RopQueryNamedProperties ([MS-OXCPRPT] 2.2.9.1). */
export const QueryNamedFlags = { NoStrings: 0x01, NoIds: 0x02 } as const;

/** How RopCopyTo and RopCopyProperties fail: with the destination's index where its handle was no object. */
const destinationFailure = {
  destHandleIndex: when((earlier: Earlier) => earlier.returnValue === ErrorCode.DstNullObject, u32),
};

function nothingCopied({ destHandleIndex }: { readonly destHandleIndex: number }) {
  return { destHandleIndex };
}

/** [MS-OXCROPS] 2.2.8.1 */
export const GetPropertyIdsFromNames = defineRop({
  id: 0x56,
  name: 'GetPropertyIdsFromNames',
  header: 'in',
  request: { flags: u8, propertyNames: arrayOf(u16, propertyName) },
  response: { propertyIds: arrayOf(u16, u16) },
  warnings: [ErrorCode.WarnWithErrors],
});

/** [MS-OXCROPS] 2.2.8.2 */
export const GetNamesFromPropertyIds = defineRop({
  id: 0x55,
  name: 'GetNamesFromPropertyIds',
  header: 'in',
  request: { propertyIds: arrayOf(u16, u16) },
  response: { propertyNames: arrayOf(u16, propertyName) },
});

/** [MS-OXCROPS] 2.2.8.3. The row is bytes: readRows of row-data.ts reads it by the tags of the request. */
export const GetPropertiesSpecific = defineRop({
  id: 0x07,
  name: 'GetPropertiesSpecific',
  header: 'in',
  request: { propertySizeLimit: u16, wantUnicode: bool16, propertyTags },
  response: { rowData: new RowData(1) },
  columns: (request) => request.propertyTags,
});

/** [MS-OXCROPS] 2.2.8.4 */
export const GetPropertiesAll = defineRop({
  id: 0x08,
  name: 'GetPropertiesAll',
  header: 'in',
  request: { propertySizeLimit: u16, wantUnicode: bool16 },
  response: { propertyValues },
});

/** [MS-OXCROPS] 2.2.8.5 */
export const GetPropertiesList = defineRop({
  id: 0x09,
  name: 'GetPropertiesList',
  header: 'in',
  request: {},
  response: { propertyTags },
});

/** [MS-OXCROPS] 2.2.8.6 */
export const SetProperties = defineRop({
  id: 0x0a,
  name: 'SetProperties',
  header: 'in',
  request: { propertyValues: sized(u16, propertyValues) },
  response: { propertyProblems },
});

/** [MS-OXCROPS] 2.2.8.7 */
export const SetPropertiesNoReplicate = defineRop({
  id: 0x79,
  name: 'SetPropertiesNoReplicate',
  header: 'in',
  request: { propertyValues: sized(u16, propertyValues) },
  response: { propertyProblems },
});

/** [MS-OXCROPS] 2.2.8.8 */
export const DeleteProperties = defineRop({
  id: 0x0b,
  name: 'DeleteProperties',
  header: 'in',
  request: { propertyTags },
  response: { propertyProblems },
});

/** [MS-OXCROPS] 2.2.8.9 */
export const DeletePropertiesNoReplicate = defineRop({
  id: 0x7a,
  name: 'DeletePropertiesNoReplicate',
  header: 'in',
  request: { propertyTags },
  response: { propertyProblems },
});

/** IdCount counts the ids and, behind them all, the names. */
const namedIds: Field<readonly { readonly id: number; readonly name: PropertyName | undefined }[]> = {
  read(cursor, scope) {
    const ids = arrayOf(u16, u16).read(cursor, scope);
    return ids.map((id) => ({ id, name: propertyName.read(cursor, scope) }));
  },
  write(writer, value, scope) {
    u16.write(writer, value.length, scope);
    for (const { id } of value) u16.write(writer, id, scope);
    for (const { name } of value) propertyName.write(writer, name, scope);
  },
};

/** [MS-OXCROPS] 2.2.8.10. `properties` are PropertyIds and PropertyNames. */
export const QueryNamedProperties = defineRop({
  id: 0x5f,
  name: 'QueryNamedProperties',
  header: 'in',
  request: { queryFlags: u8, hasGuid: bool, propertyGuid: when('hasGuid', guid) },
  response: { properties: namedIds },
  warnings: [ErrorCode.WarnWithErrors],
});

/** [MS-OXCROPS] 2.2.8.11 */
export const CopyProperties = defineRop({
  id: 0x67,
  name: 'CopyProperties',
  header: 'source+dest',
  request: { wantAsynchronous: bool, copyFlags: u8, propertyTags },
  response: { propertyProblems },
  failure: { fields: destinationFailure, nothingDone: nothingCopied },
});

/** [MS-OXCROPS] 2.2.8.12 */
export const CopyTo = defineRop({
  id: 0x39,
  name: 'CopyTo',
  header: 'source+dest',
  request: { wantAsynchronous: bool, wantSubObjects: bool, copyFlags: u8, excludedTags: propertyTags },
  response: { propertyProblems },
  failure: { fields: destinationFailure, nothingDone: nothingCopied },
});

/** [MS-OXCROPS] 2.2.8.13 */
export const Progress = defineRop({
  id: 0x50,
  name: 'Progress',
  header: 'in',
  request: { wantCancel: bool },
  response: { logonId: u8, completedTaskCount: u32, totalTaskCount: u32 },
});
