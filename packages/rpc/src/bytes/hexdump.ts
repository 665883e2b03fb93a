/** Bytes that a dump must not show: from `start` up to, not including, `end`. */
export interface HiddenRange {
  readonly start: number;
  readonly end: number;
}

const PER_LINE = 16;
const HALF_LINE = 8;

/**
 * The lines of a hex dump: offset, 16 bytes, and the same as ASCII. Bytes in `hidden` are shown as `**`, so that their number
 * can be seen and their value cannot. `base` is the offset of the first byte.
 */
export function hexDump(bytes: Uint8Array, hidden: readonly HiddenRange[] = [], base = 0): string[] {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; start += PER_LINE) {
    let hex = '';
    let text = '';
    for (let at = start; at < start + PER_LINE; at++) {
      if (at - start === HALF_LINE) hex += ' ';
      const byte = bytes[at];
      if (byte === undefined) {
        hex += '   ';
        continue;
      }
      const isHidden = hidden.some((range) => at >= range.start && at < range.end);
      hex += isHidden ? ' **' : ` ${byte.toString(16).padStart(2, '0')}`;
      text += isHidden ? '*' : byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
    }
    lines.push(`${(base + start).toString(16).padStart(8, '0')} ${hex}  ${text}`);
  }
  return lines;
}
