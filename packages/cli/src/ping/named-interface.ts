import { defineInterface, type InterfaceDeclaration } from '@rpch/rpc/internal';
import { interfaceName, interfaceUuid } from '../decode/interfaces.ts';
import { usage } from './client-flags.ts';

/** The versions of interfaces that have another than 1.0. */
const VERSIONS: ReadonlyMap<string, readonly [major: number, minor: number]> = new Map([
  ['e1af8308-5d1f-11c9-91a4-08002b14a0fa', [3, 0]], // epm
  ['a4f1db00-ca47-1067-b31f-00dd010662da', [0, 81]], // EMSMDB, [MS-OXCRPC] 1.9
  ['5261574a-4572-206e-b268-6b199213b4e4', [0, 1]], // AsyncEMSMDB, [MS-OXCRPC] 1.9
  ['f5cc5a18-4264-101a-8c59-08002b2f8426', [56, 0]], // NSPI, [MS-OXNSPI] 1.9
  ['44e265dd-7daf-42cd-8560-3cdb6e7a2729', [1, 3]], // TsProxyRpcInterface, [MS-TSGU] 1.9
  ['12345778-1234-abcd-ef00-0123456789ab', [0, 0]], // lsarpc, [MS-LSAD] 1.9
  ['e3514235-4b06-11d1-ab04-00c04fc2dcd2', [4, 0]], // drsuapi, [MS-DRSR] 1.9
  ['3919286a-b10c-11d0-9ba8-00c04fd92ef5', [0, 0]], // dssetup, [MS-DSSP] 1.9
  ['4b324fc8-1670-01d3-1278-5a47bf6ee188', [3, 0]], // srvsvc, [MS-SRVS] 1.9
  ['367abb81-9844-35f1-ad32-98f038001003', [2, 0]], // svcctl, [MS-SCMR] 1.9
  ['50abc2a4-574d-40b3-9d66-ee4fd5fba076', [5, 0]], // dnsserver, [MS-DNSP] 1.9
  ['4fc742e0-4a10-11cf-8273-00aa004ae673', [3, 0]], // netdfs, [MS-DFSNM] 1.9
  ['82273fdc-e32a-18c3-3f78-827929dc23ea', [0, 0]], // eventlog, [MS-EVEN] 1.9
  ['99fcfec4-5260-101b-bbcb-00aa0021347a', [0, 0]], // IObjectExporter, [MS-DCOM] 1.9
  ['4d9f4ab8-7d1c-11cf-861e-0020af6e7c57', [0, 0]], // IActivation, [MS-DCOM] 1.9
  ['000001a0-0000-0000-c000-000000000046', [0, 0]], // IRemoteSCMActivator, [MS-DCOM] 1.9
]);

/**
 * An interface by its name, as `rpch decode` prints it, or by its UUID, and its version where one is said: `EMSMDB:0.81`, `samr`.
 * Throws RpchError (caller).
 */
export function namedInterface(text: string): {
  readonly name: string;
  readonly uuid: string;
  readonly version: readonly [major: number, minor: number] | undefined;
} {
  const [, name = '', major, minor = '0'] = /^([^:]+?)(?::(\d{1,5})(?:\.(\d{1,5}))?)?$/.exec(text) ?? [];
  const uuid = interfaceUuid(name);
  if (uuid === undefined) throw usage(`expected the UUID of an interface, or a name that is known, found "${text}"`);
  const version = major === undefined ? undefined : ([Number(major), Number(minor)] as const);
  if (version?.some((part) => part > 0xffff)) throw usage(`no version of an interface: "${text}"`);
  return { name: interfaceName(uuid), uuid, version };
}

/** The same as something to bind; where no version is said, the one that is in use, else 1.0. */
export function interfaceOf(text: string): InterfaceDeclaration {
  const { name, uuid, version = VERSIONS.get(uuid) ?? [1, 0] } = namedInterface(text);
  return defineInterface({ name, uuid, version, procedures: {} });
}
