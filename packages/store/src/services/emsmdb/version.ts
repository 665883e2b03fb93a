/** The three words of rgwClientVersion and its like ([MS-OXCRPC] 3.1.4.1.3). */
export type VersionWords = readonly [number, number, number];

/** Product major, product minor, build major, build minor. */
export type Version = readonly [number, number, number, number];

/** What this server is, as far as clients infer features from it: all that is promised up to Exchange 2007 ([MS-OXCRPC] 3.2.4.1.3.2). */
export const SERVER_VERSION: Version = [8, 0, 692, 3];

/** The oldest client that is served: it sends names in Unicode, and versions in three words ([MS-OXCRPC] 3.1.4.1.3.1). */
export const LEAST_CLIENT_VERSION: Version = [11, 0, 0, 0];

/** Set in the second word of the form that has four numbers ([MS-OXCRPC] 3.1.4.1.3). */
const FOUR_NUMBERS = 0x8000;

/** The numbers that three words stand for ([MS-OXCRPC] 3.1.4.1.3). */
export function versionOf(words: readonly number[]): Version {
  const [first = 0, second = 0, third = 0] = words;
  if ((second & FOUR_NUMBERS) === 0) return [first, 0, second, third];
  return [first >>> 8, first & 0xff, second & 0x7fff, third];
}

/** The words that stand for four numbers. */
export function versionWords([major, minor, buildMajor, buildMinor]: Version): VersionWords {
  return [(major << 8) | minor, FOUR_NUMBERS | buildMajor, buildMinor];
}

/** Whether a version is at least another. */
export function isAtLeast(version: Version, least: Version): boolean {
  for (let at = 0; at < 4; at += 1) {
    const difference = (version[at] ?? 0) - (least[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
