import { RpchError } from '@rpch/rpc';
import * as v from 'valibot';

/** A whole number between two bounds; `unit` says of what. */
export function whole(low: number, high: number, unit: string) {
  const message = `expected a whole number of ${unit} from ${low} to ${high}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(low, message), v.maxValue(high, message));
}

/** Text that one of our own parsers reads; the sentence of its {@link RpchError} becomes the message. */
export function parsed<T>(expected: string, parse: (text: string) => T) {
  return v.pipe(
    v.string(`expected ${expected}`),
    v.rawTransform<string, T>(({ dataset, addIssue, NEVER }) => {
      try {
        return parse(dataset.value);
      } catch (error) {
        if (!(error instanceof RpchError)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
    }),
  );
}

/** Text that is not empty. */
export function text(expected: string) {
  return v.pipe(v.string(`expected ${expected}`), v.nonEmpty(`expected ${expected}`));
}

/** One of a few words. */
export function oneOf<const T extends readonly string[]>(words: T) {
  return v.picklist(words, `expected one of ${words.join(', ')}`);
}

/** A NetBIOS name: 1 to 15 characters without dots ([MS-NBTE] 2.2.1). */
export function netbiosName(what: string) {
  const message = `expected ${what} as 1 to 15 letters, digits, - or _`;
  return v.pipe(v.string(message), v.regex(/^[\w-]{1,15}$/, message));
}

/** A DNS domain name (RFC 1123 2.1). */
export function dnsName(what: string) {
  const message = `expected ${what}, such as peer.test`;
  return v.pipe(
    v.string(message),
    v.maxLength(253, message),
    v.regex(/^(?!-)[A-Za-z0-9-]{1,63}(\.(?!-)[A-Za-z0-9-]{1,63})*$/, message),
  );
}
