import type * as v from 'valibot';
import { formatPath, type Problem, suggest } from './problem.ts';
import { type FileSchema, keysBelow } from './schema.ts';

/** What an issue of the schema says, in the words of an administrator: what was expected, what was found. */
export function problemOf(issue: v.InferIssue<typeof FileSchema>): Problem {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === 'number' ? key : String(key)));
  const { message, input } = issue;
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    // To the schema a list is an object whose keys are numbers.
    const isList = Array.isArray(issue.path?.at(-1)?.input);
    return isList ? { path: path.slice(0, -1), message: `${message}, found a list` } : unknownKey(path);
  }
  if (issue.type === 'strict_object' && issue.received === 'undefined') {
    return { path: path.slice(0, -1), message: `expected key ${String(path.at(-1))}, found none` };
  }
  return { path, message: message.includes(', found ') ? message : `${message}, found ${describe(input)}` };
}

function unknownKey(path: readonly (string | number)[]): Problem {
  const key = String(path.at(-1));
  if (formatPath(path) === 'auth.users') {
    return { path, message: 'expected no accounts in this file, found some; keep them with: rpch users add NAME' };
  }
  const known = keysBelow(path.slice(0, -1));
  const near = suggest(key, known);
  const hint = near === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${near}?`;
  return { path, message: `unknown key, found "${key}"; ${hint}` };
}

function describe(input: unknown): string {
  if (Array.isArray(input)) return 'a list';
  if (input === null || input === undefined) return 'nothing';
  if (typeof input === 'object') return 'a mapping';
  const text = JSON.stringify(input) ?? String(input);
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
