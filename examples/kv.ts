/** A store of keys and values, as kv.idl has it: the interface that serve.ts serves and client.ts calls. Not a tool. */
// #region types
import { defineInterface, ndr } from '@rpch/rpc';

export const KvStatus = { ok: 0, not_found: 2, full: 8 } as const;
const status = ndr.enum32(KvStatus);

const bytes = ndr.struct({
  size: ndr.range(ndr.uint32, 0, 65536),
  data: ndr.ref(ndr.conformantArray(ndr.uint8, { size_is: 'size' })),
});

const value = ndr.union({
  switch_type: ndr.uint16,
  switch_is: 'kind',
  arms: { 0: null, 1: ndr.ref(ndr.string(ndr.wchar)), 2: ndr.int64, 3: bytes },
});

const entry = ndr.struct({ key: ndr.ref(ndr.string(ndr.wchar)), kind: ndr.uint16, value });
/** `{ key: 'a', value: { case: 1, value: 'text' } }`, for instance: sizes and discriminants follow from the values. */
export type KvEntry = ndr.ValueOf<typeof entry>;
// #endregion

// #region interface
export const kv = defineInterface({
  name: 'kv',
  uuid: '3f5e2a10-7c4b-4d53-8a1e-2f6b9c0d4e71',
  version: [1, 0],
  procedures: {
    open: ndr.procedure({
      name: 'kv_Open',
      opnum: 0,
      parameters: { name: ndr.input(ndr.string(ndr.wchar)), store: ndr.output(ndr.contextHandle) },
      returns: status,
    }),
    close: ndr.procedure({
      name: 'kv_Close',
      opnum: 1,
      parameters: { store: ndr.inputOutput(ndr.contextHandle) },
      returns: status,
    }),
    set: ndr.procedure({
      name: 'kv_Set',
      opnum: 2,
      parameters: { store: ndr.input(ndr.contextHandle), entry: ndr.input(entry) },
      returns: status,
    }),
    get: ndr.procedure({
      name: 'kv_Get',
      opnum: 3,
      parameters: {
        store: ndr.input(ndr.contextHandle),
        key: ndr.input(ndr.string(ndr.wchar)),
        entry: ndr.output(ndr.unique(entry)),
      },
      returns: status,
    }),
    list: ndr.procedure({
      name: 'kv_List',
      opnum: 4,
      parameters: {
        store: ndr.input(ndr.contextHandle),
        count: ndr.output(ndr.uint32),
        entries: ndr.output(ndr.unique(ndr.conformantArray(entry, { size_is: 'count' }))),
      },
      returns: status,
    }),
    wait: ndr.procedure({
      name: 'kv_Wait',
      opnum: 5,
      parameters: {
        store: ndr.input(ndr.contextHandle),
        key: ndr.input(ndr.string(ndr.wchar)),
        entry: ndr.output(ndr.unique(entry)),
      },
      returns: status,
    }),
  },
});
// #endregion
