import { defineInterface } from '../../../src/dcerpc/interface-declaration.ts';
import {
  char,
  conformantArray,
  conformantVaryingArray,
  contextHandle,
  enum32,
  full,
  input,
  inputOutput,
  output,
  procedure,
  struct,
  uint8,
  uint16,
  uint32,
  uuid,
  varyingString,
} from '../../../src/ndr/mod.ts';

/** The endpoint mapper (C706 appendix O), with the attributes of Microsoft's IDL: ept_lookup and ept_map. */
export const twr_t = struct({
  tower_length: uint32,
  tower_octet_string: conformantArray(uint8, { size_is: 'tower_length' }),
});
const twr_p_t = full(twr_t);
const ept_entry_t = struct({ object: uuid, tower: twr_p_t, annotation: varyingString(char, 64) });
const rpc_if_id_t = struct({ uuid, vers_major: uint16, vers_minor: uint16 });

export const epmapper = defineInterface({
  name: 'epmapper',
  uuid: 'e1af8308-5d1f-11c9-91a4-08002b14a0fa',
  version: [3, 0],
  procedures: {
    lookup: procedure({
      name: 'ept_lookup',
      opnum: 2,
      parameters: {
        inquiry_type: input(enum32({ RPC_C_EP_ALL_ELTS: 0, RPC_C_EP_MATCH_BY_IF: 1, RPC_C_EP_MATCH_BY_OBJ: 2 })),
        object: input(full(uuid)),
        interface_id: input(full(rpc_if_id_t)),
        vers_option: input(enum32({ RPC_C_VERS_ALL: 1, RPC_C_VERS_COMPATIBLE: 2, RPC_C_VERS_EXACT: 3 })),
        entry_handle: inputOutput(contextHandle),
        max_ents: input(uint32),
        num_ents: output(uint32),
        entries: output(conformantVaryingArray(ept_entry_t, { size_is: 'max_ents', length_is: 'num_ents' })),
      },
      returns: uint32,
    }),
    map: procedure({
      name: 'ept_map',
      opnum: 3,
      parameters: {
        object: input(full(uuid)),
        map_tower: input(full(twr_t)),
        entry_handle: inputOutput(contextHandle),
        max_towers: input(uint32),
        num_towers: output(uint32),
        towers: output(conformantVaryingArray(twr_p_t, { size_is: 'max_towers', length_is: 'num_towers' })),
      },
      returns: uint32,
    }),
  },
});
