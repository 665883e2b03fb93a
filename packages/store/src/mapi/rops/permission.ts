import { bin16, u8, u16 } from './primitives.ts';
import { defineRop } from './rop.ts';
import { arrayOf, structure } from './structures.ts';
import { propertyValues } from './values.ts';

/** TableFlags of RopGetPermissionsTable ([MS-OXCPERM] 2.2.1.1). */
export const PermissionsTableFlags = { IncludeFreeBusy: 0x02 } as const;
/** ModifyFlags of RopModifyPermissions ([MS-OXCPERM] 2.2.2.1). */
export const ModifyPermissionsFlags = { ReplaceRows: 0x01, IncludeFreeBusy: 0x02 } as const;
/** PermissionDataFlags and RuleDataFlags ([MS-OXCPERM] 2.2.2.1.1, [MS-OXORULE] 2.2.1.3). */
export const RowFlags = { Add: 0x01, Modify: 0x02, Remove: 0x04 } as const;

/** [MS-OXCROPS] 2.2.10.1 */
export const ModifyPermissions = defineRop({
  id: 0x40,
  name: 'ModifyPermissions',
  header: 'in',
  request: {
    modifyFlags: u8,
    permissionsData: arrayOf(u16, structure({ permissionDataFlags: u8, propertyValues })),
  },
  response: {},
});

/** [MS-OXCROPS] 2.2.10.2 */
export const GetPermissionsTable = defineRop({
  id: 0x3e,
  name: 'GetPermissionsTable',
  header: 'in+out',
  request: { tableFlags: u8 },
  response: {},
});

/** [MS-OXCROPS] 2.2.11.1 */
export const ModifyRules = defineRop({
  id: 0x41,
  name: 'ModifyRules',
  header: 'in',
  request: { modifyRulesFlags: u8, rulesData: arrayOf(u16, structure({ ruleDataFlags: u8, propertyValues })) },
  response: {},
});

/** [MS-OXCROPS] 2.2.11.2 */
export const GetRulesTable = defineRop({
  id: 0x3f,
  name: 'GetRulesTable',
  header: 'in+out',
  request: { tableFlags: u8 },
  response: {},
});

/** [MS-OXCROPS] 2.2.11.3 */
export const UpdateDeferredActionMessages = defineRop({
  id: 0x57,
  name: 'UpdateDeferredActionMessages',
  header: 'in',
  request: { serverEntryId: bin16, clientEntryId: bin16 },
  response: {},
});
