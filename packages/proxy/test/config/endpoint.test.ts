import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCidr } from '../../src/access/ip.ts';
import {
  type EndpointText,
  endpointFault,
  makeEndpoint,
  mayConnect,
  parseEndpoint,
  parseEndpointListen,
  parseMode,
} from '../../src/config/endpoint.ts';

const connect = { host: 'dc1', port: 135 };

function endpoint(listen: string, ...from: string[]): EndpointText {
  const ranges = from.map((range) => parseCidr(range) ?? assert.fail(range));
  return { listen: parseEndpointListen(listen), connect, ...(from.length === 0 ? {} : { from: ranges }) };
}

test('an endpoint listens on an address or a Unix socket, never on a name', () => {
  assert.deepEqual(parseEndpointListen('10.0.0.1:7135'), { host: '10.0.0.1', port: 7135 });
  assert.deepEqual(parseEndpointListen('localhost:0'), { host: '127.0.0.1', port: 0 });
  assert.deepEqual(parseEndpointListen('[FE80::1]:1'), { host: 'fe80::1', port: 1 });
  assert.deepEqual(parseEndpointListen('unix:/run/rpch/a.sock'), { path: '/run/rpch/a.sock' });
  const wrong: [string, RegExp][] = [
    ['', /^expected an address and a port to listen on/],
    ['7135', /^expected an address and a port to listen on/],
    [':7135', /^expected an address and a port to listen on/],
    ['*:7135', /^expected an address and a port to listen on/],
    ['dc1:7135', /^expected an address and a port to listen on/],
    ['127.1:7135', /^expected an address and a port to listen on/],
    ['::1:7135', /^expected an address and a port to listen on/],
    ['[127.0.0.1]:1', /^expected an address and a port to listen on/],
    ['127.0.0.1', /^expected an address and a port to listen on/],
    ['127.0.0.1:', /^expected a port from 0 to 65535, found "127\.0\.0\.1:"$/],
    ['127.0.0.1:65536', /^expected a port from 0 to 65535/],
    ['127.0.0.1:007', /^expected a port from 0 to 65535/],
    ['unix:a', /^expected unix: with an absolute path/],
  ];
  for (const [text, message] of wrong) assert.throws(() => parseEndpointListen(text), { message }, text);
});

test('by default loopback may speak to an endpoint, and the owner to a Unix socket', () => {
  const tcp = makeEndpoint(endpoint('0.0.0.0:7135'));
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '::FFFF:7f00:1']) {
    assert.ok(mayConnect(tcp, address), address);
  }
  for (const address of ['10.0.0.1', '::2', '::ffff:10.0.0.1', '::127.0.0.1', 'localhost', '', undefined]) {
    assert.ok(!mayConnect(tcp, address), address);
  }
  const unix = makeEndpoint(endpoint('unix:/a'));
  assert.ok(mayConnect(unix, undefined));
  assert.equal(unix.mode, 0o600);
});

test('only listed addresses may speak to an endpoint that lists some', () => {
  const limited = makeEndpoint(endpoint('10.0.0.1:7135', '10.0.0.0/24', 'fe80::/10'));
  for (const address of ['10.0.0.1', '10.0.0.255', '::ffff:10.0.0.7', 'fe80::7'])
    assert.ok(mayConnect(limited, address));
  for (const address of ['10.0.1.0', '127.0.0.1', '::1', 'fe80::7%eth0']) assert.ok(!mayConnect(limited, address));
});

test('what does not go together is blamed on its key', () => {
  assert.equal(endpointFault(endpoint('10.0.0.1:7135'))?.key, 'listen');
  assert.equal(endpointFault(endpoint('[2001:db8::1]:7135'))?.key, 'listen');
  assert.equal(endpointFault(endpoint('unix:/a', '10.0.0.0/8'))?.key, 'from');
  assert.equal(endpointFault({ ...endpoint('127.0.0.1:1'), mode: 0o600 })?.key, 'mode');
  for (const listen of ['127.0.0.1:1', '[::1]:1', '0.0.0.0:1', '[::]:1', 'unix:/a']) {
    assert.equal(endpointFault(endpoint(listen)), undefined, listen);
  }
  assert.equal(endpointFault(endpoint('10.0.0.1:1', '10.0.0.1')), undefined);
  assert.equal(endpointFault({ ...endpoint('unix:/a'), mode: 0o660 }), undefined);
});

test('--endpoint is split at its last equals sign', () => {
  const { listen, connect: server } = parseEndpoint('unix:/run/a=b.sock=[::1]:135');
  assert.deepEqual([listen, server], [{ path: '/run/a=b.sock' }, { host: '::1', port: 135 }]);
  assert.throws(() => parseEndpoint('127.0.0.1:1=dc1:0'), {
    message: 'expected host:port with a port from 1 to 65535, found "dc1:0" in "127.0.0.1:1=dc1:0"',
  });
  assert.throws(() => parseEndpoint('x=dc1:1'), {
    message:
      'expected an address and a port to listen on, such as 10.0.0.1:7135, or unix:/path, found "x" in "x=dc1:1"',
  });
});

test('permission bits are octal digits, without the special ones', () => {
  for (const [text, bits] of [
    ['0660', 0o660],
    ['600', 0o600],
    ['777', 0o777],
    ['000', 0],
  ] as const) {
    assert.equal(parseMode(text), bits);
  }
  for (const text of ['', '66', '00660', '1777', '4755', '0o660', '0668', '-600', ' 600']) {
    assert.equal(parseMode(text), undefined, text);
  }
});
