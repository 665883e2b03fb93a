/**
 * What a field of an auxiliary block is: an integer, a GUID, bytes that are reserved, a Unicode string by the offset of it (u16, 0
 * for none), bytes by their size and offset (u16 each), or all that is left and not looked at. Offsets count from the AUX_HEADER.
 */
export type AuxFieldKind = 'u8' | 'u16' | 'u32' | 'guid' | 'text' | 'data' | 'rest' | { readonly reserved: number };

/** How one block is laid out behind its AUX_HEADER ([MS-OXCRPC] 2.2.2.2). */
export interface AuxLayout {
  readonly version: number;
  readonly type: number;
  readonly fields: Readonly<Record<string, AuxFieldKind>>;
}

const reserved2 = { reserved: 2 } as const;
const reserved3 = { reserved: 3 } as const;
const times = { timeSinceRequest: 'u32', timeToComplete: 'u32' } as const;
const operation = { requestOperation: 'u8', reserved: reserved3 } as const;
const requestOf = { clientId: 'u16', serverId: 'u16', sessionId: 'u16', requestId: 'u16' } as const;
const processInfo = {
  processId: 'u16',
  reserved1: reserved2,
  processGuid: 'guid',
  processName: 'text',
  reserved2,
} as const;

/** The bodies of the success and failure blocks, which are three times each: of no, of background and of foreground requests. */
const defMdbSuccess = { ...times, requestId: 'u16', reserved: reserved2 } as const;
const defGcSuccess = { serverId: 'u16', sessionId: 'u16', ...times, ...operation } as const;
const mdbSuccess = { ...requestOf, ...times } as const;
const mdbSuccessV2 = { processId: 'u16', ...requestOf, reserved: reserved2, ...times } as const;
const gcSuccess = {
  clientId: 'u16',
  serverId: 'u16',
  sessionId: 'u16',
  reserved1: reserved2,
  ...times,
  ...operation,
} as const;
const gcSuccessV2 = {
  processId: 'u16',
  clientId: 'u16',
  serverId: 'u16',
  sessionId: 'u16',
  ...times,
  ...operation,
} as const;
const failed = { timeSinceRequest: 'u32', timeToFail: 'u32', resultCode: 'u32', ...operation } as const;
const failure = { ...requestOf, ...failed } as const;
const failureV2 = { processId: 'u16', ...requestOf, reserved1: reserved2, ...failed } as const;

/** The auxiliary blocks, by their names without AUX_ ([MS-OXCRPC] 2.2.2.2). */
export const AUX_LAYOUTS = {
  PERF_REQUESTID: { version: 1, type: 0x01, fields: { sessionId: 'u16', requestId: 'u16' } },
  PERF_CLIENTINFO: {
    version: 1,
    type: 0x02,
    fields: {
      adapterSpeed: 'u32',
      clientId: 'u16',
      machineName: 'text',
      userName: 'text',
      clientIp: 'data',
      clientIpMask: 'data',
      adapterName: 'text',
      macAddress: 'data',
      clientMode: 'u16',
      reserved: reserved2,
    },
  },
  PERF_SERVERINFO: {
    version: 1,
    type: 0x03,
    fields: { serverId: 'u16', serverType: 'u16', serverDn: 'text', serverName: 'text' },
  },
  PERF_SESSIONINFO: {
    version: 1,
    type: 0x04,
    fields: { sessionId: 'u16', reserved: reserved2, sessionGuid: 'guid' },
  },
  PERF_SESSIONINFO_V2: {
    version: 2,
    type: 0x04,
    fields: { sessionId: 'u16', reserved: reserved2, sessionGuid: 'guid', connectionId: 'u32' },
  },
  PERF_DEFMDB_SUCCESS: { version: 1, type: 0x05, fields: defMdbSuccess },
  PERF_BG_DEFMDB_SUCCESS: { version: 1, type: 0x0c, fields: defMdbSuccess },
  PERF_FG_DEFMDB_SUCCESS: { version: 1, type: 0x11, fields: defMdbSuccess },
  PERF_DEFGC_SUCCESS: { version: 1, type: 0x06, fields: defGcSuccess },
  PERF_BG_DEFGC_SUCCESS: { version: 1, type: 0x0d, fields: defGcSuccess },
  PERF_FG_DEFGC_SUCCESS: { version: 1, type: 0x12, fields: defGcSuccess },
  PERF_MDB_SUCCESS: { version: 1, type: 0x07, fields: mdbSuccess },
  PERF_BG_MDB_SUCCESS: { version: 1, type: 0x0e, fields: mdbSuccess },
  PERF_FG_MDB_SUCCESS: { version: 1, type: 0x13, fields: mdbSuccess },
  PERF_MDB_SUCCESS_V2: { version: 2, type: 0x07, fields: mdbSuccessV2 },
  PERF_BG_MDB_SUCCESS_V2: { version: 2, type: 0x0e, fields: mdbSuccessV2 },
  PERF_FG_MDB_SUCCESS_V2: { version: 2, type: 0x13, fields: mdbSuccessV2 },
  PERF_GC_SUCCESS: { version: 1, type: 0x08, fields: gcSuccess },
  PERF_BG_GC_SUCCESS: { version: 1, type: 0x0f, fields: gcSuccess },
  PERF_FG_GC_SUCCESS: { version: 1, type: 0x14, fields: gcSuccess },
  PERF_GC_SUCCESS_V2: { version: 2, type: 0x08, fields: gcSuccessV2 },
  PERF_BG_GC_SUCCESS_V2: { version: 2, type: 0x0f, fields: gcSuccessV2 },
  PERF_FG_GC_SUCCESS_V2: { version: 2, type: 0x14, fields: gcSuccessV2 },
  PERF_FAILURE: { version: 1, type: 0x09, fields: failure },
  PERF_BG_FAILURE: { version: 1, type: 0x10, fields: failure },
  PERF_FG_FAILURE: { version: 1, type: 0x15, fields: failure },
  PERF_FAILURE_V2: { version: 2, type: 0x09, fields: failureV2 },
  PERF_BG_FAILURE_V2: { version: 2, type: 0x10, fields: failureV2 },
  PERF_FG_FAILURE_V2: { version: 2, type: 0x15, fields: failureV2 },
  CLIENT_CONTROL: { version: 1, type: 0x0a, fields: { enableFlags: 'u32', expiryTime: 'u32' } },
  PERF_PROCESSINFO: { version: 1, type: 0x0b, fields: processInfo },
  PERF_PROCESSINFO_V2: { version: 2, type: 0x0b, fields: processInfo },
  OSVERSIONINFO: {
    version: 1,
    type: 0x16,
    fields: {
      osVersionInfoSize: 'u32',
      majorVersion: 'u32',
      minorVersion: 'u32',
      buildNumber: 'u32',
      reserved1: { reserved: 132 },
      servicePackMajor: 'u16',
      servicePackMinor: 'u16',
      reserved2: { reserved: 4 },
    },
  },
  EXORGINFO: { version: 1, type: 0x17, fields: { orgFlags: 'u32' } },
  PERF_ACCOUNTINFO: { version: 1, type: 0x18, fields: { clientId: 'u16', reserved: reserved2, account: 'guid' } },
  SERVER_CAPABILITIES: { version: 1, type: 0x46, fields: { serverCapabilityFlags: 'u32' } },
  ENDPOINT_CAPABILITIES: { version: 1, type: 0x48, fields: { endpointCapabilityFlag: 'u32' } },
  CLIENT_CONNECTION_INFO: {
    version: 1,
    type: 0x4a,
    fields: {
      connectionGuid: 'guid',
      connectionContextInfo: 'text',
      reserved: reserved2,
      // ConnectionAttempts is two bytes in the specification's words and four in its alignment; ConnectionFlags follows it.
      attemptsAndFlags: 'rest',
    },
  },
  SERVER_SESSION_INFO: { version: 1, type: 0x4b, fields: { serverSessionContextInfo: 'text' } },
  PROTOCOL_DEVICE_IDENTIFICATION: {
    version: 1,
    type: 0x4e,
    fields: {
      deviceManufacturer: 'text',
      deviceModel: 'text',
      deviceSerialNumber: 'text',
      deviceVersion: 'text',
      deviceFirmwareVersion: 'text',
    },
  },
} as const satisfies Readonly<Record<string, AuxLayout>>;

/** EnableFlags of AUX_CLIENT_CONTROL ([MS-OXCRPC] 2.2.2.2.15). */
export const EnableFlags = {
  PerfSendToServer: 0x01,
  Compression: 0x04,
  HttpTunneling: 0x08,
  PerfSendGcData: 0x10,
} as const;

/** EndpointCapabilityFlag of AUX_ENDPOINT_CAPABILITIES ([MS-OXCRPC] 2.2.2.2.20). */
export const EndpointCapabilities = { SingleEndpoint: 0x01 } as const;
