import { HttpStatusError } from '@rpch/rpc/internal';
import { tellProgram } from './explain-network.ts';
import { printable, reasonOf } from './tell-found.ts';
import type { Advice, Trouble } from './trouble.ts';

/** Failures from the first byte of HTTP up to the RPC server behind the proxy; undefined where the failure is none of them. */
export function explainProxy(trouble: Trouble): Advice | undefined {
  const { error, hop } = trouble;
  if (error instanceof HttpStatusError) return explainStatus(trouble, error);
  switch (error.code) {
    case 'RPCH_INSECURE_BASIC':
      return {
        hop: 'HTTP authentication',
        what: 'Basic would show the password to everybody on the way, since this is plain http; nothing was sent',
        check: 'use https, or --http-auth ntlm if the proxy offers it; --allow-insecure-basic sends it all the same',
      };
    case 'RPCH_CREDENTIALS':
      return {
        hop: 'HTTP authentication',
        what: `there is no scheme in common: ${error.message}`,
        check: 'which schemes does the proxy have switched on? This client knows Basic and NTLM',
      };
    case 'RPCH_LOGIN_CLOSED':
      if (hop === 'HTTP') return explainSilence(trouble);
      return {
        hop: 'HTTP authentication',
        what: 'the connection is closed after the proxy asked for a login, which has to go on over the same connection',
        check:
          'NTLM cannot work so: switch keep-alive on in what stands before the RPC Proxy (a load balancer that closes or shares connections?), or use --http-auth basic',
      };
    case 'RPCH_TRANSFER_CODING':
      return {
        hop: 'proxy',
        what: 'something before the RPC Proxy rewrites its answers (Transfer-Encoding: chunked), which RPC over HTTP does not survive',
        check:
          'a reverse proxy, application firewall or virus scanner: let it pass /rpc/ through unchanged, or go around it',
      };
    case 'RPCH_HTTP_HEAD':
      return notHttp(trouble);
  }
  if (hop === 'HTTP' || hop === 'HTTP authentication') return explainSilence(trouble);
  if (hop === 'HTTP proxy') return explainHttpProxy(trouble);
  if (hop === 'proxy' || hop === 'server') return explainChannels(trouble);
  return undefined;
}

function explainHttpProxy({ error, dialled }: Trouble): Advice {
  return {
    what: `the HTTP proxy ${dialled} did not open a way to the RPC Proxy: ${printable(error.message)}`,
    check: 'is it an HTTP proxy, and is its port right?',
  };
}

function notHttp({ dialled, dialledAs, sight }: Trouble): Advice {
  if (sight?.tls === true) return speaksTls(dialled);
  return {
    what: `what listens on ${dialled} does not speak HTTP${tellProgram(sight)}`,
    check: `is this the port of the ${dialledAs}?`,
  };
}

function speaksTls(dialled: string): Advice {
  return {
    what: `${dialled} speaks TLS, and was spoken to in plain http`,
    check: 'add --https, or HttpUseTls=true to the binding',
  };
}

/** The connection stands, and HTTP gets no answer. */
function explainSilence({ error, dialled, dialledAs, sight, hop }: Trouble): Advice {
  if (sight?.tls === true && sight.http === false) return speaksTls(dialled);
  if (sight?.banner !== undefined) {
    return {
      what: `what listens on ${dialled} does not speak HTTP${tellProgram(sight)}`,
      check: `is this the port of the ${dialledAs}?`,
    };
  }
  if (error.code === 'RPCH_TIMED_OUT' && (hop === 'HTTP authentication' || sight?.http === true)) {
    return { hop: 'proxy', ...heldBack(error) };
  }
  if (error.code === 'RPCH_TIMED_OUT') {
    return {
      what: `${dialled} took the connection and does not answer HTTP`,
      check: `is this the port of the ${dialledAs}, and does that program hang? A port forwarder to nowhere looks the same`,
    };
  }
  if (sight?.http === true) {
    return {
      what: `${dialled} answers other HTTP, but ends the connection at the methods of RPC over HTTP`,
      check:
        'what stands before the RPC Proxy (web server, reverse proxy, firewall) must let RPC_IN_DATA and RPC_OUT_DATA through',
    };
  }
  return {
    what: `${dialled} took the connection and ended it without an answer: ${reasonOf(error)}`,
    check: `is this the port of the ${dialledAs}? Does something on the way cut it?`,
  };
}

function heldBack(error: Error): Advice {
  return {
    what: `the proxy answers requests, but not that of the OUT channel: something holds the answer back (${reasonOf(error)})`,
    check:
      'does something before the RPC Proxy keep answers until they are complete (buffering)? They never are: switch it off for /rpc/. Or does the proxy itself wait for the server for longer than this?',
  };
}

/** The RPC Proxy was reached, and one or both channels did not come to life. */
function explainChannels({ error, hop, server }: Trouble): Advice {
  if (hop === 'proxy') return heldBack(error);
  return {
    what: `the RPC Proxy took the OUT channel, but the session with ${server} never came up: the IN channel does not reach the same place (${reasonOf(error)})`,
    check:
      'does something before the RPC Proxy hold request bodies back until they are complete (nginx: proxy_request_buffering off)? Or do IN and OUT go to different proxies that do not share sessions (balance by source address)?',
  };
}

function explainStatus(trouble: Trouble, error: HttpStatusError): Advice {
  const { head, hop } = error;
  const answered = `${head.status} ${printable(head.reason)}`.trim();
  if (hop === 'HTTP proxy') return { hop: 'HTTP proxy', ...explainOfHttpProxy(trouble, error, answered) };
  if (head.status === 401) return { hop: 'HTTP authentication', ...explain401(trouble, error, answered) };
  if (head.status === 503 || error.rpcError !== undefined) return { hop: 'proxy', ...explainRefusal(trouble, error) };
  const check = CHECKS.get(head.status) ?? 'the log of whatever answered says more';
  const server = head.field('server');
  const from = server === undefined ? '' : ` (from ${printable(server)})`;
  return { hop: 'proxy', what: `${answered}${from}: ${error.meaning}`, check };
}

const INFRONT = 'what stands before the RPC Proxy (reverse proxy, application firewall) must let';
const CHECKS: ReadonlyMap<number, string> = new Map([
  [200, 'is there an RPC Proxy at /rpc/rpcproxy.dll of this host and port?'],
  [400, `${INFRONT} RPC_IN_DATA and RPC_OUT_DATA through`],
  [403, 'may this account use the proxy, and does the proxy insist on https?'],
  [404, 'is there an RPC Proxy at /rpc/rpcproxy.dll of this host and port, or only a web server?'],
  [405, `${INFRONT} RPC_IN_DATA and RPC_OUT_DATA through; or there is only a web server here`],
  [411, `${INFRONT} request bodies through`],
  [413, `${INFRONT} bodies of 1 GiB through (nginx: client_max_body_size 0)`],
  [501, `${INFRONT} RPC_IN_DATA and RPC_OUT_DATA through`],
  [502, 'does the RPC Proxy run, and does the gateway before it know its address?'],
  [408, 'is a reverse proxy in between, and does it pass requests on before they are whole (docs/http-proxies.md)?'],
  [504, 'does the RPC Proxy run, and does the gateway before it wait long enough?'],
]);

function explain401({ httpUser, httpAuth }: Trouble, { head }: HttpStatusError, answered: string): Advice {
  const offers = [
    ...new Set(head.fields('www-authenticate').map((value) => (value.split(/[ ,]/)[0] ?? '').toLowerCase())),
  ];
  const offered = offers.length === 0 ? 'no scheme at all' : printable(offers.join(', '));
  if (httpUser === undefined) {
    return {
      what: `${answered}: the proxy wants a login, and none was given (it offers ${offered})`,
      check: 'give -u and -p',
    };
  }
  if (httpAuth !== 'auto' && !offers.includes(httpAuth)) {
    return {
      what: `${answered}: the proxy does not offer ${httpAuth} (it offers ${offered})`,
      check: 'leave --http-auth away, or switch the scheme on at the proxy',
    };
  }
  const ntlm = httpAuth === 'ntlm' || (httpAuth === 'auto' && offers.includes('ntlm'));
  return {
    what: `${answered}: the proxy does not accept account ${printable(httpUser)} with this password${ntlm ? ' by NTLM' : ''}`,
    check: ntlm
      ? `is the password right, the account not locked, and enabled for NTLM at the proxy${offers.includes('basic') ? ' (try --http-auth basic)' : ''}?`
      : 'is the password right, the account not locked, and its name written as the proxy knows it (DOMAIN\\user)?',
  };
}

/** The uniform refusal: not allowed, no such host, refused and unreachable look the same from outside. */
function explainRefusal({ server, goal }: Trouble, { head, meaning }: HttpStatusError): Advice {
  const incident = head.field('rpch-incident');
  const which = goal === 'endpoint mapper' ? `the endpoint mapper of that server (${server})` : server;
  const answered = `${head.status} ${printable(head.reason)}`.trim();
  const where =
    incident === undefined
      ? "the proxy's log says which; it does not tell strangers"
      : `the proxy's log says which, under incident ${printable(incident)}`;
  const port =
    goal === 'endpoint mapper'
      ? ' Where the mapper is not to be reached, name the port of the interface in the binding.'
      : '';
  const why = head.status === 503 ? 'not allowed by its rules, unknown, not running or unreachable' : meaning;
  return {
    what: `${answered}: the proxy will not or cannot reach ${which}: ${why}`,
    check: `${where}. Is the name written as in its rules, its port among them, and does the server run?${port}`,
  };
}

/** What HTTP proxies answer to methods and bodies that they do not like. */
const METHODS_REFUSED: ReadonlySet<number> = new Set([400, 411, 413, 501]);

function explainOfHttpProxy({ dialled, httpProxyLogin }: Trouble, error: HttpStatusError, answered: string): Advice {
  const { status } = error.head;
  if (status === 407) {
    return httpProxyLogin
      ? {
          what: `${answered}: the HTTP proxy ${dialled} does not accept this account and password`,
          check: 'are the user and password in --http-proxy, or in the environment, right?',
        }
      : {
          what: `${answered}: the HTTP proxy ${dialled} wants a login, and none was given`,
          check: 'give it as --http-proxy user:password@host:port',
        };
  }
  if (status === 403 || status === 405) {
    return {
      what: `${answered}: ${error.meaning} (HTTP proxy ${dialled})`,
      check:
        "its administrator must allow CONNECT to the RPC Proxy's port, or without TLS the methods RPC_IN_DATA and RPC_OUT_DATA; or go around it with NO_PROXY",
    };
  }
  if (METHODS_REFUSED.has(status)) {
    return {
      what: `${answered}: ${error.meaning} (HTTP proxy ${dialled})`,
      check: 'speak TLS to the RPC Proxy, so that the HTTP proxy only sees a tunnel, or go around it with NO_PROXY',
    };
  }
  return {
    what: `${answered}: ${error.meaning} (HTTP proxy ${dialled})`,
    check: 'is the name of the RPC Proxy right as the HTTP proxy sees it?',
  };
}
