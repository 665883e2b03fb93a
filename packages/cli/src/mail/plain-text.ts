/**
 * Text of mails comes from anyone, and terminals obey what they print: no control character but the line feed and the tab gets
 * through, nor what turns the direction of the text that follows.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const SEPARATORS = /[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** Text of one line, such as a subject: each run of spaces and control characters is one space. */
export function oneLine(text: string): string {
  return text.replace(SEPARATORS, ' ').replace(CONTROLS, '').trim();
}

/** Text of many lines, such as a body: lines end in a line feed. */
export function manyLines(text: string): string {
  return text.replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n').replace(CONTROLS, '');
}
