import { NdrReader, type Target } from './reader.ts';
import { NO_SCOPE } from './scope.ts';
import { NDR20 } from './transfer-syntax.ts';
import { compileAlone, type NdrType } from './type.ts';
import { NdrWriter } from './writer.ts';

/** One value alone, as if it were the only parameter of an operation; a pointer is one to be deferred from. */
export function encodeValue<T>(type: NdrType<T>, value: T, littleEndian = true): Uint8Array {
  const writer = new NdrWriter(littleEndian);
  compileAlone(type, NDR20).encode(writer, value, NO_SCOPE);
  writer.drain();
  return writer.finish();
}

/** The reverse of {@link encodeValue}; up to seven bytes of padding at the end are tolerated. */
export function decodeValue<T>(type: NdrType<T>, bytes: Uint8Array, littleEndian: boolean, ieeeFloats = true): T {
  const reader = new NdrReader(bytes, littleEndian, 'NDR', ieeeFloats);
  const target: Target = {};
  compileAlone(type, NDR20).decodeInto(reader, NO_SCOPE, target, 'value');
  reader.drain();
  reader.end();
  return target.value as T;
}
