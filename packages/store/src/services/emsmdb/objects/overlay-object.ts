import type { StoredProperties } from '../../../mailbox/model.ts';
import { ErrorCode, StoreError } from '../../../mapi/error-code.ts';
import {
  idOf,
  type Properties,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  typeOf,
} from '../../../mapi/property.ts';
import { unicodeTag } from '../../../mapi/property-codec.ts';
import type { PropertyProblem } from '../../../mapi/property-problem.ts';
import type { Logon } from '../logon.ts';
import { type Found, type PropertyObject, problem } from './property-object.ts';
import { PropertyOverlay } from './property-overlay.ts';

/** A writer of one property whose bytes are not in the overlay yet: an open stream. */
export interface PendingWrite {
  flush(): void;
}

/** Types that no property has, so that none can be set to one. */
const NO_TYPE_OF_ITS_OWN: readonly number[] = [PropertyType.Unspecified, PropertyType.Null, PropertyType.ErrorCode];

/** A message or an attachment: properties that are changed here first, and stored when it is saved ([MS-OXCMSG] 3.2.5). */
export abstract class OverlayObject implements PropertyObject {
  readonly logon: Logon;
  protected readonly overlay: PropertyOverlay;
  readonly #readOnly: ReadonlySet<number>;
  readonly #writes = new Set<PendingWrite>();
  #closed = false;

  constructor(logon: Logon, base: StoredProperties | undefined, readOnly: ReadonlySet<number>) {
    this.logon = logon;
    this.overlay = new PropertyOverlay(base, (bytes) => logon.session.allowance.use(bytes));
    this.#readOnly = readOnly;
  }

  /** Names it among all that is stored in the mailbox; itself where it is not stored. */
  abstract get lockName(): string | object;
  /** Whether it may be changed: it was opened so, and is not saved for good. */
  abstract get writable(): boolean;
  /** A value of any size that is stored. */
  protected abstract loadStored(tag: PropertyTag): PropertyValue | undefined;

  /** An open stream writes here: it is asked for its bytes before anybody reads or saves. */
  addWriter(writer: PendingWrite): () => void {
    this.#writes.add(writer);
    return () => this.#writes.delete(writer);
  }

  protected flush(): void {
    for (const writer of this.#writes) writer.flush();
  }

  tags(): readonly PropertyTag[] {
    this.flush();
    return this.overlay.tags();
  }

  find(tags: readonly PropertyTag[]): readonly (Found | undefined)[] {
    this.flush();
    return tags.map((tag) => {
      if (typeOf(tag) !== PropertyType.Unspecified) return this.findOne(unicodeTag(tag));
      const kept = this.tags().find((each) => idOf(each) === idOf(tag));
      return kept === undefined ? undefined : this.findOne(kept);
    });
  }

  /** By the tag that is kept. */
  protected findOne(tag: PropertyTag): Found | undefined {
    return this.overlay.find(tag);
  }

  load(tag: PropertyTag): PropertyValue | undefined {
    this.flush();
    const found = this.findOne(tag);
    if (found === undefined) return undefined;
    return 'value' in found ? found.value : this.loadStored(tag);
  }

  set(properties: Properties): readonly PropertyProblem[] {
    this.requireWritable();
    this.flush();
    const problems: PropertyProblem[] = [];
    let index = 0;
    for (const [tag, value] of properties) {
      const code = this.refusal(tag);
      if (code === undefined) this.put(unicodeTag(tag), value);
      else problems.push(problem(index, tag, code));
      index += 1;
    }
    return problems;
  }

  remove(tags: readonly PropertyTag[]): readonly PropertyProblem[] {
    this.requireWritable();
    this.flush();
    const problems: PropertyProblem[] = [];
    for (const [index, tag] of tags.entries()) {
      if (this.#readOnly.has(idOf(tag))) problems.push(problem(index, tag, ErrorCode.AccessDenied));
      else this.overlay.remove(tag);
    }
    return problems;
  }

  /** Sets one value without asking whether it may be: what is computed here, and what streams wrote. */
  put(tag: PropertyTag, value: PropertyValue): void {
    this.overlay.set(tag, value);
  }

  /** Why a property cannot be set; undefined where it can. */
  refusal(tag: PropertyTag): number | undefined {
    if (NO_TYPE_OF_ITS_OWN.includes(typeOf(tag))) return ErrorCode.InvalidParam;
    return this.#readOnly.has(idOf(tag)) ? ErrorCode.Computed : undefined;
  }

  requireWritable(): void {
    if (this.#closed) throw new StoreError(ErrorCode.InvalidObject, 'the object was released');
    if (!this.writable) throw new StoreError(ErrorCode.AccessDenied, 'the object was opened to be read');
  }

  /** What a stream that outlives it writes is lost. */
  close(): void {
    this.#closed = true;
    this.overlay.close();
  }
}
