/** Characters of a text that count in ordering it: as many as are stored together with its row (packed-properties.ts). */
const MAX_CHARACTERS = 255;
/** Bytes of each half of a key. */
const MAX_HALF = 256;
/** Bytes of a key at most. */
export const MAX_TEXT_KEY = 2 * (MAX_HALF + 1);
/** Characters of a beginning: those that are in the key of whatever begins with it, since a capital is up to three characters long. */
const MAX_PREFIX = 84;
/** Characters whose glyphs are remembered, beside the plain ones. */
const MAX_GLYPHS = 4096;

/** What other characters than letters and digits begin with that are not ASCII. */
const SYMBOL = 0x42;
/** By ASCII character: punctuation and such first, then {@link SYMBOL}, digits, capitals; no byte of it is 0. */
const WEIGHTS = asciiWeights();

/** Letters that Unicode does not take apart, and those that most people look for them among. */
const LETTERS: ReadonlyMap<string, string> = new Map([
  ['Æ', 'AE'],
  ['Œ', 'OE'],
  ['ẞ', 'SS'],
  ['Þ', 'TH'],
  ['Ø', 'O'],
  ['Ł', 'L'],
  ['Đ', 'D'],
  ['Ð', 'D'],
  ['Ħ', 'H'],
  ['Ŧ', 'T'],
  // What programs put for the quotation marks and dashes of keyboards.
  ['‘', "'"],
  ['’', "'"],
  ['‚', "'"],
  ['“', '"'],
  ['”', '"'],
  ['„', '"'],
  ['‐', '-'],
  ['‒', '-'],
  ['–', '-'],
  ['—', '-'],
]);
/** The one letter with a mark that is a letter of its own to everybody who writes it. */
const SHORT_I = 'Й';

/** What is nothing by itself: what cannot be seen, and marks on letters. Marks of other scripts are vowels and count. */
const IGNORED = /[\p{DI}]|(?=\p{M})[\p{sc=Inherited}\p{sc=Hebrew}\p{sc=Arabic}\p{sc=Syriac}\p{sc=Cyrillic}]/gu;
const NO_LETTER = /^[\p{P}\p{S}\p{Z}\p{Cc}]/u;

/** What a character other than ASCII, as foldCase leaves it, is in a key. */
interface Glyph {
  /** In the first half. */
  readonly letters: Uint8Array;
  /** In the second half: the character, where it cannot be told from its letters. */
  readonly itself: Uint8Array | undefined;
}

const glyphs = new Map<number, Glyph>();
/** By UTF-16 code unit: the two or three bytes of what is one letter and no more, least significant first; 0 for others, and until it is known. */
const plain = new Uint32Array(0x1_0000);

/** Text in the form in which its case does not count: what is equal when it is ignored has the same. */
export function foldCase(text: string): string {
  return text.toUpperCase();
}

/** Text without its non-spacing marks: accents and such. */
export function foldNonSpace(text: string): string {
  return text.normalize('NFD').replace(/\p{Mn}/gu, '');
}

/**
 * Writes the key of a text, at most {@link MAX_TEXT_KEY} bytes, and returns where it ends: keys compare as bytes the way texts are
 * sorted, and those of equal texts are equal. What decides are the letters, without regard to case, to marks on them and to their forms
 * (NFKD), and only of texts with the same letters those marks and forms. Punctuation comes before digits, these before letters, and
 * letters of other scripts as Unicode has them. This is no locale's order, but the same one for everybody, and in every process with the
 * same version of Unicode (`process.versions.unicode`). Keys are stored: who changes them changes TEXT_FORMAT (row-order.ts).
 *
 * A key is the letters, 0, then for each character that is more than its letters 256 less its position (from 1) and the character, 0. Of a
 * text the first 255 characters count, and of these what comes before U+0000.
 */
export function writeTextKey(text: string, bytes: Uint8Array, start: number): number {
  let at = writeAscii(text, MAX_CHARACTERS, bytes, start);
  if (at >= 0) {
    bytes[at++] = 0;
  } else {
    const capitals = foldCase(beginning(text, MAX_CHARACTERS));
    at = writeLetters(capitals, bytes, start);
    const isPlain = at >= 0;
    if (!isPlain) at = ~at;
    bytes[at++] = 0;
    if (!isPlain) at = writeMarks(capitals.normalize('NFC'), bytes, at);
  }
  bytes[at++] = 0;
  return at;
}

/**
 * Writes what the keys begin with of all texts that begin with one, whether in its case or in another, and returns where it ends. It is no
 * key itself, and others may begin with it too.
 */
export function writeTextPrefix(text: string, bytes: Uint8Array, start: number): number {
  let at = writeAscii(text, MAX_PREFIX, bytes, start);
  if (at < 0) at = writeLetters(foldCase(beginning(text, MAX_PREFIX)), bytes, start);
  return at < 0 ? ~at : at;
}

const left = new Uint8Array(MAX_TEXT_KEY);
const right = new Uint8Array(MAX_TEXT_KEY);

/** The order of two texts: that of their keys, and where these are the same, but the texts too long for them, that of their code units; 0 only where nothing but case differs. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const endOfLeft = writeTextKey(a, left, 0);
  const endOfRight = writeTextKey(b, right, 0);
  for (let at = 0; at < endOfLeft && at < endOfRight; at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  const whole = foldCase(a).normalize('NFC');
  const other = foldCase(b).normalize('NFC');
  return whole < other ? -1 : whole > other ? 1 : 0;
}

/** The short way, for text that is ASCII as far as it counts; -1 for any other. */
function writeAscii(text: string, most: number, bytes: Uint8Array, start: number): number {
  const length = Math.min(text.length, most);
  let at = start;
  for (let index = 0; index < length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 0) break;
    if (code >= 0x80) return -1;
    bytes[at++] = WEIGHTS[code] ?? 0;
  }
  return at;
}

/** The complement (`~`) of where it ends where any character is more than its letters. */
function writeLetters(capitals: string, bytes: Uint8Array, start: number): number {
  const end = start + MAX_HALF;
  let at = start;
  let isPlain = true;
  for (let index = 0; index < capitals.length && at < end; index += 1) {
    const code = capitals.charCodeAt(index);
    if (code < 0x80) {
      bytes[at++] = WEIGHTS[code] ?? 0;
      continue;
    }
    const known = plain[code] ?? 0;
    if (known !== 0 && end - at >= 3) {
      bytes[at++] = known;
      bytes[at++] = known >>> 8;
      if (known > 0xffff) bytes[at++] = known >>> 16;
      continue;
    }
    const point = capitals.codePointAt(index) ?? code;
    if (point > 0xffff) index += 1;
    const { letters, itself } = glyphOf(point);
    for (let each = 0; each < letters.length && at < end; each += 1) bytes[at++] = letters[each] ?? 0;
    isPlain &&= itself === undefined;
  }
  return isPlain ? at : ~at;
}

function writeMarks(capitals: string, bytes: Uint8Array, start: number): number {
  const end = start + MAX_HALF;
  let at = start;
  let position = 0;
  for (let index = 0; index < capitals.length && at < end; index += 1) {
    const code = capitals.charCodeAt(index);
    position += 1;
    if (code < 0x80 || plain[code] !== 0) continue;
    const point = capitals.codePointAt(index) ?? code;
    if (point > 0xffff) index += 1;
    const { itself } = glyphOf(point);
    if (itself === undefined) continue;
    bytes[at++] = Math.max(1, 256 - position);
    for (let each = 0; each < itself.length && at < end; each += 1) bytes[at++] = itself[each] ?? 0;
  }
  return at;
}

function glyphOf(point: number): Glyph {
  const known = glyphs.get(point);
  if (known !== undefined) return known;
  const glyph = makeGlyph(String.fromCodePoint(point));
  const { letters, itself } = glyph;
  const isHalf = point >= 0xd800 && point < 0xe000;
  if (itself === undefined && point <= 0xffff && letters.length <= 3 && !isHalf) {
    plain[point] = letters.reduceRight((all, each) => (all << 8) | each, 0);
  } else {
    if (glyphs.size >= MAX_GLYPHS) glyphs.clear();
    glyphs.set(point, glyph);
  }
  return glyph;
}

/** Of each character by itself, so that what a text begins with is what its key begins with. */
function makeGlyph(character: string): Glyph {
  let letters = character;
  // Syllables of Hangul have the order of their parts, in a third of the room.
  if (character !== SHORT_I && !/[가-힣]/u.test(character)) {
    const parts = foldCase(character.normalize('NFKD').replace(IGNORED, ''));
    letters = Array.from(parts, (part) => LETTERS.get(part) ?? hiragana(part)).join('');
  }
  const isPlain = letters === character && character !== SHORT_I;
  return {
    letters: Uint8Array.from(Array.from(letters).flatMap(weightsOf)),
    itself: isPlain ? undefined : Uint8Array.from(utf8(character)),
  };
}

/** Katakana are sorted as the hiragana that sound the same. */
function hiragana(part: string): string {
  return part >= 'ァ' && part <= 'ヶ' && part.length === 1 ? String.fromCharCode(part.charCodeAt(0) - 0x60) : part;
}

function weightsOf(letter: string): readonly number[] {
  const code = letter.charCodeAt(0);
  if (code < 0x80) return [WEIGHTS[code] ?? 0];
  return NO_LETTER.test(letter) ? [SYMBOL, ...utf8(letter)] : utf8(letter);
}

/** UTF-8, of halves of surrogate pairs too. */
function utf8(character: string): number[] {
  const point = character.codePointAt(0) ?? 0;
  if (point < 0x80) return [point];
  const tail = (shift: number): number => 0x80 | ((point >>> shift) & 0x3f);
  if (point < 0x800) return [0xc0 | (point >>> 6), tail(0)];
  if (point < 0x1_0000) return [0xe0 | (point >>> 12), tail(6), tail(0)];
  return [0xf0 | (point >>> 18), tail(12), tail(6), tail(0)];
}

/** The first characters of a text, up to U+0000, and not ending within a surrogate pair. */
function beginning(text: string, most: number): string {
  const last = text.charCodeAt(Math.min(text.length, most) - 1);
  const given = text.slice(0, last >= 0xd800 && last < 0xdc00 ? Math.min(text.length, most) - 1 : most);
  const end = given.indexOf('\0');
  return end < 0 ? given : given.slice(0, end);
}

function asciiWeights(): Uint8Array {
  const weights = new Uint8Array(128);
  let next = 1;
  const give = (code: number): void => {
    weights[code] = next;
    next += 1;
  };
  for (let code = 1; code < 0x80; code += 1) if (!/[0-9A-Za-z]/.test(String.fromCharCode(code))) give(code);
  next = SYMBOL + 1;
  for (const each of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ') give(each.charCodeAt(0));
  for (let code = 0x61; code <= 0x7a; code += 1) weights[code] = weights[code - 0x20] ?? 0;
  return weights;
}
