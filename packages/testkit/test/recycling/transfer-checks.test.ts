import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeRequest, encodeResponse, fragLengthAt, openPdu } from '@rpch/rpc/internal';
import { differences, growthFaults, recyclingFaults, shareOf } from '../../src/transfer/checks.ts';
import { RequestSource } from '../../src/transfer/request-source.ts';
import { eachPdu, ResponseCheck } from '../../src/transfer/response-check.ts';
import { formatSize, parseSize } from '../../src/transfer/sizes.ts';
import { plannedCall, TransferOpnum } from '../../src/transfer/traffic.ts';
import type { TransferOutcome } from '../../src/transfer/transfer-client.ts';
import { type TransferDigest, transferInterface } from '../../src/transfer/transfer-interface.ts';

const FRAGMENT = 5840;

/** The stubs of the first calls that a client makes, joined from their fragments. */
function requestStubs(calls: number): Buffer[] {
  const source = new RequestSource();
  const stubs: Buffer[] = [];
  let parts: Uint8Array[] = [];
  while (source.calls < calls || !source.betweenCalls) {
    const { bytes, count } = source.next();
    let seen = 0;
    eachPdu(bytes, (at, end) => {
      seen++;
      const pdu = openPdu(bytes.slice(at, end));
      const { stub } = decodeRequest(pdu);
      assert.ok(end - at <= plannedCall(source.calls - 1).fragment);
      parts.push(stub);
    });
    assert.equal(seen, count);
    if (source.betweenCalls) {
      stubs.push(Buffer.concat(parts));
      parts = [];
    }
  }
  return stubs;
}

/** What a server answers to them, in fragments. */
function responses(calls: number): Buffer {
  const server = transferInterface();
  const runs = requestStubs(calls).map((stub, number) => {
    const answer = server.handle(TransferOpnum.Exchange, stub, true) as Uint8Array;
    const call = { callId: number + 1, contextId: 0, littleEndian: true, cancelCount: 0, stub: answer };
    return encodeResponse(call, FRAGMENT).bytes.slice();
  });
  return Buffer.concat(runs);
}

function check(run: Uint8Array): ResponseCheck {
  const checked = new ResponseCheck();
  eachPdu(run, (at, end) => checked.take(run, at, end));
  return checked;
}

test('what client and server make fits together, and both have the same checksums', () => {
  const server = transferInterface();
  const source = new RequestSource();
  let sent = 0;
  for (const stub of requestStubs(24))
    sent += server.handle(TransferOpnum.Exchange, stub, true) instanceof Uint8Array ? 1 : 0;
  while (source.calls < 24 || !source.betweenCalls) source.next();
  const checked = check(responses(24));
  const digest = JSON.parse(
    Buffer.from(server.handle(TransferOpnum.Digest, new Uint8Array(0), true) as Uint8Array).toString(),
  ) as TransferDigest;
  assert.deepEqual(digest, {
    calls: sent,
    received: source.data.offset,
    receivedSha256: source.data.digest,
    sent: checked.data.offset,
    sentSha256: checked.data.digest,
  });
  assert.equal(source.data.offset, checked.data.offset, 'in every dozen calls as much goes one way as the other');
});

test('a byte that differs, a PDU that is missing, doubled or in the wrong place is found by the client', () => {
  const good = responses(12);
  const first = fragLengthAt(good, 0);
  const second = fragLengthAt(good, first);
  const [one, two, rest] = [
    good.subarray(0, first),
    good.subarray(first, first + second),
    good.subarray(first + second),
  ];
  assert.equal(check(good).calls, 12);
  for (const at of [24, 31, first - 1, good.length - 1]) {
    const bad = Buffer.from(good);
    bad[at] = (bad[at] ?? 0) ^ 1;
    assert.throws(() => check(bad), /must come|wrong data at byte/, `byte ${at}`);
  }
  assert.throws(() => check(Buffer.concat([one, rest])));
  assert.throws(() => check(Buffer.concat([one, one, two, rest])));
  assert.throws(() => check(Buffer.concat([two, one, rest])));
});

test('a byte that differs, and a call that is missing or doubled, is found by the server', () => {
  const [one, two, three] = requestStubs(3);
  assert.ok(one !== undefined && two !== undefined && three !== undefined);
  const serve = (...stubs: readonly Buffer[]): void => {
    const server = transferInterface();
    for (const stub of stubs) server.handle(TransferOpnum.Exchange, stub, true);
  };
  serve(one, two, three);
  const bad = Buffer.from(one);
  bad[one.length - 1] = (bad.at(-1) ?? 0) ^ 0x80;
  assert.throws(() => serve(bad), { message: `wrong data at byte ${one.length - 17} of the stream` });
  assert.throws(() => serve(one, three), /must come/);
  assert.throws(() => serve(one, one), /must come/);
});

const OUTCOME: TransferOutcome = {
  sent: 10,
  received: 20,
  calls: 3,
  sentSha256: 'a',
  receivedSha256: 'b',
  server: { calls: 3, received: 10, receivedSha256: 'a', sent: 20, sentSha256: 'b' },
  seconds: 1,
  counters: { recycledIn: { R1: 0, R2: 5 }, recycledOut: { R1: 0, R2: 4 }, pingsSent: 0, pingsReceived: 0 },
};

test('ends that disagree, recyclings that are missing or of the wrong kind, growth', () => {
  assert.deepEqual(differences(OUTCOME), []);
  assert.deepEqual(differences({ ...OUTCOME, sentSha256: 'c', received: 21 }), [
    'SHA-256 of requests: c at the client, a at the server',
    'bytes of responses: 21 at the client, 20 at the server',
  ]);
  assert.deepEqual(recyclingFaults({ recyclings: 4 }, 'one', 131_072, OUTCOME), []);
  assert.deepEqual(recyclingFaults({ recyclings: 5 }, 'split', 131_072, OUTCOME), [
    'OUT channels were recycled 4 times, at least 5 were due',
  ]);
  assert.deepEqual(recyclingFaults({ bytes: 11 }, 'alternate', 131_072, OUTCOME), [
    '9 recyclings were R2: alternate allows none',
    '10 bytes were sent and 20 received, 11 were to be',
  ]);
  const marks = (...seen: readonly (readonly [share: number, kept: number, rss: number])[]) =>
    seen.map(([share, kept, rss]) => ({ share, kept, rss }));
  const memory = [
    { name: 'flat', marks: marks([0.1, 5, 50], [0.5, 10, 100], [1, 15, 110]), peak: 200 },
    { name: 'leaks', marks: marks([0.1, 5, 50], [0.5, 10, 100], [1, 16, 110]), peak: 111 },
    { name: 'swells', marks: marks([0.1, 5, 50], [0.5, 10, 100], [1, 10, 111]), peak: 111 },
    { name: 'brief', marks: marks([0.8, 5, 50], [1, 10, 100], [1, 10, 100]), peak: 111 },
    { name: 'unseen', marks: [], peak: 111 },
  ];
  assert.deepEqual(growthFaults(memory, { kept: 5, rss: 10 }), [
    'leaks keeps more by 6 bytes in the second half, 5 are allowed',
    'swells is resident with more by 11 bytes in the second half, 10 are allowed',
    'brief: too short a run to say anything about its memory',
    'unseen: too short a run to say anything about its memory',
  ]);
  assert.equal(shareOf({ bytes: 40 }, OUTCOME), 0.5);
  assert.equal(shareOf({ recyclings: 8 }, OUTCOME), 0.5);
});

test('sizes as people write them', () => {
  const texts = ['131072', '128KiB', '1.5 GiB', '5GiB', '5GB', '-1', ''];
  assert.deepEqual(texts.map(parseSize), [
    131_072,
    131_072,
    1_610_612_736,
    5_368_709_120,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual([1, 131_072, 1_610_612_736].map(formatSize), ['1 bytes', '128 KiB', '1.5 GiB']);
});
