import { counterOf, ErrorCode, Mailbox, type ObjectId, objectId, PidTag, type Properties } from '@rpch/store/client';
import {
  CreateFolder,
  errorName,
  FolderId,
  formEntryId,
  GetContentsTable,
  GetHierarchyTable,
  GetPropertiesAll,
  ModifyPermissions,
  ModifyPermissionsFlags,
  MoveCopyMessages,
  NO_HANDLE,
  OpenFolder,
  OpenMessage,
  QueryNamedProperties,
  QueryRows,
  RegisterNotification,
  Right,
  RowFlags,
  SaveChangesMessage,
  SetColumns,
  SetProperties,
} from '@rpch/store/internal';
import { SeededRandom } from '../src/simulation/random.ts';
import { ID_ROPS, idRequests, type Named } from './mail-ids.ts';
import { LogExpectation } from './mail-log.ts';
import { probeRights, RIGHTS_CASES } from './mail-rights.ts';
import { type RopSender, requestBytes } from './mail-rops.ts';
import { type MailScene, SECRET } from './mail-scene.ts';
import type { MailTally } from './mail-tally.ts';

const READER = Right.FolderVisible | Right.ReadAny;
/** Ids of nothing, as far as the mailbox goes. */
const NOBODY = 0x7fff_0000;
/** Ids behind the last that there is. */
const BEYOND = 64;
/** What a delegate may open besides: where clients begin, and a calendar, which is there for everybody by default. */
const ALSO_SEEN: readonly ObjectId[] = [FolderId.Root, FolderId.IpmSubtree, FolderId.Calendar].map((id) =>
  objectId(id),
);
/** Ids of one buffer, so that its answer has room. */
const TOGETHER = 24;
/** ROPs whose answer has the id in it, whether there is such an object or not: they only reckon. */
const RECKONING: ReadonlySet<string> = new Set(['LongTermIdFromId', 'IdFromLongTermId']);

export interface DelegateOptions {
  /** Messages of alice's that are tried by every ROP; all are tried by RopOpenMessage. */
  readonly messages: number;
}

/**
 * Alice lets mallory into one folder: what he may do there is what his rights say, and everything else of hers is as if it were not
 * there, by every ROP that takes an id.
 */
export async function trespassAsDelegate(scene: MailScene, tally: MailTally, options: DelegateOptions): Promise<void> {
  const log = new LogExpectation(scene, tally);
  const alice = new Owner(scene, await scene.session('alice'));
  await alice.begin();
  const before = await alice.fingerprint();
  await alice.grant(READER);
  const mallory = await scene.session('mallory');
  const { handle: logon, returnValue } = await mallory.logon(scene.dnOf('alice'));
  if (returnValue !== 0) throw new Error(`a delegate is let in, and not refused with ${errorName(returnValue)}`);

  await alice.grant(0);
  await tally.mustBe('RopLogon after the rights were taken away', ErrorCode.AccessDenied, async () => {
    return (await mallory.logon(scene.dnOf('alice'), { logonId: 1 })).returnValue;
  });
  await alice.grant(READER);

  await openEverything(scene, tally, log, mallory, logon);
  await everyRopWithIds(scene, tally, mallory, options);
  await refusalsAreLogged(scene, tally, mallory);
  const { logon: again } = await visit(scene, mallory);
  await lookAround(scene, tally, mallory, again);
  await listen(scene, tally, alice, mallory, again);
  for (const each of RIGHTS_CASES) {
    await alice.grant(each);
    await probeRights(scene, tally, { mallory, logon: again, rights: each });
  }
  const after = await alice.fingerprint();
  if (after !== before) tally.found(`alice's mailbox has changed:\n${before}\n${after}`);
  await movedAway(scene, tally, alice, mallory, again);
  await mallory.close();
  await alice.sender.close();
  await log.check();
}

/** Alice, in her own mailbox. */
class Owner {
  readonly sender: RopSender;
  readonly #scene: MailScene;
  #logon = 0;
  #shared = 0;

  constructor(scene: MailScene, sender: RopSender) {
    this.#scene = scene;
    this.sender = sender;
  }

  async begin(): Promise<void> {
    this.#logon = (await this.sender.logon(this.#scene.dnOf('alice'))).handle;
    this.#shared = await this.open(this.#scene.alice.shared);
  }

  async open(folderId: ObjectId): Promise<number> {
    const { handle, returnValue } = await this.sender.rop(OpenFolder, this.#logon, { folderId, openModeFlags: 0 });
    if (returnValue !== 0) throw new Error(`alice opens her folder: ${errorName(returnValue)}`);
    return handle;
  }

  /** RopModifyPermissions: what mallory may do in the shared folder, and nobody else may do anything. */
  async grant(rights: number): Promise<void> {
    const dn = this.#scene.dnOf('mallory');
    const propertyValues: Properties = new Map<number, Uint8Array | number>([
      [PidTag.EntryId, formEntryId({ kind: 'address-book', type: 0, dn })],
      [PidTag.MemberRights, rights],
    ]);
    const { returnValue } = await this.sender.rop(ModifyPermissions, this.#shared, {
      modifyFlags: ModifyPermissionsFlags.ReplaceRows,
      permissionsData: [{ permissionDataFlags: RowFlags.Add, propertyValues }],
    });
    if (returnValue !== 0) throw new Error(`RopModifyPermissions of ${rights}: ${errorName(returnValue)}`);
  }

  async set(folder: ObjectId, comment: string): Promise<void> {
    const propertyValues = new Map([[PidTag.Comment, comment]]);
    await this.sender.rop(SetProperties, await this.open(folder), { propertyValues });
  }

  /** Moves a message of the shared folder to the secret one, or back. */
  async move(message: ObjectId, from: ObjectId, to: ObjectId): Promise<void> {
    const request = { messageIds: [message], wantAsynchronous: false, wantCopy: false };
    await this.sender.rop(MoveCopyMessages, await this.open(from), request, { to: await this.open(to) });
  }

  /** What her mailbox is made of, but for the shared folder. */
  async fingerprint(): Promise<string> {
    const { alice } = this.#scene;
    const mailbox = await Mailbox.open(this.sender.session, { legacyDn: this.#scene.dnOf('alice'), logonId: 7 });
    const lines: string[] = [];
    for (const { id, parent, name, messages, unread, path } of await mailbox.folders()) {
      if (id === alice.shared || (path.includes('Shared') && id !== alice.below)) continue;
      lines.push([id, parent, name, messages, unread].join(' '));
    }
    return lines.join('\n');
  }
}

/** Every folder and message by every id up to the last: what is not shared is not there, and each time that is said to the log. */
async function openEverything(
  scene: MailScene,
  tally: MailTally,
  log: LogExpectation,
  mallory: RopSender,
  logon: number,
): Promise<void> {
  const { alice } = scene;
  const seen = new Set([alice.shared, ...ALSO_SEEN]);
  const last = Math.max(...[...alice.folders, ...alice.messages].map((id) => counterOf(id)));
  const ids = Array.from({ length: last + BEYOND }, (_, counter) => objectId(counter));
  const folders = [...new Set([...alice.folders, ...ids])];
  tally.mustAllBe(
    (i) => `RopOpenFolder of ${folders[i]?.toString(16)}`,
    folders.map((id) => (seen.has(id) ? 0 : ErrorCode.NotFound)),
    await mallory.returnValues(
      OpenFolder,
      logon,
      folders.map((folderId) => ({ folderId, openModeFlags: 0 })),
    ),
  );
  log.expect('store.access.refused', alice.folders.length - seen.size);
  const shared = new Set(alice.sharedMessages);
  const messages = [...new Set([...alice.messages, ...ids])];
  tally.mustAllBe(
    (i) => `RopOpenMessage of ${messages[i]?.toString(16)}`,
    messages.map((id) => (shared.has(id) ? 0 : ErrorCode.NotFound)),
    await mallory.returnValues(
      OpenMessage,
      logon,
      messages.map((messageId) => ({ codePageId: 0x0fff, folderId: 0n, openModeFlags: 0, messageId })),
    ),
  );
  log.expect('store.access.refused', alice.messages.length);
}

/** Every ROP that takes an id, on each kind of object: what is forbidden is answered as what is not there, byte for byte. */
async function everyRopWithIds(
  scene: MailScene,
  tally: MailTally,
  mallory: RopSender,
  { messages }: DelegateOptions,
): Promise<void> {
  const { alice } = scene;
  const guid = alice.replicaGuid;
  const nobody = (i: number) => objectId(NOBODY + i);
  const folders = alice.folders.filter((id) => id !== alice.shared && !ALSO_SEEN.includes(id));
  const some = everyNth(alice.messages, messages);
  const pairs: (readonly [Named, Named])[] = [
    ...folders.map(
      (id, i) =>
        [
          { folder: id, message: alice.secretMessage, guid },
          { folder: nobody(i), message: nobody(i), guid },
        ] as const,
    ),
    ...some.map(
      (id, i) =>
        [
          { folder: alice.shared, message: id, guid },
          { folder: alice.shared, message: nobody(i), guid },
        ] as const,
    ),
    ...some.map(
      (id, i) =>
        [
          { folder: 0n, message: id, guid },
          { folder: 0n, message: nobody(i), guid },
        ] as const,
    ),
  ];
  for (const rop of ID_ROPS) {
    if (RECKONING.has(rop.name)) continue;
    for (const on of ['logon', 'folder', 'message', 'table'] as const) {
      // What is opened along the way is released by the next logon.
      const opened = await visit(scene, mallory);
      const { [on]: handle, folder } = opened;
      for (let at = 0; at < pairs.length; at += TOGETHER) {
        const chunk = pairs.slice(at, at + TOGETHER);
        const answers: Buffer[] = [];
        for (const which of [0, 1] as const) {
          const requests = chunk.flatMap((pair) => idRequests(rop, new SeededRandom(rop.id), pair[which]));
          const { responses, handles } = await mallory.send(requestBytes(rop, requests), [handle, folder, NO_HANDLE]);
          answers.push(Buffer.concat([responses, Buffer.of(handles[2] === NO_HANDLE ? 0 : 1)]));
          tally.attempts += requests.length;
        }
        const [forbidden, absent] = answers;
        if (forbidden !== undefined && absent?.equals(forbidden) === true) continue;
        tally.found(`Rop${rop.name} on a ${on} tells what is forbidden from what is not there`);
      }
    }
  }
}

/** A logon to alice's mailbox in place of the last, and what there is for him in it. */
async function visit({ alice, dnOf }: MailScene, mallory: RopSender) {
  const { handle: logon } = await mallory.logon(dnOf('alice'));
  const folder = (await mallory.rop(OpenFolder, logon, { folderId: alice.shared, openModeFlags: 0 })).handle;
  const table = (await mallory.rop(GetContentsTable, folder, { tableFlags: 0 })).handle;
  const messageId = alice.sharedMessages[0] ?? 0n;
  const request = { codePageId: 0x0fff, folderId: alice.shared, openModeFlags: 0, messageId };
  const message = (await mallory.rop(OpenMessage, logon, request)).handle;
  return { logon, folder, table, message };
}

/** ROPs that look for an object by its id, and the object that they are done on. */
const LOOKING: Readonly<Record<string, 'logon' | 'folder'>> = {
  OpenFolder: 'logon',
  OpenMessage: 'logon',
  CreateMessage: 'logon',
  RegisterNotification: 'logon',
  DeleteFolder: 'folder',
  MoveFolder: 'folder',
  CopyFolder: 'folder',
  MoveCopyMessages: 'folder',
  DeleteMessages: 'folder',
  HardDeleteMessages: 'folder',
  SetReadFlags: 'folder',
  GetMessageStatus: 'folder',
  SetMessageStatus: 'folder',
};

/** Each of those ROPs tells the log when it has refused what is there. */
async function refusalsAreLogged(scene: MailScene, tally: MailTally, mallory: RopSender): Promise<void> {
  const { secretFolder, secretMessage, replicaGuid: guid } = scene.alice;
  for (const rop of ID_ROPS) {
    const on = LOOKING[rop.name];
    if (on === undefined) continue;
    const { [on]: handle, folder } = await visit(scene, mallory);
    const log = new LogExpectation(scene, tally, `Rop${rop.name}`);
    const named = { folder: secretFolder, message: secretMessage, guid };
    const requests = idRequests(rop, new SeededRandom(rop.id), named);
    await mallory.send(requestBytes(rop, requests), [handle, folder, NO_HANDLE]);
    log.expect('store.access.refused', 1);
    await log.check();
  }
}

function everyNth<T>(all: readonly T[], most: number): T[] {
  const step = Math.max(1, Math.floor(all.length / most));
  return all.filter((_, i) => i % step === 0).slice(0, most);
}

/** Reads all that can be read around the shared folder, and where clients begin. */
async function lookAround(scene: MailScene, tally: MailTally, mallory: RopSender, logon: number): Promise<void> {
  const { alice } = scene;
  const opened: number[] = [];
  for (const folderId of [alice.shared, ...ALSO_SEEN]) {
    opened.push((await mallory.rop(OpenFolder, logon, { folderId, openModeFlags: 0 })).handle);
  }
  const [folder = 0] = opened;
  const columns = Object.values(PidTag)
    .filter((tag) => (tag & 0xffff) !== 0x000d)
    .slice(0, 400);
  for (const handle of [logon, ...opened]) {
    await mallory.rop(GetPropertiesAll, handle, { propertySizeLimit: 0, wantUnicode: true });
    await mallory.rop(QueryNamedProperties, handle, { queryFlags: 0, hasGuid: false });
  }
  for (const each of opened) {
    for (const tableFlags of [0, 2, 4, 0x40, 0x46]) {
      for (const rop of [GetHierarchyTable, GetContentsTable]) {
        const { handle: table, returnValue } = await mallory.rop(rop, each, { tableFlags });
        for (let at = 0; returnValue === 0 && at < columns.length; at += 50) {
          await mallory.rop(SetColumns, table, { setColumnsFlags: 0, propertyTags: columns.slice(at, at + 50) });
          await mallory.rop(QueryRows, table, { queryRowsFlags: 0, forwardRead: true, rowCount: 50 });
          tally.attempts += 2;
        }
      }
    }
  }
  // A name that is taken by what he may not see is a name like any other.
  const names = [`${SECRET} below`, 'nobody is called that'];
  const answers: number[] = [];
  for (const displayName of names) {
    const request = { folderType: 1, useUnicodeStrings: true, openExisting: true, displayName, comment: '' };
    const attempt = async () => (await mallory.rop(CreateFolder, folder, request)).returnValue;
    answers.push(await tally.result(attempt));
  }
  if (answers[0] !== answers[1]) {
    tally.found(`RopCreateFolder tells which names are taken: ${answers.map(errorName).join(', ')}`);
  }
}

/** What happens where he may not look is not told to him. */
async function listen(
  scene: MailScene,
  tally: MailTally,
  alice: Owner,
  mallory: RopSender,
  logon: number,
): Promise<void> {
  const request = { notificationTypes: 0x7e, wantWholeStore: true };
  const { returnValue } = await mallory.rop(RegisterNotification, logon, request);
  if (returnValue !== 0) tally.found(`RopRegisterNotification: ${errorName(returnValue)}`);
  const news = async () => Buffer.from((await mallory.send(new Uint8Array(0), [logon])).responses).toString('hex');
  await news();
  await alice.set(scene.alice.secretFolder, `${SECRET} comment`);
  await alice.set(scene.alice.below, `${SECRET} comment`);
  const told = await news();
  if (told !== '') tally.found(`mallory is told of a folder that he may not see: ${told}`);
  await alice.set(scene.alice.shared, 'open comment');
  if ((await news()) === '') tally.found('mallory is not told of the folder that he may see');
  tally.attempts += 2;
}

/** A message that he has open is moved to where he may not look: it is gone for him. */
async function movedAway(
  scene: MailScene,
  tally: MailTally,
  alice: Owner,
  mallory: RopSender,
  logon: number,
): Promise<void> {
  const { shared, secretFolder, sharedMessages } = scene.alice;
  const [messageId = 0n] = sharedMessages.slice(-1);
  await alice.grant(READER | Right.EditAny);
  const request = { codePageId: 0x0fff, folderId: shared, openModeFlags: 1, messageId };
  const open = await mallory.rop(OpenMessage, logon, request);
  if (open.returnValue !== 0) tally.found(`a message of the shared folder is opened: ${errorName(open.returnValue)}`);
  await mallory.rop(SetProperties, open.handle, { propertyValues: new Map([[PidTag.Comment, 'mallory was here']]) });
  await alice.move(messageId, shared, secretFolder);
  await tally.mustFail('RopSaveChangesMessage of a message that was moved away', async () => {
    return (await mallory.rop(SaveChangesMessage, open.handle, { saveFlags: 0x0e })).returnValue;
  });
  await tally.mustFail('RopGetPropertiesAll of a message that was moved away', async () => {
    return (await mallory.rop(GetPropertiesAll, open.handle, { propertySizeLimit: 0, wantUnicode: true })).returnValue;
  });
  await alice.move(messageId, secretFolder, shared);
}
