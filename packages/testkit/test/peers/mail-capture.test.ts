import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { RpcClient } from '@rpch/rpc';
import { asyncEmsmdbDeclaration, emsmdbDeclaration } from '@rpch/rpc/internal';
import { MailServerProcess, RPCH } from '../../src/mail-server-process.ts';
import { startCapture } from '../../src/peers/capture.ts';
import { runOrThrow } from '../../src/peers/commands.ts';
import { makeMailbox, userDn } from '../../src/peers/mail-account.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import { findMalformed, type ReadOptions, readFields } from '../../src/peers/tshark.ts';

const ACCOUNT = { domain: 'PEER', name: 'alice', password: 'Al1ce.Passw0rd' } as const;
/** Times that a reader of mail runs `rpch mail`. */
const COMMANDS = 5;
const TIMEOUT_MS = 60_000;
const EXITING = 0x3ed;
const NOT_SUPPORTED = 0x80040102;

const folder = mkdtempSync(join(tmpdir(), 'rpch-mail-capture-'));
after(() => rmSync(folder, { recursive: true, force: true }));
before(() => makeMailbox(folder, ACCOUNT));

function startServer(mailLevel: 'connect' | 'privacy'): Promise<MailServerProcess> {
  return MailServerProcess.start({ dataDir: folder, users: [ACCOUNT], domain: ACCOUNT.domain, mailLevel });
}

/** What `rpch mail` prints. */
function mail({ binding }: MailServerProcess, level: string, ...task: readonly string[]): Promise<string> {
  const login = ['-u', `${ACCOUNT.domain}\\${ACCOUNT.name}`, '-p', ACCOUNT.password];
  const way = ['--rpc-auth', 'ntlm', '--level', level, '--referral'];
  return runOrThrow(process.execPath, [RPCH, 'mail', binding, ...login, ...way, ...task], { timeoutMs: TIMEOUT_MS });
}

/** Does what a reader of mail does: lists, searches, and reads a message with an attachment. */
async function readMail(server: MailServerProcess, level: string): Promise<{ readonly subject: string }> {
  const folders = await mail(server, level, 'folders', '--json');
  assert.match(folders, /Inbox/);
  const listed = JSON.parse(await mail(server, level, 'list', 'Inbox', '--json', '-n', '20')) as {
    readonly messages: readonly { readonly id: string; readonly subject: string; readonly attachments: boolean }[];
  };
  const message = listed.messages.find(({ attachments }) => attachments);
  assert.ok(message);
  assert.ok((await mail(server, level, 'show', message.id)).includes(message.subject));
  const saved = join(folder, `attachments-${level}`);
  mkdirSync(saved);
  await mail(server, level, 'attachments', message.id, '--save', saved);
  assert.ok((await mail(server, level, 'search', message.subject)).includes(message.subject));
  return message;
}

test('tshark finds nothing malformed in what rpch mail and rpch serve say', async (t) => {
  if (!(await requirePeer(t, 'tshark'))) return;
  const server = await startServer('connect');
  const capture = await startCapture(join(folder, 'open.pcap'), [server.port]);
  const { subject } = await readMail(server, 'connect');
  await callTheRest(server);
  await capture.stop();
  assert.equal(await server.stop(), 0);

  const options = { dcerpcPorts: [server.port] };
  assert.deepEqual(await findMalformed(capture.file, options), []);
  const infos = await readFields(capture.file, 'mapi || nspi || rfr', ['_ws.col.Info'], options);
  const seen = infos.flat().join('\n');
  const calls = [
    ...['RfrGetNewDSA', 'RfrGetFQDNFromLegacyDN', 'NspiBind', 'NspiResolveNamesW', 'NspiUnbind'],
    ...['EcDoDisconnect', 'EcDummyRpc', 'EcRRegisterPushNotification'],
    // EcDoConnectEx, EcDoRpcExt2 and EcDoAsyncConnectEx are younger than this dissector.
    ...['Unknown operation 10', 'Unknown operation 11', 'Unknown operation 14'],
  ];
  for (const call of calls) {
    for (const direction of ['request', 'response']) {
      assert.ok(seen.includes(`${call} ${direction}`), `${call} ${direction} in\n${seen}`);
    }
  }
  const requests = await opnums(capture.file, 'dcerpc.pkt_type == 0', options);
  assert.ok((requests.get('11') ?? 0) >= COMMANDS, 'every command calls EcDoRpcExt2');
  assert.equal(requests.get('10'), COMMANDS + 1, 'each has a session');
  assert.deepEqual(await opnums(capture.file, 'dcerpc.pkt_type == 2', options), requests, 'all are answered');
  assert.deepEqual(await opnums(capture.file, 'dcerpc.pkt_type == 3', options), new Map(), 'there are no faults');
  // What is longer than a fragment is put together, and what was listed is in it, as it is on the wire.
  const stubs = await readFields(
    capture.file,
    'dcerpc.opnum == 11 && dcerpc.pkt_type == 2',
    ['dcerpc.stub_data'],
    options,
  );
  const text = Buffer.from(subject, 'utf16le').toString('hex');
  assert.ok(
    stubs.some(([stub = '']) => stub.includes(text)),
    `${subject} is in no answer`,
  );
});

test('tshark, told the password, reads sealed mail; without it, it cannot', async (t) => {
  if (!(await requirePeer(t, 'tshark'))) return;
  const server = await startServer('connect');
  const capture = await startCapture(join(folder, 'sealed.pcap'), [server.port]);
  const { subject } = await readMail(server, 'privacy');
  await capture.stop();
  assert.equal(await server.stop(), 0);

  const closed = { dcerpcPorts: [server.port] };
  const open = { ...closed, ntlmPassword: ACCOUNT.password };
  assert.deepEqual(await findMalformed(capture.file, open), []);
  const text = Buffer.from(subject, 'utf16le').toString('hex');
  const field = 'dcerpc.decrypted_stub_data';
  const read = async (options: ReadOptions) => {
    const rows = await readFields(
      capture.file,
      `dcerpc.pkt_type in {0, 2} && ${field}`,
      ['dcerpc.opnum', field],
      options,
    );
    return rows.map(([opnum = '', stub = '']) => ({ opnum, stub }));
  };
  const decrypted = await read(open);
  assert.ok(
    decrypted.some(({ opnum, stub }) => opnum === '11' && stub.includes(text)),
    `${subject} is in no answer`,
  );
  // The user's own name, with which the session was asked for.
  const dn = Buffer.from(`/cn=${ACCOUNT.name}`, 'latin1').toString('hex');
  assert.ok(decrypted.some(({ opnum, stub }) => opnum === '10' && stub.includes(dn)));
  assert.deepEqual(await read(closed), []);
  const sealed = await readFields(capture.file, 'dcerpc.encrypted_stub_data', ['dcerpc.encrypted_stub_data'], closed);
  assert.ok(sealed.length >= decrypted.length);
  assert.ok(!sealed.flat().join('').includes(text));
});

/** How often each operation occurs in the packets of a filter, by its number. */
async function opnums(file: string, filter: string, options: ReadOptions): Promise<ReadonlyMap<string, number>> {
  const rows = await readFields(file, `${filter} && dcerpc.opnum`, ['dcerpc.opnum'], options);
  const counts = new Map<string, number>();
  // A packet may hold several calls.
  for (const opnum of rows.flatMap(([values = '']) => values.split(','))) {
    counts.set(opnum, (counts.get(opnum) ?? 0) + 1);
  }
  return new Map([...counts].toSorted(([one], [other]) => Number(one) - Number(other)));
}

/** Makes the calls that `rpch mail` does not. */
async function callTheRest(server: MailServerProcess): Promise<void> {
  const client = new RpcClient(server.binding, {
    credentials: { user: `${ACCOUNT.domain}\\${ACCOUNT.name}`, password: ACCOUNT.password },
    provider: 'ntlm',
    level: 'connect',
  });
  const emsmdb = await client.bind(emsmdbDeclaration);
  const asyncEmsmdb = await client.bind(asyncEmsmdbDeclaration);
  assert.equal((await emsmdb.ecDummyRpc()).result, 0);
  const { pcxh, result } = await emsmdb.ecDoConnectEx({
    szUserDN: userDn(ACCOUNT),
    ...{ ulFlags: 0, ulConMod: 0, cbLimit: 0, ulCpid: 1252, ulLcidString: 0x409, ulLcidSort: 0x409 },
    ...{ ulIcxrLink: 0xffffffff, usFCanConvertCodePages: 1, rgwClientVersion: [12, 0x183e, 1000], pulTimeStamp: 0 },
    ...{ rgbAuxIn: new Uint8Array(0), pcbAuxOut: 0x1008 },
  });
  assert.equal(result, 0);
  const push = await emsmdb.ecRRegisterPushNotification({
    ...{ pcxh, iRpc: 0, rgbContext: new Uint8Array(16), grbitAdviseBits: 0xffffffff },
    rgbCallbackAddress: Uint8Array.of(2, 0, 0x1f, 0x90, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0),
  });
  assert.equal(push.result, NOT_SUPPORTED);
  const { pacxh } = await emsmdb.ecDoAsyncConnectEx({ cxh: pcxh });
  const parked = asyncEmsmdb.ecDoAsyncWaitEx({ acxh: pacxh, ulFlagsIn: 0 });
  assert.equal((await emsmdb.ecDoDisconnect({ pcxh })).result, 0);
  assert.equal((await parked).result, EXITING);
  client.close();
}
