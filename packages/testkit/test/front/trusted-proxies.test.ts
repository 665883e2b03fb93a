import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { md4, openHttpEndpoint, type RuntimePeer } from '@rpch/rpc/internal';
import { ALICE } from '../../src/live-proxy.ts';
import { Initiator } from '../../src/ntlm-initiator.ts';
import { proxyHeader } from '../../src/proxy-header.ts';
import { RawConnection } from '../../src/raw-connection.ts';
import { ScriptedClient } from '../../src/scripted-client.ts';
import { GOOD, Scene, takeResponse, WRONG } from './scene.ts';

const LATE = 1000;
const CLIENT = '192.0.2.7';
const OTHER = '192.0.2.8';
/** Everybody here is on loopback: the load balancer has this address, and whoever has another one is none. */
const BALANCER = '127.0.0.1';
const STRANGER = '127.0.0.9';
const PROXY_PROTOCOL = { clientAddress: 'proxy-protocol', trustedProxies: [BALANCER] };
const FORWARDED_FOR = { clientAddress: 'x-forwarded-for', trustedProxies: [BALANCER] };

/** One echo request, whose answer says whether its login was right. */
interface Attempt {
  readonly from: string;
  readonly authorization: string;
  /** Whoever makes the connection. Default: the load balancer. */
  readonly peer?: string;
}

/** How each kind of load balancer says where a client is. */
const KINDS = {
  'PROXY protocol': {
    flags: PROXY_PROTOCOL,
    request: (scene: Scene, { from, authorization }: Attempt) =>
      Buffer.concat([proxyHeader(from), Buffer.from(scene.head('RPC_IN_DATA', { authorization, contentLength: 0 }))]),
  },
  'X-Forwarded-For': {
    flags: FORWARDED_FOR,
    request: (scene: Scene, { from, authorization }: Attempt) =>
      scene.head('RPC_IN_DATA', { authorization, contentLength: 0, fields: [`X-Forwarded-For: 10.9.9.9, ${from}`] }),
  },
} as const;

for (const [kind, { flags, request }] of Object.entries(KINDS)) {
  const attempt = async (scene: Scene, { peer = BALANCER, ...what }: Attempt) => {
    const connection = await scene.connect({ localAddress: peer });
    connection.send(request(scene, what));
    const { status } = await takeResponse(connection);
    connection.cut('FIN');
    return { status, at: performance.now() };
  };

  test(`${kind}: wrong passwords slow the client's address, not the load balancer's; the log has both`, async () => {
    await using scene = await Scene.open({ flags });
    for (let i = 0; i < 4; i++) {
      assert.equal((await attempt(scene, { from: CLIENT, authorization: WRONG })).status, 401);
    }
    const slowed = attempt(scene, { from: CLIENT, authorization: GOOD });
    const other = await attempt(scene, { from: OTHER, authorization: GOOD });
    assert.equal(other.status, 200);
    assert.ok((await slowed).at > other.at, 'only the guesser waits');
    const logins = scene.live.logged('login').map(({ fields: { address, via } }) => ({ address, via }));
    assert.deepEqual(logins.slice(0, 4), Array(4).fill({ address: CLIENT, via: BALANCER }));
    assert.deepEqual(logins[4], { address: OTHER, via: BALANCER });
  });

  test(`${kind}: connections are limited by the client's address`, async () => {
    await using scene = await Scene.open({ flags, limits: { connectionsPerAddress: 2, headTimeout: 10 } });
    const open: RawConnection[] = [];
    const ask = async (from: string): Promise<RawConnection> => {
      const connection = await scene.connect();
      connection.send(request(scene, { from, authorization: GOOD }));
      open.push(connection);
      return connection;
    };
    // As long as nobody knows whose they are, they are not the load balancer's either.
    for (let i = 0; i < 3; i++) open.push(await scene.connect());
    for (const from of [CLIENT, CLIENT, OTHER, OTHER]) assert.equal((await takeResponse(await ask(from))).status, 200);
    const tooMany = await ask(CLIENT);
    assert.notEqual((await tooMany.ended).how, 'own');
    const { fields } = await scene.live.line('connection.refused');
    assert.deepEqual(
      { address: fields.address, via: fields.via, why: fields.why },
      { address: CLIENT, via: BALANCER, why: 'too many connections from this address' },
    );
    for (const connection of open) connection.cut('FIN');
  });
}

test('PROXY protocol: nobody but a trusted proxy may connect, and what he says changes nothing', async () => {
  await using scene = await Scene.open({ flags: PROXY_PROTOCOL });
  const at = performance.now();
  for (const bytes of [proxyHeader(CLIENT), scene.head('RPC_IN_DATA', { contentLength: 0 }), '']) {
    const stranger = await scene.connect({ localAddress: STRANGER });
    stranger.send(bytes);
    await stranger.ended;
    assert.equal(stranger.received.length, 0);
  }
  assert.ok(performance.now() - at < LATE, 'at once');
  await scene.live.line('connection.refused');
  const refused = scene.live.logged('connection.refused').map(({ fields }) => [fields.address, fields.via, fields.why]);
  assert.deepEqual(refused, Array(3).fill([STRANGER, undefined, 'not a trusted proxy']));
  assert.equal(scene.live.proxy.counters.snapshot().connections_refused, 3);
});

test('PROXY protocol: a trusted proxy must send a header, whole, right and in time', async () => {
  await using scene = await Scene.open({ flags: PROXY_PROTOCOL });
  const request = scene.head('RPC_IN_DATA', { contentLength: 0 });
  const began = performance.now();
  const rows: [string | Buffer, RegExp][] = [
    [request, /^PROXY protocol 2: no header/],
    [Buffer.from('160301020001', 'hex'), /^PROXY protocol 2: no header/],
    ['PROXY TCP4 1.2.3 4.5.6.7 1 2\r\n', /^PROXY protocol 2.1: malformed line/],
    [Buffer.concat([proxyHeader(CLIENT).subarray(0, 14), Buffer.from('ffff', 'hex')]), /more than 4096/],
  ];
  for (const [bytes, why] of rows) {
    const connection = await scene.connect();
    connection.send(bytes);
    await connection.ended;
    assert.equal(connection.received.length, 0);
    await scene.live.line('connection.refused', ({ why: found }) => why.test(String(found)));
  }
  assert.ok(performance.now() - began < LATE, 'what is no header ends at once');
  const at = performance.now();
  const silent = await scene.connect();
  const half = await scene.connect();
  half.send(proxyHeader(CLIENT).subarray(0, 20));
  for (const connection of [silent, half]) {
    const took = (await connection.ended).at - at;
    assert.ok(took > 900 && took < 1000 + LATE, `${took} ms`);
  }
  const gone = await scene.connect();
  gone.send(proxyHeader(CLIENT).subarray(0, 20));
  gone.cut('FIN');
  await scene.live.line('connection.refused', ({ why }) => /^closed before the end/.test(String(why)));
  await scene.live.empty();
});

test('PROXY protocol: LOCAL and UNKNOWN are the proxy itself', async () => {
  await using scene = await Scene.open({ flags: PROXY_PROTOCOL });
  for (const header of [proxyHeader(), Buffer.from('PROXY UNKNOWN\r\n')]) {
    const connection = await scene.connect();
    connection.send(Buffer.concat([header, Buffer.from(scene.head('RPC_IN_DATA', { contentLength: 0 }))]));
    assert.equal((await takeResponse(connection)).status, 200);
    connection.cut('FIN');
  }
  const logins = scene.live.logged('login').map(({ fields: { address, via } }) => [address, via]);
  assert.deepEqual(logins, Array(2).fill([BALANCER, undefined]));
});

/** A load balancer for one connection: what the client sends first goes on behind a header, in pieces. */
async function relay(port: number, header: Buffer, pieces: (bytes: Buffer) => Iterable<Buffer>): Promise<number> {
  const server = createServer({ noDelay: true }, (client) => {
    server.close();
    const onward = connect({ port, host: BALANCER, noDelay: true });
    for (const socket of [client, onward]) socket.on('error', () => socket.destroy());
    onward.on('close', () => client.destroy());
    onward.pipe(client);
    client.once('data', (first) => {
      client.pause();
      void new RawConnection(onward)
        .sendInPieces(pieces(Buffer.concat([header, first])))
        .then(() => client.pipe(onward));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('PROXY protocol before TLS, however header and ClientHello are cut', async () => {
  await using scene = await Scene.open({ flags: { ...PROXY_PROTOCOL, listen: ['https://127.0.0.1:0'] } });
  const header = proxyHeader(CLIENT);
  const cuts = Array.from({ length: header.length + 8 }, (_, at) => (bytes: Buffer) => [
    bytes.subarray(0, at),
    bytes.subarray(at),
  ]);
  const single = (bytes: Buffer) => Array.from(bytes, (byte) => Buffer.of(byte));
  for (const pieces of [...cuts, single]) {
    const socket = connectTls({ port: await relay(scene.live.port, header, pieces), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const client = new RawConnection(socket);
    client.send(scene.head('RPC_IN_DATA', { contentLength: 0 }));
    assert.equal((await takeResponse(client)).status, 200);
    client.cut('FIN');
  }
  const logins = scene.live.logged('login').map(({ fields }) => `${fields.outcome} ${fields.address} ${fields.via}`);
  assert.deepEqual(logins, Array(cuts.length + 1).fill(`accepted ${CLIENT} ${BALANCER}`));
});

test('PROXY protocol before TLS that fails: the log has the client', async () => {
  await using scene = await Scene.open({ flags: { ...PROXY_PROTOCOL, listen: ['https://127.0.0.1:0'] } });
  const silent = await scene.connect();
  silent.send(proxyHeader(OTHER));
  const plain = await scene.connect();
  plain.send(Buffer.concat([proxyHeader(CLIENT), Buffer.from('GET / HTTP/1.1\r\n\r\n')]));
  for (const address of [CLIENT, OTHER]) {
    const { fields } = await scene.live.line('connection.refused', (line) => line.address === address);
    assert.match(String(fields.why), /^TLS: /);
    assert.equal(fields.via, BALANCER);
  }
});

test('PROXY protocol without TLS: a web request, and the header in single bytes', async () => {
  await using scene = await Scene.open({ flags: PROXY_PROTOCOL });
  const connection = await scene.connect();
  const request = `GET /rpc/rpcproxy.dll HTTP/1.1\r\nHost: proxy\r\nAuthorization: ${GOOD}\r\n\r\n`;
  const bytes = Buffer.concat([proxyHeader(CLIENT), Buffer.from(request)]);
  await connection.sendInPieces(Array.from(bytes, (byte) => Buffer.of(byte)));
  assert.equal((await takeResponse(connection)).status, 200);
  const { fields } = await scene.live.line('web.request');
  assert.deepEqual([fields.address, fields.via], [CLIENT, BALANCER]);
  connection.cut('FIN');
});

test('X-Forwarded-For of anybody else is not read, and without a field nothing is said', async () => {
  await using scene = await Scene.open({ flags: FORWARDED_FOR });
  const ask = async (localAddress: string, fields: string[]): Promise<void> => {
    const connection = await scene.connect({ localAddress });
    connection.send(scene.head('RPC_IN_DATA', { contentLength: 0, fields }));
    assert.equal((await takeResponse(connection)).status, 200);
    connection.cut('FIN');
  };
  await ask(STRANGER, [`X-Forwarded-For: ${CLIENT}`]);
  await ask(BALANCER, []);
  await ask(BALANCER, ['X-Forwarded-For: unknown']);
  await ask(BALANCER, ['x-forwarded-for: 203.0.113.1', `X-FORWARDED-FOR: [2001:db8::7]:443, ${BALANCER}:80`]);
  const logins = scene.live.logged('login').map(({ fields: { address, via } }) => [address, via]);
  assert.deepEqual(logins, [
    [STRANGER, undefined],
    [BALANCER, undefined],
    [BALANCER, undefined],
    ['2001:db8::7', BALANCER],
  ]);
  const complaints = scene.live
    .logged('request.forwarded-for')
    .map(({ fields: { address, found } }) => [address, found]);
  assert.deepEqual(complaints, [[BALANCER, 'unknown']]);
  assert.equal(scene.live.proxy.counters.snapshot().forwarded_for_malformed, 1);
});

test('X-Forwarded-For is not read where nobody said so', async () => {
  await using scene = await Scene.open();
  const connection = await scene.connect();
  connection.send(scene.head('RPC_IN_DATA', { contentLength: 0, fields: [`X-Forwarded-For: ${CLIENT}`] }));
  assert.equal((await takeResponse(connection)).status, 200);
  assert.equal(scene.live.logged('login')[0]?.fields.address, BALANCER);
  connection.cut('FIN');
});

test('X-Forwarded-For: a login by NTLM is not that of another client on the same connection', async () => {
  await using scene = await Scene.open({ flags: FORWARDED_FOR });
  const connection = await scene.connect();
  const initiator = new Initiator({
    user: ALICE.name,
    domain: '',
    ntHash: md4(Buffer.from(ALICE.password, 'utf16le')),
  });
  const ask = async (method: string, from: string, token?: Uint8Array) => {
    const authorization = token === undefined ? undefined : `NTLM ${Buffer.from(token).toString('base64')}`;
    const fields = [`X-Forwarded-For: ${from}`];
    connection.send(scene.head(method, { authorization, contentLength: 0, fields }));
    return await takeResponse(connection);
  };
  const challenge = async () => {
    const [offered = ''] = (await ask('RPC_IN_DATA', CLIENT, initiator.negotiate)).field('www-authenticate');
    return Buffer.from(offered.replace(/^NTLM /, ''), 'base64');
  };
  const stolen = await challenge();
  assert.equal((await ask('RPC_IN_DATA', OTHER, initiator.authenticate(stolen))).status, 401, 'nor is its challenge');
  assert.equal((await ask('RPC_IN_DATA', CLIENT, initiator.authenticate(await challenge()))).status, 200);
  assert.equal((await ask('RPC_IN_DATA', CLIENT)).status, 200);
  assert.equal((await ask('RPC_IN_DATA', OTHER)).status, 401);
  assert.equal((await ask('RPC_IN_DATA', CLIENT)).status, 200);
  connection.cut('FIN');
});

test('a server that speaks ncacn_http is told the client’s address, and the log of the session has both', async () => {
  const peers: RuntimePeer[] = [];
  const runtime = { receive() {}, blocked() {}, flush() {}, tick() {}, close() {} };
  const endpoint = await openHttpEndpoint({
    listen: { host: '127.0.0.1', port: 0 },
    version1: 'off',
    runtimes: {
      open: (peer) => {
        peers.push(peer);
        return runtime;
      },
    },
  });
  const server = `127.0.0.1:${endpoint.port}`;
  const allow = [`ncacn_http:127.0.0.1[${endpoint.port}]`];
  await using scene = await Scene.open({ flags: { ...FORWARDED_FOR, allow } });
  const fields = [`X-Forwarded-For: ${CLIENT}`];
  const client = await ScriptedClient.open({ port: scene.live.port, server, authorization: GOOD, fields });
  assert.equal(peers[0]?.clientAddressHint, CLIENT);
  client.cut('FIN');
  const line = await scene.live.line('session.ended');
  assert.deepEqual([line.fields.address, line.fields.via], [CLIENT, BALANCER]);
  await endpoint.close();
});
