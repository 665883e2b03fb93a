import type { CallOptions, ClientOf, rfrDeclaration } from '@rpch/rpc/internal';
import { ErrorCode } from '../mapi/error-code.ts';
import { MapiError } from './mapi-error.ts';

/** The methods of RFR, over whatever carries the calls. */
export type RfrCalls = ClientOf<typeof rfrDeclaration>;

/** Names of servers are host names, or `guid@domain`. */
const SERVER = /^[A-Za-z0-9._@{}-]{1,255}$/;

/**
 * The server that has the address book for a user (RfrGetNewDSA, [MS-OXABREF] 3.1.4.1); undefined where the answer names none. Rejects with MapiError.
 * @param userDn legacyExchangeDN, or empty where it is not known yet.
 */
export async function addressBookServer(
  calls: RfrCalls,
  userDn: string,
  options: CallOptions = {},
): Promise<string | undefined> {
  const input = { ulFlags: 0, pUserDN: userDn, ppszUnused: null, ppszServer: '' };
  const { ppszServer, result } = await calls.getNewDSA(input, options);
  if (result !== ErrorCode.Success) throw new MapiError('RfrGetNewDSA', result);
  return nameOf(ppszServer);
}

/**
 * The host name of a server by its DN (RfrGetFQDNFromServerDN, [MS-OXABREF] 3.1.4.2); a trailing name of a store is left out, as the
 * specification demands. Undefined where the answer names none. Rejects with MapiError.
 */
export async function mailboxServer(
  calls: RfrCalls,
  serverDn: string,
  options: CallOptions = {},
): Promise<string | undefined> {
  const dn = serverDn.replace(/\/cn=Microsoft Private MDB$/i, '');
  // The terminator counts.
  const input = { ulFlags: 0, cbMailboxServerDN: dn.length + 1, szMailboxServerDN: dn };
  const { ppszServerFQDN, result } = await calls.getFQDNFromServerDN(input, options);
  if (result !== ErrorCode.Success) throw new MapiError('RfrGetFQDNFromServerDN', result);
  return nameOf(ppszServerFQDN);
}

function nameOf(said: string | null): string | undefined {
  return said !== null && SERVER.test(said) ? said : undefined;
}
