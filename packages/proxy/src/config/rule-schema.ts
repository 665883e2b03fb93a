import { RpchError } from '@rpch/rpc';
import * as v from 'valibot';
import { type ConnectTo, type Endpoints, parseConnectTo } from '../access/connect-to.ts';
import { type Cidr, parseCidr } from '../access/ip.ts';
import { badRule } from '../access/ports.ts';
import { type AccessRule, connectFault, makeRule, parsePattern } from '../access/rule.ts';
import { parsed, text } from './fields.ts';

const cidr = parsed('an address range such as 10.0.0.0/8', parseRange);

/** Reads an address range. Throws {@link RpchError} `RPCH_BAD_RULE`. */
export function parseRange(range: string): Cidr {
  const found = parseCidr(range);
  if (found === undefined)
    throw badRule(`expected an address range such as 10.0.0.0/8 or 2001:db8::/32, found "${range}"`);
  return found;
}

/** Address ranges (CIDR), at least one. */
export const addressRanges = v.pipe(
  v.array(cidr, 'expected a list of address ranges'),
  v.minLength(1, 'expected at least one address range'),
);

const connectTo = parsed('host:port or unix:/path', (there) => parseConnectTo(there));

const connect = v.lazy((input): v.GenericSchema<unknown, Endpoints> => {
  if (!Array.isArray(input)) {
    return v.pipe(
      parsed('host:port, unix:/path or a list of them', (there) => parseConnectTo(there)),
      v.transform((one): Endpoints => [one]),
    );
  }
  return v.pipe(
    v.array(connectTo),
    v.rawTransform<ConnectTo[], Endpoints>(({ dataset: { value }, addIssue, NEVER }) => {
      const [first, ...others] = value;
      if (first !== undefined) return [first, ...others];
      addIssue({ message: 'expected at least one endpoint' });
      return NEVER;
    }),
  );
});

/** A rule with limits. */
export const longRule = v.strictObject(
  {
    /** What the rule allows: `ncacn_ip_tcp:name[ports]`, or `ncacn_http:name[ports]` where the server plays the server role. */
    pattern: text('a pattern such as ncacn_ip_tcp:127.0.0.1[135,49152-65535]'),
    /** Address ranges (CIDR): whatever the name resolves to must lie in one. Default: no limit. */
    addresses: v.optional(addressRanges),
    /** Accounts that may use the rule. With neither accounts nor groups, all may. */
    accounts: v.optional(v.array(text('an account name'), 'expected a list of account names')),
    /** Groups whose members may use the rule. */
    groups: v.optional(v.array(text('a group name'), 'expected a list of group names')),
    /**
     * Connect here, `host:port`, instead of to the name and port that the client wrote. For ncacn_http also `unix:/path`, or
     * a list of endpoints, of which the virtual connection cookie chooses one: the same at every proxy with this list.
     */
    connect: v.optional(connect),
  },
  'expected a pattern, or keys pattern, addresses, accounts, groups, connect',
);

/** One rule: the pattern alone, or a mapping with limits. */
export const rule = v.lazy((input): v.GenericSchema<unknown, AccessRule> => {
  if (typeof input === 'string') return parsed('a pattern', (pattern) => makeRule(pattern));
  return v.pipe(
    longRule,
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
      const { pattern, addresses, accounts, groups, connect } = value;
      const refuse = (key: 'pattern' | 'connect', message: string): typeof NEVER => {
        addIssue({ message, path: [{ type: 'object', origin: 'value', input: value, key, value: value[key] }] });
        return NEVER;
      };
      const limits = {
        ...(addresses === undefined ? {} : { addresses }),
        ...(accounts === undefined ? {} : { accounts }),
        ...(groups === undefined ? {} : { groups }),
        ...(connect === undefined ? {} : { connect }),
      };
      try {
        const fault = connectFault(parsePattern(pattern).protocol, limits);
        return fault === undefined ? makeRule(pattern, limits) : refuse('connect', fault);
      } catch (error) {
        if (!(error instanceof RpchError)) throw error;
        return refuse('pattern', error.message);
      }
    }),
  );
});
