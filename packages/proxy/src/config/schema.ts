import { RpchError } from '@rpch/rpc';
import * as v from 'valibot';
import { parseCidr } from '../access/ip.ts';
import { badRule } from '../access/ports.ts';
import { type AccessRule, makeRule, parseHostPort } from '../access/rule.ts';
import { dnsName, netbiosName, oneOf, parsed, text, whole } from './fields.ts';
import { parseListener } from './listener.ts';
import type { TlsVersion } from './settings.ts';

/** A TLS version: `1.2`, `1.3`, or with `TLSv` before it. */
const tlsVersion = v.pipe(
  v.picklist(['1.2', '1.3', 'TLSv1.2', 'TLSv1.3', 1.2, 1.3], 'expected a TLS version, 1.2 or 1.3'),
  v.transform((version): TlsVersion => (String(version).endsWith('1.2') ? 'TLSv1.2' : 'TLSv1.3')),
);

const tls = v.strictObject(
  {
    /** PEM file with the certificate and its chain; relative to the configuration file. Default: self-signed, made once. */
    certFile: v.optional(text('the name of a PEM file')),
    /** PEM file with the private key; goes with certFile. */
    keyFile: v.optional(text('the name of a PEM file')),
    /** Lowest TLS version accepted. Default 1.2. */
    min: v.optional(tlsVersion, 'TLSv1.2'),
    /** Highest TLS version accepted. Default 1.3. Samba's client needs 1.2. */
    max: v.optional(tlsVersion, 'TLSv1.3'),
  },
  'expected keys certFile, keyFile, min, max',
);

const cidr = parsed('an address range such as 10.0.0.0/8', (range) => {
  const found = parseCidr(range);
  if (found === undefined)
    throw badRule(`expected an address range such as 10.0.0.0/8 or 2001:db8::/32, found "${range}"`);
  return found;
});

const longRule = v.strictObject(
  {
    /** What the rule allows: `ncacn_ip_tcp:name[ports]`. */
    pattern: text('a pattern such as ncacn_ip_tcp:127.0.0.1[135,49152-65535]'),
    /** Address ranges (CIDR): whatever the name resolves to must lie in one. Default: no limit. */
    addresses: v.optional(
      v.pipe(v.array(cidr, 'expected a list of address ranges'), v.minLength(1, 'expected at least one address range')),
    ),
    /** Accounts that may use the rule. With neither accounts nor groups, all may. */
    accounts: v.optional(v.array(text('an account name'), 'expected a list of account names')),
    /** Groups whose members may use the rule. */
    groups: v.optional(v.array(text('a group name'), 'expected a list of group names')),
    /** Connect here, `host:port`, instead of to the name and port that the client wrote. */
    connect: v.optional(parsed('host:port', (there) => parseHostPort(there))),
  },
  'expected a pattern, or keys pattern, addresses, accounts, groups, connect',
);

/** One rule: the pattern alone, or a mapping with limits. */
const rule = v.lazy((input): v.GenericSchema<unknown, AccessRule> => {
  if (typeof input === 'string') return parsed('a pattern', (pattern) => makeRule(pattern));
  return v.pipe(
    longRule,
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
      const { pattern, addresses, accounts, groups, connect } = value;
      try {
        return makeRule(pattern, {
          ...(addresses === undefined ? {} : { addresses }),
          ...(accounts === undefined ? {} : { accounts }),
          ...(groups === undefined ? {} : { groups }),
          ...(connect === undefined ? {} : { connect }),
        });
      } catch (error) {
        if (!(error instanceof RpchError)) throw error;
        addIssue({
          message: error.message,
          path: [{ type: 'object', origin: 'value', input: value, key: 'pattern', value: pattern }],
        });
        return NEVER;
      }
    }),
  );
});

const auth = v.strictObject(
  {
    /** HTTP authentication schemes to offer: basic, ntlm. Default both. */
    schemes: v.optional(
      v.pipe(
        v.array(oneOf(['basic', 'ntlm']), 'expected a list of schemes: basic, ntlm'),
        v.minLength(1, 'expected at least one scheme: basic, ntlm'),
      ),
      ['basic', 'ntlm'],
    ),
    /** Offer Basic on plain HTTP beyond loopback: passwords then cross the network readably. Default false. */
    allowInsecureBasic: v.optional(v.boolean('expected true or false'), false),
    /** NetBIOS name of the domain, so that DOMAIN\alice and alice are one account. */
    domain: v.optional(netbiosName('the NetBIOS name of a domain')),
    /** DNS name of the domain, so that alice@peer.test and alice are one account. */
    dnsDomain: v.optional(dnsName('the DNS name of a domain')),
    /** NetBIOS name of this computer in NTLM. Default: its host name. */
    computer: v.optional(netbiosName('the NetBIOS name of this computer')),
    /**
     * Binding of NTLM to its TLS connection, against relays: off; when-offered (default): a client that sends one must
     * send the right one; required: every client must. Not `required` behind a front end that ends TLS.
     */
    channelBinding: v.optional(oneOf(['off', 'when-offered', 'required']), 'when-offered'),
  },
  'expected keys schemes, allowInsecureBasic, domain, dnsDomain, computer, channelBinding',
);

const limits = v.strictObject(
  {
    /** TCP connections at a time. Default 20000. */
    connections: v.optional(whole(1, 1_000_000, 'connections'), 20_000),
    /** TCP connections from one address (IPv6: one /64) at a time; many clients share one behind NAT. Default 20000. */
    connectionsPerAddress: v.optional(whole(1, 1_000_000, 'connections'), 20_000),
    /** Connections that have not logged in yet; the one idle longest goes first. Default 4000. */
    unauthenticated: v.optional(whole(1, 1_000_000, 'connections'), 4_000),
    /** The same for one address. Default 2000. */
    unauthenticatedPerAddress: v.optional(whole(1, 1_000_000, 'connections'), 2_000),
    /** Virtual connections of one account. Default 10000. */
    virtualConnectionsPerAccount: v.optional(whole(1, 1_000_000, 'virtual connections'), 10_000),
    /** Time for a request's head to come in, in seconds. Default 10. */
    headTimeout: v.optional(whole(1, 600, 'seconds'), 10),
    /** Longest head of a request, in bytes. Default 16384. */
    headBytes: v.optional(whole(1_024, 1_048_576, 'bytes'), 16_384),
    /** Time for the second channel of a virtual connection to come, in seconds. Default 30. */
    pairTimeout: v.optional(whole(1, 3_600, 'seconds'), 30),
    /** Time to reach one address of an RPC server, in seconds. Default 3. */
    connectTimeout: v.optional(whole(1, 600, 'seconds'), 3),
    /** Time that a peer may leave bytes unread before its session ends, in seconds. Default 120. */
    stallTimeout: v.optional(whole(1, 86_400, 'seconds'), 120),
    /** Time between two requests of one HTTP connection, in seconds. Default 30. */
    keepAliveTimeout: v.optional(whole(1, 3_600, 'seconds'), 30),
    /** Time that sessions are given when the program is told to end, in seconds. Default 30. */
    drainTimeout: v.optional(whole(0, 86_400, 'seconds'), 30),
    /** ReceiveWindowSize announced ([MS-RPCH] 2.2.3.5.1), in bytes. Default 262144. */
    receiveWindow: v.optional(whole(8_192, 262_144, 'bytes'), 262_144),
  },
  'expected a mapping of limits',
);

/** The configuration file. Every key may be left out; unknown keys are errors. */
export const FileSchema = v.strictObject(
  {
    /** Where to listen: http://127.0.0.1:8080, https://0.0.0.0:443, https://[::]:443. Default http://127.0.0.1:8080. */
    listen: v.optional(
      v.pipe(
        v.array(parsed('a URL such as http://127.0.0.1:8080', parseListener), 'expected a list of URLs'),
        v.minLength(1, 'expected at least one URL'),
      ),
      ['http://127.0.0.1:8080'],
    ),
    /** TLS of all https listeners. */
    tls: v.optional(tls, {}),
    /** What may be reached through the proxy; the first rule that fits decides where to. Default: nothing. */
    allow: v.optional(v.array(rule, 'expected a list of rules'), []),
    /** How clients log in. Accounts themselves are kept by `rpch users`. */
    auth: v.optional(auth, {}),
    /** Directory for accounts and certificate; relative to the configuration file. Default: data. */
    dataDir: v.optional(text('the name of a directory'), 'data'),
    /** Content-Length of the OUT channel ([MS-RPCH] 2.1.2.1.2), in bytes: a channel is renewed after it. Default 1 GiB. */
    channelLifetime: v.optional(whole(131_072, 2_147_483_648, 'bytes'), 1_073_741_824),
    /** ConnectionTimeout announced in CONN/A3 and CONN/C2 ([MS-RPCH] 2.2.3.5.3), in seconds. Default 120. */
    connectionTimeout: v.optional(whole(120, 14_400, 'seconds'), 120),
    /** Bounds on what clients may use. */
    limits: v.optional(limits, {}),
  },
  'expected keys and values',
);

/** A file's contents once read. */
export type FileSettings = v.InferOutput<typeof FileSchema>;

/** The keys that exist below a path of the file, for suggestions. Indexes of lists do not count as keys. */
export function keysBelow(path: readonly (string | number)[]): readonly string[] {
  const [first, ...rest] = path.filter((key) => typeof key === 'string');
  if (first === undefined) return Object.keys(FileSchema.entries);
  const sections: ReadonlyMap<string, { readonly entries: object }> = new Map(
    Object.entries({ tls, auth, limits, allow: longRule }),
  );
  return rest.length > 0 ? [] : Object.keys(sections.get(first)?.entries ?? {});
}
