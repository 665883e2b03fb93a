/** What stands for the domain of the accounts here, in any spelling. Nothing configured: only bare names are ours. */
export interface DomainNames {
  /** NetBIOS name: the `PEER` of `PEER\alice`. */
  readonly netbios?: string;
  /** DNS name: the `peer.test` of `alice@peer.test`. */
  readonly dns?: string;
  /** NetBIOS name of this computer, which Windows clients put before accounts of a server without a domain. */
  readonly computer?: string;
}

/** `local` says that the name is of the domain configured here, or carries no domain. */
export type NameResult =
  | { readonly ok: true; readonly name: string; readonly local: boolean }
  | { readonly ok: false; readonly why: string };

/** Longest account name, domain included, in UTF-16 code units. */
export const MAX_ACCOUNT_NAME = 256;

// What Windows forbids in account names, besides controls: these are separators somewhere between here and a log.
const FORBIDDEN = /["/\\[\]:;|=,+*?<>@]/;
// Controls, format characters (bidirectional marks), lone surrogates, unassigned; line separators; spaces but U+0020.
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/**
 * The one form in which an account is compared and logged. `alice`, `PEER\alice` and `alice@peer.test` become `alice`
 * once PEER or peer.test is configured; accounts of other domains become `other\alice`. Case-insensitive; canonically
 * equivalent Unicode is equal.
 * @returns the canonical name, or why the text is no account name, in words that repeat nothing of the text.
 */
export function canonicalAccount(text: string, domains: DomainNames = {}): NameResult {
  if (text.length > MAX_ACCOUNT_NAME) return refused(`account name of ${text.length} characters`);
  const backslash = text.indexOf('\\');
  if (backslash >= 0) return qualified(text.slice(backslash + 1), text.slice(0, backslash), domains);
  const at = text.lastIndexOf('@');
  if (at >= 0) return qualified(text.slice(0, at), text.slice(at + 1), domains);
  const user = canonicalPart(text, 'account name');
  return user.ok ? { ok: true, name: user.name, local: true } : user;
}

/**
 * The same for user and domain as NTLM carries them ([MS-NLMP] 2.2.1.3). Without a domain, the user may be written in
 * each of the forms of {@link canonicalAccount}.
 */
export function canonicalNtlmAccount(user: string, domain: string | undefined, domains: DomainNames = {}): NameResult {
  if (domain === undefined || domain === '') return canonicalAccount(user, domains);
  if (user.length + domain.length > MAX_ACCOUNT_NAME) return refused('account name and domain are too long');
  return qualified(user, domain, domains);
}

/** A bare name (account without domain, or group) in canonical form, or why it is none. */
export function canonicalPart(text: string, what: string): NameResult {
  if (text === '') return refused(`${what} is empty`);
  if (text.length > MAX_ACCOUNT_NAME) return refused(`${what} of ${text.length} characters`);
  if (INVISIBLE.test(text)) return refused(`${what} holds a control or other invisible character`);
  // The canonical form is judged as well: composing makes a semicolon of U+037E.
  const name = fold(text);
  if (FORBIDDEN.test(text) || FORBIDDEN.test(name)) {
    return refused(`${what} holds one of " / \\ [ ] : ; | = , + * ? < > @`);
  }
  if (text.startsWith(' ') || text.endsWith(' ')) return refused(`${what} begins or ends with a space`);
  return { ok: true, name, local: true };
}

function qualified(user: string, domain: string, domains: DomainNames): NameResult {
  const account = canonicalPart(user, 'account name');
  if (!account.ok) return account;
  const place = canonicalPart(domain, 'domain name');
  if (!place.ok) return place;
  const own = [domains.netbios, domains.dns, domains.computer].some(
    (name) => name !== undefined && fold(name) === place.name,
  );
  return own ? account : { ok: true, name: `${place.name}\\${account.name}`, local: false };
}

/** Lower case in composed form; folding twice gives the same as folding once. */
function fold(text: string): string {
  return text.normalize('NFC').toLowerCase().normalize('NFC');
}

function refused(why: string): NameResult {
  return { ok: false, why };
}
