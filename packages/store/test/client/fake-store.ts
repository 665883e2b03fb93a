import { emsmdbDeclaration, type HandlersOf, MAX_ROP_BUFFER, Writer } from '@rpch/rpc/internal';
import type { EmsmdbCalls } from '../../src/client/session.ts';
import { ErrorCode } from '../../src/mapi/error-code.ts';
import { readExtendedBuffers, writeExtendedBuffers } from '../../src/mapi/extended-buffer.ts';
import { type Properties, type PropertyTag, PropertyType, typeOf } from '../../src/mapi/property.ts';
import { type Cell, writeRow } from '../../src/mapi/property-row.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { recipientRow } from '../../src/mapi/recipient-row.ts';
import { NO_HANDLE, readRopBuffer, writeRopBuffer } from '../../src/mapi/rop-buffer.ts';
import { GetAttachmentTable, OpenAttachment } from '../../src/mapi/rops/attachment.ts';
import { Backoff, BufferTooSmall } from '../../src/mapi/rops/extra-responses.ts';
import type { Fields } from '../../src/mapi/rops/field.ts';
import {
  GetContentsTable,
  GetHierarchyTable,
  MoveCopyMessages,
  OpenFolder,
  TableFlags,
} from '../../src/mapi/rops/folder.ts';
import { OpenEmbeddedMessage, OpenMessage, OpenMessageFlags, ReadRecipients } from '../../src/mapi/rops/message.ts';
import { GetPropertiesAll, GetPropertiesSpecific } from '../../src/mapi/rops/property.ts';
import { type ParsedRop, readRops } from '../../src/mapi/rops/read-rops.ts';
import type { HeaderShape, RequestOf, Rop } from '../../src/mapi/rops/rop.ts';
import { IdFromLongTermId, Logon, Release } from '../../src/mapi/rops/store.ts';
import { OpenStream, ReadStream } from '../../src/mapi/rops/stream.ts';
import { QueryRows, Restrict, SeekRow, SetColumns, SortTable } from '../../src/mapi/rops/table.ts';
import { inMemory } from './in-memory.ts';

const CODING = { codePage: 1252 };
const HANDLE = { attributes: 0, uuid: '11111111-2222-3333-4444-555555555555' };
const NULL = { attributes: 0, uuid: '00000000-0000-0000-0000-000000000000' };
/** GUID of the replica that has made all ids. */
export const REPLICA = '33333333-3333-3333-3333-333333333333';
const RECIPIENT_COLUMNS = [PidTag.SmtpAddress];
/** Values longer than this are to be read as streams. */
const LARGE = 8192;

export interface FakeMessage {
  readonly properties: Properties;
  readonly recipients?: readonly Properties[];
  readonly attachments?: readonly FakeAttachment[];
}

export interface FakeAttachment {
  readonly properties: Properties;
  readonly embedded?: FakeMessage;
}

export interface FakeFolder {
  readonly properties: Properties;
  readonly messages: ReadonlyMap<bigint, FakeMessage>;
  /** What is soft-deleted. Undefined: the server knows no such thing, and passes over what asks for it. */
  readonly deleted?: ReadonlyMap<bigint, FakeMessage>;
}

interface FakeTable {
  readonly rows: readonly Properties[];
  columns: readonly PropertyTag[];
  at: number;
}

type FakeObject =
  | { readonly kind: 'logon' }
  | { readonly kind: 'folder'; readonly folder: FakeFolder }
  | { readonly kind: 'message'; readonly message: FakeMessage }
  | { readonly kind: 'attachment'; readonly attachment: FakeAttachment }
  | { readonly kind: 'table'; readonly table: FakeTable }
  | { readonly kind: 'stream'; readonly bytes: Uint8Array; at: number };

/** How the server behaves. */
export interface FakeBehaviour {
  /**
   * Folders below the IPM subtree by their ids; all of them at depth 1 unless PidTagDepth says otherwise. Those with PidTagParentFolderId are listed
   * with that alone.
   */
  readonly folders: ReadonlyMap<bigint, FakeFolder>;
  /** Rows of one answer to RopQueryRows, and bytes of one to RopReadStream. */
  readonly rowsAtOnce?: number;
  readonly bytesAtOnce?: number;
  /** Payloads of one answer where the client allows several. */
  readonly payloads?: number;
  /** Compresses and obfuscates. */
  readonly disguise?: boolean;
  /** Recipients that come along when a message is opened. */
  readonly recipientsAtOnce?: number;
  /** After so many ROPs of a call, RopBufferTooSmall or RopBackoff comes instead of a response. */
  readonly interrupt?: { after: number; readonly by: 'too-small' | 'backoff'; times: number };
  readonly logonResult?: number;
  /** The answer to whoever asks for a table of what is soft-deleted. */
  readonly softDeletesResult?: number;
  /** What RopMoveCopyMessages does, whose answer is success. */
  readonly move?: (from: FakeFolder, ids: readonly bigint[], to: FakeFolder) => void;
  /** The mailbox is another's, who has not opened the way from its top: the two above all folders answer so. */
  readonly closed?: number;
  /** Where the mailbox is instead, if the result is WrongServer. */
  readonly redirect?: string;
  readonly connectResult?: number;
  /** The whole answer to EcDoRpcExt2, instead of what it would be. */
  readonly rgbOut?: (rgbOut: Uint8Array) => Uint8Array;
  /** The server drops the session with the first call. */
  readonly dropSession?: boolean;
}

/** An information store for tests of the client: parses every request, and does just what it must. */
export class FakeStore {
  /** The methods of EMSMDB that it has. */
  readonly handlers: Partial<HandlersOf<typeof emsmdbDeclaration, unknown>>;
  /** The same for a client in this process. */
  readonly calls: EmsmdbCalls;
  /** Names of the ROPs of each EcDoRpcExt2. */
  readonly rops: string[][] = [];
  /** Calls by their methods. */
  readonly methods: string[] = [];
  readonly requests: ParsedRop[] = [];
  /** pulFlags of each EcDoRpcExt2, and Flags of its RPC_HEADER_EXT. */
  readonly flags: (readonly [pulFlags: number, header: number])[] = [];
  readonly open = new Map<number, FakeObject>();
  readonly #behaviour: FakeBehaviour;
  readonly #handlers = new Map<number, (request: never, call: RopCall) => void>();
  #nextHandle = 1;

  constructor(behaviour: FakeBehaviour) {
    this.#behaviour = behaviour;
    this.#declare();
    this.handlers = {
      ecDoConnectEx: () => this.#connect(),
      ecDoRpcExt2: ({ rgbIn, pulFlags, pcbOut }) => {
        this.flags.push([pulFlags, rgbIn[2] ?? 0]);
        return this.#rpc(rgbIn, (pulFlags & 4) !== 0, pcbOut);
      },
      ecDoDisconnect: () => ({ pcxh: NULL, result: ErrorCode.Success }),
    };
    this.calls = inMemory(emsmdbDeclaration, this.handlers, ({ method }) => this.methods.push(method));
  }

  /** Handles that the client has not released. */
  get handles(): string[] {
    return [...this.open.values()].map(({ kind }) => kind).sort();
  }

  #connect() {
    const result = this.#behaviour.connectResult ?? ErrorCode.Success;
    return {
      pcxh: result === ErrorCode.Success ? HANDLE : NULL,
      pcmsPollsMax: 60_000,
      pcRetry: 6,
      pcmsRetryDelay: 10_000,
      piCxr: 1,
      szDNPrefix: '/o=Example/',
      szDisplayName: 'Alice \u00d6',
      rgwServerVersion: [0x0f00, 0x834f, 0x0fc8],
      rgwBestVersion: [15, 4420, 1017],
      pulTimeStamp: 1,
      rgbAuxOut: new Uint8Array(0),
      pcbAuxOut: 0,
      result,
    };
  }

  #rpc(rgbIn: Uint8Array, chain: boolean, room: number) {
    const rgbOut = this.#execute(rgbIn, chain, room);
    return {
      pcxh: this.#behaviour.dropSession === true ? NULL : HANDLE,
      pulFlags: 0,
      rgbOut: this.#behaviour.rgbOut?.(rgbOut) ?? rgbOut,
      pcbOut: rgbOut.length,
      rgbAuxOut: new Uint8Array(0),
      pcbAuxOut: 0,
      pulTransTime: 0,
      result: ErrorCode.Success,
    };
  }

  #execute(rgbIn: Uint8Array, chain: boolean, room: number): Uint8Array {
    const [payload = new Uint8Array(0)] = readExtendedBuffers(rgbIn);
    const { ropsList, handles } = readRopBuffer(payload);
    const parsed = readRops(ropsList, CODING);
    this.rops.push(parsed.map(({ rop }) => rop.name));
    this.requests.push(...parsed);
    const slots = [...handles];
    const writer = new Writer();
    const { interrupt } = this.#behaviour;
    for (const [at, { rop, request, start }] of parsed.entries()) {
      if (interrupt !== undefined && interrupt.times > 0 && at === interrupt.after) {
        interrupt.times -= 1;
        if (interrupt.by === 'too-small') {
          BufferTooSmall.write(writer, { sizeNeeded: 0x7fff, requestBuffers: ropsList.subarray(start) }, CODING);
        } else {
          Backoff.write(
            writer,
            { logonId: 0, duration: 250, backoffRopData: [], additionalData: new Uint8Array(0) },
            CODING,
          );
        }
        return this.#answer([{ ropsList: writer.finish(), handles: slots }]);
      }
      this.#run(rop.id, request, { slots, writer });
    }
    const payloads = [{ ropsList: writer.finish(), handles: slots }];
    const last = parsed.at(-1);
    const chains = last?.rop.name === 'QueryRows' || last?.rop.name === 'ReadStream';
    while (chain && chains && last !== undefined && payloads.length < (this.#behaviour.payloads ?? 1)) {
      const more = new Writer();
      this.#run(last.rop.id, last.request, { slots, writer: more });
      payloads.push({ ropsList: more.finish(), handles: slots });
      if (room < MAX_ROP_BUFFER) break;
    }
    return this.#answer(payloads);
  }

  #answer(payloads: readonly { readonly ropsList: Uint8Array; readonly handles: readonly number[] }[]): Uint8Array {
    const disguise = this.#behaviour.disguise === true;
    return writeExtendedBuffers(payloads.map(writeRopBuffer), { compress: disguise, xorMagic: disguise });
  }

  #run(id: number, request: unknown, call: RopCall): void {
    const handler = this.#handlers.get(id);
    if (handler === undefined) throw new Error(`the fake store has no ROP 0x${id.toString(16)}`);
    handler(request as never, call);
  }

  #on<H extends HeaderShape, Q extends Fields, P extends Fields, X extends Fields>(
    rop: Rop<H, Q, P, X>,
    handle: (request: RequestOf<Rop<H, Q, P, X>>, call: RopCall) => object | number,
  ): void {
    this.#handlers.set(rop.id, (request: never, call) => {
      const answer = handle(request, call);
      if (!rop.hasResponse) return;
      if (typeof answer === 'number') {
        rop.writeFailure(call.writer, request, answer, CODING);
        return;
      }
      const handleIndex = rop.handleIndexOf(request);
      // Which columns the rows have that RopReadRecipients brings, only the client knows.
      rop.writeResponse(call.writer, { handleIndex, returnValue: 0, ...answer } as never, {
        ...CODING,
        columns: RECIPIENT_COLUMNS,
      });
    });
  }

  #object(call: RopCall, index: number): FakeObject | undefined {
    return this.open.get(call.slots[index] ?? NO_HANDLE);
  }

  #put(call: RopCall, index: number, object: FakeObject): void {
    const handle = this.#nextHandle++;
    this.open.set(handle, object);
    call.slots[index] = handle;
  }

  #declare(): void {
    const { folders, logonResult, redirect, closed } = this.#behaviour;
    this.#on(Logon, ({ outputHandleIndex, logonFlags }, call) => {
      if (redirect !== undefined) return { returnValue: ErrorCode.WrongServer, logonFlags, serverName: redirect };
      if (logonResult !== undefined) return logonResult;
      this.#put(call, outputHandleIndex, { kind: 'logon' });
      return {
        logonFlags,
        folderIds: Array.from({ length: 13 }, (_, at) => (BigInt(at + 1) << 56n) | 1n),
        responseFlags: closed === undefined ? 7 : 1,
        mailboxGuid: '22222222-2222-2222-2222-222222222222',
        replId: 1,
        replGuid: REPLICA,
        logonTime: { seconds: 0, minutes: 0, hour: 0, dayOfWeek: 0, day: 1, month: 1, year: 2026 },
        gwartTime: 0n,
        storeState: 0,
      };
    });
    this.#on(Release, ({ inputHandleIndex }, call) => {
      this.open.delete(call.slots[inputHandleIndex] ?? NO_HANDLE);
      return {};
    });
    this.#on(IdFromLongTermId, ({ longTermId: { guid, counter } }) => {
      if (guid !== REPLICA) return ErrorCode.NotFound;
      return { objectId: (BigInt(counter) << 56n) | 1n };
    });
    this.#on(OpenFolder, ({ inputHandleIndex, outputHandleIndex, folderId }, call) => {
      if (this.#object(call, inputHandleIndex)?.kind !== 'logon') return ErrorCode.NullObject;
      if (closed !== undefined && TOPS.has(folderId)) return closed;
      const folder = folders.get(folderId) ?? TOPS.get(folderId);
      if (folder === undefined) return ErrorCode.NotFound;
      this.#put(call, outputHandleIndex, { kind: 'folder', folder });
      return { hasRules: false, isGhosted: false };
    });
    this.#on(GetHierarchyTable, ({ outputHandleIndex, inputHandleIndex }, call) => {
      const object = this.#object(call, inputHandleIndex);
      if (object?.kind !== 'folder') return ErrorCode.NullObject;
      const [opened] = [...folders].find(([, folder]) => folder === object.folder) ?? [];
      const rows = [...folders]
        .map(([id, { properties }]) => new Map([[PidTag.FolderId, id], ...properties]))
        .filter((row) => [undefined, opened].includes(row.get(PidTag.ParentFolderId) as bigint | undefined));
      this.#put(call, outputHandleIndex, { kind: 'table', table: { rows, columns: [], at: 0 } });
      return { rowCount: rows.length };
    });
    this.#on(GetContentsTable, ({ outputHandleIndex, inputHandleIndex, tableFlags }, call) => {
      const object = this.#object(call, inputHandleIndex);
      if (object?.kind !== 'folder') return ErrorCode.NullObject;
      const deleted = (tableFlags & TableFlags.SoftDeletes) !== 0;
      const { softDeletesResult } = this.#behaviour;
      if (deleted && softDeletesResult !== undefined) return softDeletesResult;
      const rows = [...((deleted && object.folder.deleted) || object.folder.messages)].map(
        ([id, { properties }]) => new Map([[PidTag.Mid, id], ...properties]),
      );
      this.#put(call, outputHandleIndex, { kind: 'table', table: { rows, columns: [], at: 0 } });
      return { rowCount: rows.length };
    });
    this.#on(MoveCopyMessages, ({ sourceHandleIndex, destHandleIndex, messageIds }, call) => {
      const [from, to] = [this.#object(call, sourceHandleIndex), this.#object(call, destHandleIndex)];
      if (from?.kind !== 'folder' || to?.kind !== 'folder') return ErrorCode.NullObject;
      this.#behaviour.move?.(from.folder, messageIds, to.folder);
      return { partialCompletion: false };
    });
    this.#onTables();
    this.#onMessages();
    this.#onProperties();
  }

  #onTables(): void {
    const table = (call: RopCall, index: number): FakeTable | undefined => {
      const object = this.#object(call, index);
      return object?.kind === 'table' ? object.table : undefined;
    };
    this.#on(SetColumns, ({ inputHandleIndex, propertyTags }, call) => {
      const found = table(call, inputHandleIndex);
      if (found === undefined) return ErrorCode.NullObject;
      found.columns = propertyTags;
      return { tableStatus: 0 };
    });
    for (const rop of [SortTable, Restrict] as const) {
      this.#on(rop as typeof SortTable, ({ inputHandleIndex }, call) =>
        table(call, inputHandleIndex) === undefined ? ErrorCode.NullObject : { tableStatus: 0 },
      );
    }
    this.#on(SeekRow, ({ inputHandleIndex, rowCount }, call) => {
      const found = table(call, inputHandleIndex);
      if (found === undefined) return ErrorCode.NullObject;
      found.at = Math.min(rowCount, found.rows.length);
      return { hasSoughtLess: false, rowsSought: found.at };
    });
    this.#on(QueryRows, ({ inputHandleIndex, rowCount }, call) => {
      const found = table(call, inputHandleIndex);
      if (found === undefined || found.columns.length === 0) return ErrorCode.NullObject;
      const { columns } = found;
      const rows = found.rows.slice(found.at, found.at + Math.min(rowCount, this.#behaviour.rowsAtOnce ?? 1000));
      found.at += rows.length;
      const writer = new Writer();
      for (const row of rows) writeRow(writer, columns, cellsOf(row, columns), CODING);
      return { origin: found.at < found.rows.length ? 1 : 2, rowCount: rows.length, rowData: writer.finish() };
    });
  }

  #onMessages(): void {
    const columns = RECIPIENT_COLUMNS;
    const opened = ({ properties, recipients = [] }: FakeMessage) => {
      const rows = recipients.slice(0, this.#behaviour.recipientsAtOnce ?? 255);
      return {
        hasNamedProperties: false,
        subjectPrefix: 'Re: ',
        normalizedSubject: String(properties.get(PidTag.NormalizedSubject) ?? ''),
        recipientCount: recipients.length,
        recipientColumns: columns,
        recipientRows: rows.map((row) => ({
          recipientType: Number(row.get(PidTag.RecipientType)),
          codePageId: 1252,
          recipientRow: recipientRow(row, columns),
        })),
      };
    };
    this.#on(OpenMessage, ({ folderId, messageId, outputHandleIndex, openModeFlags }, call) => {
      const folder = this.#behaviour.folders.get(folderId);
      const deleted = (openModeFlags & OpenMessageFlags.OpenSoftDeleted) !== 0 ? folder?.deleted : undefined;
      const message = folder?.messages.get(messageId) ?? deleted?.get(messageId);
      if (message === undefined) return ErrorCode.NotFound;
      this.#put(call, outputHandleIndex, { kind: 'message', message });
      return opened(message);
    });
    this.#on(ReadRecipients, ({ inputHandleIndex, rowId }, call) => {
      const object = this.#object(call, inputHandleIndex);
      const recipients = object?.kind === 'message' ? (object.message.recipients ?? []) : [];
      const rows = recipients.slice(rowId, rowId + (this.#behaviour.recipientsAtOnce ?? 255));
      if (rows.length === 0) return ErrorCode.NotFound;
      return {
        recipientRows: rows.map((row, at) => ({
          rowId: rowId + at,
          recipientType: Number(row.get(PidTag.RecipientType)),
          codePageId: 1252,
          recipientRow: recipientRow(row, columns),
        })),
      };
    });
    this.#on(GetAttachmentTable, ({ inputHandleIndex, outputHandleIndex }, call) => {
      const object = this.#object(call, inputHandleIndex);
      if (object?.kind !== 'message') return ErrorCode.NullObject;
      const rows = (object.message.attachments ?? []).map(({ properties }, at) => {
        return new Map([...properties, [PidTag.AttachNumber, at]]);
      });
      this.#put(call, outputHandleIndex, { kind: 'table', table: { rows, columns: [], at: 0 } });
      return {};
    });
    this.#on(OpenAttachment, ({ inputHandleIndex, outputHandleIndex, attachmentId }, call) => {
      const object = this.#object(call, inputHandleIndex);
      const attachment = object?.kind === 'message' ? object.message.attachments?.[attachmentId] : undefined;
      if (attachment === undefined) return ErrorCode.NotFound;
      this.#put(call, outputHandleIndex, { kind: 'attachment', attachment });
      return {};
    });
    this.#on(OpenEmbeddedMessage, ({ inputHandleIndex, outputHandleIndex }, call) => {
      const object = this.#object(call, inputHandleIndex);
      const message = object?.kind === 'attachment' ? object.attachment.embedded : undefined;
      if (message === undefined) return ErrorCode.NotFound;
      this.#put(call, outputHandleIndex, { kind: 'message', message });
      return { messageId: 0n, ...opened(message) };
    });
  }

  #onProperties(): void {
    const propertiesOf = (object: FakeObject | undefined): Properties | undefined => {
      switch (object?.kind) {
        case 'message':
          return object.message.properties;
        case 'attachment':
          return object.attachment.properties;
        case 'folder':
          return object.folder.properties;
        default:
          return undefined;
      }
    };
    this.#on(GetPropertiesSpecific, ({ inputHandleIndex, propertyTags }, call) => {
      const all = propertiesOf(this.#object(call, inputHandleIndex));
      if (all === undefined) return ErrorCode.NullObject;
      const writer = new Writer();
      writeRow(writer, propertyTags, cellsOf(all, propertyTags), CODING);
      return { rowData: writer.finish() };
    });
    this.#on(GetPropertiesAll, ({ inputHandleIndex }, call) => {
      const all = propertiesOf(this.#object(call, inputHandleIndex));
      return all === undefined ? ErrorCode.NullObject : { propertyValues: all };
    });
    this.#on(OpenStream, ({ inputHandleIndex, outputHandleIndex, propertyTag }, call) => {
      const value = propertiesOf(this.#object(call, inputHandleIndex))?.get(propertyTag);
      if (value === undefined) return ErrorCode.NotFound;
      const isText = typeOf(propertyTag) === PropertyType.String;
      const bytes = isText ? Buffer.from(String(value), 'utf16le') : (value as Uint8Array);
      this.#put(call, outputHandleIndex, { kind: 'stream', bytes, at: 0 });
      return { streamSize: bytes.length };
    });
    this.#on(ReadStream, ({ inputHandleIndex, byteCount, maximumByteCount = byteCount }, call) => {
      const object = this.#object(call, inputHandleIndex);
      if (object?.kind !== 'stream') return ErrorCode.NullObject;
      const most = Math.min(maximumByteCount, this.#behaviour.bytesAtOnce ?? 0x7000);
      const data = object.bytes.subarray(object.at, object.at + most);
      object.at += data.length;
      return { data };
    });
  }
}

interface RopCall {
  readonly slots: number[];
  readonly writer: Writer;
}

/** The mailbox's root and its IPM subtree. */
const TOPS: ReadonlyMap<bigint, FakeFolder> = new Map(
  [1n, 4n].map((counter) => [(counter << 56n) | 1n, { properties: new Map(), messages: new Map() }]),
);

function cellsOf(row: Properties, columns: readonly PropertyTag[]): Cell[] {
  return columns.map((tag) => {
    const value = row.get(tag);
    if (value === undefined) return { error: ErrorCode.NotFound };
    const size = typeof value === 'string' ? value.length * 2 : value instanceof Uint8Array ? value.length : 0;
    return size > LARGE ? { error: ErrorCode.NotEnoughMemory } : { value };
  });
}
