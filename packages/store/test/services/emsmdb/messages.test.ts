import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { type ObjectId, objectId } from '../../../src/mapi/object-id.ts';
import { type Properties, type PropertyTag, PropertyType, propertyTag, withType } from '../../../src/mapi/property.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { recipientProperties, recipientRow } from '../../../src/mapi/recipient-row.ts';
import {
  CreateAttachment,
  DeleteAttachment,
  GetAttachmentTable,
  OpenAttachment,
  SaveChangesAttachment,
} from '../../../src/mapi/rops/attachment.ts';
import { OpenFolder } from '../../../src/mapi/rops/folder.ts';
import {
  CreateMessage,
  GetMessageStatus,
  ModifyRecipients,
  OpenEmbeddedMessage,
  OpenMessage,
  ReadRecipients,
  ReloadCachedInformation,
  RemoveAllRecipients,
  SaveChangesMessage,
  SetMessageReadFlag,
  SetMessageStatus,
  SetReadFlags,
} from '../../../src/mapi/rops/message.ts';
import {
  CopyProperties,
  CopyTo,
  DeleteProperties,
  GetPropertiesAll,
  GetPropertiesList,
  GetPropertiesSpecific,
  SetProperties,
} from '../../../src/mapi/rops/property.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import { Release } from '../../../src/mapi/rops/store.ts';
import { QueryRows, SetColumns } from '../../../src/mapi/rops/table.ts';
import { SubmitMessage } from '../../../src/mapi/rops/transport.ts';
import { type RopClient, ropOf, TestStore } from './rop-client.ts';

const INBOX = objectId(FolderId.Inbox);
const READ_WRITE = { codePageId: 0xfff, folderId: INBOX, openModeFlags: 1 };

let store: TestStore;
let alice: RopClient;
let logon: number;
beforeEach(() => {
  store = new TestStore();
  alice = store.session('alice');
  logon = alice.logon();
});
afterEach(() => store.close());

function create(): number {
  return alice.call(CreateMessage, logon, { codePageId: 0xfff, folderId: INBOX, associatedFlag: false }).handle;
}

function set(handle: number, values: Properties) {
  return alice.call(SetProperties, handle, { propertyValues: values }).response.propertyProblems;
}

function save(handle: number, saveFlags = 0x0a): ObjectId {
  return alice.call(SaveChangesMessage, handle, { saveFlags }).response.messageId;
}

function get(handle: number, ...tags: PropertyTag[]) {
  const request = { propertySizeLimit: 0, wantUnicode: true, propertyTags: tags };
  const { response } = alice.call(GetPropertiesSpecific, handle, request, tags);
  return readRows(response.rowData, 1, tags, alice.coding)[0];
}

function open(messageId: ObjectId, changes: Partial<typeof READ_WRITE> = {}) {
  return alice.call(OpenMessage, logon, { ...READ_WRITE, ...changes, messageId });
}

function saved(values: Properties = new Map([[PidTag.Subject, 'Hello']])): ObjectId {
  const handle = create();
  set(handle, values);
  return save(handle);
}

test('[MS-OXCMSG] 3.2.5.2: a new message has its defaults, and is nowhere before it is saved', () => {
  const handle = create();
  const tags = [PidTag.MessageClass, PidTag.Importance, PidTag.MessageFlags, PidTag.HasAttachments, PidTag.Access];
  assert.deepEqual(get(handle, ...tags), [
    { value: 'IPM.Note' },
    { value: 1 },
    { value: 0x409 },
    { value: false },
    { value: 7 },
  ]);
  assert.deepEqual(store.mailbox('alice').messages.ids(FolderId.Inbox, false), []);
  const id = save(handle);
  assert.deepEqual(
    store
      .mailbox('alice')
      .messages.ids(FolderId.Inbox, false)
      .map((each) => objectId(each)),
    [id],
  );
});

test('a message that was saved is opened with its subject and recipients', () => {
  const handle = create();
  set(handle, new Map([[PidTag.Subject, 'RE: Grüße 日本']]));
  const columns = [PidTag.SmtpAddress];
  const row = (rowId: number, name: string) => {
    const properties = new Map([
      [PidTag.AddressType, 'SMTP'],
      [PidTag.EmailAddress, `${name}@example.org`],
      [PidTag.DisplayName, name],
      [PidTag.SmtpAddress, `${name}@example.org`],
    ]);
    return { rowId, recipientType: 1, recipientRow: recipientRow(properties, columns) };
  };
  alice.call(ModifyRecipients, handle, { recipientColumns: columns, recipientRows: [row(1, 'bob'), row(5, 'carol')] });
  alice.call(ModifyRecipients, handle, { recipientColumns: columns, recipientRows: [row(1, 'bert')] });
  assert.deepEqual(get(handle, PidTag.DisplayTo), [{ value: 'bert; carol' }]);
  const id = save(handle);

  const { response, handle: opened } = open(id);
  assert.deepEqual([response.subjectPrefix, response.normalizedSubject], ['RE: ', 'Grüße 日本']);
  assert.equal(response.recipientCount, 2);
  const [first] = response.recipientRows;
  assert.ok(first);
  const properties = recipientProperties(first.recipientRow, response.recipientColumns, '');
  assert.equal(properties.get(PidTag.SmtpAddress), 'bert@example.org');
  assert.equal(properties.get(PidTag.AddressType), 'SMTP');

  const read = alice.call(ReadRecipients, opened, { rowId: 1 }, response.recipientColumns).response.recipientRows;
  assert.deepEqual(
    read.map(({ rowId, recipientRow: { displayName } }) => [rowId, displayName]),
    [[1, 'carol']],
  );
  assert.equal(alice.fails(ReadRecipients, opened, { rowId: 2 }), 'NotFound');
  alice.call(ModifyRecipients, opened, { recipientColumns: [], recipientRows: [{ rowId: 1, recipientType: 1 }] });
  assert.deepEqual(get(opened, PidTag.DisplayTo), [{ value: 'bert' }]);
  alice.call(RemoveAllRecipients, opened, {});
  assert.deepEqual(get(opened, PidTag.DisplayTo), [{ value: '' }]);
  assert.equal(open(id).response.recipientCount, 2, 'not saved');
});

test('[MS-OXCPRPT] 3.2.5.1: what is missing is NotFound in its cell, Unspecified tells its type', () => {
  const handle = create();
  set(handle, new Map([[PidTag.Subject, 'Hello']]));
  const unspecified = withType(PidTag.Subject, PropertyType.Unspecified);
  const string8 = withType(PidTag.Subject, PropertyType.String8);
  assert.deepEqual(get(handle, PidTag.Body, unspecified, string8, withType(PidTag.Subject, PropertyType.Binary)), [
    { error: 0x8004010f },
    { value: 'Hello', type: PropertyType.String },
    { value: 'Hello' },
    { error: 0x8004010f },
  ]);
});

test('a value that is too large for the answer is NotEnoughMemory in its place, in a row and in all', () => {
  const handle = create();
  set(
    handle,
    new Map([
      [PidTag.Subject, 'Hello'],
      [PidTag.Body, 'x'.repeat(15_000)],
    ]),
  );
  save(handle);
  const notEnoughMemory = { error: 0x8007000e };
  assert.deepEqual(get(handle, PidTag.Subject, PidTag.Body), [{ value: 'Hello' }, notEnoughMemory]);
  const limited = { propertySizeLimit: 8, wantUnicode: true, propertyTags: [PidTag.Subject] };
  const { response } = alice.call(GetPropertiesSpecific, handle, limited, [PidTag.Subject]);
  assert.deepEqual(readRows(response.rowData, 1, [PidTag.Subject], alice.coding)[0], [notEnoughMemory]);
  const all = alice.call(GetPropertiesAll, handle, { propertySizeLimit: 0, wantUnicode: false }).response;
  assert.equal(all.propertyValues.get(withType(PidTag.Body, PropertyType.ErrorCode)), 0x8007000e);
  const tags = alice.call(GetPropertiesList, handle, {}).response.propertyTags;
  assert.ok(tags.includes(PidTag.Body) && tags.includes(PidTag.Subject));
});

test('properties are set, replaced by another type, and deleted; what is read-only is a problem', () => {
  const handle = create();
  const asInteger = propertyTag(0x6001, PropertyType.Integer32);
  const asText = propertyTag(0x6001, PropertyType.String);
  set(handle, new Map([[asInteger, 7]]));
  set(handle, new Map([[asText, 'seven']]));
  assert.deepEqual(get(handle, asInteger, asText), [{ error: 0x8004010f }, { value: 'seven' }]);
  save(handle);
  assert.deepEqual(get(handle, asInteger, asText), [{ error: 0x8004010f }, { value: 'seven' }]);
  const problems = set(
    handle,
    new Map<PropertyTag, string | Uint8Array>([
      [PidTag.Subject, 'x'],
      [PidTag.EntryId, new Uint8Array(4)],
      [PidTag.ChangeKey, new Uint8Array(22)],
    ]),
  );
  assert.deepEqual(
    problems.map(({ index, tag }) => [index, tag]),
    [
      [1, PidTag.EntryId],
      [2, PidTag.ChangeKey],
    ],
  );
  alice.call(DeleteProperties, handle, { propertyTags: [asText] });
  assert.deepEqual(get(handle, asText), [{ error: 0x8004010f }]);
  save(handle);
  assert.deepEqual(get(handle, asText), [{ error: 0x8004010f }]);
});

test('[MS-OXCMSG] 3.2.5.3: who saves second is refused unless he forces it; who opened to read cannot', () => {
  const id = saved();
  const first = open(id).handle;
  const second = open(id).handle;
  set(first, new Map([[PidTag.Importance, 2]]));
  set(second, new Map([[PidTag.Importance, 0]]));
  save(first);
  assert.equal(alice.fails(SaveChangesMessage, second, { saveFlags: 0x0a }), 'ObjectModified');
  save(second, 0x0c);
  assert.deepEqual(get(open(id).handle, PidTag.Importance), [{ value: 0 }]);
  const reader = open(id, { openModeFlags: 0 }).handle;
  assert.equal(
    alice.fails(SetProperties, reader, { propertyValues: new Map([[PidTag.Importance, 1]]) }),
    'AccessDenied',
  );
  assert.equal(alice.fails(SaveChangesMessage, reader, { saveFlags: 0x0a }), 'Error');
  const closed = open(id).handle;
  save(closed, 0x09);
  assert.equal(
    alice.fails(SetProperties, closed, { propertyValues: new Map([[PidTag.Importance, 1]]) }),
    'AccessDenied',
  );
});

test('what others saved is there after it is reloaded', () => {
  const id = saved();
  const first = open(id).handle;
  const second = open(id).handle;
  set(first, new Map([[PidTag.Subject, 'Changed']]));
  save(first);
  assert.deepEqual(get(second, PidTag.Subject), [{ value: 'Hello' }]);
  assert.equal(alice.call(ReloadCachedInformation, second, {}).response.normalizedSubject, 'Changed');
  assert.deepEqual(get(second, PidTag.Subject), [{ value: 'Changed' }]);
});

test('an attachment is stored with its message, and not before', () => {
  const id = saved();
  const message = open(id).handle;
  const made = alice.call(CreateAttachment, message, {});
  set(
    made.handle,
    new Map<PropertyTag, string | number | Uint8Array>([
      [PidTag.AttachMethod, 1],
      [PidTag.AttachLongFilename, 'a.txt'],
      [PidTag.AttachDataBinary, Uint8Array.of(1, 2, 3)],
    ]),
  );
  const number = made.response.attachmentId;
  assert.equal(alice.fails(OpenAttachment, message, { openAttachmentFlags: 0, attachmentId: number }), 'NotFound');
  alice.call(SaveChangesAttachment, made.handle, { saveFlags: 0x0a });
  alice.call(OpenAttachment, message, { openAttachmentFlags: 0, attachmentId: number });
  assert.equal(
    alice.fails(OpenAttachment, open(id).handle, { openAttachmentFlags: 0, attachmentId: number }),
    'NotFound',
    'not saved yet',
  );
  save(message);
  const again = open(id).handle;
  const { handle } = alice.call(OpenAttachment, again, { openAttachmentFlags: 1, attachmentId: number });
  assert.deepEqual(get(handle, PidTag.AttachLongFilename, PidTag.AttachDataBinary, PidTag.AttachNumber), [
    { value: 'a.txt' },
    { value: Uint8Array.of(1, 2, 3) },
    { value: number },
  ]);
  assert.deepEqual(get(again, PidTag.HasAttachments), [{ value: true }]);
  assert.deepEqual(rowsOf(again, [PidTag.AttachNumber, PidTag.AttachLongFilename]), [
    [{ value: number }, { value: 'a.txt' }],
  ]);
  alice.call(DeleteAttachment, again, { attachmentId: number });
  assert.deepEqual(rowsOf(again, [PidTag.AttachNumber]), []);
  save(again);
  assert.equal(alice.fails(DeleteAttachment, open(id).handle, { attachmentId: number }), 'NotFound');
});

function rowsOf(message: number, columns: readonly PropertyTag[]) {
  const table = alice.call(GetAttachmentTable, message, { tableFlags: 0 }).handle;
  alice.call(SetColumns, table, { setColumnsFlags: 0, propertyTags: columns });
  const { response } = alice.call(QueryRows, table, { queryRowsFlags: 0, forwardRead: true, rowCount: 50 }, columns);
  return readRows(response.rowData, response.rowCount, columns, alice.coding);
}

test('a message within a message is stored when it, its attachment and the message around it are saved', () => {
  const message = create();
  set(message, new Map([[PidTag.Subject, 'Outer']]));
  const attachment = alice.call(CreateAttachment, message, {});
  const embedded = alice.call(OpenEmbeddedMessage, attachment.handle, { codePageId: 0xfff, openModeFlags: 2 }).handle;
  set(embedded, new Map([[PidTag.Subject, 'Inner']]));
  const inner = alice.call(CreateAttachment, embedded, {});
  set(inner.handle, new Map([[PidTag.AttachLongFilename, 'deep.bin']]));
  alice.call(SaveChangesAttachment, inner.handle, { saveFlags: 0x0a });
  save(embedded);
  alice.call(SaveChangesAttachment, attachment.handle, { saveFlags: 0x0a });
  const id = save(message);

  const outer = open(id).handle;
  const opened = alice.call(OpenAttachment, outer, {
    openAttachmentFlags: 1,
    attachmentId: attachment.response.attachmentId,
  });
  assert.deepEqual(get(opened.handle, PidTag.AttachMethod), [{ value: 5 }]);
  const read = alice.call(OpenEmbeddedMessage, opened.handle, { codePageId: 0xfff, openModeFlags: 1 });
  assert.equal(read.response.normalizedSubject, 'Inner');
  assert.deepEqual(rowsOf(read.handle, [PidTag.AttachLongFilename]), [[{ value: 'deep.bin' }]]);
  set(read.handle, new Map([[PidTag.Subject, 'Changed']]));
  save(read.handle);
  alice.call(SaveChangesAttachment, opened.handle, { saveFlags: 0x0a });
  save(outer);
  const last = alice.call(OpenAttachment, open(id).handle, {
    openAttachmentFlags: 0,
    attachmentId: attachment.response.attachmentId,
  });
  const once = alice.call(OpenEmbeddedMessage, last.handle, { codePageId: 0xfff, openModeFlags: 0 });
  assert.equal(once.response.normalizedSubject, 'Changed');
  assert.deepEqual(rowsOf(once.handle, [PidTag.AttachLongFilename]), [[{ value: 'deep.bin' }]]);
});

test('read flags and status', () => {
  const id = saved();
  const folder = alice.call(OpenFolder, logon, { folderId: INBOX, openModeFlags: 0 }).handle;
  const { messages } = store.mailbox('alice');
  const isRead = () =>
    ((messages.get(messages.ids(FolderId.Inbox, false)[0] ?? 0)?.properties.get(PidTag.MessageFlags) as number) & 1) ===
    1;
  assert.equal(isRead(), true);
  const { response } = alice.call(SetReadFlags, folder, {
    wantAsynchronous: false,
    readFlags: 4,
    messageIds: [id, id + 0x10000n],
  });
  assert.equal(response.partialCompletion, true);
  assert.equal(isRead(), false);
  alice.call(SetMessageReadFlag, open(id).handle, { readFlags: 0 });
  assert.equal(isRead(), true);
  alice.call(SetReadFlags, folder, { wantAsynchronous: false, readFlags: 4, messageIds: [] });
  assert.equal(isRead(), false);
  const status = { messageId: id, messageStatusFlags: 0x6, messageStatusMask: 0x2 };
  assert.equal(alice.call(SetMessageStatus, folder, status).response.messageStatusFlags, 0);
  assert.equal(alice.call(GetMessageStatus, folder, { messageId: id }).response.messageStatusFlags, 2);
  assert.equal(alice.fails(GetMessageStatus, folder, { messageId: id + 0x10000n }), 'NotFound');
});

test('[MS-OXCPRPT] 3.2.5.8: properties, recipients and attachments are copied to another message', () => {
  const source = create();
  set(
    source,
    new Map([
      [PidTag.Subject, 'Source'],
      [PidTag.Body, 'text'],
    ]),
  );
  const attachment = alice.call(CreateAttachment, source, {});
  set(attachment.handle, new Map([[PidTag.AttachLongFilename, 'a.txt']]));
  alice.call(SaveChangesAttachment, attachment.handle, { saveFlags: 0x0a });
  const copied = create();
  const request = { sourceHandleIndex: 0, destHandleIndex: 1, wantAsynchronous: false, copyFlags: 0 };
  const call = ropOf(CopyTo, { ...request, wantSubObjects: true, excludedTags: [PidTag.Body] });
  alice.payloads([call], [source, copied]);
  assert.deepEqual(get(copied, PidTag.Subject, PidTag.Body), [{ value: 'Source' }, { error: 0x8004010f }]);
  assert.deepEqual(rowsOf(copied, [PidTag.AttachLongFilename]), [[{ value: 'a.txt' }]]);
  alice.payloads([ropOf(CopyProperties, { ...request, propertyTags: [PidTag.Body] })], [source, copied]);
  assert.deepEqual(get(copied, PidTag.Body), [{ value: 'text' }]);
});

test('what is not supported yet is read whole, and answered so', () => {
  const message = create();
  assert.equal(alice.fails(SubmitMessage, message, { submitFlags: 0 }), 'NotSupported');
});

test('memory that messages, recipients and attachments take is given back when they are closed', () => {
  const before = alice.session.allowance.memory;
  assert.equal(before, 0);
  const message = create();
  set(message, new Map([[PidTag.Body, 'x'.repeat(10_000)]]));
  const attachment = alice.call(CreateAttachment, message, {});
  const embedded = alice.call(OpenEmbeddedMessage, attachment.handle, { codePageId: 0xfff, openModeFlags: 2 }).handle;
  set(embedded, new Map([[PidTag.Body, 'y'.repeat(10_000)]]));
  save(embedded);
  alice.call(SaveChangesAttachment, attachment.handle, { saveFlags: 0x0a });
  assert.ok(alice.session.allowance.memory > 60_000);
  save(message);
  const read = alice.session.allowance.memory;
  for (const handle of [embedded, attachment.handle, message]) {
    alice.payloads([ropOf(Release, { inputHandleIndex: 0 })], [handle]);
  }
  assert.ok(read > 0);
  assert.equal(alice.session.allowance.memory, 0);
});
