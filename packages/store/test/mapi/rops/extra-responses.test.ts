import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cursor, ProtocolError } from '@rpch/rpc/internal';
import fc from 'fast-check';
import {
  Backoff,
  BufferTooSmall,
  type ExtraResponse,
  Notify,
  Pending,
} from '../../../src/mapi/rops/extra-responses.ts';
import type { Earlier, Fields } from '../../../src/mapi/rops/field.ts';
import { hex, read, refusesEveryPrefix, survives, WESTERN, written } from '../support.ts';
import { CODING, valuesOf } from './arbitraries.ts';

const FID = 0x0d00_0000_0000_0001n;
const MID = 0x0e00_0000_0000_0001n;
const FID_BYTES = '0100 00000000000d';
const MID_BYTES = '0100 00000000000e';
const NOTIFY = '2a 05000000 07';

const vectors: readonly (readonly [string, ExtraResponse<Fields>, string, Earlier])[] = [
  ['pending', Pending, '6e 0300', { sessionIndex: 3 }],
  ['too small', BufferTooSmall, 'ff 0080 01 00 02', { sizeNeeded: 0x8000, requestBuffers: hex('010002') }],
  [
    'backoff',
    Backoff,
    'f9 07 e8030000 01 15 d0070000 0000',
    {
      logonId: 7,
      duration: 1000,
      backoffRopData: [{ ropIdBackoff: 0x15, duration: 2000 }],
      additionalData: hex(''),
    },
  ],
  // [MS-OXCNOTIF] 2.2.1.4.1.2, kind by kind.
  [
    'new mail',
    Notify,
    `${NOTIFY} 0280 ${FID_BYTES} ${MID_BYTES} 02000000 00 49504d00`,
    notified({
      notificationFlags: 0x8002,
      folderId: FID,
      messageId: MID,
      messageFlags: 2,
      unicodeFlag: false,
      messageClass: 'IPM',
    }),
  ],
  [
    'a folder was made',
    Notify,
    `${NOTIFY} 0400 ${FID_BYTES} ${MID_BYTES} 0100 1f000130`,
    notified({ notificationFlags: 0x0004, folderId: FID, parentFolderId: MID, tags: [0x3001_001f] }),
  ],
  [
    'a message was made: without a parent, and not in a search folder',
    Notify,
    `${NOTIFY} 0480 ${FID_BYTES} ${MID_BYTES} ffff`,
    notified({ notificationFlags: 0x8004, folderId: FID, messageId: MID, tags: 'unspecified' }),
  ],
  [
    'a folder was changed, with its counts',
    Notify,
    `${NOTIFY} 1030 ${FID_BYTES} 0000 0a000000 03000000`,
    notified({ notificationFlags: 0x3010, folderId: FID, tags: [], totalMessageCount: 10, unreadMessageCount: 3 }),
  ],
  [
    'a message was deleted in a search folder',
    Notify,
    `${NOTIFY} 08c0 ${FID_BYTES} ${MID_BYTES} ${FID_BYTES}`,
    notified({ notificationFlags: 0xc008, folderId: FID, messageId: MID, parentFolderId: FID }),
  ],
  [
    'a message was moved',
    Notify,
    `${NOTIFY} 2080 ${FID_BYTES} ${MID_BYTES} ${FID_BYTES} ${MID_BYTES}`,
    notified({ notificationFlags: 0x8020, folderId: FID, messageId: MID, oldFolderId: FID, oldMessageId: MID }),
  ],
  [
    'a folder was copied',
    Notify,
    `${NOTIFY} 4000 ${FID_BYTES} ${MID_BYTES} ${FID_BYTES} ${MID_BYTES}`,
    notified({
      notificationFlags: 0x0040,
      folderId: FID,
      parentFolderId: MID,
      oldFolderId: FID,
      oldParentFolderId: MID,
    }),
  ],
  ['a table was changed', Notify, `${NOTIFY} 0001 0100`, notified({ notificationFlags: 0x0100, tableEventType: 1 })],
  [
    'a row was added to a contents table',
    Notify,
    `${NOTIFY} 0081 0300 ${FID_BYTES} ${MID_BYTES} 00000000 ${FID_BYTES} 0000000000000000 01000000 0200 00aa`,
    notified({
      notificationFlags: 0x8100,
      tableEventType: 3,
      tableRowFolderId: FID,
      tableRowMessageId: MID,
      tableRowInstance: 0,
      insertAfterTableRowFolderId: FID,
      insertAfterTableRowId: 0n,
      insertAfterTableRowInstance: 1,
      tableRowData: hex('00aa'),
    }),
  ],
  [
    'a row was deleted from a hierarchy table',
    Notify,
    `${NOTIFY} 0001 0400 ${FID_BYTES}`,
    notified({ notificationFlags: 0x0100, tableEventType: 4, tableRowFolderId: FID }),
  ],
];

function notified(notificationData: Earlier): Earlier {
  return { notificationHandle: 5, logonId: 7, notificationData };
}

for (const [name, response, bytes, values] of vectors) {
  test(name, () => {
    assert.deepEqual(
      written((writer) => response.write(writer, values, WESTERN)),
      hex(bytes),
    );
    assert.deepEqual(
      read(hex(bytes).subarray(1), (cursor) => response.read(cursor, WESTERN)),
      values,
    );
  });
}

for (const response of [Notify, Pending, Backoff, BufferTooSmall] as readonly ExtraResponse<Fields>[]) {
  test(`Rop${response.name} with whatever its fields allow`, () => {
    fc.assert(
      fc.property(valuesOf(response.fields), (values) => {
        const bytes = written((writer) => response.write(writer, values, CODING)).slice(1);
        assert.deepEqual(
          read(bytes, (cursor) => response.read(cursor, CODING)),
          values,
        );
        if (response.id === BufferTooSmall.id) {
          assert.throws(() => response.read(new Cursor(bytes.subarray(0, 1), 'test'), CODING), ProtocolError);
        } else refusesEveryPrefix(bytes, (cursor) => response.read(cursor, CODING));
      }),
      { numRuns: 200 },
    );
    survives((cursor) => response.read(cursor, CODING));
  });
}
