import {
  AuthLevel,
  accountText,
  type RpcCall,
  type RpcInterface,
  rfrDeclaration,
  serverInterface,
} from '@rpch/rpc/internal';
import type { Directory } from '../../directory/model.ts';
import { ErrorCode, errorName } from '../../mapi/error-code.ts';
import type { ServiceLog } from '../log.ts';

/** What referrals are served from. */
export interface RfrServerOptions {
  readonly directory: () => Directory;
  readonly log: ServiceLog;
  /** The lowest AuthLevel; default: privacy. Whoever it is must have logged in, whatever the level. */
  readonly minimumLevel?: number;
}

/** What a client may leave at the end of a server's DN ([MS-OXABREF] 3.2.4.2). */
const DATABASE = /\/cn=microsoft private mdb$/iu;

/**
 * RFR over a directory ([MS-OXABREF]): where a client finds the address book, and the host behind a server's DN. There is one server, and
 * it is called what the directory calls it.
 */
export function rfrServer({ directory, log, minimumLevel = AuthLevel.privacy }: RfrServerOptions): RpcInterface {
  const refused = (method: string, { identity }: RpcCall, code: number, what: string) => {
    const user = identity === undefined ? 'anonymous' : accountText(identity);
    log.debug({ event: 'rfr.refused', method, user, error: errorName(code) }, what);
    return code;
  };
  const handlers: Parameters<typeof serverInterface<typeof rfrDeclaration>>[1] = {
    // 3.1.4.1: the user's DN is for choosing among servers; clients may send that of somebody else, or none.
    getNewDSA: (_input, call) => {
      if (call.identity === undefined) {
        const result = refused('RfrGetNewDSA', call, ErrorCode.LoginFailure, 'nobody has logged in');
        return { ppszUnused: null, ppszServer: null, result };
      }
      return { ppszUnused: null, ppszServer: directory().organization.serverName, result: ErrorCode.Success };
    },
    getFQDNFromServerDN: ({ szMailboxServerDN }, call) => {
      const { serverDn, serverName } = directory().organization;
      const dn = szMailboxServerDN.replace(DATABASE, '').toLowerCase();
      if (call.identity === undefined || dn !== serverDn.toLowerCase()) {
        const code = call.identity === undefined ? ErrorCode.LoginFailure : ErrorCode.NotFound;
        const result = refused('RfrGetFQDNFromServerDN', call, code, 'the DN is not that of this server');
        return { ppszServerFQDN: null, result };
      }
      return { ppszServerFQDN: serverName, result: ErrorCode.Success };
    },
  };
  return serverInterface(rfrDeclaration, handlers, { minimumLevel });
}
