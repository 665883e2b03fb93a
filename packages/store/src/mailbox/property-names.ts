import { ErrorCode, StoreError } from '../mapi/error-code.ts';
import { type PropertyName, PropertySet } from '../mapi/property-name.ts';
import { FIRST_NAMED_ID } from '../mapi/property-tags.ts';
import { integer, type SqlRow, text } from '../sql/driver.ts';
import type { MailboxContext } from './mailbox-context.ts';
import type { PropertyNames } from './model.ts';

/** Ids end before 0xFFFF, which stands for none. */
const LAST_NAMED_ID = 0xfffe;
/** Characters of a name: what NameSize of PropertyName can count ([MS-OXCDATA] 2.6.1). */
const MAX_NAME = 126;

/**
 * The named properties of a mailbox and their ids ([MS-OXCPRPT] 3.2.5.9): made when they are first asked for, and never changed or
 * removed. Which is why they may be remembered, whatever other connections do.
 */
export class StoredPropertyNames implements PropertyNames {
  readonly #context: MailboxContext;
  readonly #idByKey = new Map<string, number>();
  readonly #nameById = new Map<number, PropertyName>();

  constructor(context: MailboxContext) {
    this.#context = context;
    // A rollback takes back those that were made.
    context.forgetsBy(() => {
      this.#idByKey.clear();
      this.#nameById.clear();
    });
  }

  idOf(name: PropertyName, create: boolean): number {
    // [MS-OXCPRPT] 3.2.5.9: in PS_MAPI the id is the number itself, and there are no names.
    if (name.guid === PropertySet.PS_MAPI) return 'lid' in name && name.lid < FIRST_NAMED_ID ? name.lid : 0;
    const stored = canonical(name);
    const key = keyOf(stored);
    const known = this.#idByKey.get(key) ?? this.#find(stored);
    if (known !== undefined) {
      this.#remember(known, stored, key);
      return known;
    }
    if (!create) return 0;
    return this.#context.write(() => {
      const id = this.#find(stored) ?? this.#make(stored);
      this.#remember(id, stored, key);
      return id;
    });
  }

  nameOf(id: number): PropertyName | undefined {
    if (id < FIRST_NAMED_ID) return { guid: PropertySet.PS_MAPI, lid: id };
    const known = this.#nameById.get(id);
    if (known !== undefined) return known;
    const row = this.#context.database.get('SELECT guid, lid, name FROM property_names WHERE id = ?', id);
    if (row === undefined) return undefined;
    const name = nameIn(row);
    this.#remember(id, name, keyOf(name));
    return name;
  }

  all(): readonly { readonly id: number; readonly name: PropertyName }[] {
    return this.#context.database
      .all('SELECT id, guid, lid, name FROM property_names ORDER BY id')
      .map((row) => ({ id: integer(row, 'id'), name: nameIn(row) }));
  }

  #remember(id: number, name: PropertyName, key: string): void {
    this.#idByKey.set(key, id);
    this.#nameById.set(id, name);
  }

  #find(name: PropertyName): number | undefined {
    const row =
      'lid' in name
        ? this.#context.database.get('SELECT id FROM property_names WHERE guid = ? AND lid = ?', name.guid, name.lid)
        : this.#context.database.get('SELECT id FROM property_names WHERE guid = ? AND name = ?', name.guid, name.name);
    return row === undefined ? undefined : integer(row, 'id');
  }

  #make(name: PropertyName): number {
    const row = this.#context.database.get('SELECT max(id) AS last FROM property_names') ?? {};
    const id = row.last === null ? FIRST_NAMED_ID : integer(row, 'last') + 1;
    if (id > LAST_NAMED_ID) throw new StoreError(ErrorCode.OutOfResources, 'the mailbox has no property ids left');
    this.#context.database.run(
      'INSERT INTO property_names (id, guid, lid, name) VALUES (?, ?, ?, ?)',
      id,
      name.guid,
      'lid' in name ? name.lid : null,
      'lid' in name ? null : name.name,
    );
    return id;
  }
}

function nameIn(row: SqlRow): PropertyName {
  const guid = text(row, 'guid');
  return row.lid === null ? { guid, name: text(row, 'name') } : { guid, lid: integer(row, 'lid') };
}

/** Names of header fields are the same in whatever case ([MS-OXCMSG] 2.2.1); all others are not. Throws InvalidParam. */
function canonical(name: PropertyName): PropertyName {
  if ('lid' in name) return { guid: name.guid.toLowerCase(), lid: name.lid >>> 0 };
  if (name.name.length > MAX_NAME) throw new StoreError(ErrorCode.InvalidParam, 'a property name that is too long');
  const guid = name.guid.toLowerCase();
  return { guid, name: guid === PropertySet.PS_INTERNET_HEADERS ? name.name.toLowerCase() : name.name };
}

function keyOf(name: PropertyName): string {
  return 'lid' in name ? `${name.guid} ${name.lid}` : `${name.guid} "${name.name}`;
}
