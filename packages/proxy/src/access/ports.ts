import { RpchError } from '@rpch/rpc';

/** Port numbers from `low` to `high`, both included. */
export interface PortRange {
  readonly low: number;
  readonly high: number;
}

/** Most entries in one port list. */
const MAX_RANGES = 64;

/**
 * Reads a port list such as `135,49152-65535`.
 * @param whole the text that the list stands in, for the message.
 * @throws RpchError `RPCH_BAD_RULE`.
 */
export function parsePorts(list: string, whole: string): PortRange[] {
  const entries = list.split(',');
  if (entries.length > MAX_RANGES) {
    throw badRule(`expected at most ${MAX_RANGES} ports and port ranges, found ${entries.length} in "${whole}"`);
  }
  return entries.map((entry) => {
    const [first = '', last = first, ...more] = entry.split('-');
    const low = parsePort(first);
    const high = parsePort(last);
    if (low === undefined || high === undefined || more.length > 0) {
      throw badRule(`expected a port from 1 to 65535 or a range such as 49152-65535, found "${entry}" in "${whole}"`);
    }
    if (low > high) throw badRule(`expected a range from low to high, found "${entry}" in "${whole}"`);
    return { low, high };
  });
}

/** A port number of 1 to 65535 in decimal digits without leading zeros; undefined for other text. */
export function parsePort(text: string): number | undefined {
  if (!/^[1-9]\d{0,4}$/.test(text)) return undefined;
  const port = Number(text);
  return port <= 65535 ? port : undefined;
}

export function badRule(message: string): RpchError {
  return new RpchError('RPCH_BAD_RULE', 'configuration', message);
}
