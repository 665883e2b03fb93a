import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Deframer } from '../../src/dcerpc/deframer.ts';
import { AuthLevel } from '../../src/dcerpc/security-context.ts';
import { ProtocolError, RpchError } from '../../src/errors.ts';
import { ScriptedServer } from './client-support.ts';
import { FakeInitiator, fakeProtection } from './fake-security.ts';
import { hex } from './support.ts';

const CALL = { contextId: 0, opnum: 1, stub: hex('29000000') };
const LOST = new RpchError('RPCH_CONNECTION_LOST', 'network', 'the connection was reset');

/** A bound association with four calls under way; protected or not. */
async function busy(isProtected: boolean) {
  const protection = isProtected ? fakeProtection() : undefined;
  const security = { initiator: new FakeInitiator(3), authLevel: AuthLevel.privacy };
  const server = await new ScriptedServer(
    { features: 2, ...(isProtected && { legs: 3, protection }) },
    { maxResponse: 100_000, ...(isProtected && { security }) },
  ).bind();
  const calls = [0, 1, 2, 3].map(() => server.association.call(CALL));
  for (const call of calls) call.catch(() => {});
  await server.serve();
  return { server, calls };
}

/** Gives bytes as a transport does; what is no stream of PDUs ends the connection. */
async function receive({ server, calls }: Awaited<ReturnType<typeof busy>>, bytes: Uint8Array): Promise<void> {
  try {
    new Deframer().push(bytes, server.association);
  } catch (error) {
    assert.ok(error instanceof ProtocolError, String(error));
    server.association.lost(error);
  }
  server.association.lost(LOST);
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === 'rejected') assert.ok(result.reason instanceof RpchError, String(result.reason));
  }
  const { ended } = server.output;
  assert.ok(ended === undefined || ended instanceof ProtocolError || ended.name === 'RpcFaultError', String(ended));
}

/** A PDU of the types that clients get, whose body is anything. */
const anyPdu = fc
  .record({
    ptype: fc.constantFrom(0, 2, 2, 2, 3, 3, 12, 13, 15, 17, 18, 19),
    flags: fc.constantFrom(0, 1, 2, 3, 3, 0x23, 0x83),
    drep: fc.constantFrom(0x10, 0x10, 0, 0x20),
    authLength: fc.constantFrom(0, 0, 0, 8, 16, 60),
    callId: fc.integer({ min: 0, max: 9 }),
    body: fc.uint8Array({ maxLength: 120 }),
  })
  .map(({ ptype, flags, drep, authLength, callId, body }) => {
    const bytes = Buffer.concat([hex('05000000 10000000 0000 0000 00000000'), body]);
    bytes[2] = ptype;
    bytes[3] = flags;
    bytes[4] = drep;
    const little = drep === 0x10;
    if (little) {
      bytes.writeUInt16LE(bytes.length, 8);
      bytes.writeUInt16LE(authLength, 10);
      bytes.writeUInt32LE(callId, 12);
    } else {
      bytes.writeUInt16BE(bytes.length, 8);
      bytes.writeUInt16BE(authLength, 10);
      bytes.writeUInt32BE(callId, 12);
    }
    return bytes;
  });

test('random PDUs answer calls or end the association by a typed error', async () => {
  for (const isProtected of [false, true]) {
    await fc.assert(
      fc.asyncProperty(fc.array(anyPdu, { maxLength: 8 }), async (pdus) => {
        await receive(await busy(isProtected), new Uint8Array(Buffer.concat(pdus)));
      }),
      { numRuns: 400 },
    );
  }
});

test('random bytes do the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      await receive(await busy(false), bytes);
    }),
    { numRuns: 100 },
  );
});

test('true answers with damage anywhere are answers, or a typed error', async () => {
  for (const isProtected of [false, true]) {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.integer({ min: 1, max: 255 }), async (where, change) => {
        const scene = await busy(isProtected);
        const runs = scene.server.calls.map(({ callId }) =>
          scene.server.response(callId, new Uint8Array(300), { maxFrag: 128 }),
        );
        const bytes = new Uint8Array(Buffer.concat(runs.map((run) => run.bytes)));
        const at = where % bytes.length;
        bytes[at] = (bytes[at] as number) ^ change;
        await receive(scene, bytes);
        if (!isProtected) return;
        const answered = (await Promise.allSettled(scene.calls)).filter(({ status }) => status === 'fulfilled');
        assert.ok(answered.length < scene.calls.length, 'damage went unnoticed');
      }),
      { numRuns: 300 },
    );
  }
});
