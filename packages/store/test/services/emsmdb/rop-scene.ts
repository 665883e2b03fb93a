import assert from 'node:assert/strict';
import { Cursor } from '@rpch/rpc/internal';
import { FolderId } from '../../../src/mailbox/folder-ids.ts';
import { ErrorCode } from '../../../src/mapi/error-code.ts';
import { objectId } from '../../../src/mapi/object-id.ts';
import { PidTag } from '../../../src/mapi/property-tags.ts';
import { recipientRow } from '../../../src/mapi/recipient-row.ts';
import { NO_HANDLE } from '../../../src/mapi/rop-buffer.ts';
import * as attachment from '../../../src/mapi/rops/attachment.ts';
import { Notify } from '../../../src/mapi/rops/extra-responses.ts';
import * as folder from '../../../src/mapi/rops/folder.ts';
import * as message from '../../../src/mapi/rops/message.ts';
import * as property from '../../../src/mapi/rops/property.ts';
import type { AnyRop, RequestOf } from '../../../src/mapi/rops/rop.ts';
import { readRows } from '../../../src/mapi/rops/row-data.ts';
import * as stream from '../../../src/mapi/rops/stream.ts';
import * as table from '../../../src/mapi/rops/table.ts';
import type { RopClient, TestStore } from './rop-client.ts';

const INBOX = objectId(FolderId.Inbox);

/** What a ROP may be called on. */
export const OBJECT_KINDS = [
  'logon',
  'folder',
  'search',
  'message',
  'attachment',
  'embedding',
  'table',
  'stream',
] as const;
export type ObjectKind = (typeof OBJECT_KINDS)[number];

/** A mailbox with one of each kind of object open, and what is in it. */
export interface Scene {
  readonly client: RopClient;
  readonly handles: Readonly<Record<ObjectKind, number>>;
  /** Others of the same kinds, to copy to. */
  readonly others: Readonly<Partial<Record<ObjectKind, number>>>;
  readonly messageId: bigint;
  readonly subfolderId: bigint;
  readonly bookmark: Uint8Array;
  /** Ids of the table's categories, of which the first alone is expanded. */
  readonly categories: readonly bigint[];
  readonly collapseState: Uint8Array;
}

type Request<R extends Parameters<RopClient['call']>[0]> = Omit<RequestOf<R>, keyof typeof INDEXES>;

/** What the fields of a request are called that say which handle is meant. */
const INDEXES = {
  logonId: 0,
  inputHandleIndex: 0,
  outputHandleIndex: 1,
  responseHandleIndex: 0,
  sourceHandleIndex: 0,
  destHandleIndex: 1,
} as const;

/** A request of a ROP that a client could send to an object of the scene. */
export interface RopSample {
  readonly rop: AnyRop;
  readonly kind: ObjectKind;
  request(scene: Scene): Readonly<Record<string, unknown>>;
}

/** The kind of object that a ROP is for, and a request for it. */
export function sample<R extends Parameters<RopClient['call']>[0]>(
  rop: R,
  kind: ObjectKind,
  request: Request<R> | ((scene: Scene) => Request<R>),
): RopSample {
  return { rop: rop as unknown as AnyRop, kind, request: typeof request === 'function' ? request : () => request };
}

/** Opens everything that the samples need, in a mailbox of alice's that is new. */
export function openScene(at: TestStore): Scene {
  const client = at.session('alice');
  const logon = client.logon();
  const open = () => client.call(folder.OpenFolder, logon, { folderId: INBOX, openModeFlags: 0 }).handle;
  const inbox = open();
  const create = () =>
    client.call(message.CreateMessage, logon, { codePageId: 0xfff, folderId: INBOX, associatedFlag: false }).handle;
  const draft = create();
  const values = new Map([
    [PidTag.Subject, 'A sample'],
    [PidTag.SenderName, 'Bob'],
  ]);
  client.call(property.SetProperties, draft, { propertyValues: values });
  const recipientRows = [
    { rowId: 0, recipientType: 1, recipientRow: recipientRow(new Map([[PidTag.DisplayName, 'Carol']]), []) },
  ];
  client.call(message.ModifyRecipients, draft, { recipientColumns: [], recipientRows });
  const attached = client.call(attachment.CreateAttachment, draft, {}).handle;
  client.call(attachment.SaveChangesAttachment, attached, { saveFlags: 0x0a });
  const embedding = client.call(attachment.CreateAttachment, draft, {}).handle;
  const inner = client.call(message.OpenEmbeddedMessage, embedding, { codePageId: 0xfff, openModeFlags: 2 }).handle;
  client.call(message.SaveChangesMessage, inner, { saveFlags: 0x0a });
  client.call(attachment.SaveChangesAttachment, embedding, { saveFlags: 0x0a });
  const { messageId } = client.call(message.SaveChangesMessage, draft, { saveFlags: 0x0a }).response;
  const second = create();
  client.call(property.SetProperties, second, { propertyValues: new Map([[PidTag.SenderName, 'Carol']]) });
  client.call(message.SaveChangesMessage, second, { saveFlags: 0x0a });
  const { folderId } = client.call(folder.CreateFolder, inbox, {
    ...{ folderType: 1, useUnicodeStrings: true, openExisting: false, displayName: 'Below', comment: '' },
  }).response;
  const openStream = (object: number) =>
    client.call(stream.OpenStream, object, { propertyTag: PidTag.Html, openModeFlags: 2 }).handle;
  const written = openStream(draft);
  client.call(stream.WriteStream, written, { data: Buffer.from('<p>text</p>') });
  client.call(stream.SeekStream, written, { origin: 0, offset: 0n });
  const search = openSearch(client, logon);
  const handles = { logon, folder: inbox, search, message: draft, attachment: attached, embedding, stream: written };
  const others = { folder: open(), message: second, stream: openStream(second) };
  return { client, messageId, subfolderId: folderId, others, ...openTable(client, handles) };
}

/** Makes a search folder of what has a subject. */
function openSearch(client: RopClient, logon: number): number {
  const finder = client.call(folder.OpenFolder, logon, {
    folderId: objectId(FolderId.Finder),
    openModeFlags: 0,
  }).handle;
  const { handle } = client.call(folder.CreateFolder, finder, {
    ...{ folderType: 2, useUnicodeStrings: true, openExisting: false, displayName: 'Found', comment: '' },
  });
  const restrictionData = { kind: 'exist', tag: PidTag.Subject } as const;
  client.call(folder.SetSearchCriteria, handle, { restrictionData, folderIds: [INBOX], searchFlags: 0 });
  return handle;
}

/** Opens a contents table by sender, and puts its cursor behind the first row. */
function openTable(client: RopClient, handles: Omit<Scene['handles'], 'table'>) {
  const contents = client.call(folder.GetContentsTable, handles.folder, { tableFlags: 0 }).handle;
  const columns = [PidTag.InstID];
  client.call(table.SetColumns, contents, { setColumnsFlags: 0, propertyTags: columns });
  const orders = [{ tag: PidTag.SenderName, order: 0 }];
  const sortOrders = { orders, categories: 1, expanded: 0 };
  client.call(table.SortTable, contents, { sortTableFlags: 0, sortOrders });
  const query = { queryRowsFlags: 0, forwardRead: true, rowCount: 50 };
  const { rowCount, rowData } = client.call(table.QueryRows, contents, query, columns).response;
  const categories = readRows(rowData, rowCount, columns, client.coding).map(([cell]) => {
    assert.ok(typeof cell === 'object' && 'value' in cell && typeof cell.value === 'bigint');
    return BigInt.asUintN(64, cell.value);
  });
  const [first = 0n] = categories;
  client.call(table.ExpandRow, contents, { maxRowCount: 0, categoryId: first });
  const state = { rowId: first, rowInstanceNumber: 0 };
  const { collapseState } = client.call(table.GetCollapseState, contents, state).response;
  client.call(table.SeekRow, contents, { origin: 0, rowCount: 1, wantRowMovedCount: false });
  const { bookmark } = client.call(table.CreateBookmark, contents, {}).response;
  return { handles: { ...handles, table: contents }, categories, collapseState, bookmark };
}

/** Sends a sample on the object that it is for, or another; its return value, undefined where a ROP has no response. */
export function send({ rop, kind, request }: RopSample, scene: Scene, on: ObjectKind = kind): number | undefined {
  const indexes = rop.header === 'logon' ? { ...INDEXES, outputHandleIndex: 0 } : INDEXES;
  const call = { rop, request: { ...indexes, ...request(scene) } };
  const other = (rop.header === 'source+dest' ? scene.others[kind] : undefined) ?? NO_HANDLE;
  const [payload] = scene.client.payloads([call], [scene.handles[on], other]);
  assert.ok(payload);
  if (!rop.hasResponse) {
    assert.equal(payload.ropsList.length, 0);
    return undefined;
  }
  const cursor = new Cursor(payload.ropsList, 'response');
  assert.equal(cursor.u8(), rop.responseId);
  const columns = rop.columnsOf(call.request);
  const { returnValue } = rop.readResponse(cursor, { ...scene.client.coding, ...(columns && { columns }) });
  // The open table is told of what was changed.
  if (cursor.remaining > 0) assert.equal(cursor.u8(), Notify.id, `Rop${rop.name} is not all of its answer`);
  // What was made is in its slot, and only then.
  const makes = rop.header === 'in+out' || rop.header === 'logon';
  if (makes) assert.equal(payload.handles[indexes.outputHandleIndex] !== NO_HANDLE, returnValue === ErrorCode.Success);
  return returnValue;
}
