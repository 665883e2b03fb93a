import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decode, names } from './support.ts';

const captures = fileURLToPath(new URL('../../../testkit/peers/captures/', import.meta.url));

/** Secrets that are in the captures: NTLMv2 responses are found by what follows their 16 bytes of proof. */
function ntlmResponses(text: string): string[] {
  return [...text.matchAll(/([0-9a-f]{32})0101000000000000[0-9a-f]{16}/g)].map((match) => match[1] ?? '');
}

for (const name of readdirSync(captures)) {
  const session = readFileSync(`${captures}${name}/session.txt`, 'utf8');
  test(`${name}: every PDU of the session is told, none is damaged, no secret shows`, () => {
    const told = decode(session);
    const recorded = [...session.matchAll(/ pdu (\w+) frag_length=(\d+)/g)].map(([, type, length]) => [
      type,
      Number(length),
    ]);
    const pdus = told.events.filter(({ kind }) => kind === 'pdu');
    assert.ok(recorded.length > 0);
    assert.deepEqual(
      pdus.map(({ told: { fields }, length }) => [fields.rtsFlags === undefined ? undefined : 'rts', length]),
      recorded.map(([type, length]) => [type === 'rts' ? 'rts' : undefined, length]),
    );
    for (const [index, { told: pdu }] of pdus.entries()) {
      const type = recorded[index]?.[0];
      if (type !== 'rts') assert.equal(pdu.name, type);
    }
    const reserved = [
      'kind',
      'time',
      'stream',
      'from',
      'to',
      'way',
      'channel',
      'virtualConnection',
      'offset',
      'length',
      'name',
      'text',
    ];
    for (const event of told.events) for (const key of reserved) assert.ok(!(key in event.told.fields), key);
    const opening = ['CONN/A1', 'CONN/A3', 'CONN/B1', 'CONN/C2'];
    assert.deepEqual(
      names(told)
        .filter((n) => n.startsWith('CONN/'))
        .sort(),
      opening,
    );
    assert.equal(told.summary.virtualConnections.length, 1);
    assert.equal(told.summary.virtualConnections[0]?.opened, true);
    const shown = told.verbose.replace(/^ {4}[0-9a-f]{8} {2}/gm, '').replace(/[^0-9a-f*]/g, '');
    for (const secret of ntlmResponses(session))
      assert.ok(!shown.includes(secret.slice(8, 24)), 'a response to a challenge shows');
  });
}

test('what went wrong in the real sessions is noted', () => {
  const noted = (name: string): string =>
    decode(readFileSync(`${captures}${name}/session.txt`, 'utf8')).summary.noteworthy.join('\n');
  assert.match(
    noted('freerdp-https-ntlm'),
    /fault nca_s_unk_if on call 2 \(TsProxyRpcInterface opnum 1 TsProxyCreateTunnel\)/,
  );
  assert.match(
    noted('impacket-exchanger-https'),
    /the server does not offer NSPI v56\.0 \(abstract_syntax_not_supported\)/,
  );
  assert.equal(noted('samba-http-ntlm'), '');
});
