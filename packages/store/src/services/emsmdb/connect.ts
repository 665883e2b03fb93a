import type { Directory, DirectoryEntry } from '../../directory/model.ts';
import { ErrorCode } from '../../mapi/error-code.ts';
import { hasCodePage } from '../../mapi/text-coding.ts';
import { isAtLeast, LEAST_CLIENT_VERSION, versionOf, versionWords } from './version.ts';

/** ulFlags of EcDoConnectEx: the rights of an administrator are wanted ([MS-OXCRPC] 3.1.4.1). */
const WANTS_ADMIN = 0x00000001;

/** What of EcDoConnectEx decides whether there is a session. */
export interface ConnectRequest {
  readonly szUserDN: string;
  readonly ulFlags: number;
  readonly ulCpid: number;
  readonly rgwClientVersion: readonly number[];
}

/** Why there is no session. */
export interface Refusal {
  /** What EcDoConnectEx returns. */
  readonly refused: number;
  readonly why: string;
  /** The oldest client that is served, where the client is older. */
  readonly bestVersion?: readonly number[];
}

/** Who has the session, or why there is none. */
export type Admission = { readonly entry: DirectoryEntry; readonly account: string } | Refusal;

/**
 * Whether a caller gets a session: as the user that he is and as nobody else; to open others' mailboxes is for RopLogon ([MS-OXCRPC]
 * 3.1.4.1). A user whom only the administrator's list knows and not the directory has no mailbox.
 */
export function admit(request: ConnectRequest, account: string | undefined, directory: Directory): Admission {
  if (account === undefined) return { refused: ErrorCode.AccessDenied, why: 'the caller is anonymous' };
  if (request.szUserDN === '') return { refused: ErrorCode.AccessDenied, why: 'no DN' };
  if (!isAtLeast(versionOf(request.rgwClientVersion), LEAST_CLIENT_VERSION)) {
    const bestVersion = versionWords(LEAST_CLIENT_VERSION);
    return { refused: ErrorCode.VersionMismatch, why: 'the client is too old', bestVersion };
  }
  if ((request.ulFlags & WANTS_ADMIN) !== 0) return { refused: ErrorCode.LoginPerm, why: 'nobody is administrator' };
  const entry = directory.byLegacyDn(request.szUserDN);
  if (entry?.account === undefined) return { refused: ErrorCode.UnknownUser, why: 'the DN is of no user' };
  if (entry.account !== account) return { refused: ErrorCode.AccessDenied, why: `the DN is that of ${entry.account}` };
  if (!hasCodePage(request.ulCpid)) {
    return { refused: ErrorCode.UnknownCodePage, why: `code page ${request.ulCpid}` };
  }
  return { entry, account };
}
