import { RpchError } from '@rpch/rpc';
import * as v from 'valibot';
import { canonicalPart } from './names.ts';
import { formatVerifier, parseVerifier, type Verifier } from './password.ts';

/** One account of the local provider. */
export interface AccountRecord {
  /** Canonical, without domain. */
  readonly name: string;
  readonly verifier: Verifier;
  /** Canonical. */
  readonly groups: readonly string[];
  /** 16 bytes; only where the account was marked for NTLM. */
  readonly ntHash?: Uint8Array;
}

const MAX_ACCOUNTS = 100_000;
const MAX_GROUPS = 256;

const canonical = (thing: string, what: string) =>
  v.pipe(
    v.string(`expected ${what}`),
    v.check((text) => {
      const name = canonicalPart(text, thing);
      return name.ok && name.name === text;
    }, `expected ${what}`),
  );

const FileSchema = v.strictObject(
  {
    version: v.literal(1, 'expected version 1'),
    accounts: v.pipe(
      v.array(
        v.strictObject({
          name: canonical('account name', 'an account name in lower case without domain'),
          verifier: v.pipe(
            v.string('expected a verifier as text'),
            v.rawTransform(({ dataset, addIssue, NEVER }) => {
              const verifier = parseVerifier(dataset.value);
              if (verifier !== undefined) return verifier;
              addIssue({ message: 'expected a verifier such as $scrypt$ln=15,r=8,p=1$salt$hash' });
              return NEVER;
            }),
          ),
          groups: v.pipe(v.array(canonical('group name', 'a group name in lower case')), v.maxLength(MAX_GROUPS)),
          ntHash: v.optional(
            v.pipe(
              v.string(),
              v.regex(/^[0-9a-f]{32}$/, 'expected an NT hash as 32 hexadecimal digits'),
              v.transform((hex): Uint8Array => Buffer.from(hex, 'hex')),
            ),
          ),
        }),
        'expected a list of accounts',
      ),
      v.maxLength(MAX_ACCOUNTS, `expected at most ${MAX_ACCOUNTS} accounts`),
    ),
  },
  'expected an object with version and accounts',
);

/**
 * Reads the text of an accounts file. Messages name the place and repeat no value: the file holds secrets.
 * @param file its name, for messages.
 * @throws RpchError `RPCH_BAD_ACCOUNTS`.
 */
export function parseAccounts(text: string, file: string): AccountRecord[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // Not passed on as the cause: V8's message quotes the text.
    throw bad(`${file} is not JSON`);
  }
  const parsed = v.safeParse(FileSchema, json);
  if (!parsed.success) {
    const [{ message, path, type, expected }] = parsed.issues;
    const place = path?.map(({ key }) => String(key)).join('.') ?? 'the whole';
    const what = type === 'strict_object' && expected === 'never' ? 'unknown key' : message;
    throw bad(`${file}: ${place}: ${what}`);
  }
  const records = parsed.output.accounts.map(({ ntHash, ...rest }) =>
    ntHash === undefined ? rest : { ...rest, ntHash },
  );
  const names = new Set<string>();
  for (const { name } of records) {
    if (names.has(name)) throw bad(`${file}: account ${name} is there twice`);
    names.add(name);
  }
  return records;
}

/** The text of an accounts file, accounts in the order of their names. */
export function formatAccounts(records: readonly AccountRecord[]): string {
  const accounts = records
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, verifier, groups, ntHash }) => ({
      name,
      verifier: formatVerifier(verifier),
      groups,
      ...(ntHash === undefined ? {} : { ntHash: Buffer.from(ntHash).toString('hex') }),
    }));
  return `${JSON.stringify({ version: 1, accounts }, undefined, 2)}\n`;
}

function bad(message: string): RpchError {
  return new RpchError('RPCH_BAD_ACCOUNTS', 'configuration', message);
}
