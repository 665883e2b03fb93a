import { defineInterface, ndr } from '@rpch/rpc';

const { enum16, input, output, procedure, string, struct, uint16, uint32, union, unique, uuid, wchar } = ndr;

/** DSROLER_MACHINE_ROLE of a domain's first controller ([MS-DSSP] 2.2.2). */
export const PRIMARY_DOMAIN_CONTROLLER = 5;

/** Of dssetup ([MS-DSSP] 3.2.5.1): what role a server plays in its domain. */
export const dssetup = defineInterface({
  name: 'dssetup',
  uuid: '3919286a-b10c-11d0-9ba8-00c04fd92ef5',
  version: [0, 0],
  procedures: {
    getPrimaryDomainInformation: procedure({
      name: 'DsRolerGetPrimaryDomainInformation',
      opnum: 0,
      parameters: {
        level: input(uint16),
        info: output(
          unique(
            union({
              switch_type: uint16,
              switch_is: ndr.stated('level'),
              arms: {
                1: struct({
                  role: enum16({ PRIMARY_DOMAIN_CONTROLLER }),
                  flags: uint32,
                  domain: unique(string(wchar)),
                  dns_domain: unique(string(wchar)),
                  forest: unique(string(wchar)),
                  domain_guid: uuid,
                }),
              },
            }),
          ),
        ),
      },
      returns: uint32,
    }),
  },
});
