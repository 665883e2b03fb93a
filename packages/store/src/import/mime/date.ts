import { fileTime } from '../../mailbox/mailbox-context.ts';

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
/** RFC 5322 4.3; military zones are read as UTC, as it says. */
const ZONES: ReadonlyMap<string, number> = new Map([
  ['edt', -240],
  ['est', -300],
  ['cdt', -300],
  ['cst', -360],
  ['mdt', -360],
  ['mst', -420],
  ['pdt', -420],
  ['pst', -480],
  ['cet', 60],
  ['cest', 120],
  ['met', 60],
  ['mest', 120],
  ['bst', 60],
  ['jst', 540],
]);

/**
 * The FILETIME of a Date field (RFC 5322 3.3 and 4.3), undefined for what is none or lies before 1601. The weekday, the seconds and
 * the zone may be missing; years of two digits are as 4.3 says.
 */
export function parseDate(text: string): bigint | undefined {
  const match =
    /(?:^|[\s,])(\d{1,2})[\s-]+([a-z]{3})[a-z]*[\s-]+(\d{2,4})[\s,]+(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?\s*([+-]\d{4}|[a-z]{1,5})?/i.exec(
      text.slice(0, 200).replace(/\([^()]*\)/g, ' '),
    );
  if (match === null) return undefined;
  const [, day = '', month = '', year = '', hour = '', minute = '', second = '0', zone = ''] = match;
  const index = MONTHS.indexOf(month.toLowerCase());
  const time = Date.UTC(fullYear(year), index, Number(day), Number(hour), Number(minute), Math.min(Number(second), 59));
  const inRange = index >= 0 && Number(day) >= 1 && Number(day) <= 31 && Number(hour) < 24 && Number(minute) < 60;
  if (!inRange || Number.isNaN(time)) return undefined;
  const filetime = fileTime(time - zoneMinutes(zone) * 60_000);
  return filetime < 0n ? undefined : filetime;
}

function fullYear(text: string): number {
  const year = Number(text);
  if (text.length === 2) return year < 50 ? 2000 + year : 1900 + year;
  return text.length === 3 ? 1900 + year : year;
}

function zoneMinutes(zone: string): number {
  const digits = /^([+-])(\d{2})(\d{2})$/.exec(zone);
  if (digits === null) return ZONES.get(zone.toLowerCase()) ?? 0;
  const minutes = Number(digits[2]) * 60 + Number(digits[3]);
  return digits[1] === '-' ? -minutes : minutes;
}
