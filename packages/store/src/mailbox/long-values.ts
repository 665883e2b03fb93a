import type { Counter } from '../mapi/object-id.ts';
import type { MutableProperties, PropertyTag, PropertyValue } from '../mapi/property.ts';
import { blob, integer, type SqlDatabase } from '../sql/driver.ts';
import type { Packed, PackedProperties } from './packed-properties.ts';
import { decodeValue } from './value-codec.ts';

/** In the place of an attachment's number: the object itself. */
export const ITSELF = -1;

/** A value that lies apart, with the attachment that it is of, or {@link ITSELF}. */
export interface LongValue {
  readonly attachment: number;
  readonly tag: PropertyTag;
  readonly value: PropertyValue;
}

/** The values of folders, messages and attachments that packed properties have only the beginning of. */
export class LongValues {
  readonly #database: SqlDatabase;

  constructor(database: SqlDatabase) {
    this.#database = database;
  }

  get(owner: Counter, attachment: number, tag: PropertyTag): PropertyValue | undefined {
    const row = this.#database.get(
      'SELECT content FROM long_values WHERE owner = ? AND attachment = ? AND tag = ?',
      owner,
      attachment,
      tag,
    );
    return row === undefined ? undefined : decodeValue(tag, blob(row, 'content'));
  }

  /** All values of an object and its attachments that take at most `most` bytes. */
  all(owner: Counter, most: number): LongValue[] {
    return this.#database
      .all('SELECT attachment, tag, content FROM long_values WHERE owner = ? AND length(content) <= ?', owner, most)
      .map((row) => {
        const tag = integer(row, 'tag');
        return { attachment: integer(row, 'attachment'), tag, value: decodeValue(tag, blob(row, 'content')) };
      });
  }

  /** What is packed, and all that lies apart. */
  complete(owner: Counter, packed: PackedProperties): MutableProperties {
    const properties = packed.toProperties();
    for (const tag of packed.apart().keys()) {
      const value = this.get(owner, ITSELF, tag);
      if (value !== undefined) properties.set(tag, value);
    }
    return properties;
  }

  /** Stores the values that packing has put apart, and removes those that `before` had there and `after` has no more. */
  store(owner: Counter, attachment: number, made: Packed, before: PackedProperties, after: PackedProperties): void {
    for (const [tag, content] of made.apart) {
      this.#database.run(
        'INSERT OR REPLACE INTO long_values (owner, attachment, tag, content) VALUES (?, ?, ?, ?)',
        owner,
        attachment,
        tag,
        content,
      );
    }
    for (const tag of before.apart().keys()) {
      if (after.isApart(tag)) continue;
      this.#database.run(
        'DELETE FROM long_values WHERE owner = ? AND attachment = ? AND tag = ?',
        owner,
        attachment,
        tag,
      );
    }
  }

  /** Removes the values of an object, its attachments included. */
  delete(owner: Counter): void {
    this.#database.run('DELETE FROM long_values WHERE owner = ?', owner);
  }

  deleteAttachment(owner: Counter, attachment: number): void {
    this.#database.run('DELETE FROM long_values WHERE owner = ? AND attachment = ?', owner, attachment);
  }

  /** Those of all messages of a folder. */
  deleteOfFolder(folder: Counter): void {
    this.#database.run('DELETE FROM long_values WHERE owner IN (SELECT id FROM messages WHERE folder = ?)', folder);
  }

  move(owner: Counter, to: Counter): void {
    this.#database.run('UPDATE long_values SET owner = ? WHERE owner = ?', to, owner);
  }

  copy(owner: Counter, to: Counter): void {
    this.#database.run(
      `INSERT INTO long_values (owner, attachment, tag, content)
       SELECT ?, attachment, tag, content FROM long_values WHERE owner = ?`,
      to,
      owner,
    );
  }
}
