import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type HttpClientOptions, type HttpCredentials, openOverHttp } from '../../src/net/http-client.ts';
import type { HttpHead } from '../../src/net/http-head.ts';
import type { HttpReply } from '../../src/net/rpc-http-connection.ts';
import { rpc } from '../rpch/support.ts';
import { listen, open, Scene, SHORT_LIFETIME } from './client-scene.ts';
import { response } from './forward-proxy.ts';
import { ntlm, ScriptedInitiator, tokenOf } from './scripted-initiator.ts';

const BASIC = { user: 'alice', password: 'wonderländ' };
const BASIC_FIELD = `Basic ${Buffer.from('alice:wonderländ').toString('base64')}`;
const NTLM: HttpCredentials = { scheme: 'ntlm', ntlm: () => new ScriptedInitiator() };

/** What a proxy says that wants NTLM, or Basic too. */
function wants(offered: readonly string[], body = ''): (head: HttpHead) => HttpReply | undefined {
  return (head) => {
    const value = head.field('authorization');
    if (value === BASIC_FIELD && offered.some((each) => each.includes('Basic'))) return undefined;
    const token = tokenOf(value);
    if (token === 'scripted answers challenge') return undefined;
    const challenges = token === 'scripted hello' ? [ntlm('challenge')] : offered;
    return {
      statusLine: 'HTTP/1.1 401 Unauthorized',
      fields: challenges.map((challenge) => ['WWW-Authenticate', challenge] as const),
      body: Buffer.from(body),
    };
  };
}

function legs(scene: Scene, method: 'RPC_IN_DATA' | 'RPC_OUT_DATA') {
  return scene.heads(method).map((head) => ({
    length: head.contentLength,
    carries: tokenOf(head.field('authorization')) ?? head.field('authorization'),
  }));
}

async function echoed(t: TestContext, scene: Scene, options: Partial<HttpClientOptions>) {
  const hops: string[] = [];
  const { client, connection } = await open(t, scene.ports[0] ?? 0, { onHop: (hop) => hops.push(hop), ...options });
  const answered = new Promise<void>((resolve) => {
    client.onReceived = resolve;
  });
  connection.send(rpc(100));
  await answered;
  return { hops, connection, client };
}

for (const scheme of ['basic', 'auto'] as const) {
  test(`Basic, ${scheme === 'basic' ? 'unasked' : 'when it is asked for'}`, async (t) => {
    const scene = await Scene.start(t, 1, {
      answer: wants(['Digest realm="a, b", nonce=x, Basic realm="x"', 'Negotiate']),
    });
    const { hops } = await echoed(t, scene, { credentials: { scheme, basic: BASIC } });
    const asked = scheme === 'auto' ? [{ length: 0, carries: undefined }] : [];
    assert.deepEqual(legs(scene, 'RPC_OUT_DATA'), [...asked, { length: 76, carries: BASIC_FIELD }]);
    assert.deepEqual(legs(scene, 'RPC_IN_DATA'), [...asked, { length: 1024 ** 3, carries: BASIC_FIELD }]);
    assert.deepEqual(hops, ['DNS', 'TCP', 'HTTP', 'authentication', 'proxy', 'server']);
  });
}

for (const scheme of ['basic', 'ntlm'] as const) {
  test(`a proxy that closes with the 401 to which nothing was sent is dialled once more: ${scheme}`, async (t) => {
    const ask = wants([scheme === 'basic' ? 'Basic realm="x"' : 'NTLM']);
    const scene = await Scene.start(t, 1, {
      answer: (head) => {
        const reply = ask(head);
        return reply && { ...reply, close: head.field('authorization') === undefined };
      },
    });
    const { hops } = await echoed(t, scene, { credentials: { ...NTLM, scheme: 'auto', basic: BASIC } });
    const legsOfNtlm = ['scripted hello', 'scripted answers challenge'];
    for (const method of ['RPC_IN_DATA', 'RPC_OUT_DATA'] as const) {
      const carries = legs(scene, method).map((leg) => leg.carries);
      assert.deepEqual(carries, [undefined, ...(scheme === 'basic' ? [BASIC_FIELD] : legsOfNtlm)]);
      const [asked, ...others] = scene.requests.filter(({ head }) => head.method === method);
      assert.equal(new Set(others.map(({ socket }) => socket)).size, 1);
      assert.ok(others.every(({ socket }) => socket !== asked?.socket));
    }
    assert.deepEqual(hops, ['DNS', 'TCP', 'HTTP', 'authentication', 'proxy', 'server']);
  });
}

test('NTLM: legs without a body on the connection of each channel, and bodies of 401 are passed over', async (t) => {
  const scene = await Scene.start(t, 1, { answer: wants(['NTLM'], 'x'.repeat(70_000)) });
  const bindings: unknown[] = [];
  const credentials: HttpCredentials = {
    scheme: 'ntlm',
    ntlm: (binding) => {
      bindings.push(binding);
      return new ScriptedInitiator();
    },
  };
  const { hops } = await echoed(t, scene, { credentials });
  for (const [method, length] of [
    ['RPC_OUT_DATA', 76],
    ['RPC_IN_DATA', 1024 ** 3],
  ] as const) {
    const expected = [
      { length: 0, carries: 'scripted hello' },
      { length, carries: 'scripted answers challenge' },
    ];
    assert.deepEqual(legs(scene, method), expected);
    const sockets = scene.requests.filter(({ head }) => head.method === method).map(({ socket }) => socket);
    assert.equal(new Set(sockets).size, 1);
  }
  assert.deepEqual(bindings, [undefined, undefined]);
  assert.deepEqual(hops, ['DNS', 'TCP', 'HTTP', 'authentication', 'proxy', 'server']);
});

test('auto takes NTLM where both are offered', async (t) => {
  const scene = await Scene.start(t, 1, { answer: wants(['Basic realm="x"', 'NTLM']) });
  await echoed(t, scene, { credentials: { ...NTLM, scheme: 'auto', basic: BASIC } });
  assert.deepEqual(
    legs(scene, 'RPC_OUT_DATA').map(({ carries }) => carries),
    [undefined, 'scripted hello', 'scripted answers challenge'],
  );
});

test('an Echo PDU answers the leg of a login that nobody wants: the request follows, without credentials', async (t) => {
  const echo = Buffer.from('0500140310000000140000000000000040000000', 'hex');
  const scene = await Scene.start(t, 1, {
    answer: (head) => {
      if (head.contentLength > 16) return undefined;
      return { statusLine: 'HTTP/1.1 200 Success', fields: [['Content-Type', 'application/rpc']], body: echo };
    },
  });
  for (const credentials of [NTLM, { ...NTLM, scheme: 'auto' as const }]) {
    await echoed(t, scene, { credentials });
    assert.deepEqual(legs(scene, 'RPC_OUT_DATA').at(-1), { length: 76, carries: undefined });
  }
});

test('every successor logs in on its own connection', async (t) => {
  const scene = await Scene.start(t, 1, { lifetime: SHORT_LIFETIME, answer: wants(['NTLM']) });
  const options = { credentials: NTLM, channelLifetime: SHORT_LIFETIME };
  const { client, connection } = await open(t, scene.ports[0] ?? 0, options);
  const goal = 5 * SHORT_LIFETIME;
  const done = new Promise<void>((resolve, reject) => {
    client.onReceived = () => {
      if (client.bytes >= goal) resolve();
    };
    client.onClosed = reject;
  });
  for (let sent = 0; sent < goal; sent += 4000) connection.send(rpc(4000));
  await done;
  const { recycledIn, recycledOut } = connection.counters;
  assert.ok(recycledIn.R2 >= 3 && recycledOut.R2 >= 3, JSON.stringify(connection.counters));
  for (const method of ['RPC_IN_DATA', 'RPC_OUT_DATA'] as const) {
    const all = legs(scene, method);
    const first = all.filter(({ carries }) => carries === 'scripted hello');
    assert.deepEqual(
      first.map(({ length }) => length),
      first.map(() => 0),
    );
    assert.equal(all.length, 2 * first.length);
    assert.ok(first.length >= 4);
  }
});

function rejected(port: number, options: Partial<HttpClientOptions>, host = '127.0.0.1') {
  return openOverHttp({
    proxy: { host, port },
    server: { host: 'srv', port: 6001 },
    random: randomBytes,
    onPdus: () => assert.fail('a PDU of a connection that never opened'),
    onClosed: () => assert.fail('a connection that never opened was closed'),
    ...options,
  });
}

/** A proxy that answers every request with the next of `answers`, and the rest with the last. */
async function answering(t: TestContext, ...answers: string[]): Promise<number> {
  return await listen(t, (socket) => {
    let at = 0;
    socket.on('data', () => {
      const answer = answers[Math.min(at++, answers.length - 1)] ?? '';
      socket.write(answer, 'latin1');
      if (answer.includes('Connection: close')) socket.end();
    });
  });
}

const ASK: HttpCredentials = { ...NTLM, scheme: 'auto', basic: BASIC };
const CHALLENGE = response('401 Unauthorized', [`WWW-Authenticate: ${ntlm('challenge')}`]);

for (const [name, answers, credentials, expected] of [
  [
    'the answer is refused',
    [CHALLENGE, response('401 Unauthorized', ['WWW-Authenticate: NTLM'])],
    NTLM,
    { code: 'RPCH_HTTP_STATUS', hop: 'RPC Proxy', meaning: /password is wrong/ },
  ],
  [
    'Basic is refused',
    [response('401 Unauthorized', ['WWW-Authenticate: Basic'])],
    { scheme: 'basic', basic: BASIC },
    { code: 'RPCH_HTTP_STATUS' },
  ],
  [
    'NTLM is not offered',
    [response('401 Unauthorized', ['WWW-Authenticate: Basic'])],
    NTLM,
    { code: 'RPCH_HTTP_STATUS' },
  ],
  [
    'there is nothing in common',
    [response('401 Unauthorized', ['WWW-Authenticate: Digest x=y, Negotiate'])],
    ASK,
    { code: 'RPCH_CREDENTIALS', message: /offers digest, negotiate, and there are credentials for ntlm, basic/ },
  ],
  [
    'the account may not',
    [CHALLENGE, response('403 Forbidden')],
    ASK,
    { code: 'RPCH_HTTP_STATUS', meaning: /may not use the proxy/ },
  ],
  [
    'the connection is closed with the challenge',
    [response('401 Unauthorized', [`WWW-Authenticate: ${ntlm('challenge')}`, 'Connection: close'])],
    NTLM,
    { code: 'RPCH_LOGIN_CLOSED', fault: 'peer', message: /the scheme basic, where it is allowed, can$/ },
  ],
  [
    'it closes each time it is asked',
    [response('401 Unauthorized', ['WWW-Authenticate: NTLM', 'WWW-Authenticate: Basic', 'Connection: close'])],
    ASK,
    { code: 'RPCH_HTTP_STATUS', hop: 'RPC Proxy' },
  ],
  [
    'NTLM is closed at its challenge, after the question too',
    [response('401 Unauthorized', [`WWW-Authenticate: ${ntlm('challenge')}`, 'Connection: close'])],
    ASK,
    { code: 'RPCH_LOGIN_CLOSED', fault: 'peer' },
  ],
  [
    'HTTP/1.0 ends the connection too',
    [CHALLENGE.replace('HTTP/1.1', 'HTTP/1.0')],
    NTLM,
    { code: 'RPCH_LOGIN_CLOSED' },
  ],
  [
    'the challenge is no base64',
    [response('401 Unauthorized', ['WWW-Authenticate: NTLM a=b'])],
    NTLM,
    { code: 'RPCH_HTTP_CHALLENGE' },
  ],
  ['the body is too long', ['HTTP/1.1 401 x\r\nContent-Length: 1000000\r\n\r\n'], NTLM, { code: 'RPCH_HTTP_BODY' }],
  [
    'the chunks are endless',
    [`HTTP/1.1 401 x\r\nTransfer-Encoding: chunked\r\n\r\n${'1000\r\n'.padEnd(4104, 'x').concat('\r\n').repeat(100)}`],
    NTLM,
    { code: 'RPCH_HTTP_BODY' },
  ],
  ['there are two answers', [`${CHALLENGE}${CHALLENGE}`], NTLM, { code: 'RPCH_HTTP_BODY' }],
  ['Basic has nothing to send', [''], { scheme: 'basic' }, { code: 'RPCH_CREDENTIALS', fault: 'caller' }],
  ['NTLM has nothing to send', [''], { scheme: 'ntlm' }, { code: 'RPCH_CREDENTIALS', fault: 'caller' }],
  ['a user with a colon', [''], { scheme: 'basic', basic: { user: 'a:b', password: '' } }, { code: 'RPCH_BAD_NAME' }],
] as const) {
  test(`a login fails: ${name}`, async (t) => {
    await assert.rejects(rejected(await answering(t, ...answers), { credentials }), expected);
  });
}

test('the end of the connection in the middle of a login', async (t) => {
  const port = await listen(t, (socket) => socket.once('data', () => socket.destroy()));
  await assert.rejects(rejected(port, { credentials: NTLM }), { code: 'RPCH_LOGIN_CLOSED', fault: 'network' });
});

test('a challenge in chunks is read to its end', async (t) => {
  const chunked = `HTTP/1.1 401 x\r\nTransfer-Encoding: chunked\r\nWWW-Authenticate: ${ntlm('challenge')}\r\n\r\n4;x=y\r\npage\r\n0\r\nA: b\r\n\r\n`;
  const port = await answering(t, chunked, response('503 RPC Error: 6ba'));
  await assert.rejects(rejected(port, { credentials: NTLM }), { rpcError: 0x6ba, hop: 'RPC Proxy' });
});

test('names that would break a request apart', async (t) => {
  const port = await answering(t, '');
  for (const host of ['a b', 'a\r\nX: y', 'a/b', '']) {
    await assert.rejects(rejected(port, { server: { host, port: 1 } }), { code: 'RPCH_BAD_NAME', fault: 'caller' });
  }
});
