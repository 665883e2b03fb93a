import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import type { RpcInterface } from '../../src/dcerpc/rpc-interface.ts';
import { ECHO } from '../../src/interfaces/echo.ts';
import { EndpointRegistry } from '../../src/interfaces/endpoint-registry.ts';
import { bindPdu, requestRun, u32 } from '../dcerpc/support.ts';
import { start } from './support.ts';

test('close with grace lets a call of version 1 finish; the registry is told at once', async (t) => {
  const answer = Promise.withResolvers<Uint8Array>();
  const begun = Promise.withResolvers<void>();
  const waiting: RpcInterface = {
    name: 'waiting',
    syntax: ECHO,
    handle() {
      begun.resolve();
      return answer.promise;
    },
  };
  const registry = new EndpointRegistry();
  const { server, dial } = await start(t, { interfaces: [waiting], registry });
  assert.deepEqual(
    registry.entries.map(({ protocol, port }) => [protocol, port]),
    [['ncacn_http', server.port]],
  );
  const client = await dial();
  client.socket.write(bindPdu());
  await client.pdu();
  client.socket.write(requestRun(2, 0, u32(1)));
  await begun.promise;
  const ended = once(client.socket, 'close');
  const closed = server.close({ grace: 60_000 });
  assert.deepEqual(registry.entries, []);
  answer.resolve(u32(42));
  const response = await client.pdu();
  assert.deepEqual(new Uint8Array(response.slice(-4)), u32(42));
  await ended;
  await closed;
});
