import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AssociationGroups } from '../../src/dcerpc/association-groups.ts';
import { ClientAssociation, type ClientAssociationOptions } from '../../src/dcerpc/client-association.ts';
import type { RpcInterface } from '../../src/dcerpc/rpc-interface.ts';
import {
  type AcceptorResult,
  AuthLevel,
  type MessageProtection,
  type SecurityAcceptor,
} from '../../src/dcerpc/security-context.ts';
import { ServerAssociation } from '../../src/dcerpc/server-association.ts';
import { ServerStatistics } from '../../src/dcerpc/server-statistics.ts';
import { RpchError } from '../../src/errors.ts';
import { ECHO, EchoOpnum, echoInterface } from '../../src/interfaces/echo.ts';
import { ECHO_IDENTITY, settle } from './client-support.ts';
import { FakeInitiator, FakeProtection } from './fake-security.ts';
import { sizedBytes, u32 } from './support.ts';

/** Accepts what a FakeInitiator of as many legs sends. */
class FakeAcceptor implements SecurityAcceptor {
  readonly #legs: number;
  readonly #protection: FakeProtection;
  #next = 1;

  constructor(legs: number, negotiable: boolean, canSeal = true) {
    this.#legs = legs;
    this.#protection = new FakeProtection({ negotiable, canSeal });
  }

  get complete(): boolean {
    return this.#next > this.#legs;
  }

  async step(token: Uint8Array): Promise<AcceptorResult> {
    await Promise.resolve();
    if (token[0] !== this.#next) return { kind: 'refused', why: 'out of order' };
    const answer = this.#next < this.#legs ? Uint8Array.of(this.#next + 1) : undefined;
    this.#next += 2;
    if (!this.complete && answer !== undefined) return { kind: 'challenge', token: answer };
    const protection = (): MessageProtection => this.#protection;
    return { kind: 'accepted', token: answer, protection, user: 'alice', domain: 'PEER', workstation: '' };
  }
}

interface Link {
  readonly client: ClientAssociation;
  readonly server: ServerAssociation;
  readonly ends: (RpchError | undefined)[];
  /** Carries PDUs both ways until there are none. */
  carry(): Promise<void>;
  /** Carries until `promise` is settled. */
  until<T>(promise: Promise<T>): Promise<T>;
}

/** A client's and a server's association, and what is between them; `fullAfter` PDUs the client's output is full. */
function link(
  options: Partial<ClientAssociationOptions> = {},
  acceptor?: () => SecurityAcceptor,
  served: RpcInterface = echoInterface,
  fullAfter = Number.POSITIVE_INFINITY,
): Link {
  const toServer: Uint8Array[] = [];
  const toClient: Uint8Array[] = [];
  const ends: (RpchError | undefined)[] = [];
  const client = new ClientAssociation({
    interfaces: [ECHO_IDENTITY],
    output: {
      send: (run) => toServer.push(new Uint8Array(run)) < fullAfter,
      end: (why) => ends.push(why),
    },
    ...options,
  });
  let held = false;
  const server = new ServerAssociation({
    interfaces: [served],
    groups: new AssociationGroups(),
    client: 'a',
    secondaryAddress: '49001',
    peer: { transport: 'tcp', address: '127.0.0.1', label: '127.0.0.1:1', clientAddressHint: undefined },
    statistics: new ServerStatistics(),
    ...(acceptor !== undefined && { security: { ntlm: acceptor } }),
    output: {
      send: (run) => {
        toClient.push(new Uint8Array(run));
        return true;
      },
      hold: (now) => {
        held = now;
      },
      end: (why) => ends.push(why),
      handlerFailed: (why) => assert.fail(why),
      callRefused: (why) => assert.fail(why),
    },
  });
  const carry = async () => {
    await settle();
    while (toServer.length + toClient.length > 0) {
      if (!held) for (const run of toServer.splice(0)) server.rpc(run, 0);
      for (const run of toClient.splice(0)) client.rpc(run, 0);
      client.drained();
      await settle();
    }
  };
  const until = async <T>(promise: Promise<T>) => {
    promise.catch(() => {});
    await carry();
    return promise;
  };
  return { client, server, ends, carry, until };
}

const echoed = (data: Uint8Array, littleEndian: boolean) => Buffer.concat([u32(data.length, littleEndian), data]);

test('calls of the echo interface, alone and together', async () => {
  const { client, until, ends } = link();
  await until(client.bind());
  assert.equal(client.settled?.multiplexed, true);
  const contextId = client.contextOf(ECHO);
  const answer = await until(client.call({ contextId, opnum: EchoOpnum.AddOne, stub: u32(41) }));
  assert.deepEqual(new Uint8Array(answer.stub), u32(42));
  const calls = Array.from({ length: 16 }, (_, i) => {
    const littleEndian = i % 2 === 0;
    const call = { contextId, opnum: EchoOpnum.AddOne, stub: u32(i, littleEndian), littleEndian };
    return client.callAndDecode(call, (stub, little) =>
      new DataView(stub.buffer, stub.byteOffset).getUint32(0, little),
    );
  });
  assert.deepEqual(
    await until(Promise.all(calls)),
    calls.map((_, i) => i + 1),
  );
  await assert.rejects(until(client.call({ contextId, opnum: 99, stub: u32(0) })), { status: 0x1c010002 });
  assert.deepEqual(ends, []);
});

test('requests and responses of any size, at every level, legs of every number, through an output that fills up', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        length: fc.oneof(fc.nat(200), fc.nat(200_000)),
        littleEndian: fc.boolean(),
        maxFrag: fc.integer({ min: 1432, max: 6000 }),
        legs: fc.constantFrom(0, 2, 3, 4),
        authLevel: fc.constantFrom(AuthLevel.connect, AuthLevel.packet, AuthLevel.integrity, AuthLevel.privacy),
        negotiable: fc.boolean(),
      }),
      async ({ length, littleEndian, maxFrag, legs, authLevel, negotiable }) => {
        const protection = new FakeProtection({ negotiable });
        const security = legs === 0 ? undefined : { initiator: new FakeInitiator(legs, protection), authLevel };
        const acceptor = () => new FakeAcceptor(legs, negotiable);
        const { client, until, ends } = link({ maxFrag, security }, acceptor, echoInterface, 1);
        await until(client.bind());
        const contextId = client.contextOf(ECHO);
        const data = Uint8Array.from({ length }, (_, i) => (i * 5) & 0xff);
        for (let round = 0; round < 3; round++) {
          const stub = sizedBytes(data, littleEndian);
          const calls = [1, 2, 3].map(() => client.call({ contextId, opnum: EchoOpnum.EchoData, stub, littleEndian }));
          for (const answer of await until(Promise.all(calls))) {
            assert.ok(echoed(data, littleEndian).equals(answer.stub));
          }
        }
        assert.deepEqual(ends, []);
      },
    ),
    { numRuns: 60 },
  );
});

test('a server that refuses the token', async () => {
  const initiator = new FakeInitiator(3);
  const security = { initiator, authLevel: AuthLevel.privacy };
  const bind = link({ security }, () => new FakeAcceptor(1, false));
  await assert.rejects(bind.until(bind.client.bind()), { name: 'ProtocolError', code: 'RPCH_NO_TOKEN' });
  const none = link({ security: { initiator: new FakeInitiator(3), authLevel: AuthLevel.privacy } });
  await assert.rejects(none.until(none.client.bind()), { code: 'RPCH_BIND_REFUSED' });
});

test('level privacy is refused in a context that cannot encrypt, by either side ([MS-RPCE] 2.2.1.1.8)', async () => {
  const signing = () => new FakeProtection({ canSeal: false });
  // The last of three legs has no answer: it shows at the call.
  const refusals = [
    [2, 'RPCH_CANNOT_SEAL'],
    [3, 'RPCH_UNPROTECTED_CALL'],
    [4, 'RPCH_RPC_AUTH_REFUSED'],
  ] as const;
  for (const [legs, code] of refusals) {
    const initiator = () => new FakeInitiator(legs, signing());
    const client = link({ security: { initiator: initiator(), authLevel: AuthLevel.privacy } }, () => {
      return new FakeAcceptor(legs, false);
    });
    await assert.rejects(client.until(client.client.bind()), { code: 'RPCH_CANNOT_SEAL', fault: 'peer' });

    const below = link({ security: { initiator: initiator(), authLevel: AuthLevel.integrity } }, () => {
      return new FakeAcceptor(legs, false, false);
    });
    await below.until(below.client.bind());
    const call = { contextId: 0, opnum: EchoOpnum.AddOne, stub: u32(1) };
    assert.deepEqual(new Uint8Array((await below.until(below.client.call(call))).stub), u32(2));

    const security = { initiator: new FakeInitiator(legs), authLevel: AuthLevel.privacy };
    const server = link({ security }, () => new FakeAcceptor(legs, false, false));
    const called = server.client.bind().then(() => server.client.call(call));
    await assert.rejects(server.until(called), RpchError);
    assert.equal(server.ends[0]?.code, code);
  }
});

test('a cancelled call ends at the server as well', async () => {
  let aborted = 0;
  const served: RpcInterface = {
    name: 'slow',
    syntax: ECHO,
    handle: (_opnum, _stub, _littleEndian, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          aborted++;
          reject(signal.reason);
        });
      }),
  };
  const { client, until, carry } = link({}, undefined, served);
  await until(client.bind());
  assert.equal(client.settled?.features, 2 | (client.settled?.features ?? 0));
  const controller = new AbortController();
  const call = client.call({ contextId: 0, opnum: 0, stub: u32(1) }, { signal: controller.signal });
  call.catch(() => {});
  await carry();
  controller.abort();
  await assert.rejects(until(call), { code: 'RPCH_CALL_CANCELLED', mayHaveExecuted: true });
  assert.equal(aborted, 1);
  const late = client.call({ contextId: 0, opnum: 0, stub: u32(1) }, { timeout: 10 });
  late.catch(() => {});
  await carry();
  client.tick(0);
  client.tick(10);
  await assert.rejects(late, { code: 'RPCH_CALL_TIMED_OUT' });
  await carry();
  assert.equal(aborted, 2);
  assert.ok(client.bound);
});
