import { ndr } from '@rpch/rpc';

/** Types that lsarpc and samr share ([MS-LSAT], [MS-SAMR], [MS-DTYP]). */

const { conformantArray, conformantVaryingArray, enum16, expression, fixedArray, half, range, struct } = ndr;
const { uint8, uint16, uint32, unique, wchar } = ndr;

/** Most names and SIDs of one call ([MS-LSAT] 3.1.4). */
export const MAX_LOOKUPS = 1000;

/** RPC_UNICODE_STRING ([MS-DTYP] 2.3.10): lengths in bytes, no NUL. */
export const unicodeString = struct({
  length: uint16,
  size: uint16,
  string: unique(conformantVaryingArray(wchar, { size_is: half('size'), length_is: half('length') })),
});

/** RPC_UNICODE_STRING as domain names are sent in: its size counts a NUL that is not there. */
export const unicodeStringLarge = struct({
  length: uint16,
  size: uint16,
  string: unique(
    conformantVaryingArray(wchar, {
      size_is: expression(
        'size',
        (bytes) => bytes >> 1,
        (chars) => chars * 2 + 2,
      ),
      length_is: half('length'),
    }),
  ),
});

/** RPC_SID ([MS-DTYP] 2.4.2.3). */
export const sid = struct({
  sid_rev_num: uint8,
  num_auths: uint8,
  id_auth: fixedArray(uint8, 6),
  sub_auths: conformantArray(uint32, { size_is: 'num_auths' }),
});

/** A SID in its text form, `S-1-5-…` ([MS-DTYP] 2.4.2.1); identifier authorities of 32 bits. */
export function sidText({ sid_rev_num, id_auth, sub_auths }: ndr.ValueOf<typeof sid>): string {
  return ['S', sid_rev_num, Buffer.from(id_auth).readUInt32BE(2), ...sub_auths].join('-');
}

/** A SID from its text form. */
export function sidOf(text: string): ndr.ValueOf<typeof sid> {
  const [revision = 0, authority = 0, ...subAuthorities] = text.split('-').slice(1).map(Number);
  const idAuth = Buffer.alloc(6);
  idAuth.writeUInt32BE(authority, 2);
  return { sid_rev_num: revision, id_auth: Uint8Array.from(idAuth), sub_auths: subAuthorities };
}

/** SID_NAME_USE ([MS-LSAT] 2.2.13). */
export const SidNameUse = { user: 1, domainGroup: 2, domain: 3, alias: 4, wellKnownGroup: 5, invalid: 7, unknown: 8 };
export const sidNameUse = enum16(SidNameUse);

/** LSAPR_REFERENCED_DOMAIN_LIST ([MS-LSAT] 2.2.12). */
export const referencedDomains = struct({
  count: range(uint32, 0, MAX_LOOKUPS),
  domains: unique(conformantArray(struct({ name: unicodeStringLarge, sid: unique(sid) }), { size_is: 'count' })),
  max_size: uint32,
});

/** STATUS_SUCCESS ([MS-ERREF] 2.3). */
export const STATUS_SUCCESS = 0;
