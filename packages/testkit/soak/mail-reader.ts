import { setTimeout as pause } from 'node:timers/promises';
import { Mailbox, PidTag } from '@rpch/store/client';
import type { MailScene, User } from './mail-scene.ts';

/** Between two looks into the mailbox, ms. */
const READ_EVERY = 200;
const ROWS = 20;

/** Reads his mail again and again; notes the first time that it fails. */
export class GoodReader {
  readonly #scene: MailScene;
  readonly #user: User;
  #loop: Promise<void> | undefined;
  #over = false;
  reads = 0;
  failure: string | undefined;

  private constructor(scene: MailScene, user: User) {
    this.#scene = scene;
    this.#user = user;
  }

  /** Resolves when he has read once. */
  static async start(scene: MailScene, user: User): Promise<GoodReader> {
    const reader = new GoodReader(scene, user);
    await reader.#read();
    reader.#loop = reader.#readOn();
    return reader;
  }

  /** Reads once more, and ends. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#loop;
  }

  async #readOn(): Promise<void> {
    try {
      while (!this.#over) {
        await pause(READ_EVERY);
        await this.#read();
      }
    } catch (error) {
      this.failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  }

  /** A session of its own: begins it, reads the inbox and a message, and ends it. */
  async #read(): Promise<void> {
    const client = this.#scene.client(this.#user);
    const sender = await this.#scene.session(this.#user, client);
    const mailbox = await Mailbox.open(sender.session, { legacyDn: this.#scene.dnOf(this.#user) });
    let rows = 0;
    for await (const row of mailbox.contents(mailbox.folderIds.inbox, { columns: [PidTag.Mid, PidTag.Subject] })) {
      if (row === undefined || ++rows >= ROWS) break;
    }
    if (rows === 0) throw new Error('the inbox is empty');
    await sender.close();
    this.#scene.close(client);
    this.reads++;
  }
}
