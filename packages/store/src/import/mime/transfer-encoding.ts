const LF = 0x0a;
const CR = 0x0d;
const EQUALS = 0x3d;
/** Value of each base64 character, -1 of all others (RFC 4648 4). */
const BASE64 = new Int8Array(256).fill(-1);
'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.split('').forEach((char, value) => {
  BASE64[char.charCodeAt(0)] = value;
});

/**
 * Undoes a Content-Transfer-Encoding (RFC 2045 6). Never throws: an encoding that is unknown leaves the bytes as they are, and what is
 * malformed decodes as far as it can.
 */
export function decodeTransfer(bytes: Uint8Array, encoding: string | undefined): Uint8Array {
  const token = /[\w-]+/.exec(encoding ?? '')?.[0]?.toLowerCase();
  if (token === 'base64') return decodeBase64(bytes);
  if (token === 'quoted-printable') return decodeQuotedPrintable(bytes);
  return bytes;
}

/** Characters outside the alphabet are passed over; padding ends a unit, and another may follow, as some programs write it. */
export function decodeBase64(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(bytes.length / 4) * 3);
  let length = 0;
  let held = 0;
  let bits = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const char = bytes[at] ?? 0;
    const value = BASE64[char] ?? -1;
    if (value >= 0) {
      held = ((held << 6) | value) & 0xffffff;
      bits += 6;
      if (bits >= 8) {
        bits -= 8;
        out[length] = (held >> bits) & 0xff;
        length += 1;
      }
    } else if (char === EQUALS) {
      bits = 0;
    }
  }
  return out.subarray(0, length);
}

/** RFC 2045 6.7. Line ends stay as they are; an escape that is none stays as it was written. */
export function decodeQuotedPrintable(bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const char = bytes[at] ?? 0;
    if (char === EQUALS) {
      const high = hexDigit(bytes[at + 1]);
      const low = hexDigit(bytes[at + 2]);
      if (high >= 0 && low >= 0) {
        out[length] = high * 16 + low;
        length += 1;
        at += 2;
        continue;
      }
      const soft = endOfBlankLine(bytes, at + 1);
      if (soft >= 0) {
        at = soft - 1;
        continue;
      }
    } else if (char === 0x20 || char === 0x09) {
      // Rule 3: blanks at the end of a line came on the way. The run is looked at once, or a line of blanks would cost its square.
      let run = at;
      while (bytes[run] === 0x20 || bytes[run] === 0x09) run += 1;
      if (run === bytes.length || lineEnd(bytes, run) < 0) {
        out.set(bytes.subarray(at, run), length);
        length += run - at;
      }
      at = run - 1;
      continue;
    }
    out[length] = char;
    length += 1;
  }
  return out.subarray(0, length);
}

function hexDigit(char: number | undefined): number {
  if (char === undefined) return -1;
  if (char >= 0x30 && char <= 0x39) return char - 0x30;
  const letter = char | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** The offset behind a line end at `at`, -1 where there is none. */
function lineEnd(bytes: Uint8Array, at: number): number {
  if (bytes[at] === LF) return at + 1;
  return bytes[at] === CR && bytes[at + 1] === LF ? at + 2 : -1;
}

/** The offset behind blanks and a line end, or behind blanks at the end of all; -1 where something else follows. */
function endOfBlankLine(bytes: Uint8Array, at: number): number {
  let end = at;
  while (bytes[end] === 0x20 || bytes[end] === 0x09) end += 1;
  return end >= bytes.length ? bytes.length : lineEnd(bytes, end);
}
