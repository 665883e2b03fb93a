import { changeAccounts, makeRecord, PasswordHasher } from '@rpch/proxy';
import { ALICE } from '../../../src/live-proxy.ts';
import type { PingRow } from './row.ts';
import { AS_ALICE, HURRIED, response, type Stage, through } from './stage.ts';

const WRONG = ['-u', ALICE.name, '-p', 'not her password'];

/** The CHALLENGE_MESSAGE of [MS-NLMP] 4.2.4.3. */
const CHALLENGE = Buffer.from(
  '4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef00000000000000002400240044000000' +
    '060070170000000f53006500720076006500720002000c0044006f006d00610069006e0001000c005300650072007600650072000000' +
    '0000',
  'hex',
).toString('base64');

/** Rows about the login, about what stands before an RPC Proxy, and about HTTP proxies on the client's network. */
export const HTTP_ROWS: readonly PingRow[] = [
  refused('no login is given', /wants a login, and none was given/, []),
  refused('the password is wrong, by NTLM', /does not accept account alice with this password by NTLM/, WRONG),
  refused('the password is wrong, by Basic', /does not accept account alice with this password\.$/, [
    ...WRONG,
    '--http-auth',
    'basic',
  ]),
  refused(
    'NTLM is asked for and not offered',
    /does not offer ntlm \(it offers basic\)/,
    [...AS_ALICE, '--http-auth', 'ntlm'],
    { auth: 'basic' },
  ),
  {
    name: 'the account is not enabled for NTLM',
    hop: 'HTTP authentication',
    cause: /does not accept account carol with this password by NTLM/,
    prepare: async (stage) => {
      const hasher = new PasswordHasher({ random: (length) => Buffer.alloc(length, 7), cost: { logN: 1, r: 1, p: 1 } });
      const password = 'secret-of-carol';
      const record = await makeRecord({ name: 'carol', password, groups: [], ntlm: false }, hasher);
      const data = stage.folder();
      await changeAccounts(data, () => [record]);
      const live = await stage.proxyTo(await stage.rpcServer(), { flags: { data } });
      return { args: [through(live.port), '-u', 'carol', '-p', password] };
    },
  },
  {
    name: 'the proxy offers schemes alone that this client does not know',
    hop: 'HTTP authentication',
    cause: /no scheme in common: .*negotiate/,
    prepare: (stage) => answering(stage, () => response('401 Unauthorized', 'WWW-Authenticate: Negotiate')),
  },
  {
    name: 'Basic alone is offered, over plain http to another machine',
    hop: 'HTTP authentication',
    cause: /Basic would show the password/,
    prepare: async (stage) => {
      const port = await stage.httpServer(() => response('401 Unauthorized', 'WWW-Authenticate: Basic realm="x"'));
      const args = ['ncacn_http:demo[6001,RpcProxy=proxy.example.org:80]', ...AS_ALICE];
      return { args: [...args, '--http-proxy', `127.0.0.1:${port}`] };
    },
  },
  {
    name: 'something closes the connection behind a 401',
    hop: 'HTTP authentication',
    cause: /closed after the proxy asked for a login/,
    prepare: (stage) =>
      answering(stage, (head) => {
        const challenge = /^Authorization: NTLM /im.test(head) ? ` ${CHALLENGE}` : '';
        return response('401 Unauthorized', `WWW-Authenticate: NTLM${challenge}`, 'Connection: close');
      }),
  },
  status('403 Forbidden', 'the account may not use the proxy', /may not use the proxy/),
  status('404 Not Found', 'a web server without an RPC Proxy', /no RPC Proxy at this path/),
  status('405 Method Not Allowed', 'a web server that does not know the methods', /does not know the methods/),
  status('501 Not Implemented', 'an application firewall that does not know the methods', /does not know the methods/),
  status('413 Content Too Large', 'a reverse proxy that limits request bodies', /limits the length of request bodies/),
  status('502 Bad Gateway', 'a reverse proxy that does not find the RPC Proxy', /gateway .* cannot reach the proxy/),
  {
    name: 'a reverse proxy cuts the answer into chunks',
    hop: 'proxy',
    cause: /rewrites its answers \(Transfer-Encoding: chunked\)/,
    prepare: (stage) =>
      answering(
        stage,
        (head) =>
          head.startsWith('RPC_OUT_DATA') ? 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n' : undefined,
        true,
      ),
  },
  {
    name: 'a web server that hangs up at the methods of RPC over HTTP',
    hop: 'HTTP',
    cause: /answers other HTTP, but ends the connection at the methods/,
    prepare: (stage) => answering(stage, (head) => (head.startsWith('RPC_') ? '' : response('200 OK'))),
  },
  {
    name: 'the HTTP proxy of the environment wants a login, and none is given',
    hop: 'HTTP proxy',
    cause: /wants a login, and none was given/,
    prepare: async (stage) => {
      const answer = response('407 Proxy Authentication Required', 'Proxy-Authenticate: Basic realm="x"');
      const port = await stage.httpServer(() => answer);
      const env = { HTTPS_PROXY: `http://127.0.0.1:${port}` };
      return { args: ['ncacn_http:demo[6001,RpcProxy=proxy.example.org]', ...AS_ALICE], env };
    },
  },
  viaHttpProxy(
    'the HTTP proxy does not accept the password',
    /does not accept this account and password/,
    'alice:wrong@',
    () => response('407 Proxy Authentication Required', 'Proxy-Authenticate: Basic realm="x"'),
  ),
  viaHttpProxy('the HTTP proxy does not allow CONNECT', /does not allow this address, port or method/, '', () =>
    response('403 Forbidden'),
  ),
  viaHttpProxy('the HTTP proxy does not know the name of the RPC Proxy', /cannot reach the RPC Proxy/, '', () =>
    response('502 Bad Gateway'),
  ),
  {
    name: 'the HTTP proxy does not know the methods, where there is no TLS',
    hop: 'HTTP proxy',
    cause: /does not know the methods of RPC over HTTP/,
    prepare: async (stage) => {
      const port = await stage.httpServer(() => response('501 Not Implemented', 'X-Squid-Error: ERR_UNSUP_REQ 0'));
      const args = ['ncacn_http:demo[6001,RpcProxy=proxy.example.org:80]', ...AS_ALICE];
      return { args: [...args, '--http-auth', 'ntlm', '--http-proxy', `127.0.0.1:${port}`] };
    },
  },
  {
    name: 'what is named as HTTP proxy is a mail server',
    hop: 'HTTP proxy',
    cause: /does not speak HTTP/,
    prepare: async (stage) => {
      const port = await stage.listen((socket) => socket.write('220 mail.example.org ESMTP\r\n\r\n'));
      return {
        args: ['ncacn_http:demo[6001,RpcProxy=proxy.example.org]', '--http-proxy', `127.0.0.1:${port}`, ...HURRIED],
      };
    },
  },
];

/** The real proxy refuses a login. */
function refused(
  name: string,
  cause: RegExp,
  account: readonly string[],
  flags: { readonly auth?: string } = {},
): PingRow {
  return {
    name,
    hop: 'HTTP authentication',
    cause,
    prepare: async (stage) => {
      const live = await stage.proxyTo(await stage.rpcServer(), { flags });
      return { args: [through(live.port), ...account] };
    },
  };
}

/** Something that answers as a script says is where the RPC Proxy should be. */
async function answering(stage: Stage, answer: (head: string) => string | undefined, basic = false) {
  const port = await stage.httpServer(answer);
  return { args: [through(port), ...AS_ALICE, ...(basic ? ['--http-auth', 'basic'] : [])] };
}

function status(line: string, name: string, cause: RegExp): PingRow {
  return {
    name: `${name} (${line.slice(0, 3)})`,
    hop: 'proxy',
    cause,
    prepare: (stage) => answering(stage, () => response(line, 'Server: Example/1.0')),
  };
}

function viaHttpProxy(name: string, cause: RegExp, account: string, answer: () => string): PingRow {
  return {
    name,
    hop: 'HTTP proxy',
    cause,
    prepare: async (stage) => {
      const port = await stage.httpServer(answer);
      const args = ['ncacn_http:demo[6001,RpcProxy=proxy.example.org]', ...AS_ALICE];
      return { args: [...args, '--http-proxy', `${account}127.0.0.1:${port}`] };
    },
  };
}
