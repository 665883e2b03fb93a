import { bindTimeFeatures, NDR, NDR64, type SyntaxId, sameSyntax } from '@rpch/rpc/internal';

interface Known {
  readonly name: string;
  /** Names of its operations, by opnum; those that are not named keep their number. */
  readonly operations: readonly string[];
}

const known = (name: string, operations = ''): Known => ({
  name,
  operations: operations === '' ? [] : operations.split(' '),
});

/** Interfaces that are met behind RPC proxies and on domain members, by UUID; operations of those that RPC over HTTP is used for. */
const INTERFACES: ReadonlyMap<string, Known> = new Map([
  // C706 appendices O and Q; [MS-RPCE] 3.1.3
  [
    'e1af8308-5d1f-11c9-91a4-08002b14a0fa',
    known('epm', 'ept_insert ept_delete ept_lookup ept_map ept_lookup_handle_free ept_inq_object ept_mgmt_delete'),
  ],
  [
    'afa8bd80-7d8a-11c9-bef4-08002b102989',
    known('mgmt', 'inq_if_ids inq_stats is_server_listening stop_server_listening inq_princ_name'),
  ],
  [
    '60a15ec5-4de8-11d7-a637-005056a20182',
    known(
      'rpcecho',
      'AddOne EchoData SinkData SourceData TestCall TestCall2 TestSleep TestEnum TestSurrounding TestDoublePointer',
    ),
  ],
  // [MS-OXCRPC] 3.1.4, 3.3.4
  [
    'a4f1db00-ca47-1067-b31f-00dd010662da',
    known(
      'EMSMDB',
      '0 EcDoDisconnect 2 3 EcRRegisterPushNotification 5 EcDummyRpc 7 8 9 EcDoConnectEx EcDoRpcExt2 12 13 EcDoAsyncConnectEx',
    ),
  ],
  ['5261574a-4572-206e-b268-6b199213b4e4', known('AsyncEMSMDB', 'EcDoAsyncWaitEx')],
  // [MS-OXNSPI] 3.1.4
  [
    'f5cc5a18-4264-101a-8c59-08002b2f8426',
    known(
      'NSPI',
      'NspiBind NspiUnbind NspiUpdateStat NspiQueryRows NspiSeekEntries NspiGetMatches NspiResortRestriction NspiDNToMId NspiGetPropList NspiGetProps NspiCompareMIds NspiModProps NspiGetSpecialTable NspiGetTemplateInfo NspiModLinkAtt 15 NspiQueryColumns 17 18 NspiResolveNames NspiResolveNamesW',
    ),
  ],
  // [MS-OXABREF] 3.1.4
  ['1544f5e0-613c-11d1-93df-00c04fd7bd09', known('RFR', 'RfrGetNewDSA RfrGetFQDNFromServerDN')],
  // [MS-TSGU] 3.2.6
  [
    '44e265dd-7daf-42cd-8560-3cdb6e7a2729',
    known(
      'TsProxyRpcInterface',
      '0 TsProxyCreateTunnel TsProxyAuthorizeTunnel TsProxyMakeTunnelCall TsProxyCreateChannel 5 TsProxyCloseChannel TsProxyCloseTunnel TsProxySetupReceivePipe TsProxySendToServer',
    ),
  ],
  ['12345778-1234-abcd-ef00-0123456789ab', known('lsarpc')],
  ['12345778-1234-abcd-ef00-0123456789ac', known('samr')],
  ['12345678-1234-abcd-ef00-01234567cffb', known('netlogon')],
  ['e3514235-4b06-11d1-ab04-00c04fc2dcd2', known('drsuapi')],
  ['7c44d7d4-31d5-424c-bd5e-2b3e1f323d22', known('dsaop')],
  ['3919286a-b10c-11d0-9ba8-00c04fd92ef5', known('dssetup')],
  ['4b324fc8-1670-01d3-1278-5a47bf6ee188', known('srvsvc')],
  ['6bffd098-a112-3610-9833-46c3f87e345a', known('wkssvc')],
  ['338cd001-2244-31f1-aaaa-900038001003', known('winreg')],
  ['367abb81-9844-35f1-ad32-98f038001003', known('svcctl')],
  ['12345678-1234-abcd-ef00-0123456789ab', known('spoolss')],
  ['76f03f96-cdfd-44fc-a22c-64950a001209', known('IRemoteWinspool')],
  ['1ff70682-0a51-30e8-076d-740be8cee98b', known('atsvc')],
  ['86d35949-83c9-4044-b424-db363231fd0c', known('ITaskSchedulerService')],
  ['50abc2a4-574d-40b3-9d66-ee4fd5fba076', known('dnsserver')],
  ['82273fdc-e32a-18c3-3f78-827929dc23ea', known('eventlog')],
  ['f6beaff7-1e19-4fbb-9f8f-b89e2018337c', known('IEventService')],
  ['4fc742e0-4a10-11cf-8273-00aa004ae673', known('netdfs')],
  ['894de0c0-0d55-11d3-a322-00c04fa321a1', known('initshutdown')],
  ['f5cc59b4-4264-101a-8c59-08002b2f8426', known('frsrpc')],
  ['897e2e5f-93f3-4376-9c9c-fd2277495c27', known('FrsTransport')],
  ['3dde7c30-165d-11d1-ab8f-00805f14db40', known('BackupKey')],
  ['91ae6020-9e3c-11cf-8d7c-00aa00c091be', known('ICertPassage')],
  ['c681d488-d850-11d0-8c52-00c04fd90f7e', known('efsrpc')],
  ['99fcfec4-5260-101b-bbcb-00aa0021347a', known('IObjectExporter')],
  ['4d9f4ab8-7d1c-11cf-861e-0020af6e7c57', known('IActivation')],
  ['000001a0-0000-0000-c000-000000000046', known('IRemoteSCMActivator')],
]);

/** The name of an interface, or its UUID where none is known. */
export function interfaceName(uuid: string): string {
  return INTERFACES.get(uuid)?.name ?? uuid;
}

/** The UUID of an interface, lower case, by its name in any case, or by its UUID; undefined where it is neither. */
export function interfaceUuid(text: string): string | undefined {
  const lower = text.toLowerCase();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(lower)) return lower;
  for (const [uuid, { name }] of INTERFACES) if (name.toLowerCase() === lower) return uuid;
  return undefined;
}

/** `EMSMDB v0.81`. */
export function describeInterface({ uuid, version }: SyntaxId): string {
  return `${interfaceName(uuid)} v${version & 0xffff}.${version >>> 16}`;
}

/** The name of an operation; undefined where none is known. */
export function operationName(uuid: string, opnum: number): string | undefined {
  const name = INTERFACES.get(uuid)?.operations[opnum];
  return name === undefined || /^\d/.test(name) ? undefined : name;
}

/** The name of a transfer syntax. */
export function describeTransferSyntax(syntax: SyntaxId): string {
  if (sameSyntax(syntax, NDR)) return 'NDR';
  if (sameSyntax(syntax, NDR64)) return 'NDR64';
  const features = bindTimeFeatures(syntax);
  return features === undefined
    ? `${syntax.uuid} v${syntax.version & 0xffff}`
    : `bind-time features 0x${features.toString(16)}`;
}
