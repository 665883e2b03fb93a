/** FILETIME of 1970-01-01, in 100 ns since 1601-01-01 UTC. */
const UNIX_EPOCH = 116_444_736_000_000_000n;
const LATEST = 8_640_000_000_000_000n;

/** A PtypTime as Date, to the millisecond; undefined where it is 0, "never", or beyond what a Date can hold. */
export function dateOf(fileTime: unknown): Date | undefined {
  if (typeof fileTime !== 'bigint' || fileTime <= 0n) return undefined;
  const ms = (fileTime - UNIX_EPOCH) / 10_000n;
  return ms > LATEST || ms < -LATEST ? undefined : new Date(Number(ms));
}
