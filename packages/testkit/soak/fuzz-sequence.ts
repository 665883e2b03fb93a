import { mutate } from '../src/mutate.ts';
import type { SeededRandom } from '../src/simulation/random.ts';

/** Pieces of one input; more are dropped. */
const MAX_PIECES = 48;

/** Pieces as one input: each with its length before it, u16 little-endian. */
export function sequence(pieces: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(pieces.flatMap((piece) => [Uint8Array.of(piece.length & 0xff, piece.length >> 8), piece]));
}

/** The pieces of any bytes; a length that goes past the end means what there is. */
export function piecesOf(input: Uint8Array): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < input.length && pieces.length < MAX_PIECES; ) {
    const length = (input[at] ?? 0) | ((input[at + 1] ?? 0) << 8);
    pieces.push(Buffer.from(input.subarray(at + 2, at + 2 + length)));
    at += 2 + length;
  }
  return pieces;
}

/** A sequence with one to three changes: in the bytes of a piece, or of whole pieces, left out, doubled, moved, taken from `other`. */
export function mutateSequence(
  input: Uint8Array,
  other: Uint8Array,
  random: SeededRandom,
  fit: ((piece: Buffer) => void) | undefined,
): Uint8Array {
  const pieces = piecesOf(input);
  for (let changes = random.int(1, 3); changes > 0; changes--) {
    const at = random.int(0, Math.max(0, pieces.length - 1));
    const piece = pieces[at] ?? Buffer.alloc(0);
    const kind = random.int(0, 9);
    if (kind <= 5) {
      const changed = mutate(piece, random);
      if (random.chance(0.7)) fit?.(changed);
      pieces[at] = changed;
    } else if (kind === 6) pieces.splice(at, 1);
    else if (kind === 7) pieces.splice(at, 0, Buffer.from(piece));
    else if (kind === 8) pieces.splice(random.int(0, pieces.length), 0, ...pieces.splice(at, 1));
    else {
      const others = piecesOf(other);
      const taken = others[random.int(0, Math.max(0, others.length - 1))];
      if (taken !== undefined) pieces.splice(at, 0, taken);
    }
  }
  return sequence(pieces.slice(0, MAX_PIECES));
}

/** Makes a PDU's frag_length its length, in the byte order that its data representation says. */
export function fitFragLength(pdu: Buffer): void {
  if (pdu.length < 16 || pdu.length > 0xffff) return;
  if (((pdu[4] ?? 0) & 0xf0) === 0) pdu.writeUInt16BE(pdu.length, 8);
  else pdu.writeUInt16LE(pdu.length, 8);
}
