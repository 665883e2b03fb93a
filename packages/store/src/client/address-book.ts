import {
  type CallOptions,
  type ClientOf,
  type ContextHandle,
  Nspi,
  type nspiDeclaration,
  type RestrictionR,
  type Stat,
} from '@rpch/rpc/internal';
import { ErrorCode } from '../mapi/error-code.ts';
import type { Properties, PropertyTag } from '../mapi/property.ts';
import { PidTag } from '../mapi/property-tags.ts';
import { MapiError } from './mapi-error.ts';
import { propertiesOfRow } from './nspi-values.ts';
import { numberOf, type PropertyResult, textOf } from './property-result.ts';
import type { Signalled } from './signalled.ts';

/** The methods of NSPI, over whatever carries the calls. */
export type NspiCalls = ClientOf<typeof nspiDeclaration>;

/** Entries that are told of an ambiguous name, at most. */
const MAX_CANDIDATES = 20;
const PAGE = 100;
/** PidTagAnr: names, addresses and aliases at once, as the server takes them ([MS-OXOABK] 2.2.1.7). */
const ANR: PropertyTag = 0x360c001f;
/** PidTagAddressBookHomeMessageDatabase. */
const HOME_MDB: PropertyTag = 0x8006001f;
const EQUAL = 4;

/** An entry of the address book, by what people know it by. */
export interface AddressEntry {
  readonly displayName: string;
  /** legacyExchangeDN; empty where the entry is not of address type EX. */
  readonly legacyDn: string;
  readonly smtpAddress: string | undefined;
  /** PidTagAccount: the alias. */
  readonly account: string | undefined;
  /** PidTagDisplayType: 0 a user, 1 a list, … */
  readonly displayType: number;
  /** DN of the store that the mailbox is in, where it is said. */
  readonly homeMdb: string | undefined;
}

/** What came of a name. */
export type Resolution =
  | { readonly kind: 'resolved'; readonly entry: AddressEntry }
  /** The entries that it may mean; none where they are too many. */
  | { readonly kind: 'ambiguous'; readonly candidates: readonly AddressEntry[] }
  | { readonly kind: 'unknown' };

const COLUMNS: readonly PropertyTag[] = [
  PidTag.DisplayName,
  PidTag.EmailAddress,
  PidTag.AddressType,
  PidTag.SmtpAddress,
  PidTag.Account,
  PidTag.DisplayType,
  HOME_MDB,
];

/** How the address book is asked. */
export interface AddressBookOptions {
  /** Code page of 8-bit strings: everything here is asked for in Unicode. Default 1252. */
  readonly codePage?: number;
  /** Locale by which tables are sorted. Default 0x0409. */
  readonly locale?: number;
  readonly signal?: AbortSignal;
}

/** The address book of a server ([MS-OXNSPI]), bound. Rejections: MapiError, and what the call rejects with. */
export class AddressBook implements AsyncDisposable {
  readonly #calls: NspiCalls;
  readonly #stat: Stat;
  #handle: ContextHandle;
  #bound = true;

  private constructor(calls: NspiCalls, handle: ContextHandle, stat: Stat) {
    this.#calls = calls;
    this.#handle = handle;
    this.#stat = stat;
  }

  /** NspiBind. */
  static async bind(
    calls: NspiCalls,
    { codePage = 1252, locale = 0x0409, signal }: AddressBookOptions = {},
  ): Promise<AddressBook> {
    const pStat = {
      SortType: Nspi.SortTypeDisplayName,
      ContainerID: 0,
      CurrentRec: Nspi.MID_BEGINNING_OF_TABLE,
      Delta: 0,
      NumPos: 0,
      TotalRecs: 0,
      CodePage: codePage,
      TemplateLocale: locale,
      SortLocale: locale,
    };
    const input = { dwFlags: 0, pStat, pServerGuid: { ab: new Uint8Array(16) } };
    const { contextHandle, result } = await calls.bind(input, optionsOf(signal));
    if (result !== ErrorCode.Success) throw new MapiError('NspiBind', result);
    return new AddressBook(calls, contextHandle, pStat);
  }

  /** What a name, an alias or an address means, as "Check Names" does it (NspiResolveNamesW). */
  async resolve(name: string, { signal }: Signalled = {}): Promise<Resolution> {
    const answer = await this.#calls.resolveNamesW(
      {
        hRpc: this.#handle,
        Reserved: 0,
        pStat: this.#stat,
        pPropTags: tags(COLUMNS),
        paWStr: { Strings: [name] },
      },
      optionsOf(signal),
    );
    if (answer.result !== ErrorCode.Success) throw new MapiError('NspiResolveNamesW', answer.result);
    const [row] = answer.ppRows?.aRow ?? [];
    switch (answer.ppMIds?.aulPropTag[0]) {
      case Nspi.MID_RESOLVED:
        return row === undefined ? { kind: 'unknown' } : { kind: 'resolved', entry: this.#entry(row) };
      case Nspi.MID_AMBIGUOUS: {
        const candidates = await this.#candidates(name, signal);
        // There are servers that call ambiguous what is unknown.
        return candidates?.length === 0 ? { kind: 'unknown' } : { kind: 'ambiguous', candidates: candidates ?? [] };
      }
      default:
        return { kind: 'unknown' };
    }
  }

  /** The entries of a container in their order, by default those of the global address list (NspiQueryRows). */
  async *list({
    container = 0,
    signal,
  }: Signalled & { readonly container?: number } = {}): AsyncGenerator<AddressEntry, void, undefined> {
    let pStat: Stat = { ...this.#stat, ContainerID: container };
    for (;;) {
      const answer = await this.#calls.queryRows(
        {
          hRpc: this.#handle,
          dwFlags: Nspi.fSkipObjects,
          pStat,
          lpETable: null,
          Count: PAGE,
          pPropTags: tags(COLUMNS),
        },
        optionsOf(signal),
      );
      if (answer.result !== ErrorCode.Success) throw new MapiError('NspiQueryRows', answer.result);
      const rows = answer.ppRows?.aRow ?? [];
      for (const row of rows) yield this.#entry(row);
      if (rows.length === 0 || answer.pStat.CurrentRec === Nspi.MID_END_OF_TABLE) return;
      // A server that does not move on would be asked for ever.
      if (answer.pStat.CurrentRec === pStat.CurrentRec && answer.pStat.NumPos === pStat.NumPos) return;
      pStat = { ...answer.pStat, Delta: 0 };
    }
  }

  /**
   * Properties of the entry with a DN; all that the server tells of it where no tags are named (NspiDNToMId, NspiGetProps). Undefined where there
   * is none.
   */
  async details(
    legacyDn: string,
    { tags: wanted, signal }: Signalled & { readonly tags?: readonly PropertyTag[] } = {},
  ): Promise<PropertyResult | undefined> {
    const options = optionsOf(signal);
    const found = await this.#calls.dnToMId(
      { hRpc: this.#handle, Reserved: 0, pNames: { Strings: [legacyDn] } },
      options,
    );
    if (found.result !== ErrorCode.Success) throw new MapiError('NspiDNToMId', found.result);
    const mid = found.ppOutMIds?.aulPropTag[0] ?? 0;
    if (mid === 0) return undefined;
    const answer = await this.#calls.getProps(
      {
        hRpc: this.#handle,
        dwFlags: Nspi.fSkipObjects,
        pStat: { ...this.#stat, CurrentRec: mid },
        pPropTags: wanted === undefined ? null : tags(wanted),
      },
      options,
    );
    const ok = answer.result === ErrorCode.Success || answer.result === ErrorCode.ErrorsReturned;
    if (!ok) throw new MapiError('NspiGetProps', answer.result);
    return answer.ppRows === null ? undefined : propertiesOfRow(answer.ppRows, this.#stat.CodePage);
  }

  /** The entry with a DN; undefined where there is none. */
  async entry(legacyDn: string, options: Signalled = {}): Promise<AddressEntry | undefined> {
    const found = await this.details(legacyDn, { tags: COLUMNS, ...options });
    return found === undefined ? undefined : entryOf(found.values);
  }

  /** NspiUnbind. What it answers is no matter: the handle is gone either way. */
  async unbind({ signal }: Signalled = {}): Promise<void> {
    if (!this.#bound) return;
    this.#bound = false;
    await this.#calls.unbind({ contextHandle: this.#handle, Reserved: 0 }, optionsOf(signal));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unbind();
  }

  /** The entries that a name may mean; undefined where they are more than the server is asked for. */
  async #candidates(name: string, signal: AbortSignal | undefined): Promise<AddressEntry[] | undefined> {
    const { result, ppRows } = await this.#calls.getMatches(
      {
        hRpc: this.#handle,
        Reserved1: 0,
        pStat: this.#stat,
        pReserved: null,
        Reserved2: 0,
        Filter: anr(name),
        lpPropName: null,
        ulRequested: MAX_CANDIDATES,
        pPropTags: tags(COLUMNS),
      },
      optionsOf(signal),
    );
    if (result === ErrorCode.TableTooBig) return undefined;
    if (result !== ErrorCode.Success) throw new MapiError('NspiGetMatches', result);
    return (ppRows?.aRow ?? []).map((row) => this.#entry(row));
  }

  #entry(row: Parameters<typeof propertiesOfRow>[0]): AddressEntry {
    const { values } = propertiesOfRow(row, this.#stat.CodePage);
    return entryOf(values);
  }
}

function entryOf(values: Properties): AddressEntry {
  const isEx = (textOf(values, PidTag.AddressType) ?? 'EX').toUpperCase() === 'EX';
  return {
    displayName: textOf(values, PidTag.DisplayName) ?? '',
    legacyDn: isEx ? (textOf(values, PidTag.EmailAddress) ?? '') : '',
    smtpAddress: textOf(values, PidTag.SmtpAddress),
    account: textOf(values, PidTag.Account),
    displayType: numberOf(values, PidTag.DisplayType) ?? 0,
    homeMdb: textOf(values, HOME_MDB),
  };
}

/** The filter of "Check Names" ([MS-OXNSPI] 3.1.4.1.10). */
function anr(name: string): RestrictionR {
  const lpProp = { ulPropTag: ANR, ulReserved: 0, Value: { case: 31, value: name } } as const;
  return { res: { case: 4, value: { relop: EQUAL, ulPropTag: ANR, lpProp } } };
}

function tags(wanted: readonly PropertyTag[]): { readonly aulPropTag: readonly number[] } {
  return { aulPropTag: wanted };
}

function optionsOf(signal: AbortSignal | undefined): CallOptions {
  return signal === undefined ? {} : { signal };
}
