import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { chooseEndpoint } from '../../src/access/choose-endpoint.ts';
import { type ConnectTo, type Endpoints, formatConnectTo, parseConnectTo } from '../../src/access/connect-to.ts';

const TEXTS = ['10.0.0.1:7135', '10.0.0.2:7135', 'unix:/run/rpch/a.sock', '[::1]:7135', 'dc1.example.org:135'] as const;

function endpoints(texts: readonly string[]): Endpoints {
  const [first, ...others] = texts.map((text) => parseConnectTo(text));
  return [first ?? assert.fail('no endpoint'), ...others];
}

/** 16 bytes that are the same in every run. */
function cookie(at: number): Uint8Array {
  return createHash('sha256').update(String(at)).digest().subarray(0, 16);
}

function choose(texts: readonly string[], of: Uint8Array): string {
  return formatConnectTo(chooseEndpoint(endpoints(texts), of));
}

test('the choice is fixed: proxies of different versions must agree', () => {
  // Computed by another program: the greatest SHA-256 of cookie and key, IPv6 addresses in eight groups.
  const expected = [4, 3, 4, 3, 3, 0, 1, 4];
  assert.deepEqual(
    expected.map((_, at) => choose(TEXTS, cookie(at))),
    expected.map((at) => TEXTS[at]),
  );
  assert.equal(choose(['a:1'], cookie(0)), 'a:1');
});

test('the order of the list and the spelling of an address do not count', () => {
  const cookies = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(
    fc.property(cookies, fc.shuffledSubarray([...TEXTS], { minLength: TEXTS.length }), (of, shuffled) => {
      assert.equal(choose(shuffled, of), choose(TEXTS, of));
    }),
  );
  for (let at = 0; at < 100; at++) {
    const short = chooseEndpoint(endpoints(['[::1]:1', 'A.:1']), cookie(at));
    const long = chooseEndpoint(endpoints(['[0:0:0:0:0:0:0:1]:1', 'a:1']), cookie(at));
    const kind = (to: ConnectTo) => 'host' in to && to.host === 'a';
    assert.equal(kind(short), kind(long));
  }
});

test('an endpoint that is taken away moves only its own virtual connections, and evenly', () => {
  const removed = TEXTS[2];
  const rest = TEXTS.filter((text) => text !== removed);
  const heirs = new Map<string, number>();
  let moved = 0;
  for (let at = 0; at < 2000; at++) {
    const before = choose(TEXTS, cookie(at));
    const after = choose(rest, cookie(at));
    if (before !== removed) {
      assert.equal(after, before);
      continue;
    }
    moved++;
    heirs.set(after, (heirs.get(after) ?? 0) + 1);
  }
  assert.ok(moved > 300 && moved < 500, `${moved} of 2000`);
  assert.equal(heirs.size, rest.length);
  for (const count of heirs.values()) assert.ok(count > moved / 8 && count < moved / 2.5, `${count} of ${moved}`);
});

test('virtual connections spread evenly, also those whose cookies count up', () => {
  const kinds: ((at: number) => Uint8Array)[] = [
    cookie,
    (at) => {
      const bytes = new Uint8Array(16);
      new DataView(bytes.buffer).setUint32(12, at);
      return bytes;
    },
  ];
  for (const kind of kinds) {
    const counts = new Map<string, number>();
    for (let at = 0; at < 5000; at++) {
      const chosen = choose(TEXTS, kind(at));
      counts.set(chosen, (counts.get(chosen) ?? 0) + 1);
    }
    assert.equal(counts.size, TEXTS.length);
    // 1000 each is expected, with a standard deviation of 28.
    for (const [text, count] of counts) assert.ok(Math.abs(count - 1000) < 170, `${text}: ${count}`);
  }
});
