import { type Cursor, Writer } from '@rpch/rpc/internal';
import type { Field, Scope } from './field.ts';
import { bin16, bool, objectId, reserved, u8, u16, u32 } from './primitives.ts';
import { defineRop } from './rop.ts';
import { when } from './structures.ts';
import { propertyValues, text8 } from './values.ts';

/** [MS-OXCROPS] 2.2.7.1 */
export const SubmitMessage = defineRop({
  id: 0x32,
  name: 'SubmitMessage',
  header: 'in',
  request: { submitFlags: u8 },
  response: {},
});

/** [MS-OXCROPS] 2.2.7.2 */
export const AbortSubmit = defineRop({
  id: 0x34,
  name: 'AbortSubmit',
  header: 'in',
  request: { folderId: objectId, messageId: objectId },
  response: {},
});

/** AddressTypeCount, then AddressTypeSize, which counts the bytes of the strings ([MS-OXCROPS] 2.2.7.3.2). */
const addressTypes: Field<readonly string[]> = {
  read(cursor: Cursor, scope: Scope): readonly string[] {
    const count = cursor.u16();
    const strings = cursor.sub(cursor.u16());
    const types: string[] = [];
    while (types.length < count) types.push(text8.read(strings, scope));
    return types;
  },
  write(writer: Writer, value: readonly string[], scope: Scope): void {
    const strings = new Writer();
    for (const type of value) text8.write(strings, type, scope);
    u16.write(writer, value.length, scope);
    bin16.write(writer, strings.finish(), scope);
  },
};

/** [MS-OXCROPS] 2.2.7.3 */
export const GetAddressTypes = defineRop({
  id: 0x49,
  name: 'GetAddressTypes',
  header: 'in',
  request: {},
  response: { addressTypes },
});

/** [MS-OXCROPS] 2.2.7.4 */
export const SetSpooler = defineRop({ id: 0x47, name: 'SetSpooler', header: 'in', request: {}, response: {} });

/** [MS-OXCROPS] 2.2.7.5 */
export const SpoolerLockMessage = defineRop({
  id: 0x48,
  name: 'SpoolerLockMessage',
  header: 'in',
  request: { messageId: objectId, lockState: u8 },
  response: {},
});

/** [MS-OXCROPS] 2.2.7.6 */
export const TransportSend = defineRop({
  id: 0x4a,
  name: 'TransportSend',
  header: 'in',
  request: {},
  response: {
    noPropertiesReturned: bool,
    propertyValues: when((earlier) => earlier.noPropertiesReturned === false, propertyValues),
  },
});

/** [MS-OXCROPS] 2.2.7.7 */
export const TransportNewMail = defineRop({
  id: 0x51,
  name: 'TransportNewMail',
  header: 'in',
  request: { messageId: objectId, folderId: objectId, messageClass: text8, messageFlags: u32 },
  response: {},
});

/** [MS-OXCROPS] 2.2.7.8 */
export const GetTransportFolder = defineRop({
  id: 0x6d,
  name: 'GetTransportFolder',
  header: 'in',
  request: {},
  response: { folderId: objectId },
});

/** [MS-OXCROPS] 2.2.7.9 */
export const OptionsData = defineRop({
  id: 0x6f,
  name: 'OptionsData',
  header: 'in',
  request: { addressType: text8, wantWin32: bool },
  response: {
    reserved: reserved(u8, 1),
    optionsInfo: bin16,
    helpFile: bin16,
    helpFileName: when((earlier) => earlier.helpFile instanceof Uint8Array && earlier.helpFile.length > 0, text8),
  },
});
