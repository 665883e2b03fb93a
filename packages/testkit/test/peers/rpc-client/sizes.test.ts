import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { echoDeclaration, FaultStatus, RpcCallError, type RpcClientOptions, RpcFaultError } from '@rpch/rpc';
import { requirePeer } from '../../../src/peers/requirePeer.ts';
import { countingBytes } from './calls.ts';
import { NONE, newSession, TRANSPORTS, withClient } from './scene.ts';

const MIB = 1024 * 1024;
/** Stub data of one request that Samba takes, bytes (DCERPC_NCACN_REQUEST_DEFAULT_MAX_SIZE). */
const MAX_REQUEST = 4 * MIB;
/** What EchoData's stub has besides the data, bytes: `len`, and the array's conformance. */
const ECHO_OVERHEAD = 8;
const PRIVACY = { provider: 'spnego', level: 'privacy' } as const;

const session = newSession();
after(() => session.close());

/**
 * Samba answers the first fragment of a request that is too large with a fault, and closes the connection without reading the
 * others: the reset that this causes may overtake the fault, on its way to the client or to the proxy.
 */
function isRefusedOrLost(error: unknown): boolean {
  if (error instanceof RpcFaultError) return error.status === FaultStatus.access_denied;
  return error instanceof RpcCallError && /^RPCH_(CONNECTION|CHANNEL)_LOST$/.test(error.code);
}

describe('arguments as large as Samba takes them', () => {
  for (const transport of TRANSPORTS) {
    for (const security of [NONE, PRIVACY]) {
      const name = `${transport}, ${security.provider}`;
      test(`${name}: EchoData up to 4 MiB of stub data, and a byte more`, async (t) => {
        if (!(await requirePeer(t, 'samba'))) return;
        await withClient(session, { transport, security }, async (client) => {
          const echo = await client.bind(echoDeclaration);
          const largest = MAX_REQUEST - ECHO_OVERHEAD;
          for (const length of [0, 1, 5840, 65_536, MIB, largest]) {
            const in_data = countingBytes(length);
            const { out_data } = await echo.echoData({ in_data });
            assert.ok(Buffer.compare(in_data, out_data) === 0, `${length} bytes`);
          }
          await assert.rejects(echo.echoData({ in_data: countingBytes(largest + 1) }), isRefusedOrLost);
          // The connection's end may show at the next call only.
          const next = await echo.addOne({ in_data: 1 }).catch(() => echo.addOne({ in_data: 1 }));
          assert.deepEqual(next, { out_data: 2 });
        });
      });

      test(`${name}: SourceData of 16 MiB`, async (t) => {
        if (!(await requirePeer(t, 'samba'))) return;
        await withClient(session, { transport, security }, async (client) => {
          const echo = await client.bind(echoDeclaration);
          const { data } = await echo.sourceData({ len: 16 * MIB });
          assert.ok(Buffer.compare(data, countingBytes(16 * MIB)) === 0);
        });
      });
    }
  }

  test('a response over the client’s own limit ends its call and no other', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    await withClient(session, { transport: 'TCP', security: NONE, options: { maxResponse: MIB } }, async (client) => {
      const echo = await client.bind(echoDeclaration);
      const [large, small] = await Promise.allSettled([echo.sourceData({ len: 2 * MIB }), echo.addOne({ in_data: 1 })]);
      assert.ok(large.status === 'rejected' && large.reason.code === 'RPCH_RESPONSE_TOO_LONG');
      assert.deepEqual(small, { status: 'fulfilled', value: { out_data: 2 } });
    });
  });
});

describe('calls that overlap', () => {
  for (const transport of TRANSPORTS) {
    for (const security of [NONE, PRIVACY]) {
      test(`${transport}, ${security.provider}: 16 at a time, of all sizes`, async (t) => {
        if (!(await requirePeer(t, 'samba'))) return;
        const hops: string[] = [];
        const options: RpcClientOptions = { onHop: (hop) => hops.push(hop) };
        await withClient(session, { transport, security, options }, async (client) => {
          const echo = await client.bind(echoDeclaration);
          const one = async (worker: number): Promise<void> => {
            for (let i = 0; i < 20; i++) {
              const in_data = countingBytes((worker * 7919 + i * 4001) % 60_000).fill(worker);
              const { out_data } = await echo.echoData({ in_data });
              assert.ok(Buffer.compare(in_data, out_data) === 0, `worker ${worker}, call ${i}`);
            }
          };
          await Promise.all(Array.from({ length: 16 }, (_, worker) => one(worker)));
        });
        assert.equal(hops.filter((hop) => hop === 'bind').length, 1, 'one connection: Samba takes concurrent calls');
      });
    }
  }

  test('calls that sleep at the server do not hold the others up', async (t) => {
    if (!(await requirePeer(t, 'samba'))) return;
    await withClient(session, { transport: 'TCP', security: NONE }, async (client) => {
      const echo = await client.bind(echoDeclaration);
      const order: string[] = [];
      const slow = echo.testSleep({ seconds: 1 }).then(() => order.push('slept'));
      for (let i = 0; i < 10; i++) await echo.addOne({ in_data: i });
      order.push('added');
      await slow;
      assert.deepEqual(order, ['added', 'slept']);
    });
  });
});
