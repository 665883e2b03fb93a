import { RpchError } from '@rpch/rpc';
import { fileTime } from '../mailbox/mailbox-context.ts';
import type { MailboxStore } from '../mailbox/model.ts';
import { type ConvertedMail, MailConverter } from './convert/mail-converter.ts';
import { FolderTarget } from './folder-target.ts';
import { MAX_MESSAGE, type MailSource, type SourceMail } from './sources/mail-source.ts';

/** What is stored in one transaction: so many messages, or so many bytes. */
const BATCH_MESSAGES = 100;
const BATCH_BYTES = 16 * 1024 * 1024;
/** Failures that are told one by one; all are counted. */
const MAX_TOLD = 20;

/** How far an import is. */
export interface ImportProgress {
  /** Messages that were read so far: imported, failed and skipped. */
  readonly messages: number;
  readonly bytes: number;
  /** Bytes of all sources. */
  readonly totalBytes: number;
  /** Milliseconds since it began. */
  readonly elapsed: number;
  /** Milliseconds until it will be done at the rate so far; undefined before anything can be said. */
  readonly remaining: number | undefined;
}

/** A message that was not imported, and why. */
export interface ImportFailure {
  readonly origin: string;
  readonly reason: string;
}

/** What came of an import. */
export interface ImportResult {
  readonly imported: number;
  /** Messages that the caller wanted passed over. */
  readonly skipped: number;
  readonly failed: number;
  /** The first of those that failed, and why. */
  readonly failures: readonly ImportFailure[];
  /** Messages that were not taken apart wholly, because a limit was reached; their originals are whole. */
  readonly limited: number;
  /** What of the recurrence of meetings no property can say, and in how many messages; their calendars are attached whole. */
  readonly recurrence: Readonly<Record<string, number>>;
  readonly bytes: number;
  /** Milliseconds. */
  readonly elapsed: number;
  /** It was stopped; `skipped + imported + failed` messages are dealt with, and `skip` of the next import continues there. */
  readonly interrupted: boolean;
}

/** How mail is imported. */
export interface ImportOptions {
  /** Names of the folder from the top of the mailbox under which everything goes; without it, to where it was. */
  readonly folder?: readonly string[];
  /** Messages to pass over, of an import that was interrupted. */
  readonly skip?: number;
  /** All messages are read, whatever their sources say. */
  readonly markRead?: boolean;
  readonly signal?: AbortSignal;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called after each batch. */
  readonly onProgress?: (progress: ImportProgress) => void;
}

/**
 * Imports mail into a mailbox: every message with its original, in transactions of 100 messages or 16 MiB, so that what is counted as
 * imported is there and what is not is not. A message that the store refuses is counted and the others go on.
 * @throws whatever is the matter with the store itself, or with reading a source.
 */
export async function importMail(
  store: MailboxStore,
  sources: readonly MailSource[],
  options: ImportOptions,
): Promise<ImportResult> {
  const run = new ImportRun(
    store,
    options,
    sources.reduce((sum, source) => sum + source.size, 0),
  );
  for (const source of sources) {
    for await (const mail of source.read()) {
      if (options.signal?.aborted === true) return run.finish(true);
      run.take(mail);
    }
  }
  return run.finish(false);
}

class ImportRun {
  readonly #store: MailboxStore;
  readonly #options: ImportOptions;
  readonly #totalBytes: number;
  readonly #begun: number;
  readonly #converter: MailConverter;
  readonly #failures: ImportFailure[] = [];
  #target: FolderTarget;
  #batch: SourceMail[] = [];
  #batchBytes = 0;
  #bytes = 0;
  #skipped = 0;
  #imported = 0;
  #failed = 0;
  #limited = 0;
  readonly #recurrence = new Map<string, number>();

  constructor(store: MailboxStore, options: ImportOptions, totalBytes: number) {
    this.#store = store;
    this.#options = options;
    this.#totalBytes = totalBytes;
    this.#begun = options.now();
    this.#converter = new MailConverter(store.names);
    this.#target = new FolderTarget(store.folders, options.folder);
  }

  take(mail: SourceMail): void {
    if (this.#skipped < (this.#options.skip ?? 0)) {
      this.#skipped += 1;
      this.#bytes += mail.size;
      return;
    }
    this.#batch.push(mail);
    this.#batchBytes += mail.bytes?.length ?? 0;
    if (this.#batch.length >= BATCH_MESSAGES || this.#batchBytes >= BATCH_BYTES) this.#flush();
  }

  finish(interrupted: boolean): ImportResult {
    this.#flush();
    return {
      imported: this.#imported,
      skipped: this.#skipped,
      failed: this.#failed,
      failures: this.#failures,
      limited: this.#limited,
      recurrence: Object.fromEntries(this.#recurrence),
      bytes: this.#bytes,
      elapsed: this.#options.now() - this.#begun,
      interrupted,
    };
  }

  #flush(): void {
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#batchBytes = 0;
    if (this.#storeAll(batch) !== undefined) {
      // One message spoils the transaction of all: each gets its own, so that only that one is lost.
      for (const mail of batch) {
        const error = this.#storeAll([mail]);
        if (error !== undefined) this.#fail(mail, error);
      }
    }
    for (const { size } of batch) this.#bytes += size;
    this.#tell();
  }

  /** Stores messages in one transaction; the error where the store, or a limit, refuses one of them. */
  #storeAll(batch: readonly SourceMail[]): RpchError | undefined {
    try {
      const converted = this.#store.transaction(() => batch.map((mail) => this.#add(mail)));
      this.#limited += converted.filter(({ notes }) => notes.length > 0).length;
      for (const reason of converted.flatMap(({ recurrence }) => recurrence)) {
        this.#recurrence.set(reason, (this.#recurrence.get(reason) ?? 0) + 1);
      }
      this.#imported += batch.length;
      return undefined;
    } catch (error) {
      if (!(error instanceof RpchError)) throw error;
      this.#target = new FolderTarget(this.#store.folders, this.#options.folder);
      return error;
    }
  }

  /** Stores one message; what could not be made of it. */
  #add({ bytes, flags, received, written, folder, origin }: SourceMail): Omit<ConvertedMail, 'content'> {
    if (bytes === undefined)
      throw new RpchError('RPCH_MAIL_TOO_LARGE', 'caller', `${origin}: over ${MAX_MESSAGE} bytes`);
    const { content, ...lacks } = this.#converter.toMessage(bytes, {
      fallback: written ?? fileTime(this.#options.now()),
      ...(received === undefined ? {} : { time: received }),
      ...(flags === undefined ? {} : { flags }),
      markRead: this.#options.markRead === true,
    });
    this.#store.messages.add(this.#target.find(folder), content, { original: bytes });
    return lacks;
  }

  #fail({ origin }: SourceMail, { message }: RpchError): void {
    this.#failed += 1;
    if (this.#failures.length < MAX_TOLD) this.#failures.push({ origin, reason: message });
  }

  #tell(): void {
    const elapsed = this.#options.now() - this.#begun;
    const left = Math.max(0, this.#totalBytes - this.#bytes);
    this.#options.onProgress?.({
      messages: this.#skipped + this.#imported + this.#failed,
      bytes: this.#bytes,
      totalBytes: this.#totalBytes,
      elapsed,
      remaining: this.#bytes === 0 ? undefined : (elapsed / this.#bytes) * left,
    });
  }
}
