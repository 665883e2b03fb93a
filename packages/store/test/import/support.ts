import { Buffer } from 'node:buffer';
import { MailConverter } from '../../src/import/convert/mail-converter.ts';
import type { MailFlags } from '../../src/import/convert/status-flags.ts';
import type { AttachmentContent, MessageContent, PropertyNames } from '../../src/mailbox/model.ts';
import { type PropertyTag, type PropertyValue, propertyTag } from '../../src/mapi/property.ts';
import type { PropertyName } from '../../src/mapi/property-name.ts';

/** 2026-01-01 00:00 UTC as FILETIME: when nothing else is known. */
export const FALLBACK = 134_116_992_000_000_000n;

/** Named properties of a mailbox that is not there. */
export class FakeNames implements PropertyNames {
  readonly #names: PropertyName[] = [];
  readonly #ids = new Map<string, number>();

  idOf(name: PropertyName, create: boolean): number {
    const key = JSON.stringify(name);
    const known = this.#ids.get(key);
    if (known !== undefined || !create) return known ?? 0;
    const id = 0x7fff + this.#names.push(name);
    this.#ids.set(key, id);
    return id;
  }

  nameOf(id: number): PropertyName | undefined {
    return this.#names[id - 0x8000];
  }

  all() {
    return this.#names.map((name, at) => ({ id: 0x8000 + at, name }));
  }
}

export interface Converted extends MessageContent {
  readonly notes: readonly string[];
  readonly recurrence: readonly string[];
  get(tag: PropertyTag): PropertyValue | undefined;
  named(name: PropertyName, type: number): PropertyValue | undefined;
}

/** Lines of a message as its bytes, with CR LF; each character of a line is one byte. */
export function bytesOf(lines: string | readonly string[]): Uint8Array {
  const text = typeof lines === 'string' ? lines : lines.join('\r\n');
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** Converts a message. */
export function convert(lines: string | readonly string[] | Uint8Array, flags?: MailFlags): Converted {
  const names = new FakeNames();
  const bytes = lines instanceof Uint8Array ? lines : bytesOf(lines);
  const options = { fallback: FALLBACK, ...(flags === undefined ? {} : { flags }) };
  const { content, notes, recurrence } = new MailConverter(names).toMessage(bytes, options);
  return {
    ...content,
    notes,
    recurrence,
    get: (tag) => content.properties.get(tag),
    named: (name, type) => content.properties.get(propertyTag(names.idOf(name, false), type)),
  };
}

/** The only attachment, or the one of that number. */
export function attachment(message: MessageContent, number = 0): AttachmentContent {
  const found = message.attachments[number];
  if (found === undefined) throw new Error(`there is no attachment ${number}`);
  return found;
}

export function ascii(value: PropertyValue | undefined): string {
  if (!(value instanceof Uint8Array)) throw new Error('no bytes');
  return Buffer.from(value).toString('latin1');
}
