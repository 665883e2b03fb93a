import {
  type HandlersOf,
  Nspi,
  type nspiDeclaration,
  type PropertyRowR,
  type PropertyValueR,
  type rfrDeclaration,
} from '@rpch/rpc/internal';
import { ErrorCode } from '../../src/mapi/error-code.ts';
import { PropertyType, typeOf, withType } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';

const HANDLE = { attributes: 0, uuid: '44444444-4444-4444-4444-444444444444' };
const NULL = { attributes: 0, uuid: '00000000-0000-0000-0000-000000000000' };

export interface FakeEntry {
  readonly displayName: string;
  readonly account: string;
  readonly legacyDn: string;
  readonly homeMdb?: string;
}

export interface FakeBookBehaviour {
  readonly entries: readonly FakeEntry[];
  /** Rows of one answer to NspiQueryRows. */
  readonly rowsAtOnce?: number;
  readonly bindResult?: number;
  readonly getMatchesResult?: number;
  /** Unknown names are called ambiguous, as gromox has it. */
  readonly unknownIsAmbiguous?: boolean;
}

/** The methods of NSPI that the client uses, over a list of entries. MIds count from 16. */
export function fakeAddressBook(behaviour: FakeBookBehaviour): Partial<HandlersOf<typeof nspiDeclaration, unknown>> {
  const { entries, rowsAtOnce = 1000 } = behaviour;
  const matches = (name: string) =>
    entries.filter(({ displayName, account }) =>
      [displayName, account, `${account}@example.org`].some((text) =>
        text.toLowerCase().startsWith(name.toLowerCase()),
      ),
    );
  const rowSet = (found: readonly FakeEntry[], tags: readonly number[]) => ({
    aRow: found.map((each) => row(each, tags)),
  });
  return {
    bind: () => {
      const result = behaviour.bindResult ?? ErrorCode.Success;
      return { pServerGuid: { ab: new Uint8Array(16) }, contextHandle: result === 0 ? HANDLE : NULL, result };
    },
    unbind: () => ({ contextHandle: NULL, result: ErrorCode.UnbindSuccess }),
    resolveNamesW: ({ paWStr, pPropTags }) => {
      const found = matches(paWStr.Strings[0] ?? '');
      const unknown = behaviour.unknownIsAmbiguous === true ? Nspi.MID_AMBIGUOUS : Nspi.MID_UNRESOLVED;
      const mid = [unknown, Nspi.MID_RESOLVED][found.length] ?? Nspi.MID_AMBIGUOUS;
      const rows = mid === Nspi.MID_RESOLVED ? found : [];
      return {
        ppMIds: { aulPropTag: [mid] },
        ppRows: rowSet(rows, pPropTags?.aulPropTag ?? []),
        result: ErrorCode.Success,
      };
    },
    getMatches: ({ Filter, pPropTags, pStat }) => {
      const result = behaviour.getMatchesResult ?? ErrorCode.Success;
      if (result !== ErrorCode.Success) return { pStat, ppOutMIds: null, ppRows: null, result };
      const name = Filter?.res.case === 4 ? Filter.res.value.lpProp?.Value.value : undefined;
      const found = matches(String(name));
      const mids = found.map((_, at) => at + 16);
      return { pStat, ppOutMIds: { aulPropTag: mids }, ppRows: rowSet(found, pPropTags?.aulPropTag ?? []), result };
    },
    queryRows: ({ pStat, Count, pPropTags }) => {
      const from = pStat.CurrentRec === Nspi.MID_BEGINNING_OF_TABLE ? 0 : pStat.CurrentRec - 16;
      const found = entries.slice(from, from + Math.min(Count, rowsAtOnce));
      const next = from + found.length;
      const CurrentRec = next < entries.length ? next + 16 : Nspi.MID_END_OF_TABLE;
      return {
        pStat: { ...pStat, CurrentRec, NumPos: next, TotalRecs: entries.length },
        ppRows: rowSet(found, pPropTags?.aulPropTag ?? []),
        result: ErrorCode.Success,
      };
    },
    dnToMId: ({ pNames }) => {
      const at = entries.findIndex(({ legacyDn }) => legacyDn === pNames.Strings[0]);
      return { ppOutMIds: { aulPropTag: [at < 0 ? 0 : at + 16] }, result: ErrorCode.Success };
    },
    getProps: ({ pStat, pPropTags }) => {
      const entry = entries[pStat.CurrentRec - 16];
      if (entry === undefined) return { ppRows: null, result: ErrorCode.NotFound };
      const tags = pPropTags?.aulPropTag ?? [PidTag.DisplayName, PidTag.EmailAddress];
      const found = row(entry, tags);
      const missing = found.lpProps?.some(({ ulPropTag }) => typeOf(ulPropTag) === PropertyType.ErrorCode);
      return { ppRows: found, result: missing === true ? ErrorCode.ErrorsReturned : ErrorCode.Success };
    },
  };
}

/** The methods of RFR. */
export function fakeReferral(
  server: string | null,
  fqdn: string | null,
): Partial<HandlersOf<typeof rfrDeclaration, unknown>> {
  return {
    getNewDSA: () => ({ ppszUnused: null, ppszServer: server, result: ErrorCode.Success }),
    getFQDNFromServerDN: () => ({ ppszServerFQDN: fqdn, result: ErrorCode.Success }),
  };
}

function row(entry: FakeEntry, tags: readonly number[]): PropertyRowR {
  return { Reserved: 0, lpProps: tags.map((tag) => value(entry, tag)) };
}

function value(entry: FakeEntry, tag: number): PropertyValueR {
  const text = new Map<number, string | undefined>([
    [PidTag.DisplayName, entry.displayName],
    [PidTag.EmailAddress, entry.legacyDn],
    [PidTag.AddressType, 'EX'],
    [PidTag.SmtpAddress, `${entry.account}@example.org`],
    [PidTag.Account, entry.account],
    [PidTag.AddressBookHomeMessageDatabase, entry.homeMdb],
  ]).get(tag);
  if (text !== undefined) return { ulPropTag: tag, ulReserved: 0, Value: { case: 31, value: text } };
  if (tag === PidTag.DisplayType) return { ulPropTag: tag, ulReserved: 0, Value: { case: 3, value: 0 } };
  const missing = withType(tag, PropertyType.ErrorCode);
  return { ulPropTag: missing, ulReserved: 0, Value: { case: 10, value: ErrorCode.NotFound } };
}
