import { scrypt, timingSafeEqual } from 'node:crypto';
import { RpchError } from '@rpch/rpc';
import { Gate } from './gate.ts';

/** scrypt's cost (RFC 7914 2): N = 2^logN, block size r, parallelisation p. */
export interface ScryptCost {
  readonly logN: number;
  readonly r: number;
  readonly p: number;
}

/** What is kept of a password. */
export interface Verifier {
  readonly cost: ScryptCost;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
}

/** Runs scrypt once. */
export type Derive = (password: string, salt: Uint8Array, length: number, cost: ScryptCost) => Promise<Uint8Array>;

/** What new verifiers cost: about 0.1 s and 32 MiB. Each verifier states its own cost, so that this can grow. */
export const SCRYPT_COST: ScryptCost = { logN: 15, r: 8, p: 1 };
/** scrypt runs at a time: half of libuv's pool of four threads, which resolves names too. */
export const MAX_CONCURRENT_SCRYPT = 2;
/** scrypt runs that may wait: about 13 seconds' worth. */
export const MAX_WAITING_SCRYPT = 256;
/** Longest password in UTF-16 code units, which is also what Windows takes. */
export const MAX_PASSWORD = 256;

const SALT_LENGTH = 16;
const HASH_LENGTH = 32;
const MAX_MEMORY = 256 * 1024 * 1024;
const FORM = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{22,86})\$([A-Za-z0-9+/]{43,86})$/;

/** Makes verifiers and checks passwords against them, a bounded number at a time. */
export class PasswordHasher {
  readonly #random: (length: number) => Uint8Array;
  readonly #cost: ScryptCost;
  readonly #derive: Derive;
  readonly #gate: Gate;
  readonly #dummy: Verifier;

  /** @param options `random` gives that many bytes fit for secrets; `cost` and `derive` are there for tests. */
  constructor(options: { random: (length: number) => Uint8Array; cost?: ScryptCost; derive?: Derive; gate?: Gate }) {
    this.#random = options.random;
    this.#cost = options.cost ?? SCRYPT_COST;
    this.#derive = options.derive ?? deriveScrypt;
    this.#gate = options.gate ?? new Gate(MAX_CONCURRENT_SCRYPT, MAX_WAITING_SCRYPT);
    this.#dummy = { cost: this.#cost, salt: this.#random(SALT_LENGTH), hash: this.#random(HASH_LENGTH) };
  }

  /**
   * Makes the verifier of a new password, with a salt of its own.
   * @throws RpchError `RPCH_BAD_PASSWORD` for an empty one and one of more than {@link MAX_PASSWORD} characters.
   */
  async make(password: string): Promise<Verifier> {
    const fault = passwordFault(password);
    if (fault !== undefined) throw new RpchError('RPCH_BAD_PASSWORD', 'caller', fault);
    const salt = this.#random(SALT_LENGTH);
    const hash = await this.#run(password, salt, HASH_LENGTH, this.#cost);
    return { cost: this.#cost, salt, hash };
  }

  /**
   * True when the password is the one that the verifier was made of. An undefined verifier stands for an account that
   * does not exist: it is never matched, and costs as much.
   * @throws RpchError `RPCH_ACCOUNTS_BUSY` when too many checks wait already.
   */
  async matches(verifier: Verifier | undefined, password: string): Promise<boolean> {
    const { cost, salt, hash } = verifier ?? this.#dummy;
    // Cut, so that a long password costs what others cost; it is refused all the same.
    const derived = await this.#run(password.slice(0, MAX_PASSWORD), salt, hash.length, cost);
    const equal = timingSafeEqual(derived, hash);
    return equal && verifier !== undefined && passwordFault(password) === undefined;
  }

  #run(password: string, salt: Uint8Array, length: number, cost: ScryptCost): Promise<Uint8Array> {
    return this.#gate.run(() => this.#derive(composed(password), salt, length, cost));
  }
}

/** Why a password cannot be one, or undefined. */
export function passwordFault(password: string): string | undefined {
  if (password === '') return 'the password is empty';
  if (password.length > MAX_PASSWORD) return `the password has more than ${MAX_PASSWORD} characters`;
  return undefined;
}

/** The same characters typed on different systems are one password (RFC 8265 4.2.2). */
export function composed(password: string): string {
  return password.normalize('NFC');
}

/** The verifier as one line of text: `$scrypt$ln=15,r=8,p=1$salt$hash`, base64 without padding. */
export function formatVerifier({ cost, salt, hash }: Verifier): string {
  return `$scrypt$ln=${cost.logN},r=${cost.r},p=${cost.p}$${base64(salt)}$${base64(hash)}`;
}

/** Reads what {@link formatVerifier} wrote; undefined for other text and for costs beyond reason (256 MiB). */
export function parseVerifier(text: string): Verifier | undefined {
  const match = FORM.exec(text);
  if (match === null) return undefined;
  const [, logN, r, p, salt = '', hash = ''] = match;
  const cost = { logN: Number(logN), r: Number(r), p: Number(p) };
  const memory = 128 * 2 ** cost.logN * cost.r;
  if (cost.logN < 1 || cost.r < 1 || cost.p < 1 || cost.p > 16 || memory > MAX_MEMORY) return undefined;
  return { cost, salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64') };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}

function deriveScrypt(password: string, salt: Uint8Array, length: number, cost: ScryptCost): Promise<Uint8Array> {
  const { logN, r, p } = cost;
  // 128 * N * r for the table, as much per lane for its blocks, and some for OpenSSL's own accounting.
  const maxmem = 128 * r * (2 ** logN + p + 2) + 1024;
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, { N: 2 ** logN, r, p, maxmem }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
