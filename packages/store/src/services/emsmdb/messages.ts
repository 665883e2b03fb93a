import type { DirectoryEntry, DirectoryOrganization } from '../../directory/model.ts';

/** A session as the workers know it. */
export interface SessionInfo {
  /** Unique in the life of the process. */
  readonly id: number;
  /** piCxr: unique among live sessions, u16. */
  readonly index: number;
  /** Who has proven to be the caller: in canonical form. */
  readonly account: string;
  /** ulCpid: the code page of all 8-bit strings. */
  readonly codePage: number;
}

/** What EcDoRpcExt2 says about its answer. */
interface AnswerOptions {
  /** pulFlags. */
  readonly flags: number;
  /** pcbOut: bytes that rgbOut may have, headers included. */
  readonly room: number;
}

/** ROPs as a client sent them: rgbIn. */
export interface RopCall extends AnswerOptions {
  readonly kind: 'call';
  readonly rgbIn: Uint8Array;
}

/** ROPs of which some were done by another worker, because the mailboxes of one session live with several. */
export interface RopContinuation extends AnswerOptions {
  readonly kind: 'continuation';
  /** Requests not yet done. */
  readonly requests: Uint8Array;
  /** Responses so far. */
  readonly responses: Uint8Array;
  /** The handle table, as far as it is filled. */
  readonly handles: readonly number[];
}

/** What the main thread tells a worker. */
export type ToWorker =
  | {
      readonly kind: 'directory';
      readonly organization: DirectoryOrganization;
      readonly version: number;
      readonly entries: readonly DirectoryEntry[];
    }
  | { readonly kind: 'begin'; readonly session: SessionInfo }
  | {
      readonly kind: 'execute';
      readonly call: number;
      readonly session: number;
      readonly input: RopCall | RopContinuation;
      /** Logons of this session that live with other workers: a LogonId that was theirs and is here now is theirs again. */
      readonly elsewhere: readonly (readonly [logonId: number, worker: number])[];
      /** Other workers that have notifications for this session. */
      readonly visit: readonly number[];
    }
  | { readonly kind: 'end'; readonly session: number }
  | { readonly kind: 'close' };

interface Executed {
  readonly call: number;
  /** LogonIds of the session that live with this worker now; left out where they are what they were. */
  readonly logons?: readonly number[];
}

/** How EcDoRpcExt2 is answered: its return value, and rgbOut, which is empty where that is not 0. */
export interface RopAnswer {
  readonly result: number;
  readonly rgbOut: Uint8Array;
}

/** What a worker tells the main thread. */
export type FromWorker =
  | ({ readonly kind: 'done' } & Executed & RopAnswer)
  | ({ readonly kind: 'elsewhere'; readonly worker: number; readonly rest: RopContinuation } & Executed)
  /** The call's session has ended by a defect. */
  | { readonly kind: 'broken'; readonly call: number }
  | { readonly kind: 'pending'; readonly session: number }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly fields: Readonly<Record<string, unknown>>;
      readonly message: string;
    };

/** What a worker is started with. */
export interface WorkerStart {
  /** Folder of the mailboxes' files. */
  readonly mailboxes: string;
  /** Which of `count` workers it is, from 0. */
  readonly index: number;
  readonly count: number;
  /** Days for which soft-deleted messages are kept. */
  readonly keepDeleted: number;
}

/** Which of `count` workers has the mailbox of an account: FNV-1a of its name. */
export function workerOf(account: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < account.length; at += 1) hash = Math.imul(hash ^ account.charCodeAt(at), 0x01000193) >>> 0;
  return hash % count;
}
