/** The operations of lsarpc and netlogon that Samba's tests of the bare protocol call, as far as those look at them. */
import { defineInterface, ndr, type RpcInterface, serverInterface } from '@rpch/rpc/internal';

/** RPC_UNICODE_STRING ([MS-DTYP] 2.3.10), whose text is counted in bytes and may be shorter than its room. */
const unicodeString = ndr.struct({
  length: ndr.uint16,
  size: ndr.uint16,
  string: ndr.unique(
    ndr.conformantVaryingArray(ndr.wchar, { size_is: ndr.half('size'), length_is: ndr.half('length') }),
  ),
});

const lsarpc = defineInterface({
  name: 'lsarpc',
  uuid: '12345778-1234-abcd-ef00-0123456789ab',
  version: [0, 0],
  procedures: {
    getUserName: ndr.procedure({
      name: 'LsarGetUserName',
      opnum: 45,
      parameters: {
        system_name: ndr.input(ndr.unique(ndr.string(ndr.wchar))),
        account_name: ndr.inputOutput(ndr.unique(unicodeString)),
        authority_name: ndr.inputOutput(ndr.unique(ndr.unique(unicodeString))),
      },
      returns: ndr.uint32,
    }),
  },
});

/** LsarGetUserName ([MS-LSAT] 3.1.4.2): who the caller is, as the security context of this call has it. */
export function lsarpcServer(): RpcInterface {
  return serverInterface(lsarpc, {
    getUserName: (_input, { identity }) => {
      const anonymous = identity === undefined || identity.user === '';
      return {
        account_name: { string: anonymous ? 'ANONYMOUS LOGON' : identity.user },
        authority_name: { string: anonymous ? 'NT AUTHORITY' : identity.domain },
        result: 0,
      };
    },
  });
}

const ServerReqChallenge = 4;

/**
 * NetrServerReqChallenge ([MS-NRPC] 3.5.4.4.1) without a netlogon behind it: a challenge of eight bytes. Its request is not looked at,
 * because what is tested with it is requests of four megabytes that consist of nothing.
 */
export function netlogonServer(random: (length: number) => Uint8Array): RpcInterface {
  return {
    name: 'netlogon',
    syntax: { uuid: '12345678-1234-abcd-ef00-01234567cffb', version: 1 },
    handle(opnum) {
      if (opnum !== ServerReqChallenge) throw new Error(`netlogon opnum ${opnum} is not there`);
      return Buffer.concat([random(8), new Uint8Array(4)]);
    },
  };
}
