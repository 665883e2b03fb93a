import { defineInterface } from '../dcerpc/interface-declaration.ts';
import { char, input, inputOutput, output, procedure, range, string, uint32, unique } from '../ndr/mod.ts';

/** The bounds of cbMailboxServerDN, which counts the terminator ([MS-OXABREF] 3.1.4.2). */
const MIN_SERVER_DN = 10;
const MAX_SERVER_DN = 1024;

/** `[in, out, unique, string] unsigned char **`: a pointer to a pointer, either of which may be null. */
const nameOrNull = unique(unique(string(char)));

/** RFR, the address book name service provider interface referral, version 1.0 ([MS-OXABREF]). */
export const rfrDeclaration = defineInterface({
  name: 'rfri',
  uuid: '1544f5e0-613c-11d1-93df-00c04fd7bd09',
  version: [1, 0],
  procedures: {
    getNewDSA: procedure({
      name: 'RfrGetNewDSA',
      opnum: 0,
      parameters: {
        ulFlags: input(uint32),
        pUserDN: input(string(char)),
        ppszUnused: inputOutput(nameOrNull),
        ppszServer: inputOutput(nameOrNull),
      },
      returns: uint32,
    }),
    getFQDNFromServerDN: procedure({
      name: 'RfrGetFQDNFromServerDN',
      opnum: 1,
      parameters: {
        ulFlags: input(uint32),
        cbMailboxServerDN: input(range(uint32, MIN_SERVER_DN, MAX_SERVER_DN)),
        szMailboxServerDN: input(string(char, { size_is: 'cbMailboxServerDN' })),
        ppszServerFQDN: output(unique(string(char))),
      },
      returns: uint32,
    }),
  },
});
