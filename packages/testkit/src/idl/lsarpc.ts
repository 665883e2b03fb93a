import { defineInterface, ndr } from '@rpch/rpc';
import { MAX_LOOKUPS, referencedDomains, sid, sidNameUse, unicodeString } from './lsa-types.ts';

const { conformantArray, contextHandle, input, inputOutput, output, procedure, range, string, struct } = ndr;
const { uint8, uint16, uint32, unique, wchar } = ndr;

/** LSAPR_OBJECT_ATTRIBUTES ([MS-LSAD] 2.2.2.4), of which nothing but the quality of service is looked at. */
const objectAttributes = struct({
  len: uint32,
  root_dir: unique(uint8),
  object_name: unique(unicodeString),
  attributes: uint32,
  security_descriptor: unique(uint32),
  security_quality_of_service: unique(
    struct({ len: uint32, impersonation_level: uint16, context_mode: uint8, effective_only: uint8 }),
  ),
});

const translatedSids = struct({
  count: range(uint32, 0, MAX_LOOKUPS),
  sids: unique(
    conformantArray(struct({ sid_type: sidNameUse, sid: unique(sid), sid_index: uint32, flags: uint32 }), {
      size_is: 'count',
    }),
  ),
});

const translatedNames = struct({
  count: range(uint32, 0, MAX_LOOKUPS),
  names: unique(
    conformantArray(struct({ sid_type: sidNameUse, name: unicodeString, sid_index: uint32, flags: uint32 }), {
      size_is: 'count',
    }),
  ),
});

/** Some calls of lsarpc ([MS-LSAD], [MS-LSAT]). */
export const lsarpc = defineInterface({
  name: 'lsarpc',
  uuid: '12345778-1234-abcd-ef00-0123456789ab',
  version: [0, 0],
  procedures: {
    close: procedure({
      name: 'LsarClose',
      opnum: 0,
      parameters: { handle: inputOutput(contextHandle) },
      returns: uint32,
    }),
    openPolicy2: procedure({
      name: 'LsarOpenPolicy2',
      opnum: 44,
      parameters: {
        system_name: input(unique(string(wchar))),
        attributes: input(objectAttributes),
        access_mask: input(uint32),
        handle: output(contextHandle),
      },
      returns: uint32,
    }),
    getUserName: procedure({
      name: 'LsarGetUserName',
      opnum: 45,
      parameters: {
        system_name: input(unique(string(wchar))),
        account_name: inputOutput(unique(unicodeString)),
        authority_name: inputOutput(unique(unique(unicodeString))),
      },
      returns: uint32,
    }),
    lookupSids3: procedure({
      name: 'LsarLookupSids3',
      opnum: 76,
      parameters: {
        sids: input(
          struct({
            count: range(uint32, 0, MAX_LOOKUPS),
            sids: unique(conformantArray(struct({ sid: unique(sid) }), { size_is: 'count' })),
          }),
        ),
        domains: output(unique(referencedDomains)),
        names: inputOutput(translatedNames),
        level: input(uint16),
        count: inputOutput(uint32),
        lookup_options: input(uint32),
        client_revision: input(uint32),
      },
      returns: uint32,
    }),
    lookupNames4: procedure({
      name: 'LsarLookupNames4',
      opnum: 77,
      parameters: {
        num_names: input(range(uint32, 0, MAX_LOOKUPS)),
        names: input(conformantArray(unicodeString, { size_is: 'num_names' })),
        domains: output(unique(referencedDomains)),
        sids: inputOutput(translatedSids),
        level: input(uint16),
        count: inputOutput(uint32),
        lookup_options: input(uint32),
        client_revision: input(uint32),
      },
      returns: uint32,
    }),
  },
});
