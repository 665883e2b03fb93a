import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { type Admitted, type ConnectionLimits, Connections } from '../../src/front/connections.ts';

const BALANCER = '10.0.0.1';
const CLIENT = '192.0.2.7';
const OTHER = '192.0.2.8';
const LIMITS: ConnectionLimits = {
  connections: 10,
  connectionsPerAddress: 3,
  unauthenticated: 6,
  unauthenticatedPerAddress: 2,
};

interface Open {
  readonly socket: Socket;
  readonly admitted: Admitted;
}

/** A connection that the balancer, which is trusted, has made. */
function open(connections: Connections): Open {
  const socket = new Socket();
  const admitted = connections.admit(socket, BALANCER, true);
  if (typeof admitted === 'string') throw new Error(admitted);
  return { socket, admitted };
}

function openFor(connections: Connections, address: string): Open {
  const opened = open(connections);
  assert.equal(opened.admitted.comesFrom(address), undefined);
  return opened;
}

/** Destroys sockets, and waits until they have said that they are closed. */
async function close(...sockets: Socket[]): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await new Promise(setImmediate);
}

test('connections that a trusted proxy makes count in all, and none of its address', () => {
  const connections = new Connections({ ...LIMITS, unauthenticatedPerAddress: 1, connectionsPerAddress: 1 });
  const opened = Array.from({ length: LIMITS.unauthenticated }, () => open(connections));
  assert.ok(opened.every(({ socket }) => !socket.destroyed));
  open(connections);
  assert.deepEqual(
    opened.map(({ socket }) => socket.destroyed),
    [true, false, false, false, false, false],
    'in all there were too many, and the oldest went',
  );
});

test('once it is known whose it is, a connection counts among those of that address, and no other', async () => {
  const connections = new Connections(LIMITS);
  const [first, second] = [openFor(connections, CLIENT), openFor(connections, CLIENT)];
  const other = openFor(connections, OTHER);
  assert.deepEqual(first.admitted.origin, { address: CLIENT, via: BALANCER });
  const third = openFor(connections, CLIENT);
  assert.deepEqual([first.socket.destroyed, second.socket.destroyed, other.socket.destroyed], [true, false, false]);
  for (const { admitted } of [second, third]) admitted.checking();
  const fourth = open(connections).admitted;
  await close(first.socket);
  assert.equal(fourth.comesFrom(CLIENT), 'too many connections from this address are logging in');
  for (const { admitted } of [second, third]) admitted.authenticated();
  assert.equal(openFor(connections, CLIENT).admitted.comesFrom(CLIENT), undefined, 'said again, nothing changes');
  assert.equal(open(connections).admitted.comesFrom(CLIENT), 'too many connections from this address');
  await close(second.socket);
  openFor(connections, CLIENT);
});

test('a connection with requests of several clients counts for the one whose request came last', async () => {
  const connections = new Connections({ ...LIMITS, connectionsPerAddress: 1 });
  const shared = openFor(connections, CLIENT);
  assert.equal(open(connections).admitted.comesFrom(CLIENT), 'too many connections from this address');
  shared.admitted.authenticated();
  assert.equal(shared.admitted.comesFrom(OTHER), undefined);
  const client = openFor(connections, CLIENT);
  assert.equal(open(connections).admitted.comesFrom(OTHER), 'too many connections from this address');
  assert.equal(shared.admitted.comesFrom(CLIENT), 'too many connections from this address');
  assert.equal(shared.admitted.comesFrom(undefined), undefined);
  assert.deepEqual(shared.admitted.origin, { address: BALANCER });
  openFor(connections, OTHER);
  await close(shared.socket, client.socket);
  openFor(connections, CLIENT);
  openFor(connections, BALANCER);
});

test('a connection that is gone counts nowhere, whatever is said of it', async () => {
  const connections = new Connections({ ...LIMITS, connectionsPerAddress: 1 });
  const { socket, admitted } = open(connections);
  await close(socket);
  assert.equal(admitted.comesFrom(CLIENT), 'gone');
  assert.equal(connections.size, 0);
  openFor(connections, CLIENT);
});
