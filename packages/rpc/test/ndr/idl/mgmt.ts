import { defineInterface } from '../../../src/dcerpc/interface-declaration.ts';
import {
  char,
  conformantArray,
  input,
  output,
  procedure,
  string,
  struct,
  uint16,
  uint32,
  unique,
  uuid,
} from '../../../src/ndr/mod.ts';

/** The remote management interface (C706 appendix Q). */
const rpc_if_id_t = struct({ uuid, vers_major: uint16, vers_minor: uint16 });
const rpc_if_id_vector_t = struct({
  count: uint32,
  if_id: conformantArray(unique(rpc_if_id_t), { size_is: 'count' }),
});

export const mgmt = defineInterface({
  name: 'mgmt',
  uuid: 'afa8bd80-7d8a-11c9-bef4-08002b102989',
  version: [1, 0],
  procedures: {
    inqIfIds: procedure({
      name: 'rpc__mgmt_inq_if_ids',
      opnum: 0,
      parameters: { if_id_vector: output(unique(rpc_if_id_vector_t)) },
      returns: uint32,
    }),
    inqPrincName: procedure({
      name: 'rpc__mgmt_inq_princ_name',
      opnum: 4,
      parameters: {
        authn_proto: input(uint32),
        princ_name_size: input(uint32),
        princ_name: output(string(char, { size_is: 'princ_name_size' })),
      },
      returns: uint32,
    }),
  },
});
