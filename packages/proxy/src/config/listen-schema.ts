import * as v from 'valibot';
import { parseHostPort } from '../access/connect-to.ts';
import { type EndpointSettings, endpointFault, makeEndpoint, parseEndpointListen, parseMode } from './endpoint.ts';
import { oneOf, parsed } from './fields.ts';
import { CLIENT_ADDRESS, type Listener, parseListener } from './listener.ts';
import { addressRanges } from './rule-schema.ts';

/** A listener as a mapping. */
export const longListener = v.strictObject(
  {
    /** Where to listen. */
    url: parsed('a URL such as http://127.0.0.1:8080', parseListener),
    /** Take RPC over HTTP version 1 here, which has neither TLS nor authentication: http only. Default false. */
    allowV1: v.optional(v.boolean('expected true or false'), false),
    /**
     * How a load balancer or reverse proxy in front says where its clients are: proxy-protocol (nobody else may connect then),
     * or x-forwarded-for. Default: whoever connects is the client.
     */
    clientAddress: v.optional(oneOf(CLIENT_ADDRESS)),
    /** Address ranges (CIDR) of those that are believed; goes with clientAddress. */
    trustedProxies: v.optional(addressRanges),
  },
  'expected a URL, or keys url, allowV1, clientAddress, trustedProxies',
);

/** One listener: the URL alone, or a mapping. */
export const listener = v.lazy((input): v.GenericSchema<unknown, Listener> => {
  if (typeof input === 'string') return parsed('a URL', parseListener);
  return v.pipe(
    longListener,
    v.rawTransform<v.InferOutput<typeof longListener>, Listener>(({ dataset: { value }, addIssue, NEVER }) => {
      const { url, allowV1, clientAddress: says, trustedProxies: peers } = value;
      if (says !== undefined && peers !== undefined) return { ...url, allowV1, trusted: { peers, says } };
      if (says === undefined && peers === undefined) return { ...url, allowV1 };
      const key = says === undefined ? 'trustedProxies' : 'clientAddress';
      const other = says === undefined ? 'clientAddress' : 'trustedProxies';
      addIssue({
        message: `expected ${other} with ${key}, found none`,
        path: [{ type: 'object', origin: 'value', input: value, key, value: value[key] }],
      });
      return NEVER;
    }),
  );
});

const mode = 'expected permission bits as three or four octal digits in quotes, such as "0660"';

/** An endpoint as it is written. */
export const longEndpoint = v.strictObject(
  {
    /** Where proxies connect to: `10.0.0.1:7135` or `unix:/run/rpch/a.sock`. */
    listen: parsed('an address and a port such as 10.0.0.1:7135, or unix:/path', (there) => parseEndpointListen(there)),
    /** The `ncacn_ip_tcp` server that it stands for, `host:port`. */
    connect: parsed('host:port', (there) => parseHostPort(there)),
    /** Address ranges (CIDR) of the proxies that may speak to it, this one included. Default: loopback only. */
    from: v.optional(addressRanges),
    /** Permission bits of the Unix socket, `"0660"`: who may write to it may speak to it. Default `"0600"`. */
    mode: v.optional(
      v.pipe(
        v.string(mode),
        v.rawTransform<string, number>(({ dataset, addIssue, NEVER }) => {
          const bits = parseMode(dataset.value);
          if (bits !== undefined) return bits;
          addIssue({ message: mode });
          return NEVER;
        }),
      ),
    ),
  },
  'expected keys listen, connect, from, mode',
);

/** An endpoint with its defaults. */
export const endpoint = v.pipe(
  longEndpoint,
  v.rawTransform<v.InferOutput<typeof longEndpoint>, EndpointSettings>(({ dataset: { value }, addIssue, NEVER }) => {
    const { listen, connect, from, mode } = value;
    const written = {
      listen,
      connect,
      ...(from === undefined ? {} : { from }),
      ...(mode === undefined ? {} : { mode }),
    };
    const fault = endpointFault(written);
    if (fault === undefined) return makeEndpoint(written);
    const { key, message } = fault;
    addIssue({ message, path: [{ type: 'object', origin: 'value', input: value, key, value: value[key] }] });
    return NEVER;
  }),
);
