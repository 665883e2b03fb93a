import * as attachment from './attachment.ts';
import * as fastTransfer from './fast-transfer.ts';
import * as folder from './folder.ts';
import * as message from './message.ts';
import * as notification from './notification.ts';
import * as permission from './permission.ts';
import * as property from './property.ts';
import { type AnyRop, Rop } from './rop.ts';
import * as store from './store.ts';
import * as stream from './stream.ts';
import * as synchronization from './synchronization.ts';
import * as table from './table.ts';
import * as transport from './transport.ts';

/** Every ROP that a client may send ([MS-OXCROPS] 2.2.2), by its id. All other ids are reserved. */
export const ROPS: ReadonlyMap<number, AnyRop> = new Map(
  [
    attachment,
    fastTransfer,
    folder,
    message,
    notification,
    permission,
    property,
    store,
    stream,
    synchronization,
    table,
    transport,
  ]
    .flatMap((family): readonly unknown[] => Object.values(family))
    .filter((declared): declared is AnyRop => declared instanceof Rop)
    .map((rop) => [rop.id, rop]),
);
