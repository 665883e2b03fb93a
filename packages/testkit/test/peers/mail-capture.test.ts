import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RpcClient } from '@rpch/rpc';
import { asyncEmsmdbDeclaration, emsmdbDeclaration } from '@rpch/rpc/internal';
import { fillDemoMailbox, Mailbox, mailboxFile } from '@rpch/store';
import { startCapture } from '../../src/peers/capture.ts';
import { runOrThrow } from '../../src/peers/commands.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import { findMalformed, type ReadOptions, readFields } from '../../src/peers/tshark.ts';

const RPCH = fileURLToPath(new URL('../../../cli/bin/rpch.js', import.meta.url));
const ACCOUNT = { domain: 'PEER', user: 'alice', password: 'Al1ce.Passw0rd' } as const;
/** legacyExchangeDN of the account, in an organisation without a name of its own. */
const USER_DN = '/o=First Organization/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=alice';
const TIMEOUT_MS = 60_000;
const EXITING = 0x3ed;
const NOT_SUPPORTED = 0x80040102;

const folder = mkdtempSync(join(tmpdir(), 'rpch-mail-capture-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What the demonstration puts into a mailbox. */
before(async () => {
  const file = mailboxFile(folder, ACCOUNT.user);
  mkdirSync(dirname(file), { recursive: true });
  const mailbox = Mailbox.create(file, ACCOUNT.user, { now: Date.now, random: randomBytes });
  await fillDemoMailbox(mailbox, { account: ACCOUNT.user, domain: 'example.org', now: Date.now });
  mailbox.close();
});

/** `rpch serve`, whose mail asks for no more than that a caller proves who he is. */
class MailServer {
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  static async start(): Promise<MailServer> {
    const args = ['serve', '--listen', 'ncacn_ip_tcp:127.0.0.1[0]', '--mail-level', 'connect', '--data', folder];
    args.push('--user', `${ACCOUNT.user}:${ACCOUNT.password}`, '--domain', ACCOUNT.domain);
    const child = spawn(process.execPath, [RPCH, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      const port = /^ {2}ncacn_ip_tcp:127\.0\.0\.1\[(\d+)\]$/.exec(line)?.[1];
      if (port === undefined) continue;
      child.stderr.resume();
      return new MailServer(child, Number(port));
    }
    throw new Error(`rpch serve ended: ${said.join('\n')}`);
  }

  get binding(): string {
    return `ncacn_ip_tcp:127.0.0.1[${this.port}]`;
  }

  /** What `rpch mail` prints. */
  mail(level: string, ...task: readonly string[]): Promise<string> {
    const login = ['-u', `${ACCOUNT.domain}\\${ACCOUNT.user}`, '-p', ACCOUNT.password];
    const way = ['--rpc-auth', 'ntlm', '--level', level, '--referral'];
    const args = [RPCH, 'mail', this.binding, ...login, ...way, ...task];
    return runOrThrow(process.execPath, args, { timeoutMs: TIMEOUT_MS });
  }

  async stop(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    assert.deepEqual(await exit, [0, null]);
  }
}

/** Does what a reader of mail does: lists, searches, and reads a message with an attachment. */
async function readMail(server: MailServer, level: string): Promise<{ readonly subject: string }> {
  const folders = await server.mail(level, 'folders', '--json');
  assert.match(folders, /Inbox/);
  const listed = JSON.parse(await server.mail(level, 'list', 'Inbox', '--json', '-n', '20')) as {
    readonly messages: readonly { readonly id: string; readonly subject: string; readonly attachments: boolean }[];
  };
  const message = listed.messages.find(({ attachments }) => attachments);
  assert.ok(message);
  assert.ok((await server.mail(level, 'show', message.id)).includes(message.subject));
  const saved = join(folder, `attachments-${level}`);
  mkdirSync(saved);
  await server.mail(level, 'attachments', message.id, '--save', saved);
  assert.ok((await server.mail(level, 'search', message.subject)).includes(message.subject));
  return message;
}

test('tshark finds nothing malformed in what rpch mail and rpch serve say', async (t) => {
  if (!(await requirePeer(t, 'tshark'))) return;
  const server = await MailServer.start();
  const capture = await startCapture(join(folder, 'open.pcap'), [server.port]);
  const { subject } = await readMail(server, 'connect');
  await callTheRest(server);
  await capture.stop();
  await server.stop();

  const options = { dcerpcPorts: [server.port] };
  assert.deepEqual(await findMalformed(capture.file, options), []);
  const infos = await readFields(capture.file, 'mapi || nspi || rfr', ['_ws.col.Protocol', '_ws.col.Info'], options);
  const seen = new Set(infos.map(([protocol, info = '']) => `${protocol} ${info.replace(/[[,].*/, '')}`));
  const calls = [
    ...['RFR RfrGetNewDSA', 'RFR RfrGetFQDNFromLegacyDN'],
    ...['NSPI NspiBind', 'NSPI NspiResolveNamesW', 'NSPI NspiUnbind'],
    // EcDoConnectEx, EcDoRpcExt2 and EcDoAsyncConnectEx are younger than this dissector.
    ...['MAPI EcDoDisconnect', 'MAPI EcDummyRpc', 'MAPI EcRRegisterPushNotification'],
    ...['MAPI Unknown operation 10', 'MAPI Unknown operation 11', 'MAPI Unknown operation 14'],
  ];
  for (const call of calls) {
    for (const direction of ['request', 'response']) {
      assert.ok(seen.has(`${call} ${direction}`), `${call} ${direction} among ${[...seen].join(', ')}`);
    }
  }
  const requests = await opnums(capture.file, 'dcerpc.pkt_type == 0', options);
  assert.ok((requests.get('mapi 11') ?? 0) >= 5, 'every command calls EcDoRpcExt2');
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
  const server = await MailServer.start();
  const capture = await startCapture(join(folder, 'sealed.pcap'), [server.port]);
  const { subject } = await readMail(server, 'privacy');
  await capture.stop();
  await server.stop();

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
  const dn = Buffer.from(`/cn=${ACCOUNT.user}`, 'latin1').toString('hex');
  assert.ok(decrypted.some(({ opnum, stub }) => opnum === '10' && stub.includes(dn)));
  assert.deepEqual(await read(closed), []);
  const sealed = await readFields(capture.file, 'dcerpc.encrypted_stub_data', ['dcerpc.encrypted_stub_data'], closed);
  assert.ok(sealed.length >= decrypted.length);
  assert.ok(!sealed.flat().join('').includes(text));
});

/** How often each operation occurs in the packets of a filter, by the name of its interface's dissector and its number. */
async function opnums(file: string, filter: string, options: ReadOptions): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const rows = await readFields(
    file,
    `${filter} && (mapi || nspi || rfr || dcerpc.stub_data)`,
    ['frame.protocols', 'dcerpc.opnum'],
    options,
  );
  for (const [protocols = '', opnum = ''] of rows) {
    const name = `${protocols.split(':').at(-1)} ${opnum}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return new Map([...counts].toSorted());
}

/** Makes the calls that `rpch mail` does not. */
async function callTheRest(server: MailServer): Promise<void> {
  const client = new RpcClient(server.binding, {
    credentials: { user: `${ACCOUNT.domain}\\${ACCOUNT.user}`, password: ACCOUNT.password },
    provider: 'ntlm',
    level: 'connect',
  });
  const emsmdb = await client.bind(emsmdbDeclaration);
  const asyncEmsmdb = await client.bind(asyncEmsmdbDeclaration);
  assert.equal((await emsmdb.ecDummyRpc()).result, 0);
  const { pcxh, result } = await emsmdb.ecDoConnectEx({
    szUserDN: USER_DN,
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
