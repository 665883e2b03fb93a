/** One run of bytes out of a text; `label` is the heading over it, where there is one. */
export interface HexBlock {
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** A line of a dump: offset, and bytes in one of the usual groupings. */
interface DumpLine {
  readonly offset: number;
  readonly bytes: readonly number[];
}

const OFFSET = /^\s*([0-9a-f]{4,8}):?(?=\s|$)/i;
/** xxd groups bytes in twos; up to two spaces stand between the halves of a line, more before the text column. */
const GROUP = /^ {1,2}((?:[0-9a-f]{2}){1,8})(?= |$)/i;
const USUAL_LINE = 16;
const MAX_LINE = 256;
/** Lines that `*` may stand for: of one byte a line that is the dump's whole reach. */
const MAX_REPEATED_BYTES = 16 * 1024 * 1024;
const PLAIN = /^(?:\s|0x|[0-9a-f]{2}|[,:;-])*$/i;
/** tshark prints one over each of a packet's sources of bytes where there are several. */
const HEADING = /^(\S[ -~]{0,80}?) ?\(\d+ bytes\):$/;

/** Whether a text is hexadecimal in one of the forms that {@link readHex} understands. Looks at its first lines only. */
export function looksLikeHex(text: string): boolean {
  const lines = text.split('\n', 20).filter((line) => line.trim() !== '');
  const [first = ''] = lines;
  if (HEADING.test(first.trim())) return true;
  if (isDumpLine(first)) return true;
  return (
    first.length > 1 &&
    lines
      .slice(0, -1)
      .concat(lines.length === 1 ? lines : [])
      .every((line) => PLAIN.test(line))
  );
}

/** A dump begins at offset 0; anything else in the form of one is plain digits in groups. */
function isDumpLine(line: string): boolean {
  const read = readLine(line.trimEnd(), USUAL_LINE);
  return read !== undefined && read.offset === 0 && read.bytes.length > 0;
}

/**
 * Reads hex text: plain digits, or the dumps of xxd, hexdump -C, od -tx1, tshark -x and text2pcap. A dump's offset going back to
 * 0 begins a new block. Undefined where a line is none of this; `line` tells which.
 */
export function readHex(text: string): { readonly blocks: HexBlock[] } | { readonly line: number } {
  const lines = text.split('\n').map((line) => line.trimEnd());
  const firstFull = lines.find((line) => line.trim() !== '' && !HEADING.test(line.trim())) ?? '';
  return isDumpLine(firstFull) ? readDump(lines) : readPlain(lines);
}

function readPlain(lines: readonly string[]): { blocks: HexBlock[] } | { line: number } {
  const bytes: Buffer[] = [];
  for (const [index, line] of lines.entries()) {
    const digits = line.replace(/0x|[\s,:;-]/gi, '');
    if (digits.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(digits)) return { line: index + 1 };
    bytes.push(Buffer.from(digits, 'hex'));
  }
  return { blocks: [{ label: '', bytes: Buffer.concat(bytes) }] };
}

function readDump(lines: readonly string[]): { blocks: HexBlock[] } | { line: number } {
  const blocks: HexBlock[] = [];
  let label = '';
  let block: number[] = [];
  const close = (next: string): void => {
    if (block.length > 0) blocks.push({ label, bytes: Uint8Array.from(block) });
    block = [];
    label = next;
  };
  let width = USUAL_LINE;
  let repeat = false;
  for (const [index, line] of lines.entries()) {
    const text = line.trim();
    if (text === '') continue;
    const heading = HEADING.exec(text);
    if (heading !== null) {
      close(heading[1] ?? '');
      continue;
    }
    if (text === '*') {
      repeat = true;
      continue;
    }
    const offset = Number.parseInt(OFFSET.exec(line)?.[1] ?? '', 16);
    if (Number.isNaN(offset)) return { line: index + 1 };
    if (offset === 0 && block.length > 0) close('');
    const missing = offset - block.length;
    if (repeat) {
      if (missing < 0 || missing > MAX_REPEATED_BYTES || block.length === 0) return { line: index + 1 };
      const pattern = block.slice(-width);
      for (let i = 0; i < missing; i++) block.push(pattern[i % pattern.length] ?? 0);
      repeat = false;
    } else if (missing !== 0) return { line: index + 1 };
    // How far the next line's offset is away says how many bytes stand on this one, whatever its text column looks like.
    const reach = reachOf(lines[index + 1], offset);
    if (reach !== undefined) width = reach;
    const read = readLine(line, reach ?? width);
    if (read === undefined) return { line: index + 1 };
    for (const byte of read.bytes) block.push(byte);
  }
  close('');
  return { blocks };
}

function reachOf(next: string | undefined, offset: number): number | undefined {
  const following = Number.parseInt(OFFSET.exec(next ?? '')?.[1] ?? '', 16) - offset;
  return following > 0 && following <= MAX_LINE ? following : undefined;
}

/** Undefined where the line does not begin with an offset and whole bytes behind it. A bare offset is a dump's last line. */
function readLine(line: string, most: number): DumpLine | undefined {
  const head = OFFSET.exec(line);
  if (head === null) return undefined;
  const bytes: number[] = [];
  let rest = line
    .slice(head[0].length)
    .replace(/^ +(?=[0-9a-f]{2})/i, ' ')
    .replace(/^\t/, ' ');
  for (;;) {
    const group = GROUP.exec(rest)?.[1];
    if (group === undefined || bytes.length + group.length / 2 > most) break;
    for (let at = 0; at < group.length; at += 2) bytes.push(Number.parseInt(group.slice(at, at + 2), 16));
    rest = rest.slice(GROUP.exec(rest)?.[0].length ?? rest.length);
  }
  if (bytes.length === 0 && rest.trim() !== '') return undefined;
  return { offset: Number.parseInt(head[1] ?? '', 16), bytes };
}
