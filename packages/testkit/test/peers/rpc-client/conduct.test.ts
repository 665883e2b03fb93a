import assert from 'node:assert/strict';
import { createConnection, createServer, type Socket } from 'node:net';
import { after, describe, type TestContext, test } from 'node:test';
import { echoDeclaration, FaultStatus, ndr, RpcClient, type RpcClientOptions } from '@rpch/rpc';
import { openOverTcp, RpcConnection } from '@rpch/rpc/internal';
import { STATUS_SUCCESS } from '../../../src/idl/lsa-types.ts';
import { samr } from '../../../src/idl/samr.ts';
import { requirePeer } from '../../../src/peers/requirePeer.ts';
import type { SambaPeer } from '../../../src/peers/samba.ts';
import { clientFor, NONE, newSession, TRANSPORTS, withClient } from './scene.ts';

const PRIVACY = { provider: 'spnego', level: 'privacy' } as const;

const session = newSession();
after(() => session.close());

function abortion(): { readonly signal: AbortSignal; abort(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error('no more patience')) };
}

describe('calls that end early', { concurrency: 4 }, () => {
  for (const transport of ['TCP', 'HTTP'] as const) {
    test(`${transport}: AbortSignal; Samba takes no notice of co_cancel`, async (t) => {
      if (!(await requirePeer(t, 'samba'))) return;
      await withClient(session, { transport, security: NONE }, async (client) => {
        const echo = await client.bind(echoDeclaration);
        const { signal, abort } = abortion();
        const answered = echo.testSleep({ seconds: 1 }, { signal });
        const orphaned = echo.testSleep({ seconds: 10 }, { signal });
        await echo.addOne({ in_data: 1 });
        abort();
        // An answer that comes all the same counts; after five seconds none is waited for.
        assert.deepEqual(await answered, { result: 1 });
        await assert.rejects(orphaned, { code: 'RPCH_CALL_CANCELLED', fault: 'caller', mayHaveExecuted: true });
        assert.deepEqual(await echo.addOne({ in_data: 1 }), { out_data: 2 });
        await assert.rejects(echo.addOne({ in_data: 1 }, { signal }), { code: 'RPCH_CALL_CANCELLED' });
      });
    });

    test(`${transport}: the call's time is up, and the connection goes on`, async (t) => {
      if (!(await requirePeer(t, 'samba'))) return;
      await withClient(session, { transport, security: NONE, options: { callTimeout: 60_000 } }, async (client) => {
        const echo = await client.bind(echoDeclaration);
        await assert.rejects(echo.testSleep({ seconds: 2 }, { timeout: 300 }), {
          code: 'RPCH_CALL_TIMED_OUT',
          mayHaveExecuted: true,
        });
        assert.deepEqual(await echo.addOne({ in_data: 1 }), { out_data: 2 });
      });
    });
  }
});

/** A relay to Samba whose connections a test can cut. */
async function relay(t: TestContext, samba: SambaPeer) {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = createConnection({ host: samba.ip, port: samba.rpcPort });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.pipe(to);
      from.on('error', () => {});
      from.on('close', () => to.destroy());
    }
    sockets.push(near);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const cut = (): void => {
    for (const socket of sockets.splice(0)) socket.resetAndDestroy();
  };
  return { port, cut };
}

describe('what goes wrong', () => {
  test('the connection is lost in the middle of a call: the call says so, the next one opens another', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    const { port, cut } = await relay(t, await session.samba());
    await using client = new RpcClient(`ncacn_ip_tcp:127.0.0.1[${port}]`);
    const echo = await client.bind(echoDeclaration);
    const call = echo.testSleep({ seconds: 5 });
    await echo.addOne({ in_data: 1 });
    cut();
    await assert.rejects(call, { code: 'RPCH_CONNECTION_LOST', fault: 'network', mayHaveExecuted: true });
    assert.deepEqual(await echo.addOne({ in_data: 1 }), { out_data: 2 });
  });

  for (const transport of TRANSPORTS) {
    for (const provider of ['ntlm', 'spnego'] as const) {
      test(`${transport}: a wrong password, ${provider}`, async (t) => {
        if (!(await requirePeer(t, 'samba'))) return;
        const samba = await session.samba();
        const credentials = { user: `${samba.domain}\\${samba.user.name}`, password: 'wrong' };
        const way = { transport, security: { provider, level: 'privacy' as const } };
        // NTLM's last leg has no answer: Samba refuses the first call.
        await using client = await clientFor(session, { ...way, options: { credentials } });
        const refused = client.bind(echoDeclaration).then((echo) => echo.addOne({ in_data: 1 }));
        await assert.rejects(refused, (error: Error & { code: string }) => {
          assert.equal(error.code, 'RPCH_RPC_FAULT');
          assert.match(error.message, /wrong user name or password/);
          return true;
        });
      });
    }
  }

  test('a port where nobody listens, and one that speaks something else', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    const { ip } = await session.samba();
    await using nobody = new RpcClient(`ncacn_ip_tcp:${ip}[1]`);
    await assert.rejects(nobody.bind(echoDeclaration), { code: 'RPCH_CONNECT', fault: 'network' });
    await using ldap = new RpcClient(`ncacn_ip_tcp:${ip}[389]`, { openTimeout: 2000 });
    await assert.rejects(ldap.bind(echoDeclaration), (error: Error & { code: string; fault: string }) => {
      assert.ok(error.fault === 'peer' || error.fault === 'network', error.code);
      return true;
    });
  });

  test('an interface that Samba does not have', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    const nothing = { ...echoDeclaration, name: 'nothing', syntax: { uuid: ndr.NULL_CONTEXT_HANDLE.uuid, version: 1 } };
    await withClient(session, { transport: 'TCP', security: NONE }, async (client) => {
      await assert.rejects(client.bind(nothing), { code: 'RPCH_CONTEXT_REFUSED', fault: 'peer' });
      const echo = await client.bind(echoDeclaration);
      await assert.rejects(client.bind(nothing), { code: 'RPCH_CONTEXT_REFUSED', fault: 'peer' });
      assert.deepEqual(await echo.addOne({ in_data: 1 }), { out_data: 2 });
    });
    await withClient(session, { transport: 'TCP', security: NONE, endpoint: 'dynamic' }, async (client) => {
      await assert.rejects(client.bind(nothing), { code: 'RPCH_NOT_REGISTERED', fault: 'peer' });
    });
  });
});

describe('endpoints and associations', () => {
  test('without an endpoint Samba’s mapper is asked, once for each interface', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    const hops: string[] = [];
    const options: RpcClientOptions = { onHop: (hop) => hops.push(hop) };
    await withClient(
      session,
      { transport: 'TCP', security: PRIVACY, endpoint: 'dynamic', options },
      async (client, { rpcPort }) => {
        assert.equal(await client.endpointOf(echoDeclaration), rpcPort);
        const [echo] = await Promise.all([client.bind(echoDeclaration), client.bind(samr)]);
        assert.deepEqual(await echo.addOne({ in_data: 1 }), { out_data: 2 });
        await client.bind(echoDeclaration);
      },
    );
    // Two questions, each on a connection of its own, and one connection for both interfaces.
    assert.deepEqual([...hops].filter((hop) => hop === 'bind' || hop === 'RPC authentication').sort(), [
      'RPC authentication',
      'bind',
      'bind',
      'bind',
    ]);
  });

  test('through the proxy the mapper answers, and knows nothing of Samba over ncacn_http', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    await withClient(session, { transport: 'HTTP', security: NONE, endpoint: 'dynamic' }, async (client) => {
      await assert.rejects(client.bind(echoDeclaration), { code: 'RPCH_NOT_REGISTERED' });
    });
  });

  test('a context handle of one connection serves on another of its association group, and on no other', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    const samba = await session.samba();
    const open = async (assocGroupId: number): Promise<RpcConnection> => {
      const server = { host: samba.ip, port: samba.rpcPort };
      const options = { interfaces: [samr], assocGroupId };
      const connection = await RpcConnection.open(
        (events) => openOverTcp({ server, ...events }),
        options,
        () => {},
      );
      t.after(() => connection.close());
      return connection;
    };
    const call = async <I, O>(connection: RpcConnection, procedure: ndr.Procedure<I, O>, input: I): Promise<O> => {
      const { association } = connection;
      const contextId = association.contextOf(samr.syntax);
      const stub = procedure.encodeRequest(input, true);
      const answer = await association.call({ contextId, opnum: procedure.opnum, stub });
      return procedure.decodeResponse(answer.stub, answer.littleEndian, input);
    };
    const first = await open(0);
    const group = first.association.settled?.assocGroupId ?? 0;
    const [second, stranger] = [await open(group), await open(0)];
    assert.equal(second.association.settled?.assocGroupId, group);
    assert.notEqual(stranger.association.settled?.assocGroupId, group);

    const { connect5, enumerateDomains, close } = samr.procedures;
    const { server_handle } = await call(first, connect5, {
      server_name: null,
      desired_access: 0x02000000,
      info_in: { case: 1, value: { client_version: 3, supported_features: 0 } },
    });
    const question = { handle: server_handle, enumeration_context: 0, preferred_length: 0xffff };
    assert.equal((await call(second, enumerateDomains, question)).result, STATUS_SUCCESS);
    const mismatch = { code: 'RPCH_RPC_FAULT', status: FaultStatus.nca_s_fault_context_mismatch };
    await assert.rejects(call(stranger, enumerateDomains, question), mismatch);
    // It outlives the connection that it was made on.
    first.close();
    assert.equal((await call(second, enumerateDomains, question)).result, STATUS_SUCCESS);
    assert.equal((await call(second, close, { handle: server_handle })).result, STATUS_SUCCESS);
    await assert.rejects(call(second, enumerateDomains, question), mismatch);
  });
});
