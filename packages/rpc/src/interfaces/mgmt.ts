import { RpcFaultError } from '../dcerpc/fault.ts';
import { FaultStatus } from '../dcerpc/fault-status.ts';
import { defineInterface } from '../dcerpc/interface-declaration.ts';
import type { RpcInterface } from '../dcerpc/rpc-interface.ts';
import { serverInterface } from '../dcerpc/server-interface.ts';
import type { ServerStatistics } from '../dcerpc/server-statistics.ts';
import type { SyntaxId } from '../dcerpc/syntax-id.ts';
import {
  char,
  conformantArray,
  input,
  inputOutput,
  output,
  procedure,
  range,
  string,
  struct,
  uint16,
  uint32,
  unique,
  uuid,
} from '../ndr/mod.ts';

/** rpc_if_id_t: an interface (C706 appendix Q). */
export const interfaceId = struct({ uuid, vers_major: uint16, vers_minor: uint16 });

const MAX_STATISTICS = 50;
const MAX_PRINCIPAL_NAME = 4096;

/** The management interface, version 1.0 (C706 appendix Q, [MS-RPCE] 2.2.1.3): what a run-time offers on each endpoint. */
export const mgmtDeclaration = defineInterface({
  name: 'mgmt',
  uuid: 'afa8bd80-7d8a-11c9-bef4-08002b102989',
  version: [1, 0],
  procedures: {
    inqIfIds: procedure({
      name: 'rpc__mgmt_inq_if_ids',
      opnum: 0,
      parameters: {
        if_id_vector: output(
          unique(struct({ count: uint32, if_id: conformantArray(unique(interfaceId), { size_is: 'count' }) })),
        ),
      },
      returns: uint32,
    }),
    inqStats: procedure({
      name: 'rpc__mgmt_inq_stats',
      opnum: 1,
      parameters: {
        count: inputOutput(range(uint32, 0, MAX_STATISTICS)),
        statistics: output(conformantArray(uint32, { size_is: 'count' })),
      },
      returns: uint32,
    }),
    isServerListening: procedure({
      name: 'rpc__mgmt_is_server_listening',
      opnum: 2,
      parameters: { status: output(uint32) },
      returns: uint32,
    }),
    stopServerListening: procedure({
      name: 'rpc__mgmt_stop_server_listening',
      opnum: 3,
      parameters: {},
      returns: uint32,
    }),
    inqPrincName: procedure({
      name: 'rpc__mgmt_inq_princ_name',
      opnum: 4,
      parameters: {
        authn_proto: input(uint32),
        princ_name_size: input(range(uint32, 0, MAX_PRINCIPAL_NAME)),
        princ_name: output(string(char, { size_is: 'princ_name_size' })),
      },
      returns: uint32,
    }),
  },
});

/** error_status_t of this interface: Win32 codes. */
export const MgmtStatus = {
  ok: 0,
  access_denied: 5,
  not_supported: 50,
  insufficient_buffer: 122,
  rpc_s_unknown_authn_service: 0x6d3,
} as const;

export interface MgmtOptions {
  /** What the endpoint offers besides this interface. */
  readonly interfaces: readonly SyntaxId[];
  readonly statistics: ServerStatistics;
  /** The principal that the server authenticates as, by auth_type; `undefined` for those it does not know. */
  readonly principalName?: (authType: number) => string | undefined;
}

/** The management interface of one endpoint. Nobody can stop the server by it. */
export function mgmtServer({ interfaces, statistics, principalName }: MgmtOptions): RpcInterface {
  const if_id = interfaces.map(({ uuid: id, version }) => {
    return { uuid: id, vers_major: version & 0xffff, vers_minor: version >>> 16 };
  });
  return serverInterface(mgmtDeclaration, {
    inqIfIds: () => ({ if_id_vector: { if_id }, result: MgmtStatus.ok }),
    inqStats: ({ count }) => {
      // calls in, calls out, packets in, packets out: 32-bit counters that wrap around
      const { callsIn, callsOut, packetsIn, packetsOut } = statistics;
      const all = [callsIn, callsOut, packetsIn, packetsOut].map((value) => value >>> 0);
      return { statistics: all.slice(0, count), result: MgmtStatus.ok };
    },
    isServerListening: () => ({ status: MgmtStatus.ok, result: 1 }),
    stopServerListening: () => ({ result: MgmtStatus.access_denied }),
    inqPrincName: ({ authn_proto, princ_name_size }) => {
      if (princ_name_size === 0) throw new RpcFaultError(FaultStatus.rpc_x_bad_stub_data);
      const name = principalName?.(authn_proto);
      if (name === undefined) return { princ_name: '', result: MgmtStatus.rpc_s_unknown_authn_service };
      if (name.length >= princ_name_size) return { princ_name: '', result: MgmtStatus.insufficient_buffer };
      return { princ_name: name, result: MgmtStatus.ok };
    },
  });
}
