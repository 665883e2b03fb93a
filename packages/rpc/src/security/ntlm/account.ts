/** Whose password is proven. */
export interface Account {
  readonly user: string;
  /** Empty where the server is to find the account by its name alone. */
  readonly domain: string;
}

/**
 * Reads an account as people write it: `DOMAIN\user`, or `user@domain`, which stays whole as the user with no domain
 * beside it, since only the server's domain knows whose name that is; or `user` alone. The first backslash counts.
 */
export function parseAccount(text: string): Account {
  const at = text.indexOf('\\');
  return at < 0 ? { user: text, domain: '' } : { user: text.slice(at + 1), domain: text.slice(0, at) };
}
