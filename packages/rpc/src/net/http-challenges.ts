/** One scheme of WWW-Authenticate or Proxy-Authenticate (RFC 9110 11.6.1). */
export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** A token or parameters, as they were written; '' for none. */
  readonly rest: string;
}

/**
 * The schemes that a response offers, in its order: one a field, or several in one, parted by commas like the parameters of
 * each. A part begins a new scheme where it is a word alone or a word and a blank; a parameter is a word and an equals sign.
 */
export function challengesOf(values: readonly string[]): readonly Challenge[] {
  const challenges: { scheme: string; rest: string }[] = [];
  for (const part of values.flatMap(splitOutsideQuotes)) {
    const match = /^([!#$%&'*+.^_`|~\w-]+)(?:[ \t]+(?![ \t]*=)(.*))?$/.exec(part);
    const last = challenges.at(-1);
    if (match?.[1] !== undefined) challenges.push({ scheme: match[1].toLowerCase(), rest: match[2] ?? '' });
    else if (last !== undefined) last.rest += `, ${part}`;
  }
  return challenges;
}

function splitOutsideQuotes(value: string): string[] {
  return (value.match(/(?:"(?:[^"\\]|\\.)*"?|[^",])+/g) ?? []).map((part) => part.trim()).filter((part) => part !== '');
}
