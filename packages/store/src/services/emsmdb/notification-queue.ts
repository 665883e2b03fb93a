import { Writer } from '@rpch/rpc/internal';
import { type NotificationData, NotificationType } from '../../mapi/notification-data.ts';
import { Notify, Pending } from '../../mapi/rops/extra-responses.ts';
import type { TextCoding } from '../../mapi/text-coding.ts';

/** Notifications that wait for one session. Of more the oldest are lost, which clients must bear ([MS-OXCNOTIF] 3.1.4.2). */
export const MAX_NOTIFICATIONS = 512;
/** Bytes of RopPending. */
const PENDING_SIZE = 3;

interface Waiting {
  readonly handle: number;
  readonly logonId: number;
  readonly data: NotificationData;
}

/** What has happened since the client last called, until its next call takes it along ([MS-OXCNOTIF] 3.1.5). */
export class NotificationQueue {
  readonly #waiting: Waiting[] = [];
  /** Handles of tables of which it waits to be said that they have changed. */
  readonly #changed = new Set<number>();
  readonly #pending: () => void;

  /** @param pending is called when there is one where there was none. */
  constructor(pending: () => void) {
    this.#pending = pending;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Adds one. That a table has changed is said once. */
  add(handle: number, logonId: number, data: NotificationData): void {
    const isTable = (data.notificationFlags & NotificationType.TableModified) !== 0;
    if (isTable && this.#changed.has(handle)) return;
    if (this.#waiting.length >= MAX_NOTIFICATIONS) this.#drop();
    this.#waiting.push({ handle, logonId, data });
    if (isTable) this.#changed.add(handle);
    if (this.#waiting.length === 1) this.#pending();
  }

  /** Calls back if there are some still: the client has been told, and whoever waits for it has not. */
  remind(): void {
    if (this.#waiting.length > 0) this.#pending();
  }

  /** A handle is released, and what is told to it. */
  forgetHandle(handle: number): void {
    this.#keep((each) => each.handle !== handle);
  }

  forgetLogon(logonId: number): void {
    this.#keep((each) => each.logonId !== logonId);
  }

  /** Writes RopNotify for as many as `room` has place for, and RopPending where that is not for all. */
  write(writer: Writer, room: number, sessionIndex: number, coding: TextCoding): void {
    let left = room;
    while (this.#waiting[0] !== undefined) {
      const { handle, logonId, data } = this.#waiting[0];
      const one = new Writer();
      Notify.write(one, { notificationHandle: handle, logonId, notificationData: data }, coding);
      if (one.length > left - PENDING_SIZE) break;
      writer.bytes(one.finish());
      left -= one.length;
      this.#drop();
    }
    if (this.#waiting.length > 0 && left >= PENDING_SIZE) Pending.write(writer, { sessionIndex }, coding);
  }

  /** Takes the oldest away. */
  #drop(): void {
    const oldest = this.#waiting.shift();
    if (oldest !== undefined) this.#changed.delete(oldest.handle);
  }

  #keep(wanted: (waiting: Waiting) => boolean): void {
    for (const each of this.#waiting) if (!wanted(each)) this.#changed.delete(each.handle);
    const kept = this.#waiting.filter(wanted);
    this.#waiting.splice(0, this.#waiting.length, ...kept);
  }
}
