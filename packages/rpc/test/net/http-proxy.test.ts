import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type HttpClientOptions, type HttpCredentials, openOverHttp } from '../../src/net/http-client.ts';
import { openOverHttpV1 } from '../../src/net/http-client-v1.ts';
import { rpc } from '../rpch/support.ts';
import { listen, open, Scene } from './client-scene.ts';
import { type ForwardProxy, forwardProxy, response } from './forward-proxy.ts';
import { ntlm, ScriptedInitiator, tokenOf } from './scripted-initiator.ts';

const BASIC: HttpCredentials = { scheme: 'basic', basic: { user: 'alice', password: 'x' } };
const NTLM: HttpCredentials = { scheme: 'ntlm', ntlm: () => new ScriptedInitiator() };
/** NTLM at the HTTP proxy, with other names so that the two cannot be mixed up. */
const NTLM_AT_PROXY: HttpCredentials = { scheme: 'auto', ntlm: () => new ScriptedInitiator('proxied') };

function fieldOf(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim();
}

/** What an HTTP proxy answers that wants NTLM once for each connection. */
function wantsNtlm(): (head: string, request: number) => string | undefined {
  let answered = false;
  return (head, request) => {
    if (request === 0) answered = false;
    const token = tokenOf(fieldOf(head, 'Proxy-Authorization'));
    answered ||= token === 'proxied answers challenge';
    if (answered) return undefined;
    const challenge = token === 'proxied hello' ? ntlm('challenge') : 'Negotiate, NTLM';
    return response('407 Proxy Authentication Required', [`Proxy-Authenticate: ${challenge}`]);
  };
}

async function through(t: TestContext, scene: Scene, proxy: ForwardProxy, options: Partial<HttpClientOptions> = {}) {
  const hops: string[] = [];
  const { client, connection } = await open(t, scene.ports[0] ?? 0, {
    httpProxy: { host: '127.0.0.1', port: proxy.port },
    onHop: (hop) => hops.push(hop),
    ...options,
  });
  const answered = new Promise<void>((resolve) => {
    client.onReceived = resolve;
  });
  connection.send(rpc(100));
  await answered;
  return hops;
}

test('plain http: requests in absolute form', async (t) => {
  const scene = await Scene.start(t, 1);
  const proxy = await forwardProxy(t);
  const hops = await through(t, scene, proxy);
  const [port] = scene.ports;
  assert.deepEqual(
    proxy.heads.map(({ text }) => [text.split(' HTTP/')[0], fieldOf(text, 'Host')]).sort(),
    ['RPC_IN_DATA', 'RPC_OUT_DATA'].map((method) => [
      `${method} http://127.0.0.1:${port}/rpc/rpcproxy.dll?srv:6001`,
      `127.0.0.1:${port}`,
    ]),
  );
  assert.deepEqual(hops, ['DNS', 'TCP', 'HTTP proxy', 'HTTP', 'proxy', 'server']);
});

test('two logins on one connection: NTLM at the HTTP proxy, then NTLM at the RPC Proxy', async (t) => {
  const scene = await Scene.start(t, 1, {
    answer: (head) => {
      const token = tokenOf(head.field('authorization'));
      if (token === 'scripted answers challenge') return undefined;
      const challenge = token === 'scripted hello' ? ntlm('challenge') : 'NTLM';
      return { statusLine: 'HTTP/1.1 401 Unauthorized', fields: [['WWW-Authenticate', challenge]] };
    },
  });
  const wants = wantsNtlm();
  // One channel at a time: this HTTP proxy keeps its state in one place.
  const heads: (string | undefined)[][] = [];
  const proxy = await forwardProxy(t, (head, request) => {
    if (!head.startsWith('RPC_OUT_DATA')) return undefined;
    heads.push([
      tokenOf(fieldOf(head, 'Proxy-Authorization')),
      tokenOf(fieldOf(head, 'Authorization')),
      fieldOf(head, 'Content-Length'),
    ]);
    return wants(head, request);
  });
  const httpProxy = { host: '127.0.0.1', port: proxy.port, credentials: NTLM_AT_PROXY };
  const hops = await through(t, scene, proxy, { httpProxy, credentials: NTLM });
  assert.deepEqual(heads, [
    [undefined, 'scripted hello', '0'],
    ['proxied hello', 'scripted hello', '0'],
    ['proxied answers challenge', 'scripted hello', '0'],
  ]);
  // From here on the test's proxy passes everything through: what the RPC Proxy saw.
  assert.deepEqual(
    scene.heads('RPC_OUT_DATA').map((head) => [tokenOf(head.field('authorization')), head.contentLength]),
    [
      ['scripted hello', 0],
      ['scripted answers challenge', 76],
    ],
  );
  assert.deepEqual(hops, ['DNS', 'TCP', 'HTTP proxy', 'HTTP', 'authentication', 'proxy', 'server']);
});

test('Basic stands in every request for the HTTP proxy', async (t) => {
  const scene = await Scene.start(t, 1);
  const proxy = await forwardProxy(t);
  await through(t, scene, proxy, { httpProxy: { host: '127.0.0.1', port: proxy.port, credentials: BASIC } });
  assert.deepEqual(
    proxy.heads.map(({ text }) => fieldOf(text, 'Proxy-Authorization')),
    ['Basic YWxpY2U6eA==', 'Basic YWxpY2U6eA=='],
  );
});

test('version 1 goes through a tunnel, with NTLM on one connection, and what follows the answer is the other end', async (t) => {
  const accepted = Promise.withResolvers<string>();
  const port = await listen(t, (socket) => {
    socket.write('ncacn_http/1.0');
    socket.once('data', (bytes) => accepted.resolve(bytes.toString('hex')));
  });
  const proxy = await forwardProxy(t, wantsNtlm());
  const hops: string[] = [];
  const connection = await openOverHttpV1({
    server: { host: '127.0.0.1', port },
    httpProxy: { host: '127.0.0.1', port: proxy.port, credentials: NTLM_AT_PROXY },
    onHop: (hop) => hops.push(hop),
    onPdus: () => {},
    onClosed: () => {},
  });
  t.after(() => connection.close());
  connection.send(rpc(100));
  assert.equal(await accepted.promise, Buffer.from(rpc(100)).toString('hex'));
  assert.deepEqual(
    proxy.heads.map(({ connection: number, text }) => [number, text.split('\r\n')[0]]),
    [0, 0, 0].map((number) => [number, `CONNECT 127.0.0.1:${port} HTTP/1.1`]),
  );
  assert.deepEqual(hops, ['DNS', 'TCP', 'HTTP proxy', 'server']);
});

function rejected(httpProxy: HttpClientOptions['httpProxy'], options: Partial<HttpClientOptions> = {}) {
  return openOverHttp({
    proxy: { host: 'rpc.example.org', port: 443 },
    server: { host: 'srv', port: 6001 },
    random: randomBytes,
    onPdus: () => {},
    onClosed: () => {},
    ...(httpProxy === undefined ? {} : { httpProxy }),
    ...options,
  });
}

const AUTHENTICATE = 'Proxy-Authenticate: Basic realm="x"';
for (const [name, tls, answer, expected] of [
  [
    '407 to CONNECT',
    true,
    response('407 Auth', [AUTHENTICATE]),
    { channel: undefined, hop: 'HTTP proxy', meaning: /wants a login/ },
  ],
  [
    '403 to CONNECT',
    true,
    response('403 Forbidden'),
    {
      hop: 'HTTP proxy',
      message: 'the HTTP proxy answered 403 Forbidden to CONNECT',
      meaning: /does not allow this address/,
    },
  ],
  ['503 to CONNECT', true, response('503 Unavailable'), { hop: 'HTTP proxy', meaning: /cannot reach the RPC Proxy/ }],
  ['407', false, response('407 Auth', [AUTHENTICATE]), { hop: 'HTTP proxy', meaning: /wants a login/ }],
  [
    '403 of either',
    false,
    response('403 Forbidden'),
    { hop: 'unknown', meaning: /may not use the proxy.*or the HTTP proxy does not allow/ },
  ],
  [
    '403 of Squid',
    false,
    response('403 Forbidden', ['X-Squid-Error: ERR_ACCESS_DENIED 0']),
    { hop: 'HTTP proxy', meaning: /does not allow/ },
  ],
  ['503 that says who', false, response('503 x', ['Proxy-Status: cache; error=dns_error']), { hop: 'HTTP proxy' }],
  ['503 of the RPC Proxy', false, response('503 RPC Error: 6ba'), { hop: 'RPC Proxy', rpcError: 0x6ba }],
  ['503 passed on by Squid', false, response('503 x', ['Via: 1.1 squid (squid/5.7)']), { hop: 'RPC Proxy' }],
  ['503 with an incident', false, response('503 x', ['RPCH-Incident: abc']), { hop: 'RPC Proxy' }],
  ['504', false, response('504 Gateway Timeout'), { hop: 'HTTP proxy', meaning: /waited too long/ }],
  ['401 is of the RPC Proxy', false, response('401 x'), { hop: 'RPC Proxy' }],
] as const) {
  test(`who answered: ${name}`, async (t) => {
    const proxy = await forwardProxy(t, () => answer);
    const options = tls ? { tls: {} } : {};
    await assert.rejects(rejected({ host: '127.0.0.1', port: proxy.port }, options), {
      code: 'RPCH_HTTP_STATUS',
      ...expected,
    });
  });
}

test('the HTTP proxy refuses the login, closes in its middle, or ends the connection', async (t) => {
  const at = async (answer: string | undefined, credentials: HttpCredentials) => {
    const port = await listen(t, (socket) =>
      socket.on('data', () => (answer ? socket.write(answer) : socket.destroy())),
    );
    return rejected({ host: '127.0.0.1', port, credentials }, { tls: {} });
  };
  const again = response('407 Auth', [AUTHENTICATE]);
  await assert.rejects(at(again, BASIC), { code: 'RPCH_HTTP_STATUS', hop: 'HTTP proxy' });
  await assert.rejects(at(again, NTLM_AT_PROXY), { code: 'RPCH_CREDENTIALS', message: /the HTTP proxy offers basic/ });
  const closing = response('407 Auth', ['Proxy-Authenticate: NTLM', 'Connection: close']);
  await assert.rejects(at(closing, NTLM_AT_PROXY), { code: 'RPCH_LOGIN_CLOSED', message: /the HTTP proxy/ });
  await assert.rejects(at(undefined, BASIC), { code: 'RPCH_CONNECT', message: /ended the connection instead/ });
  await assert.rejects(at('HTTP/1.1 200\n\n'.repeat(2000), BASIC), { code: 'RPCH_HTTP_HEAD' });
});

test('credentials for the RPC Proxy are private only as far as the whole way is', async (t) => {
  const proxy = await forwardProxy(t, () => response('401 x'));
  const httpProxy = { host: '127.0.0.1', port: proxy.port };
  await assert.rejects(rejected(httpProxy, { credentials: BASIC }), { code: 'RPCH_INSECURE_BASIC' });
  assert.equal(proxy.heads.length, 0);
});
