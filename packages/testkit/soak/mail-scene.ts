import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { RpcClient, type RpcClientOptions } from '@rpch/rpc/internal';
import { fillDemoMailbox, Mailbox, mailboxFile } from '@rpch/store';
import type { EmsmdbCalls } from '@rpch/store/client';
import {
  FolderId,
  type MessageContent,
  type ObjectId,
  objectId,
  organizationOf,
  PidTag,
  type PropertyTag,
  type PropertyValue,
  recipientDn,
} from '@rpch/store/internal';
import { MailServerProcess } from '../src/mail-server-process.ts';
import { RopSender } from './mail-rops.ts';

/** Stands in every text that nobody but its owner may ever see. */
export const SECRET = 'Wz7Kq';
/** Stands in what alice shares: it is found where it may be read, so that what is not found is not there. */
const SHOWN = 'Op4Xn';
/** Subjects as long as that are nobody's by chance. */
const TELLING = 14;
/** Answers below this length have no room for a text. */
const LEAST_ANSWER = 64;
/** Patience with one call, ms: one that has no answer by then hangs. */
export const CALL_TIMEOUT = 30_000;

export const USERS = ['alice', 'bob', 'mallory'] as const;
export type User = (typeof USERS)[number];

/** What is in alice's mailbox, as its own objects name it. */
export interface AliceIds {
  readonly guid: string;
  readonly replicaGuid: string;
  /** The folder that she may share, and a message in it. */
  readonly shared: ObjectId;
  readonly sharedMessages: readonly ObjectId[];
  /** A folder below it that she does not. */
  readonly below: ObjectId;
  readonly secretFolder: ObjectId;
  readonly secretMessage: ObjectId;
  /** All folders, and all messages that are in others than the shared one. */
  readonly folders: readonly ObjectId[];
  readonly messages: readonly ObjectId[];
}

/** A mail server with the mailboxes of alice and bob, and mallory, who wants to know what is in them. */
export class MailScene {
  readonly server: MailServerProcess;
  readonly alice: AliceIds;
  /** What was found in answers that must not be there. */
  readonly leaks: string[] = [];
  /** Answers with what may be read. */
  shown = 0;
  readonly #folder: string;
  readonly #passwords: Readonly<Record<User, string>>;
  readonly #secrets: readonly Buffer[];
  readonly #clients = new Set<RpcClient>();
  #answers = 0;

  private constructor(server: MailServerProcess, folder: string, passwords: Record<User, string>, made: Made) {
    this.server = server;
    this.#folder = folder;
    this.#passwords = passwords;
    this.alice = made.alice;
    this.#secrets = [SECRET, ...made.texts].flatMap((text) => [
      Buffer.from(text, 'utf16le'),
      Buffer.from(text, 'utf8'),
    ]);
  }

  static async start(): Promise<MailScene> {
    const folder = mkdtempSync(join(tmpdir(), 'rpch-mail-'));
    const passwords = { alice: secretWord(), bob: secretWord(), mallory: secretWord() };
    try {
      const made = await makeMailboxes(folder);
      writeFileSync(join(folder, 'directory.yaml'), DIRECTORY);
      const users = USERS.map((name) => ({ name, password: passwords[name] }));
      return new MailScene(await MailServerProcess.start({ dataDir: folder, users }), folder, passwords, made);
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  /** Answers that were looked through. */
  get answers(): number {
    return this.#answers;
  }

  readonly dnOf = (user: string): string => recipientDn(ORGANIZATION, user);

  /** An RPC client of somebody, with connections of its own. */
  client(user: User, options: RpcClientOptions = {}): RpcClient {
    const client = new RpcClient(`ncacn_ip_tcp:127.0.0.1[${this.server.port}]`, {
      callTimeout: CALL_TIMEOUT,
      ...options,
      credentials: { user, password: this.#passwords[user] },
    });
    this.#clients.add(client);
    return client;
  }

  /** A session of somebody with his own DN. What mallory is answered is looked through. */
  session(user: User, client = this.client(user)): Promise<RopSender> {
    return RopSender.connect(client, this.dnOf(user), user === 'mallory' ? (calls) => this.watched(calls) : undefined);
  }

  /** Ends a client before the scene does. */
  close(client: RpcClient): void {
    client.close();
    this.#clients.delete(client);
  }

  /** The same calls, with every answer that has its bytes in clear looked through. */
  watched(calls: EmsmdbCalls): EmsmdbCalls {
    const watched = Object.create(calls) as { -readonly [K in keyof EmsmdbCalls]: EmsmdbCalls[K] };
    watched.ecDoRpcExt2 = async (input, options) => {
      // Neither compressed nor XORed: what is in it is in it.
      const answer = await calls.ecDoRpcExt2({ ...input, pulFlags: input.pulFlags | NOTHING_HIDDEN }, options);
      this.look('EcDoRpcExt2', answer.rgbOut);
      return answer;
    };
    return watched;
  }

  /** Notes what is in bytes that mallory has got. */
  look(what: string, bytes: Uint8Array): void {
    this.#answers++;
    if (bytes.length < LEAST_ANSWER) return;
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (SHOWN_BYTES.some((shown) => buffer.includes(shown))) this.shown++;
    const found = this.#secrets.find((secret) => buffer.includes(secret));
    if (found !== undefined) this.leaks.push(`${what}: ${found.toString(found.includes(0) ? 'utf16le' : 'utf8')}`);
  }

  /** Ends everything; how the server ended. */
  async stop(): Promise<number | string | null> {
    for (const client of this.#clients) client.close();
    const how = await this.server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
    return how;
  }
}

const SHOWN_BYTES = [Buffer.from(SHOWN, 'utf16le'), Buffer.from(SHOWN, 'utf8')];

/** NoCompression and NoXorMagic of pulFlags ([MS-OXCRPC] 3.1.4.2). */
const NOTHING_HIDDEN = 0x3;
/** As the server makes it for those who configure nothing. */
const ORGANIZATION = organizationOf({ domain: 'localhost', serverName: 'localhost' });

/** A group, whose members nobody may change. */
const DIRECTORY = 'groups:\n  tea:\n    displayName: Tea Party\n    members: [alice, bob]\n';

interface Made {
  readonly alice: AliceIds;
  /** Subjects that only alice or bob has. */
  readonly texts: readonly string[];
}

function secretWord(): string {
  return randomBytes(9).toString('base64url');
}

async function makeMailboxes(dataDir: string): Promise<Made> {
  const texts = new Set<string>();
  let alice: AliceIds | undefined;
  for (const account of ['alice', 'bob'] as const) {
    const path = mailboxFile(dataDir, account);
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const mailbox = Mailbox.create(path, account, { now: Date.now, random: randomBytes });
    try {
      await fillDemoMailbox(mailbox, { account, domain: 'localhost', now: Date.now });
      for (const subject of subjectsOf(mailbox)) if (subject.length >= TELLING) texts.add(subject);
      const made = addSecrets(mailbox, account);
      if (account === 'alice') alice = made;
    } finally {
      mailbox.close();
    }
  }
  if (alice === undefined) throw new Error('alice has a mailbox');
  return { alice, texts: [...texts] };
}

function* subjectsOf(mailbox: Mailbox): Generator<string> {
  for (const { folder } of mailbox.folders.children(FolderId.Root, true)) {
    for (const id of mailbox.messages.ids(folder.id, false)) {
      const subject = mailbox.messages.value(id, PidTag.NormalizedSubject);
      if (typeof subject === 'string') yield subject;
    }
  }
}

/** Folders and messages with a text that can be looked for in every place that a text can have. */
function addSecrets(mailbox: Mailbox, account: string): AliceIds {
  const { folders, messages } = mailbox;
  const named = (parent: number, name: string) => {
    const properties = new Map<PropertyTag, PropertyValue>([[PidTag.Comment, `${name} of ${account}`]]);
    return folders.create(parent, { name, type: 1, properties }).id;
  };
  const secret = named(FolderId.IpmSubtree, `${SECRET} plans`);
  const shared = named(FolderId.IpmSubtree, 'Shared');
  const below = named(shared, `${SECRET} below`);
  const plain = [1, 2, 3].map((n) => messages.add(shared, mail(`${SHOWN} ${n}`)).id);
  const all = [secret, below, FolderId.Inbox, FolderId.Calendar, FolderId.Drafts].flatMap((folder) => [
    messages.add(folder, mail(`${SECRET} subject`), { original: Buffer.from(`Subject: ${SECRET} original\r\n\r\n`) })
      .id,
    messages.add(folder, mail(`${SECRET} associated`), { associated: true }).id,
  ]);
  const tree = [FolderId.Root, ...folders.children(FolderId.Root, true).map(({ folder }) => folder.id)];
  const inFolders = tree
    .filter((id) => id !== shared)
    .flatMap((id) => [...messages.ids(id, false), ...messages.ids(id, true)]);
  return {
    guid: mailbox.info.guid,
    replicaGuid: mailbox.info.replicaGuid,
    shared: objectId(shared),
    sharedMessages: plain.map((id) => objectId(id)),
    below: objectId(below),
    secretFolder: objectId(secret),
    secretMessage: objectId(all[0] ?? 0),
    folders: tree.map((id) => objectId(id)),
    messages: inFolders.map((id) => objectId(id)),
  };
}

function mail(text: string, depth = 0): MessageContent {
  const named = (name: string): ReadonlyMap<PropertyTag, PropertyValue> =>
    new Map<PropertyTag, PropertyValue>([
      [PidTag.DisplayName, name],
      [PidTag.EmailAddress, `${name.replaceAll(' ', '.')}@localhost`],
      [PidTag.AddressType, 'SMTP'],
    ]);
  return {
    properties: new Map<PropertyTag, PropertyValue>([
      [PidTag.MessageClass, 'IPM.Note'],
      [PidTag.Subject, text],
      [PidTag.Body, `${text} in the body. `.repeat(20)],
      [PidTag.Html, Buffer.from(`<p>${text} in HTML</p>`.repeat(500))],
    ]),
    recipients: [{ rowId: 0, type: 1, properties: named(`${text} recipient`) }],
    attachments: [
      {
        number: 0,
        properties: new Map<PropertyTag, PropertyValue>([
          [PidTag.AttachMethod, 1],
          [PidTag.AttachLongFilename, `${text}.txt`],
          [PidTag.AttachDataBinary, Buffer.from(`${text} in a file`)],
        ]),
      },
      ...(depth > 0
        ? []
        : [
            {
              number: 1,
              properties: new Map<PropertyTag, PropertyValue>([[PidTag.AttachMethod, 5]]),
              embedded: mail(`${text} within`, depth + 1),
            },
          ]),
    ],
  };
}
