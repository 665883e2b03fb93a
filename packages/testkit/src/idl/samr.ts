import { defineInterface, ndr } from '@rpch/rpc';
import { MAX_LOOKUPS, sid, unicodeString } from './lsa-types.ts';

const { conformantArray, conformantVaryingArray, contextHandle, input, inputOutput, output, procedure, range } = ndr;
const { string, struct, uint16, uint32, union, unique, wchar } = ndr;

/** SAMPR_ENUMERATION_BUFFER ([MS-SAMR] 2.2.7.8). */
const enumeration = struct({
  count: uint32,
  entries: unique(conformantArray(struct({ idx: uint32, name: unicodeString }), { size_is: 'count' })),
});

/** SAMPR_ULONG_ARRAY ([MS-SAMR] 2.2.7.4). */
const ulongs = struct({ count: uint32, ids: unique(conformantArray(uint32, { size_is: 'count' })) });

/** SAMPR_REVISION_INFO ([MS-SAMR] 2.2.7.15). */
const revisionInfo = union({
  switch_type: uint32,
  switch_is: 'level_in',
  arms: { 1: struct({ client_version: uint32, supported_features: uint32 }) },
});

/** Some calls of samr ([MS-SAMR] 3.1.5). */
export const samr = defineInterface({
  name: 'samr',
  uuid: '12345778-1234-abcd-ef00-0123456789ac',
  version: [1, 0],
  procedures: {
    close: procedure({
      name: 'SamrCloseHandle',
      opnum: 1,
      parameters: { handle: inputOutput(contextHandle) },
      returns: uint32,
    }),
    lookupDomain: procedure({
      name: 'SamrLookupDomainInSamServer',
      opnum: 5,
      parameters: { handle: input(contextHandle), name: input(unicodeString), domain_id: output(unique(sid)) },
      returns: uint32,
    }),
    enumerateDomains: procedure({
      name: 'SamrEnumerateDomainsInSamServer',
      opnum: 6,
      parameters: {
        handle: input(contextHandle),
        enumeration_context: inputOutput(uint32),
        buffer: output(unique(enumeration)),
        preferred_length: input(uint32),
        count_returned: output(uint32),
      },
      returns: uint32,
    }),
    openDomain: procedure({
      name: 'SamrOpenDomain',
      opnum: 7,
      parameters: {
        server_handle: input(contextHandle),
        desired_access: input(uint32),
        domain_id: input(sid),
        domain_handle: output(contextHandle),
      },
      returns: uint32,
    }),
    enumerateUsers: procedure({
      name: 'SamrEnumerateUsersInDomain',
      opnum: 13,
      parameters: {
        handle: input(contextHandle),
        enumeration_context: inputOutput(uint32),
        user_account_control: input(uint32),
        buffer: output(unique(enumeration)),
        preferred_length: input(uint32),
        count_returned: output(uint32),
      },
      returns: uint32,
    }),
    lookupNames: procedure({
      name: 'SamrLookupNamesInDomain',
      opnum: 17,
      parameters: {
        handle: input(contextHandle),
        count: input(range(uint32, 0, MAX_LOOKUPS)),
        names: input(conformantVaryingArray(unicodeString, { size_is: MAX_LOOKUPS, length_is: 'count' })),
        relative_ids: output(ulongs),
        use: output(ulongs),
      },
      returns: uint32,
    }),
    openUser: procedure({
      name: 'SamrOpenUser',
      opnum: 34,
      parameters: {
        domain_handle: input(contextHandle),
        desired_access: input(uint32),
        user_id: input(uint32),
        user_handle: output(contextHandle),
      },
      returns: uint32,
    }),
    queryUser: procedure({
      name: 'SamrQueryInformationUser',
      opnum: 36,
      parameters: {
        handle: input(contextHandle),
        level: input(uint16),
        // SAMPR_USER_INFO_BUFFER ([MS-SAMR] 2.2.6.29): name, account name, control
        buffer: output(
          unique(
            union({
              switch_type: uint16,
              switch_is: ndr.stated('level'),
              arms: {
                6: struct({ account_name: unicodeString, full_name: unicodeString }),
                7: struct({ account_name: unicodeString }),
                16: struct({ user_account_control: uint32 }),
              },
            }),
          ),
        ),
      },
      returns: uint32,
    }),
    getDomainPasswordInformation: procedure({
      name: 'SamrGetDomainPasswordInformation',
      opnum: 56,
      parameters: {
        unused: input(unique(unicodeString)),
        password_information: output(struct({ min_password_length: uint16, password_properties: uint32 })),
      },
      returns: uint32,
    }),
    connect5: procedure({
      name: 'SamrConnect5',
      opnum: 64,
      parameters: {
        server_name: input(unique(string(wchar))),
        desired_access: input(uint32),
        level_in: input(uint32),
        info_in: input(revisionInfo),
        level_out: output(uint32),
        info_out: output(
          union({
            switch_type: uint32,
            switch_is: 'level_out',
            arms: { 1: struct({ client_version: uint32, supported_features: uint32 }) },
          }),
        ),
        server_handle: output(contextHandle),
      },
      returns: uint32,
    }),
  },
});
