import { ipv6Groups, parseIp } from '../access/ip.ts';

/** How failures become delays: some are free, then each doubles the delay; in time they are forgotten one by one. */
interface Curve {
  /** Failures that delay nothing. */
  readonly free: number;
  /** First delay and longest delay, in milliseconds. */
  readonly first: number;
  readonly longest: number;
  /** One failure is forgotten in this many milliseconds. */
  readonly forget: number;
}

/** Failures counted beyond the free ones; more would lengthen the memory of them and no delay. */
const MOST_OVER_FREE = 10;

/** Failures of one account from one address. */
export const PAIR_CURVE: Curve = { free: 3, first: 1_000, longest: 30_000, forget: 120_000 };
/** Failures of one address, whatever the account: wide enough for a site behind one address. */
export const ADDRESS_CURVE: Curve = { free: 50, first: 250, longest: 30_000, forget: 10_000 };
/** After a success the pair is exempt from the delay of its address for this long, in milliseconds. */
export const TRUST_LIFETIME = 60 * 60_000;
/** Most pairs and most addresses remembered; the one touched longest ago goes first. */
export const MAX_PAIRS = 20_000;
export const MAX_ADDRESSES = 10_000;

interface Bucket {
  /** Failures not yet forgotten, as of `at`. */
  level: number;
  /** When the last failure was. */
  at: number;
  trustedUntil: number;
}

/**
 * Slows failed logins. Failures count per pair of address and account, so that nobody can lock an account out from
 * another address, and per address in all, so that trying many accounts is slow as well. IPv6 counts by /64. Memory is
 * bounded. Times are milliseconds.
 */
export class Throttle {
  readonly #pairs = new Map<string, Bucket>();
  readonly #addresses = new Map<string, Bucket>();

  /** Milliseconds until the next attempt for this account from this address may be checked; 0 most of the time. */
  delayFor(address: string, account: string, now: number): number {
    const source = throttleKey(address);
    const pair = this.#pairs.get(pairKey(source, account));
    const own = delay(pair, PAIR_CURVE, now);
    if (pair !== undefined && now < pair.trustedUntil) return own;
    return Math.max(own, delay(this.#addresses.get(source), ADDRESS_CURVE, now));
  }

  /** Notes a wrong password or an unknown account. */
  failed(address: string, account: string, now: number): void {
    const source = throttleKey(address);
    count(touch(this.#pairs, pairKey(source, account), MAX_PAIRS), PAIR_CURVE, now);
    count(touch(this.#addresses, source, MAX_ADDRESSES), ADDRESS_CURVE, now);
  }

  /**
   * Notes a right password: the failures of the pair are forgotten. Those of the address are not, or else one valid
   * account would buy any number of guesses at others.
   */
  succeeded(address: string, account: string, now: number): void {
    const pair = touch(this.#pairs, pairKey(throttleKey(address), account), MAX_PAIRS);
    pair.level = 0;
    pair.trustedUntil = now + TRUST_LIFETIME;
  }

  /** Pairs and addresses remembered. */
  get size(): { readonly pairs: number; readonly addresses: number } {
    return { pairs: this.#pairs.size, addresses: this.#addresses.size };
  }
}

/**
 * What addresses are counted by: IPv4 whole (IPv4-mapped IPv6 included), IPv6 by its first 64 bits, since one client
 * has all of the rest. Text that is no address stands for itself.
 */
export function throttleKey(address: string): string {
  const [bare = ''] = address.split('%');
  const ip = parseIp(bare);
  if (ip === undefined) return address.slice(0, 64);
  if (ip.family === 4) return ip.address;
  const groups = ipv6Groups(ip.address) ?? [];
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`;
}

function pairKey(source: string, account: string): string {
  return `${source} ${account}`;
}

function touch(buckets: Map<string, Bucket>, key: string, most: number): Bucket {
  const bucket = buckets.get(key) ?? { level: 0, at: 0, trustedUntil: Number.NEGATIVE_INFINITY };
  buckets.delete(key);
  buckets.set(key, bucket);
  for (const oldest of buckets.keys()) {
    if (buckets.size <= most) break;
    buckets.delete(oldest);
  }
  return bucket;
}

function count(bucket: Bucket, curve: Curve, now: number): void {
  const left = Math.max(0, bucket.level - elapsed(bucket, now) / curve.forget);
  bucket.level = Math.min(left + 1, curve.free + MOST_OVER_FREE);
  bucket.at = now;
}

function delay(bucket: Bucket | undefined, curve: Curve, now: number): number {
  if (bucket === undefined) return 0;
  const over = Math.ceil(bucket.level) - curve.free;
  if (over <= 0) return 0;
  const whole = Math.min(curve.longest, curve.first * 2 ** (over - 1));
  return Math.max(0, whole - elapsed(bucket, now));
}

/** A clock set back must neither lengthen a delay nor raise a level. */
function elapsed(bucket: Bucket, now: number): number {
  return Math.max(0, now - bucket.at);
}
