import { formatGuid, type PropertyValueR, ProtocolError, parseGuid } from '@rpch/rpc/internal';
import { isMany } from '../../mapi/compare.ts';
import { ErrorCode } from '../../mapi/error-code.ts';
import { type PropertyTag, PropertyType, type PropertyValue, typeOf, withType } from '../../mapi/property.ts';
import { narrow, widen } from '../../mapi/text-coding.ts';

/** The cell of a property that has no value ([MS-OXNSPI] 3.1.4.1.7). */
export function missingValue(tag: PropertyTag): PropertyValueR {
  return wire(withType(tag, PropertyType.ErrorCode), { case: PropertyType.ErrorCode, value: ErrorCode.NotFound });
}

/**
 * A value as PropertyValue_r, under a tag of the value's type, in which String8 means text in the code page. What NSPI has no arm for is
 * Null ([MS-OXNSPI] 2.2.1.1).
 */
export function wireValue(tag: PropertyTag, value: PropertyValue, codePage: number): PropertyValueR {
  switch (typeOf(tag)) {
    case PropertyType.Integer16:
      if (typeof value === 'number') return wire(tag, { case: 0x0002, value });
      break;
    case PropertyType.Integer32:
      if (typeof value === 'number') return wire(tag, { case: 0x0003, value: value | 0 });
      break;
    case PropertyType.ErrorCode:
      if (typeof value === 'number') return wire(tag, { case: 0x000a, value: value >>> 0 });
      break;
    case PropertyType.Boolean:
      if (typeof value === 'boolean') return wire(tag, { case: 0x000b, value: value ? 1 : 0 });
      break;
    case PropertyType.Object:
      if (typeof value === 'number') return wire(tag, { case: 0x000d, value: value >>> 0 });
      break;
    case PropertyType.String8:
      if (typeof value === 'string') return wire(tag, { case: 0x001e, value: narrow(value, codePage) });
      break;
    case PropertyType.String:
      if (typeof value === 'string') return wire(tag, { case: 0x001f, value: value.toWellFormed() });
      break;
    case PropertyType.Guid:
      if (typeof value === 'string') return wire(tag, { case: 0x0048, value: { ab: parseGuid(value) } });
      break;
    case PropertyType.Binary:
      if (value instanceof Uint8Array) return wire(tag, { case: 0x0102, value: { lpb: value } });
      break;
    case PropertyType.MultipleString8:
      if (areStrings(value)) {
        return wire(tag, { case: 0x101e, value: { lppszA: value.map((each) => narrow(each, codePage)) } });
      }
      break;
    case PropertyType.MultipleString:
      if (areStrings(value)) {
        return wire(tag, { case: 0x101f, value: { lppszW: value.map((each) => each.toWellFormed()) } });
      }
      break;
    case PropertyType.MultipleBinary:
      if (areBytes(value)) {
        return wire(tag, { case: 0x1102, value: { lpbin: value.map((each) => ({ lpb: each })) } });
      }
      break;
  }
  return wire(withType(tag, PropertyType.Null), { case: 0x0001, value: 0 });
}

/** The value of a PropertyValue_r from a client; text is read in the code page. A null pointer where text should be is empty. */
export function readWireValue({ Value }: PropertyValueR, codePage: number): PropertyValue {
  switch (Value.case) {
    case 0x0001:
    case 0x000d:
      return null;
    case 0x0002:
    case 0x0003:
    case 0x000a:
      return Value.value;
    case 0x000b:
      return Value.value !== 0;
    case 0x001e:
      return widen(Value.value ?? '', codePage);
    case 0x001f:
      return Value.value ?? '';
    case 0x0040:
      return timeOf(Value.value);
    case 0x0048:
      return guidOf(Value.value);
    case 0x0102:
      return Value.value.lpb ?? new Uint8Array(0);
    case 0x1002:
      return Value.value.lpi ?? [];
    case 0x1003:
      return Value.value.lpl ?? [];
    case 0x101e:
      return (Value.value.lppszA ?? []).map((each) => widen(each ?? '', codePage));
    case 0x101f:
      return (Value.value.lppszW ?? []).map((each) => each ?? '');
    case 0x1040:
      return (Value.value.lpft ?? []).map(timeOf);
    case 0x1048:
      return (Value.value.lpguid ?? []).map(guidOf);
    case 0x1102:
      return (Value.value.lpbin ?? []).map(({ lpb }) => lpb ?? new Uint8Array(0));
  }
}

function wire(ulPropTag: PropertyTag, Value: PropertyValueR['Value']): PropertyValueR {
  return { ulPropTag, ulReserved: 0, Value };
}

function timeOf({ dwLowDateTime, dwHighDateTime }: { dwLowDateTime: number; dwHighDateTime: number }): bigint {
  return (BigInt(dwHighDateTime) << 32n) | BigInt(dwLowDateTime);
}

function guidOf(value: { readonly ab: Uint8Array } | null): string {
  if (value === null) throw new ProtocolError('RPCH_BAD_GUID', 'a GUID that is a null pointer', '[MS-OXNSPI] 2.2.4.10');
  return formatGuid(value.ab);
}

function areStrings(value: PropertyValue): value is readonly string[] {
  return isMany(value) && value.every((each) => typeof each === 'string');
}

function areBytes(value: PropertyValue): value is readonly Uint8Array[] {
  return isMany(value) && value.every((each) => each instanceof Uint8Array);
}
