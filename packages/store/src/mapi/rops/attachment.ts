import { u8, u32 } from './primitives.ts';
import { defineRop } from './rop.ts';

/** OpenAttachmentFlags ([MS-OXCMSG] 2.2.3.12.1). */
export const OpenAttachmentFlags = { ReadOnly: 0, ReadWrite: 1, BestAccess: 3 } as const;

/** [MS-OXCROPS] 2.2.6.12 */
export const OpenAttachment = defineRop({
  id: 0x22,
  name: 'OpenAttachment',
  header: 'in+out',
  request: { openAttachmentFlags: u8, attachmentId: u32 },
  response: {},
});

/** [MS-OXCROPS] 2.2.6.13 */
export const CreateAttachment = defineRop({
  id: 0x23,
  name: 'CreateAttachment',
  header: 'in+out',
  request: {},
  response: { attachmentId: u32 },
});

/** [MS-OXCROPS] 2.2.6.14 */
export const DeleteAttachment = defineRop({
  id: 0x24,
  name: 'DeleteAttachment',
  header: 'in',
  request: { attachmentId: u32 },
  response: {},
});

/** [MS-OXCROPS] 2.2.6.15 */
export const SaveChangesAttachment = defineRop({
  id: 0x25,
  name: 'SaveChangesAttachment',
  header: 'response+in',
  request: { saveFlags: u8 },
  response: {},
});

/** [MS-OXCROPS] 2.2.6.17 */
export const GetAttachmentTable = defineRop({
  id: 0x21,
  name: 'GetAttachmentTable',
  header: 'in+out',
  request: { tableFlags: u8 },
  response: {},
});
