import { bool, objectId, u8, u16 } from './primitives.ts';
import { defineRop } from './rop.ts';
import { hasBits, when } from './structures.ts';

/** [MS-OXCROPS] 2.2.14.1. `reserved` is there with the flag Extended alone. */
export const RegisterNotification = defineRop({
  id: 0x29,
  name: 'RegisterNotification',
  header: 'in+out',
  request: {
    notificationTypes: u16,
    reserved: when(hasBits('notificationTypes', 0x0400), u8),
    wantWholeStore: bool,
    folderId: when((earlier) => earlier.wantWholeStore === false, objectId),
    messageId: when((earlier) => earlier.wantWholeStore === false, objectId),
  },
  response: {},
});
