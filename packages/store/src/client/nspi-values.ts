import { formatGuid, type PropertyRowR, type PropertyValueR } from '@rpch/rpc/internal';
import { ErrorCode } from '../mapi/error-code.ts';
import {
  type MutableProperties,
  type PropertyScalar,
  type PropertyTag,
  PropertyType,
  type PropertyValue,
  typeOf,
} from '../mapi/property.ts';
import { widen } from '../mapi/text-coding.ts';
import type { PropertyResult } from './property-result.ts';

/** The properties of a row of the address book ([MS-OXNSPI] 2.2.5); text of 8 bits is in `codePage`. */
export function propertiesOfRow(row: PropertyRowR, codePage: number): PropertyResult {
  const values: MutableProperties = new Map();
  const errors = new Map<PropertyTag, number>();
  for (const each of row.lpProps ?? []) {
    const error = errorOf(each);
    if (error !== undefined) {
      if (error !== ErrorCode.NotFound) errors.set(each.ulPropTag, error);
      continue;
    }
    const value = propertyValueOf(each, codePage);
    if (value !== undefined) values.set(each.ulPropTag, value);
  }
  return { values, errors };
}

function errorOf({ ulPropTag, Value }: PropertyValueR): number | undefined {
  return typeOf(ulPropTag) === PropertyType.ErrorCode && typeof Value.value === 'number' ? Value.value : undefined;
}

function propertyValueOf({ Value }: PropertyValueR, codePage: number): PropertyValue | undefined {
  const text = (chars: string): string => widen(chars, codePage);
  switch (Value.case) {
    case 2:
    case 3:
      return Value.value;
    case 11:
      return Value.value !== 0;
    case 30:
      return Value.value === null ? undefined : text(Value.value);
    case 31:
      return Value.value ?? undefined;
    case 64:
      return fileTime(Value.value);
    case 72:
      return Value.value === null ? undefined : guid(Value.value);
    case 258:
      return bytes(Value.value);
    case 4098:
      return [...(Value.value.lpi ?? [])];
    case 4099:
      return [...(Value.value.lpl ?? [])];
    case 4126:
      return present(Value.value.lppszA).map(text);
    case 4127:
      return present(Value.value.lppszW);
    case 4160:
      return (Value.value.lpft ?? []).map(fileTime);
    case 4168:
      return present(Value.value.lpguid).map(guid);
    case 4354:
      return (Value.value.lpbin ?? []).map(bytes);
    default:
      return undefined;
  }
}

function present<T extends PropertyScalar | object>(values: readonly (T | null)[] | null): T[] {
  return (values ?? []).filter((value) => value !== null);
}

function fileTime({
  dwLowDateTime,
  dwHighDateTime,
}: {
  readonly dwLowDateTime: number;
  readonly dwHighDateTime: number;
}): bigint {
  return (BigInt(dwHighDateTime) << 32n) | BigInt(dwLowDateTime);
}

function guid({ ab }: { readonly ab: readonly number[] | Uint8Array }): string {
  return formatGuid(Uint8Array.from(ab));
}

function bytes({ lpb }: { readonly lpb: readonly number[] | Uint8Array | null }): Uint8Array {
  return Uint8Array.from(lpb ?? []);
}
