import type { Readable } from 'node:stream';

/** Standard input: a terminal, or something else. */
export type PasswordInput = Readable & { readonly isTTY?: boolean; setRawMode?(on: boolean): unknown };

/** No password could be read; the message is for the user. */
export class PasswordInputError extends Error {
  override readonly name = 'PasswordInputError';
}

/** Longest line taken as a password, in characters. */
const MAX_LINE = 4096;
const INTERRUPT = '\x03';
const END = '\x04';
const BACKSPACE = ['\x7f', '\b'];
const KILL_LINE = '\x15';

/**
 * Reads a password: from a terminal typed without echo, from anything else one line of UTF-8. The input is used up
 * afterwards.
 * @param twice whether it is typed a second time, as for a new one. Default true.
 * @param prompt writes to the user; the password is not among what it is given.
 * @throws PasswordInputError when there is none, when the two differ, and when the user gives up.
 */
export async function readPassword(
  input: PasswordInput,
  prompt: (text: string) => void,
  { twice = true }: { readonly twice?: boolean } = {},
): Promise<string> {
  if (input.isTTY !== true) return readLine(input);
  input.setRawMode?.(true);
  try {
    return await readTyped(input, prompt, twice);
  } finally {
    input.setRawMode?.(false);
  }
}

async function readLine(input: PasswordInput): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  for await (const chunk of input) {
    text += decoded(() => decoder.decode(Buffer.from(chunk), { stream: true }));
    const end = text.indexOf('\n');
    if (end >= 0) return text.slice(0, end).replace(/\r$/, '');
    if (text.length > MAX_LINE) throw new PasswordInputError(`the password has more than ${MAX_LINE} characters`);
  }
  text += decoded(() => decoder.decode());
  if (text === '') throw new PasswordInputError('expected a password on standard input, found nothing');
  return text;
}

function decoded(decode: () => string): string {
  try {
    return decode();
  } catch (cause) {
    throw new PasswordInputError('expected the password in UTF-8', { cause });
  }
}

async function readTyped(input: PasswordInput, prompt: (text: string) => void, twice: boolean): Promise<string> {
  const decoder = new TextDecoder();
  let first: string | undefined;
  let line: string[] = [];
  let previous = '';
  prompt('Password: ');
  for await (const chunk of input) {
    for (const key of decoder.decode(Buffer.from(chunk), { stream: true })) {
      const afterReturn = previous === '\r';
      previous = key;
      if (key === '\n' && afterReturn) continue;
      if (key === '\r' || key === '\n') {
        prompt('\n');
        const typed = line.join('');
        if (!twice) return typed;
        if (first !== undefined) return same(first, typed);
        first = typed;
        line = [];
        prompt('Again: ');
      } else {
        line = edited(line, key, prompt);
      }
    }
  }
  throw new PasswordInputError('the terminal was closed');
}

function edited(line: readonly string[], key: string, prompt: (text: string) => void): string[] {
  if (BACKSPACE.includes(key)) return line.slice(0, -1);
  if (key === KILL_LINE) return [];
  if (key >= ' ' && line.length < MAX_LINE) return [...line, key];
  prompt('\n');
  if (key === INTERRUPT || key === END) throw new PasswordInputError('given up');
  throw new PasswordInputError(key < ' ' ? 'a password cannot hold that key' : 'the password is too long');
}

function same(first: string, second: string): string {
  if (first !== second) throw new PasswordInputError('the two passwords differ');
  return first;
}
