import {
  asyncEmsmdbDeclaration,
  type ContextHandle,
  emsmdbDeclaration,
  FaultStatus,
  nspiDeclaration,
} from '@rpch/rpc/internal';
import { counterOf, type EmsmdbCalls, ErrorCode, objectId } from '@rpch/store/client';
import { errorName, IdFromLongTermId, OpenFolder, writeExtendedBuffer, writeRopBuffer } from '@rpch/store/internal';
import { SeededRandom } from '../src/simulation/random.ts';
import { writeAddressBook } from './mail-address-book.ts';
import { ID_ROPS, idRequests } from './mail-ids.ts';
import { LogExpectation } from './mail-log.ts';
import { CONNECT } from './mail-requests.ts';
import { ATTACKED_ROPS, madeUpRequest, RopSender, requestBytes } from './mail-rops.ts';
import type { MailScene } from './mail-scene.ts';
import type { MailTally } from './mail-tally.ts';

/** Flags of RopLogon and what else can be said in it that might open another's mailbox. */
const LOGON_FLAGS = [0x01, 0x00, 0x02, 0x05, 0x09, 0x11, 0x21, 0x41, 0x81, 0xff];
const OPEN_FLAGS = [0, 0x1, 0x2, 0x4, 0x8, 0x200, 0x1000000, 0x100040c, 0x1000001, 0xffffffff];

/** How far it goes. */
export interface Extent {
  /** Folders and messages of alice's whose ids every ROP is tried on in another's mailbox. */
  readonly messages: number;
  /** Names of each user that are tried, those first that are most like his. */
  readonly names: number;
}

/**
 * What somebody who has logged in with his own account tries to be somebody else, and to reach what is not his: sessions, logons,
 * handles, and the address book.
 */
export async function trespass(scene: MailScene, tally: MailTally, extent: Extent): Promise<void> {
  const log = new LogExpectation(scene, tally);
  await connectAsOthers(scene, log, extent);
  await logOnToOthers(scene, tally, log, extent);
  await useOthersHandles(scene, tally);
  await ownLogonWithOthersIds(scene, tally, extent);
  await writeAddressBook(scene, tally, log, namesOf(scene, 'alice'));
  await log.check();
}

/** Names that a server might take for alice's, if it did not look closely. */
function namesOf(scene: MailScene, user: string): string[] {
  const dn = scene.dnOf(user);
  return [
    dn,
    dn.toUpperCase(),
    dn.toLowerCase(),
    `${dn} `,
    ` ${dn}`,
    `${dn}/`,
    `${dn}/cn=Microsoft Private MDB`,
    dn.replace('cn=Recipients', 'cn=recipients/cn=..'),
    `${scene.dnOf('mallory')}/../${user}`,
    user,
    `${user}@localhost`,
    `../${user}`,
    `..\\${user}`,
    `${user}.sqlite`,
    `mailboxes/${user}`,
    `/cn=${user}`,
    `%61${user.slice(1)}`,
    `EX:${dn}`,
    `SMTP:${user}@localhost`,
    scene.alice.guid,
    `{${scene.alice.guid}}`,
    scene.alice.guid.replaceAll('-', ''),
    'a'.repeat(2000),
    '*',
    "' OR 1=1 --",
  ];
}

/** EcDoConnectEx with everybody's DN. */
async function connectAsOthers(scene: MailScene, log: LogExpectation, { names }: Extent): Promise<void> {
  const client = scene.client('mallory');
  const emsmdb = await client.bind(emsmdbDeclaration);
  const connect = async (szUserDN: string, more: { readonly ulFlags?: number; readonly ulConMod?: number } = {}) => {
    const { result } = await emsmdb.ecDoConnectEx({ ...CONNECT, szUserDN, ...more });
    return result;
  };
  for (const user of ['alice', 'bob', 'nobody', 'administrator']) {
    for (const name of namesOf(scene, user).slice(0, names)) {
      for (const more of [{}, { ulFlags: 1 }, { ulFlags: 0xffffffff }, { ulConMod: 1 }]) {
        await log.refused('store.session.refused', `EcDoConnectEx as ${name}`, () => connect(name, more));
      }
    }
  }
  await log.refused('store.session.refused', 'EcDoConnectEx without a DN', () => connect(''));
  await log.refused('store.session.refused', 'EcDoConnectEx as administrator', () =>
    connect(scene.dnOf('mallory'), { ulFlags: 1 }),
  );
  scene.close(client);
}

/** RopLogon to everybody's mailbox: what is refused is logged, and a mailbox that is there is as one that is not. */
async function logOnToOthers(
  scene: MailScene,
  tally: MailTally,
  log: LogExpectation,
  { names }: Extent,
): Promise<void> {
  const mallory = await scene.session('mallory');
  for (const user of ['alice', 'bob', 'nobody']) {
    for (const name of namesOf(scene, user).slice(0, names)) {
      for (const openFlags of OPEN_FLAGS) {
        const attempt = async () => (await mallory.logon(name, { openFlags })).returnValue;
        await log.refused('store.logon.refused', `RopLogon to ${name} with ${openFlags}`, attempt);
      }
      for (const logonFlags of LOGON_FLAGS) {
        const attempt = async () => (await mallory.logon(name, { logonFlags })).returnValue;
        await tally.mustFail(`RopLogon to ${name} as ${logonFlags}`, attempt);
      }
    }
  }
  // Whether he may not, or there is no mailbox yet, is one answer.
  await tally.mustBe(
    'RopLogon to alice',
    ErrorCode.AccessDenied,
    async () => (await mallory.logon(scene.dnOf('alice'))).returnValue,
  );
  // A LogonId that nobody has logged on with, and handles that nobody has given him.
  for (const handle of [0, 1, 2, 3, 100, 0xffff_fffe]) {
    const open = { folderId: scene.alice.secretFolder, openModeFlags: 0 };
    const requests = Array.from({ length: 256 }, (_, logonId) => ({ ...open, logonId }));
    for (const [logonId, value] of (await mallory.returnValues(OpenFolder, handle, requests)).entries()) {
      tally.answered(value);
      if (value === 0) tally.found(`RopOpenFolder on handle ${handle} of logon ${logonId} was done`);
    }
  }
  await mallory.close();
}

/** Context handles of alice's session, handles of her objects, and her parked call. */
async function useOthersHandles(scene: MailScene, tally: MailTally): Promise<void> {
  let hers: ContextHandle | undefined;
  const spied = (calls: EmsmdbCalls): EmsmdbCalls => {
    const spy = Object.create(calls) as { -readonly [K in keyof EmsmdbCalls]: EmsmdbCalls[K] };
    spy.ecDoRpcExt2 = (input, options) => {
      hers = input.pcxh;
      return calls.ecDoRpcExt2(input, options);
    };
    return spy;
  };
  const aliceClient = scene.client('alice');
  const alice = await RopSender.connect(aliceClient, scene.dnOf('alice'), spied);
  const { handle } = await alice.logon(scene.dnOf('alice'));
  const open = { folderId: scene.alice.secretFolder, openModeFlags: 0 };
  const herFolder = (await alice.rop(OpenFolder, handle, open)).handle;
  if (hers === undefined) throw new Error('alice has called');
  const pcxh: ContextHandle = hers;
  const emsmdb = await aliceClient.bind(emsmdbDeclaration);
  const { pacxh } = await emsmdb.ecDoAsyncConnectEx({ cxh: pcxh });

  const client = scene.client('mallory');
  const calls = await client.bind(emsmdbDeclaration);
  const waits = await client.bind(asyncEmsmdbDeclaration);
  const nspi = await client.bind(nspiDeclaration);
  const own = await scene.session('mallory', client);
  const rgbIn = writeExtendedBuffer(writeRopBuffer({ ropsList: Uint8Array.of(0x7b, 0, 0), handles: [handle] }));
  const rpc = { pulFlags: 3, rgbIn, pcbOut: 0x8007, rgbAuxIn: new Uint8Array(0), pcbAuxOut: 0 };
  const guessed = [pcxh, pacxh, ...nearby(pcxh), ...nearby(pacxh)];
  for (const each of guessed) {
    const mismatch = FaultStatus.nca_s_fault_context_mismatch;
    const attempts: readonly (readonly [string, () => Promise<{ readonly result: number }>])[] = [
      ['EcDoRpcExt2', () => calls.ecDoRpcExt2({ pcxh: each, ...rpc })],
      ['EcDoDisconnect', () => calls.ecDoDisconnect({ pcxh: each })],
      ['EcDoAsyncConnectEx', () => calls.ecDoAsyncConnectEx({ cxh: each })],
      ['EcRRegisterPushNotification', () => calls.ecRRegisterPushNotification({ pcxh: each, ...PUSH })],
      ['EcDoAsyncWaitEx', () => waits.ecDoAsyncWaitEx({ acxh: each, ulFlagsIn: 0 })],
      ['NspiQueryColumns', () => nspi.queryColumns({ hRpc: each, Reserved: 0, dwFlags: 0 })],
      ['NspiUnbind', () => nspi.unbind({ contextHandle: each, Reserved: 0 })],
    ];
    for (const [name, call] of attempts) {
      await tally.mustBe(`${name} with a handle of alice's`, mismatch, async () => (await call()).result);
    }
  }
  // Object handles are a session's own: alice's numbers mean nothing in his.
  await own.logon(scene.dnOf('mallory'));
  for (const rop of ATTACKED_ROPS) {
    const request = madeUpRequest(rop, new SeededRandom(rop.id));
    if (request === undefined) continue;
    for (const stolen of [handle + 4096, herFolder + 4096]) {
      await own.send(requestBytes(rop, [request]), [stolen, stolen, stolen]);
      tally.attempts++;
    }
  }
  // She has noticed nothing.
  const still = await alice.rop(OpenFolder, handle, open);
  if (still.returnValue !== 0) tally.found(`alice's session is harmed: ${errorName(still.returnValue)}`);
  await own.close();
  await alice.close();
  scene.close(client);
  scene.close(aliceClient);
}

const PUSH = {
  iRpc: 0,
  rgbContext: Uint8Array.of(1),
  grbitAdviseBits: 0xffffffff,
  rgbCallbackAddress: Uint8Array.from([2, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
};

/** Handles that look like one: the next ones, if they were counted. */
function nearby({ attributes, uuid }: ContextHandle): ContextHandle[] {
  return ['0', '1', 'f']
    .map((digit) => ({ attributes, uuid: `${uuid.slice(0, -1)}${digit}` }))
    .filter((each) => each.uuid !== uuid);
}

/** In his own mailbox, alice's ids are his own or nobody's. */
async function ownLogonWithOthersIds(scene: MailScene, tally: MailTally, { messages }: Extent): Promise<void> {
  const mallory = await scene.session('mallory');
  const dn = scene.dnOf('mallory');
  let { handle } = await mallory.logon(dn);
  const { alice } = scene;
  const targets = [...alice.folders, ...alice.messages].slice(-messages);
  const random = new SeededRandom(5);
  for (const rop of ID_ROPS) {
    for (const target of targets) {
      for (const id of [target, ...replicasOf(counterOf(target))]) {
        const requests = idRequests(rop, random, { folder: id, message: id, guid: alice.replicaGuid });
        await mallory.send(requestBytes(rop, requests), [handle, handle, handle]);
        tally.attempts += requests.length;
      }
    }
    handle = (await mallory.logon(dn)).handle;
  }
  const foreign = { longTermId: { guid: alice.replicaGuid, counter: counterOf(alice.secretMessage) } };
  await tally.mustFail('RopIdFromLongTermId with the GUID of alice’s replica', async () => {
    return (await mallory.rop(IdFromLongTermId, handle, foreign)).returnValue;
  });
  await mallory.close();
}

function replicasOf(counter: number): bigint[] {
  const own = objectId(counter);
  return [0n, 2n, 5n, 0xffffn].map((replid) => (own & ~0xffffn) | replid);
}
