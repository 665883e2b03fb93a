import assert from 'node:assert/strict';
import { Cursor, Writer } from '@rpch/rpc/internal';
import type { DirectoryEntry } from '../../../src/directory/model.ts';
import { Mailbox } from '../../../src/mailbox/mailbox.ts';
import { ErrorCode, errorName } from '../../../src/mapi/error-code.ts';
import { readExtendedBuffers, writeExtendedBuffer } from '../../../src/mapi/extended-buffer.ts';
import type { PropertyTag } from '../../../src/mapi/property.ts';
import { NO_HANDLE, readRopBuffer, writeRopBuffer } from '../../../src/mapi/rop-buffer.ts';
import type { AnyRop, RequestOf, ResponseOf } from '../../../src/mapi/rops/rop.ts';
import { Logon } from '../../../src/mapi/rops/store.ts';
import { DirectoryView } from '../../../src/services/emsmdb/directory-view.ts';
import { AccountAllowance } from '../../../src/services/emsmdb/limits.ts';
import { RegionLocks } from '../../../src/services/emsmdb/objects/region-locks.ts';
import type { RopServices } from '../../../src/services/emsmdb/rop-context.ts';
import { RopSession } from '../../../src/services/emsmdb/rop-session.ts';
import { runBuffer } from '../../../src/services/emsmdb/run-buffer.ts';

export const ORGANIZATION = {
  name: '/o=Test',
  administrativeGroupDn: '/o=Test/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)',
  serverDn: '/o=Test/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Configuration/cn=Servers/cn=store',
  serverName: 'store.example',
  domain: 'example.org',
};

export function user(account: string): DirectoryEntry {
  return {
    guid: `00000000-0000-4000-8000-${Buffer.from(account.padEnd(6).slice(0, 6)).toString('hex')}`,
    kind: 'user',
    account,
    legacyDn: dnOf(account),
    displayName: account,
    alias: account,
    address: `${account}@example.org`,
    proxyAddresses: [`SMTP:${account}@example.org`],
    hidden: false,
  };
}

export function dnOf(account: string): string {
  return `${ORGANIZATION.administrativeGroupDn}/cn=Recipients/cn=${account}`;
}

export interface LogLine {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export function recordingLog() {
  const lines: LogLine[] = [];
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    lines.push({ level, fields, message });
  };
  return { lines, log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') } };
}

/** Time stands still, and what is random is counted. */
export const NOW = Date.UTC(2026, 2, 4, 5, 6, 7);
let counted = 0;
export function countingBytes(length: number): Uint8Array {
  counted += 1;
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setUint32(0, counted);
  return bytes;
}

/** A store in memory: mailboxes of alice, bob and carol, who are all in the directory. */
export class TestStore {
  readonly mailboxes = new Map<string, Mailbox>();
  readonly #locks = new Map<string, RegionLocks>();
  readonly recorded = recordingLog();
  readonly services: RopServices;
  /** Milliseconds since 1970, for services. */
  now = NOW;
  readonly #accounts = new Map<string, AccountAllowance>();
  #sessions = 0;

  constructor(elsewhere: ReadonlyMap<string, number> = new Map()) {
    const options = { now: () => NOW, random: countingBytes };
    this.services = {
      directory: new DirectoryView(ORGANIZATION, ['alice', 'bob', 'carol'].map(user)),
      mailboxes: {
        open: (account, create) => {
          let store = this.mailboxes.get(account);
          if (store === undefined && create) {
            store = Mailbox.create(':memory:', account, options);
            this.mailboxes.set(account, store);
          }
          const locks = this.#locks.get(account) ?? new RegionLocks();
          this.#locks.set(account, locks);
          return store === undefined ? undefined : { store, locks, release: () => {} };
        },
        workerOf: (account) => elsewhere.get(account),
      },
      log: this.recorded.log,
      now: () => this.now,
      random: countingBytes,
    };
  }

  session(account: string): RopClient {
    this.#sessions += 1;
    const info = { id: this.#sessions, index: this.#sessions, account, codePage: 1252 };
    const session = new RopSession(info, { index: 0, count: 1 }, this.allowance(account), () => {});
    return new RopClient(this, session, account);
  }

  /** What an account's sessions may use together. */
  allowance(account: string): AccountAllowance {
    const known = this.#accounts.get(account) ?? new AccountAllowance();
    this.#accounts.set(account, known);
    return known;
  }

  /** The mailbox of an account, made if it is not there. */
  mailbox(account: string): Mailbox {
    const opened = this.services.mailboxes.open(account, true);
    assert.ok(opened);
    return opened.store;
  }

  close(): void {
    for (const mailbox of this.mailboxes.values()) mailbox.close();
  }
}

export interface Call {
  readonly rop: AnyRop;
  readonly request: Readonly<Record<string, unknown>>;
}

/** A client whose calls are ROP buffers, as EcDoRpcExt2 carries them, without RPC around. */
export class RopClient {
  readonly store: TestStore;
  readonly session: RopSession;
  readonly account: string;
  readonly coding = { codePage: 1252 };

  constructor(store: TestStore, session: RopSession, account: string) {
    this.store = store;
    this.session = session;
    this.account = account;
  }

  /** Sends rgbIn; returns what EcDoRpcExt2 does. */
  raw(rgbIn: Uint8Array, options: { readonly flags?: number; readonly room?: number } = {}) {
    const { flags = 3, room = 0x8007 } = options;
    const end = runBuffer(
      this.session,
      this.store.services,
      { kind: 'call', rgbIn, flags, room },
      { logons: new Map(), visit: [] },
    );
    if (end.kind !== 'done') assert.fail(`worker ${end.worker}`);
    return end;
  }

  /** Sends ROPs over a handle table; returns the payloads of the answer. */
  payloads(
    calls: readonly Call[],
    handles: readonly number[],
    options: { readonly flags?: number; readonly room?: number } = {},
  ) {
    const { result, rgbOut } = this.raw(bufferOf(calls, handles), options);
    assert.equal(errorName(result), 'Success');
    return readExtendedBuffers(rgbOut).map((payload) => readRopBuffer(payload));
  }

  /** Calls one ROP on a handle; the response, and the handle in its output slot. */
  try<R extends TypedRop>(
    rop: R,
    handle: number,
    request: Omit<RequestOf<R>, 'logonId' | 'inputHandleIndex' | 'outputHandleIndex' | 'responseHandleIndex'> &
      Partial<{ readonly logonId: number }>,
    columns?: readonly PropertyTag[],
  ): { readonly response: ResponseOf<R>; readonly handle: number } {
    const any = rop as unknown as AnyRop;
    const indexes = { inputHandleIndex: 0, outputHandleIndex: 1, responseHandleIndex: 0, logonId: 0 };
    const call = { rop: any, request: { ...indexes, ...request } };
    const [payload] = this.payloads([call], [handle, NO_HANDLE]);
    assert.ok(payload);
    const cursor = new Cursor(payload.ropsList, 'response');
    assert.equal(cursor.u8(), any.responseId);
    const coding = { ...this.coding, ...(columns !== undefined && { columns }) };
    const response = any.readResponse(cursor, coding) as ResponseOf<R>;
    return { response, handle: payload.handles[1] ?? NO_HANDLE };
  }

  /** The same, which must succeed. */
  call<R extends TypedRop>(
    rop: R,
    handle: number,
    request: Parameters<typeof this.try<R>>[2],
    columns?: readonly PropertyTag[],
  ): { readonly response: Extract<ResponseOf<R>, { readonly ok: true }>; readonly handle: number } {
    const { response, handle: made } = this.try(rop, handle, request, columns);
    assert.equal(errorName(returnValueOf(response)), 'Success');
    return { response: response as Extract<ResponseOf<R>, { readonly ok: true }>, handle: made };
  }

  /** The return value of a ROP that fails. */
  fails<R extends TypedRop>(rop: R, handle: number, request: Parameters<typeof this.try<R>>[2]): string {
    const { response } = this.try(rop, handle, request);
    assert.notEqual(returnValueOf(response), ErrorCode.Success);
    return errorName(returnValueOf(response));
  }

  /** Logs on; the handle of the logon. */
  logon(mailbox = this.account, logonId = 0): number {
    const request = { logonFlags: 1, openFlags: 0x0100040c, essdn: dnOf(mailbox), logonId };
    return this.#logon(request).handle;
  }

  tryLogon(mailbox: string, request: Partial<RequestOf<typeof Logon>> = {}): string {
    const whole = { logonFlags: 1, openFlags: 0x0100040c, essdn: dnOf(mailbox), logonId: 0, ...request };
    return errorName(this.#logon(whole, false).returnValue);
  }

  #logon(request: Omit<RequestOf<typeof Logon>, 'outputHandleIndex' | 'storeState'>, mustSucceed = true) {
    const call = { rop: Logon as unknown as AnyRop, request: { outputHandleIndex: 0, ...request } };
    const [payload] = this.payloads([call], [NO_HANDLE]);
    assert.ok(payload);
    const cursor = new Cursor(payload.ropsList, 'response', 1);
    const response = Logon.readResponse(cursor, this.coding);
    if (mustSucceed) assert.equal(errorName(response.returnValue), 'Success');
    return { ...response, handle: payload.handles[0] ?? NO_HANDLE };
  }
}

interface TypedRop {
  readonly header: AnyRop['header'];
  readonly request: AnyRop['request'];
  readonly response: AnyRop['response'];
  readonly failure: AnyRop['failure'];
}

function returnValueOf(response: unknown): number {
  return (response as { readonly returnValue: number }).returnValue;
}

/** rgbIn of some ROPs over a handle table. */
export function bufferOf(calls: readonly Call[], handles: readonly number[]): Uint8Array {
  const writer = new Writer();
  for (const { rop, request } of calls) rop.writeRequest(writer, { logonId: 0, ...request }, { codePage: 1252 });
  return writeExtendedBuffer(writeRopBuffer({ ropsList: writer.finish(), handles }));
}

/** A call of one ROP, for a buffer of several. */
export function ropOf<R extends TypedRop>(rop: R, request: Omit<RequestOf<R>, 'logonId'>): Call {
  return { rop: rop as unknown as AnyRop, request };
}
