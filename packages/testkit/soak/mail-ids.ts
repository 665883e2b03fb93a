import type { ObjectId } from '@rpch/store/client';
import { counterOf } from '@rpch/store/client';
import type { AnyRequest, AnyRop } from '@rpch/store/internal';
import type { SeededRandom } from '../src/simulation/random.ts';
import { ATTACKED_ROPS, madeUpRequest } from './mail-rops.ts';

/** Fields that name an object of a mailbox. */
const ID_FIELDS: ReadonlySet<string> = new Set([
  'folderId',
  'folderIds',
  'messageId',
  'messageIds',
  'rowId',
  'objectId',
  'longTermId',
]);
/** Made up requests of one ROP with one id: what stands beside the id makes a difference. */
const VARIANTS = 3;

/** Every ROP whose request names an object by its id. */
export const ID_ROPS: readonly AnyRop[] = ATTACKED_ROPS.filter(({ request }) =>
  Object.keys(request).some((name) => ID_FIELDS.has(name)),
);

/** Of RopRegisterNotification: everything that happens with one object. */
const SCOPE = { notificationTypes: 0x7e, reserved: undefined, wantWholeStore: false };

/** What is named. */
export interface Named {
  readonly folder: ObjectId;
  readonly message: ObjectId;
  /** The replica of long-term ids. */
  readonly guid: string;
}

/** Some requests of a ROP with these ids in every place where one can be. The same numbers give the same requests but for the ids. */
export function idRequests(rop: AnyRop, random: SeededRandom, named: Named): AnyRequest[] {
  const requests: AnyRequest[] = [];
  for (let i = 0; i < VARIANTS; i++) {
    const request = madeUpRequest(rop, random);
    if (request !== undefined) requests.push(withIds(request, named));
  }
  return requests;
}

function withIds(request: AnyRequest, { folder, message, guid }: Named): AnyRequest {
  const longTermId = (id: ObjectId) => ({ guid, counter: counterOf(id) });
  const named: Record<string, unknown> = {
    folderId: typeof request.folderId === 'bigint' ? folder : longTermId(folder),
    folderIds: [folder],
    messageId: message,
    messageIds: [message],
    rowId: typeof request.rowId === 'bigint' ? message : request.rowId,
    objectId: message,
    longTermId: longTermId(message),
  };
  const fields = Object.entries(request).map(([name, value]) => [name, name in named ? named[name] : value]);
  // A subscription to the whole mailbox names nothing in it.
  const scope = 'wantWholeStore' in request ? { ...SCOPE, folderId: folder, messageId: message } : {};
  return { logonId: request.logonId, ...Object.fromEntries(fields), ...scope };
}
