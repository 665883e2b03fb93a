import type { PropertyNames } from '../../mailbox/model.ts';
import { type MutableProperties, PropertyType, propertyTag } from '../../mapi/property.ts';
import { PropertySet } from '../../mapi/property-name.ts';
import type { Headers } from '../mime/headers.ts';

import { decodeHeaderText } from './subject.ts';

/** Named properties that one message may get of its header fields, and characters of each. */
const MAX_PER_MESSAGE = 100;
const MAX_VALUE = 4096;
/** Names of header fields that a mailbox learns from imports. A mailbox has 32,766 ids for names, and mail must not use them up. */
const MAX_LEARNT = 2000;
const FIELD_NAME = /^[a-z0-9][a-z0-9-]{0,63}$/;
/** Fields without X- that have no property of their own and that clients ask for by their names. */
const KNOWN = new Set(['accept-language', 'content-class', 'content-base', 'list-id', 'user-agent']);

/**
 * Keeps header fields that have no property of their own as named properties of PS_INTERNET_HEADERS ([MS-OXCMAIL] 2.2.3.2.25). Their
 * names are in lower case, as [MS-OXPROPS] 1.3.2 has it.
 */
export class InternetHeaderNames {
  readonly #names: PropertyNames;
  #learnt: number | undefined;

  constructor(names: PropertyNames) {
    this.#names = names;
  }

  setOn(properties: MutableProperties, headers: Headers): void {
    let count = 0;
    const seen = new Set<string>();
    for (const { name, value } of headers.fields) {
      const key = name.toLowerCase();
      const isWanted = (key.startsWith('x-') || KNOWN.has(key)) && FIELD_NAME.test(key) && !seen.has(key);
      if (!isWanted || value === '' || count === MAX_PER_MESSAGE) continue;
      seen.add(key);
      const id = this.#idOf(key);
      if (id === 0) continue;
      count += 1;
      properties.set(propertyTag(id, PropertyType.String), decodeHeaderText(value).slice(0, MAX_VALUE));
    }
  }

  /** 0 for a name that the mailbox does not know and must not learn any more. */
  #idOf(name: string): number {
    const property = { guid: PropertySet.PS_INTERNET_HEADERS, name };
    const known = this.#names.idOf(property, false);
    if (known !== 0) return known;
    this.#learnt ??= this.#names.all().filter((entry) => entry.name.guid === PropertySet.PS_INTERNET_HEADERS).length;
    if (this.#learnt >= MAX_LEARNT) return 0;
    this.#learnt += 1;
    return this.#names.idOf(property, true);
  }
}
