import { defineInterface, mgmtDeclaration, ndr } from '@rpch/rpc';

const { conformantArray, input, output, procedure, struct, uint32 } = ndr;

/**
 * rpc__mgmt_inq_stats as Samba has it (its source has it in librpc/idl/mgmt.idl): with a second input, which C706 appendix Q does not
 * have. Samba's server refuses a request without it. The answers look the same.
 */
export const sambaMgmt = defineInterface({
  name: 'mgmt of Samba',
  uuid: mgmtDeclaration.syntax.uuid,
  version: [1, 0],
  procedures: {
    inqStats: procedure({
      name: 'mgmt_inq_stats',
      opnum: 1,
      parameters: {
        max_count: input(uint32),
        unknown: input(uint32),
        statistics: output(struct({ count: uint32, statistics: conformantArray(uint32, { size_is: 'count' }) })),
      },
      returns: uint32,
    }),
  },
});
