import { ErrorCode, type ObjectId, PidTag } from '@rpch/store/client';
import {
  CreateFolder,
  CreateMessage,
  DeleteMessages,
  EmptyFolder,
  errorName,
  GetContentsTable,
  GetPermissionsTable,
  ModifyPermissions,
  MoveCopyMessages,
  OpenFolder,
  OpenMessage,
  Right,
  SaveChangesMessage,
  SetProperties,
  SetReadFlags,
} from '@rpch/store/internal';
import type { RopSender } from './mail-rops.ts';
import type { MailScene } from './mail-scene.ts';
import type { MailTally } from './mail-tally.ts';

const { ReadAny, Create, EditOwned, DeleteOwned, EditAny, DeleteAny, CreateSubfolder, FolderOwner, FolderContact } =
  Right;
const SEES = Right.FolderVisible;

/** Rights that alice gives, one after the other: each right alone, and what belongs together. */
export const RIGHTS_CASES: readonly number[] = [
  SEES,
  ReadAny,
  SEES | ReadAny,
  SEES | Create,
  SEES | ReadAny | Create | EditOwned,
  SEES | ReadAny | Create | DeleteOwned,
  SEES | EditAny,
  SEES | DeleteAny,
  SEES | ReadAny | EditAny,
  SEES | CreateSubfolder,
  FolderOwner,
  FolderContact,
  SEES | ReadAny | DeleteAny,
  0,
];

export interface Delegate {
  readonly mallory: RopSender;
  /** His logon to alice's mailbox. */
  readonly logon: number;
  /** What he may do in the shared folder. */
  readonly rights: number;
}

/** Tries in the shared folder all that there is a right for; what is done without it, or refused with it, is a finding. */
export async function probeRights(
  scene: MailScene,
  tally: MailTally,
  { mallory, logon, rights }: Delegate,
): Promise<void> {
  const { shared, sharedMessages } = scene.alice;
  const has = (...wanted: readonly number[]) => wanted.every((right) => (rights & right) !== 0);
  const sees = has(SEES) || has(FolderOwner);
  const reads = sees && has(ReadAny);
  const check = async (what: string, may: boolean, attempt: () => Promise<number>) => {
    const result = await tally.result(attempt);
    if ((result === 0) !== may) tally.found(`${what} with rights 0x${rights.toString(16)}: ${errorName(result)}`);
  };
  const { handle: folder, returnValue } = await mallory.rop(OpenFolder, logon, { folderId: shared, openModeFlags: 0 });
  await check('RopOpenFolder', sees, async () => returnValue);
  if (!sees) return;
  const table = { tableFlags: 0 };
  await check(
    'RopGetContentsTable',
    reads,
    async () => (await mallory.rop(GetContentsTable, folder, table)).returnValue,
  );
  const [hers = 0n] = sharedMessages;
  await check('RopOpenMessage', reads, async () => (await openMessage(mallory, logon, shared, hers, 0)).returnValue);
  const edits = reads && has(EditAny);
  await check('editing her message', edits, () => edit(mallory, logon, shared, hers));
  const flags = { wantAsynchronous: false, readFlags: 4, messageIds: [hers] };
  await check('RopSetReadFlags', edits, async () => partial(await mallory.rop(SetReadFlags, folder, flags)));
  await check('RopEmptyFolder', has(DeleteAny), async () => {
    // Only where it must be refused: what was deleted is not there for what follows.
    if (has(DeleteAny)) return 0;
    return (await mallory.rop(EmptyFolder, folder, { wantAsynchronous: false, wantDeleteAssociated: true }))
      .returnValue;
  });
  const sub = {
    folderType: 1,
    useUnicodeStrings: true,
    openExisting: false,
    displayName: `Sub ${rights}`,
    comment: '',
  };
  const subfolder = async () => (await mallory.rop(CreateFolder, folder, sub)).returnValue;
  await check('RopCreateFolder', has(CreateSubfolder), subfolder);
  const owner = has(FolderOwner);
  const permissions = async () => (await mallory.rop(GetPermissionsTable, folder, table)).returnValue;
  await check('RopGetPermissionsTable', owner, permissions);
  const change = { modifyFlags: 0, permissionsData: [] };
  await check(
    'RopModifyPermissions',
    owner,
    async () => (await mallory.rop(ModifyPermissions, folder, change)).returnValue,
  );
  const comment = { propertyValues: new Map([[PidTag.Comment, 'x']]) };
  await check(
    'RopSetProperties of the folder',
    owner,
    async () => (await mallory.rop(SetProperties, folder, comment)).returnValue,
  );
  const copy = { messageIds: [hers], wantAsynchronous: false, wantCopy: true };
  await check('RopMoveCopyMessages within the folder', reads && has(Create), async () => {
    return partial(await mallory.rop(MoveCopyMessages, folder, copy, { to: folder }));
  });
  await probeOwn(scene, check, { mallory, logon, rights }, folder);
  const gone = { wantAsynchronous: false, notifyNonRead: false, messageIds: sharedMessages.slice(1, 2) };
  // The last case but one: her second message goes.
  await check('RopDeleteMessages', reads && has(DeleteAny), async () =>
    partial(await mallory.rop(DeleteMessages, folder, gone)),
  );
}

type Check = (what: string, may: boolean, attempt: () => Promise<number>) => Promise<void>;

/** A message that he makes himself. */
async function probeOwn(
  scene: MailScene,
  check: Check,
  { mallory, logon, rights }: Delegate,
  folder: number,
): Promise<void> {
  const { shared } = scene.alice;
  const has = (right: number) => (rights & right) !== 0;
  let own: ObjectId = 0n;
  await check('making a message', has(Create), async () => {
    const request = { codePageId: 0x0fff, folderId: shared, associatedFlag: false };
    const made = await mallory.rop(CreateMessage, logon, request);
    if (made.returnValue !== 0) return made.returnValue;
    const saved = await mallory.rop(SaveChangesMessage, made.handle, { saveFlags: 0x0a });
    if (saved.response.ok) own = saved.response.messageId;
    return saved.returnValue;
  });
  if (own === 0n) return;
  await check('editing his own message', has(EditOwned) || has(EditAny), () => edit(mallory, logon, shared, own));
  const gone = { wantAsynchronous: false, notifyNonRead: false, messageIds: [own] };
  await check('deleting his own message', has(DeleteOwned) || has(DeleteAny), async () => {
    return partial(await mallory.rop(DeleteMessages, folder, gone));
  });
}

function openMessage(
  mallory: RopSender,
  logon: number,
  folderId: ObjectId,
  messageId: ObjectId,
  openModeFlags: number,
) {
  return mallory.rop(OpenMessage, logon, { codePageId: 0x0fff, folderId, openModeFlags, messageId });
}

async function edit(mallory: RopSender, logon: number, folder: ObjectId, message: ObjectId): Promise<number> {
  const { handle, returnValue } = await openMessage(mallory, logon, folder, message, 1);
  if (returnValue !== 0) return returnValue;
  const set = await mallory.rop(SetProperties, handle, { propertyValues: new Map([[PidTag.Comment, 'changed']]) });
  if (set.returnValue !== 0) return set.returnValue;
  return (await mallory.rop(SaveChangesMessage, handle, { saveFlags: 0x0e })).returnValue;
}

/** A ROP on several messages that has not done all is one that was refused. */
function partial({ response, returnValue }: { readonly response: object; readonly returnValue: number }): number {
  const { partialCompletion } = response as { readonly partialCompletion?: boolean };
  return returnValue === 0 && partialCompletion === true ? ErrorCode.AccessDenied : returnValue;
}
