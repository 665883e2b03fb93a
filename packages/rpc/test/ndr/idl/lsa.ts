import { defineInterface } from '../../../src/dcerpc/interface-declaration.ts';
import {
  conformantArray,
  conformantVaryingArray,
  contextHandle,
  enum16,
  expression,
  fixedArray,
  half,
  input,
  inputOutput,
  output,
  procedure,
  range,
  struct,
  uint8,
  uint16,
  uint32,
  unique,
  wchar,
} from '../../../src/ndr/mod.ts';

/** Parts of lsarpc and samr ([MS-LSAT], [MS-SAMR]), as Samba's lsa.idl and samr.idl have them. */
const countedWide = conformantVaryingArray(wchar, { size_is: half('size'), length_is: half('length') });
export const lsa_String = struct({ length: uint16, size: uint16, string: unique(countedWide) });

/** Its size counts a NUL that is not sent. */
export const lsa_StringLarge = struct({
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
export const dom_sid2 = struct({
  sid_rev_num: uint8,
  num_auths: uint8,
  id_auth: fixedArray(uint8, 6),
  sub_auths: conformantArray(uint32, { size_is: 'num_auths' }),
});

const lsa_DomainInfo = struct({ name: lsa_StringLarge, sid: unique(dom_sid2) });
export const lsa_RefDomainList = struct({
  count: range(uint32, 0, 1000),
  domains: unique(conformantArray(lsa_DomainInfo, { size_is: 'count' })),
  max_size: uint32,
});

const lsa_SidType = enum16({ SID_NAME_USE_NONE: 0, SID_NAME_USER: 1, SID_NAME_DOM_GRP: 2, SID_NAME_DOMAIN: 3 });
const lsa_TranslatedSid = struct({ sid_type: lsa_SidType, rid: uint32, sid_index: uint32 });
export const lsa_TransSidArray = struct({
  count: range(uint32, 0, 1000),
  sids: unique(conformantArray(lsa_TranslatedSid, { size_is: 'count' })),
});

export const lsarpc = defineInterface({
  name: 'lsarpc',
  uuid: '12345778-1234-abcd-ef00-0123456789ab',
  version: [0, 0],
  procedures: {
    close: procedure({
      name: 'lsa_Close',
      opnum: 0,
      parameters: { handle: inputOutput(contextHandle) },
      returns: uint32,
    }),
    lookupNames: procedure({
      name: 'lsa_LookupNames',
      opnum: 14,
      parameters: {
        handle: input(contextHandle),
        num_names: input(range(uint32, 0, 1000)),
        names: input(conformantArray(lsa_String, { size_is: 'num_names' })),
        domains: output(unique(lsa_RefDomainList)),
        sids: inputOutput(lsa_TransSidArray),
        level: input(uint16),
        count: inputOutput(uint32),
      },
      returns: uint32,
    }),
  },
});

/** samr_LookupNames: [size_is(1000), length_is(num_names)] is an array whose maximum count is a constant. */
export const samr_LookupNames = procedure({
  name: 'samr_LookupNames',
  opnum: 17,
  parameters: {
    domain_handle: input(contextHandle),
    num_names: input(range(uint32, 0, 1000)),
    names: input(conformantVaryingArray(lsa_String, { size_is: 1000, length_is: 'num_names' })),
    rids: output(struct({ count: uint32, ids: unique(conformantArray(uint32, { size_is: 'count' })) })),
    types: output(struct({ count: uint32, ids: unique(conformantArray(uint32, { size_is: 'count' })) })),
  },
  returns: uint32,
});
