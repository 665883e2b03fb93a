import { ErrorCode } from '../../../mapi/error-code.ts';
import { idOf } from '../../../mapi/property.ts';
import type { PropertyName } from '../../../mapi/property-name.ts';
import { FIRST_NAMED_ID } from '../../../mapi/property-tags.ts';
import {
  GetNamesFromPropertyIds,
  GetPropertyIdsFromNames,
  PropertyIdsFlags,
  QueryNamedFlags,
  QueryNamedProperties,
} from '../../../mapi/rops/property.ts';
import { Logon } from '../logon.ts';
import { propertiesOf } from '../narrow.ts';
import { on, TooSmallError } from '../rop-context.ts';

/** PS_MAPI: ids below 0x8000 are names of themselves there ([MS-OXCPRPT] 3.2.5.10). */
const PS_MAPI = '00020328-0000-0000-c000-000000000046';
/** Kind and GUID of a name, its size, its terminator, and its id. */
const NAME_HEAD = 24;
const HEAD = 16;

/** [MS-OXCPRPT] 3.2.5.10: without names, all that are registered. */
const getPropertyIdsFromNames = on(GetPropertyIdsFromNames, ({ logon, room }, { flags, propertyNames }) => {
  if (propertyNames.length === 0) {
    const propertyIds = logon.store.names.all().map(({ id }) => id);
    const size = HEAD + 2 * propertyIds.length;
    if (size > room) throw new TooSmallError(size);
    return { propertyIds };
  }
  const create = (flags & PropertyIdsFlags.Create) !== 0;
  const look = () => propertyNames.map((name) => idOfName(logon, name, create));
  const propertyIds = create ? logon.store.transaction(look) : look();
  return propertyIds.includes(0) ? { returnValue: ErrorCode.WarnWithErrors, propertyIds } : { propertyIds };
});

function idOfName(logon: Logon, name: PropertyName | undefined, create: boolean): number {
  if (name === undefined) return 0;
  if (name.guid === PS_MAPI) return 'lid' in name && name.lid < FIRST_NAMED_ID ? name.lid : 0;
  return logon.store.names.idOf(name, create);
}

/** [MS-OXCPRPT] 3.2.5.9. */
const getNamesFromPropertyIds = on(GetNamesFromPropertyIds, ({ logon, room }, { propertyIds }) => {
  const propertyNames = propertyIds.map((id) => {
    return id < FIRST_NAMED_ID ? { guid: PS_MAPI, lid: id } : logon.store.names.nameOf(id);
  });
  const size = propertyNames.reduce((sum, name) => sum + sizeOf(name), HEAD);
  if (size > room) throw new TooSmallError(size);
  return { propertyNames };
});

/** [MS-OXCPRPT] 3.2.5.8: of a logon all names, of another object those of its properties. */
const queryNamedProperties = on(QueryNamedProperties, ({ object, logon, room }, { queryFlags, propertyGuid }) => {
  const all = logon.store.names.all();
  const ids = object instanceof Logon ? undefined : new Set(propertiesOf(object).tags().map(idOf));
  const properties = all.filter(({ id, name }) => {
    if (ids !== undefined && !ids.has(id)) return false;
    if (propertyGuid !== undefined && name.guid !== propertyGuid) return false;
    const excluded = 'lid' in name ? QueryNamedFlags.NoIds : QueryNamedFlags.NoStrings;
    return (queryFlags & excluded) === 0;
  });
  const size = properties.reduce((sum, { name }) => sum + sizeOf(name), HEAD);
  if (size > room) throw new TooSmallError(size);
  return { properties };
});

function sizeOf(name: PropertyName | undefined): number {
  return NAME_HEAD + (name !== undefined && 'name' in name ? 2 * name.name.length : 4);
}

export const NAME_HANDLERS = [getPropertyIdsFromNames, getNamesFromPropertyIds, queryNamedProperties];
