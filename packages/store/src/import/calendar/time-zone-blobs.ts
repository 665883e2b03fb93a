import { Writer } from '@rpch/rpc/internal';
import { encodeUnicode } from '../../mapi/text-coding.ts';
import type { ZoneRule, ZoneTransition } from './time-zone.ts';

/** TZRule flags ([MS-OXOCAL] 2.2.1.41.1). */
export const TZRULE_FLAG_RECUR_CURRENT_TZREG = 1;
export const TZRULE_FLAG_EFFECTIVE_TZREG = 2;
/** Characters of a zone's name that are kept: what its header has room for in other programs, too. */
const MAX_NAME = 128;

/** A rule with the year from which it holds. */
export interface DatedZoneRule {
  readonly rule: ZoneRule;
  readonly year: number;
  readonly flags: number;
}

/** PidLidTimeZoneStruct ([MS-OXOCAL] 2.2.1.39). */
export function writeTimeZoneStruct(rule: ZoneRule): Uint8Array {
  const writer = new Writer(48);
  writeBiases(writer, rule);
  // wStandardYear and wDaylightYear are those of the dates: 0, every year.
  writeDate(writer.u16(0), rule.transitions?.standard);
  writeDate(writer.u16(0), rule.transitions?.daylight);
  return writer.finish().slice();
}

/** PidLidAppointmentTimeZoneDefinitionRecur, …StartDisplay and …EndDisplay ([MS-OXOCAL] 2.2.1.41 to 2.2.1.43). */
export function writeTimeZoneDefinition(name: string, rules: readonly DatedZoneRule[]): Uint8Array {
  const keyName = encodeUnicode(name.slice(0, MAX_NAME));
  const writer = new Writer(256);
  // Version 2.1; cbHeader counts Reserved, cchKeyName, KeyName and cRules.
  writer
    .u8(2)
    .u8(1)
    .u16(6 + keyName.length);
  writer
    .u16(2)
    .u16(keyName.length / 2)
    .bytes(keyName)
    .u16(rules.length);
  for (const { rule, year, flags } of rules) {
    // 2.2.1.41.1: version 2.1, Reserved, X.
    writer.u8(2).u8(1).u16(0x3e).u16(flags).u16(year).zeros(14);
    writeBiases(writer, rule);
    writeDate(writer, rule.transitions?.standard);
    writeDate(writer, rule.transitions?.daylight);
  }
  return writer.finish().slice();
}

/** lBias, lStandardBias, lDaylightBias. */
function writeBiases(writer: Writer, { bias, daylightBias }: ZoneRule): void {
  writer.u32(bias).u32(0).u32(daylightBias);
}

/** SYSTEMTIME ([MS-DTYP] 2.3.13) of a day that comes every year; zeros where there is none. */
function writeDate(writer: Writer, transition: ZoneTransition | undefined): void {
  if (transition === undefined) {
    writer.zeros(16);
    return;
  }
  const { month, weekday, nth, hour, minute } = transition;
  writer.u16(0).u16(month).u16(weekday).u16(nth).u16(hour).u16(minute).u16(0).u16(0);
}
