import { ErrorCode, type MapiError } from '@rpch/store/client';
import type { Failure } from '../ping/explain.ts';

/** What a server's answer means, by its code. */
const ANSWERS: ReadonlyMap<number, readonly [what: string, check: string]> = new Map([
  [
    ErrorCode.NotFound,
    [
      'there is no such folder, message or attachment',
      'it may have been moved or deleted, or not be for this account to see: list the folder again',
    ],
  ],
  [
    ErrorCode.UnknownUser,
    [
      'the server has no mailbox for that user',
      'is it the right server? --user-dn says who you are, --mailbox whose mailbox',
    ],
  ],
  [
    ErrorCode.LoginFailure,
    ['the information store does not let this user in', 'is the mailbox enabled, and its database mounted?'],
  ],
  [
    ErrorCode.AccessDenied,
    ['the account may not do that', 'does it own the mailbox, or has the owner given it rights to the folder?'],
  ],
  [
    ErrorCode.WrongServer,
    ['the mailbox is on another server', 'name the server that it is on, or let --referral find it'],
  ],
  [ErrorCode.NotEncrypted, ['the server takes sealed calls only', 'add --rpc-auth spnego --level privacy']],
  [ErrorCode.ServerBusy, ['the server asks for patience again and again', 'try again later']],
  [ErrorCode.MailboxInTransit, ['the mailbox is being moved to another server', 'try again later']],
  [ErrorCode.ProtocolDisabled, ['MAPI is turned off for this user', 'the administrator can turn it on']],
]);

/** A MAPI error as it is reported; `hop` stands in words before it. */
export function mapiFailure(error: MapiError): Omit<Failure, 'hop'> {
  const known = ANSWERS.get(error.errorCode);
  return {
    what: known === undefined ? `the server answers ${error.message}` : `${known[0]} (${error.message})`,
    check: known?.[1] ?? 'does the log of the server say more?',
    code: error.code,
  };
}
