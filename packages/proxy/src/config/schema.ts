import * as v from 'valibot';
import { parseValidPorts } from '../access/valid-ports.ts';
import { dnsName, netbiosName, oneOf, parsed, text, whole } from './fields.ts';
import { endpoint, listener, longEndpoint, longListener } from './listen-schema.ts';
import { longRule, rule } from './rule-schema.ts';
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
    /**
     * Where to listen: http://127.0.0.1:8080, https://0.0.0.0:443, https://[::]:443, or a mapping with url, allowV1,
     * clientAddress and trustedProxies.
     * Default http://127.0.0.1:8080.
     */
    listen: v.optional(
      v.pipe(v.array(listener, 'expected a list of URLs'), v.minLength(1, 'expected at least one URL')),
      ['http://127.0.0.1:8080'],
    ),
    /** TLS of all https listeners. */
    tls: v.optional(tls, {}),
    /** What may be reached through the proxy; the first rule that fits decides where to. Default: nothing. */
    allow: v.optional(v.array(rule, 'expected a list of rules'), []),
    /** More rules, after those of allow, in the words of Windows' ValidPorts: exchange01:593;exchange01:6001-6002. */
    validPorts: v.optional(parsed("a value of Windows' ValidPorts", parseValidPorts)),
    /** Endpoints of this process that play the server role for `ncacn_ip_tcp` servers which several proxies share. */
    endpoints: v.optional(v.array(endpoint, 'expected a list of endpoints'), []),
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
    Object.entries({ tls, auth, limits, allow: longRule, listen: longListener, endpoints: longEndpoint }),
  );
  return rest.length > 0 ? [] : Object.keys(sections.get(first)?.entries ?? {});
}
