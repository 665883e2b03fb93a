import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClientOf } from '../../src/dcerpc/interface-declaration.ts';
import { NDR } from '../../src/dcerpc/syntax-id.ts';
import { echoDeclaration } from '../../src/interfaces/echo.ts';
import { EptStatus, type epmDeclaration } from '../../src/interfaces/epm.ts';
import { decodeTower, encodeTower, type TowerProtocol } from '../../src/interfaces/towers.ts';
import { NULL_CONTEXT_HANDLE } from '../../src/ndr/mod.ts';
import { mapEndpoint } from '../../src/net/endpoint-resolution.ts';

type Mapper = ClientOf<typeof epmDeclaration>;
type Answer = Awaited<ReturnType<Mapper['map']>>;

const HANDLE = { attributes: 0, uuid: '12345678-1234-1234-1234-123456789abc' };
const tower = (protocol: TowerProtocol, port: number) => ({
  tower_octet_string: encodeTower({
    interface: echoDeclaration.syntax,
    transferSyntax: NDR,
    protocol,
    port,
    address: '10.0.0.1',
  }),
});

/** An endpoint mapper that gives one answer. */
function mapperOf(answer: Partial<Answer>) {
  const questions: Parameters<Mapper['map']>[0][] = [];
  const freed: unknown[] = [];
  const other = () => assert.fail('not asked for');
  const mapper: Mapper = {
    map: async (question) => {
      questions.push(question);
      return { towers: [], entry_handle: NULL_CONTEXT_HANDLE, result: EptStatus.ok, ...answer };
    },
    lookupHandleFree: async ({ entry_handle }) => {
      freed.push(entry_handle);
      return { entry_handle: NULL_CONTEXT_HANDLE, result: EptStatus.ok };
    },
    insert: other,
    delete: other,
    lookup: other,
  };
  return { mapper, questions, freed };
}

const ask = (mapper: Mapper, protocol: TowerProtocol = 'ncacn_ip_tcp', object?: string) =>
  mapEndpoint(mapper, echoDeclaration, protocol, object);

test('the question names interface, transfer syntax, protocol and object', async () => {
  for (const protocol of ['ncacn_ip_tcp', 'ncacn_http'] as const) {
    const { mapper, questions, freed } = mapperOf({ towers: [tower(protocol, 49001)] });
    assert.equal(await ask(mapper, protocol, HANDLE.uuid), 49001);
    const [question] = questions;
    assert.deepEqual(
      [question?.object, question?.entry_handle, questions.length],
      [HANDLE.uuid, NULL_CONTEXT_HANDLE, 1],
    );
    assert.deepEqual(decodeTower(question?.map_tower?.tower_octet_string ?? new Uint8Array()), {
      interface: echoDeclaration.syntax,
      transferSyntax: NDR,
      protocol,
      port: 0,
      address: '0.0.0.0',
    });
    assert.deepEqual(freed, []);
  }
});

test('the first tower of the protocol that has a port counts', async () => {
  const towers = [
    null,
    tower('ncacn_http', 1),
    tower('ncacn_ip_tcp', 0),
    tower('ncacn_ip_tcp', 2),
    tower('ncacn_ip_tcp', 3),
  ];
  assert.equal(await ask(mapperOf({ towers }).mapper), 2);
});

test('a walk that the mapper has not finished is given up, so that it keeps nothing', async () => {
  const { mapper, freed } = mapperOf({ towers: [tower('ncacn_ip_tcp', 2)], entry_handle: HANDLE });
  assert.equal(await ask(mapper), 2);
  assert.deepEqual(freed, [HANDLE]);
});

test('no endpoint, and a mapper that fails', async () => {
  for (const answer of [{ result: EptStatus.not_registered }, { towers: [] }, { towers: [tower('ncacn_http', 5)] }]) {
    await assert.rejects(ask(mapperOf(answer).mapper), (error: Error & { code: string; fault: string }) => {
      assert.deepEqual([error.code, error.fault], ['RPCH_NOT_REGISTERED', 'peer']);
      assert.match(error.message, /rpcecho .*ncacn_ip_tcp/);
      return true;
    });
  }
  await assert.rejects(ask(mapperOf({ result: EptStatus.ept_s_cant_perform_op }).mapper), {
    code: 'RPCH_MAPPER_FAILED',
    fault: 'peer',
  });
});

test('a tower that is none is an error of the peer', async () => {
  const towers = [{ tower_octet_string: Uint8Array.of(9, 9, 9) }];
  await assert.rejects(ask(mapperOf({ towers }).mapper), { name: 'ProtocolError' });
});
