import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatStringBinding, parseStringBinding, type StringBinding } from '../../src/dcerpc/string-binding.ts';
import { RpchError } from '../../src/errors.ts';

const UUID = 'a4f1db00-ca47-1067-b31f-00dd010662da';

/** As an object literal, which compares and prints. */
function parse(text: string) {
  const { options, ...rest } = parseStringBinding(text);
  return { ...rest, options: Object.fromEntries(options) };
}

for (const [text, expected] of [
  ['ncacn_http:server', { protocol: 'ncacn_http', networkAddress: 'server', options: {} }],
  ['ncacn_ip_tcp:', { protocol: 'ncacn_ip_tcp', networkAddress: '', options: {} }],
  ['NCACN_HTTP:server[]', { protocol: 'ncacn_http', networkAddress: 'server', options: {} }],
  [
    `${UUID}@ncacn_http:server[6001,RpcProxy=proxy:443,HttpConnectOption=UseHttpProxy]`,
    {
      object: UUID,
      protocol: 'ncacn_http',
      networkAddress: 'server',
      endpoint: '6001',
      options: { rpcproxy: 'proxy:443', httpconnectoption: 'UseHttpProxy' },
    },
  ],
  [
    'ncacn_http:server[, RPCPROXY = proxy , seal]',
    { protocol: 'ncacn_http', networkAddress: 'server', options: { rpcproxy: 'proxy', seal: '' } },
  ],
  [
    'ncacn_http:server[RpcProxy=proxy,6001]',
    { protocol: 'ncacn_http', networkAddress: 'server', endpoint: '6001', options: { rpcproxy: 'proxy' } },
  ],
  [
    'ncacn_http:server[RpcProxy=proxy,endpoint=6001]',
    { protocol: 'ncacn_http', networkAddress: 'server', endpoint: '6001', options: { rpcproxy: 'proxy' } },
  ],
  ['ncacn_ip_tcp:fe80::1[135]', { protocol: 'ncacn_ip_tcp', networkAddress: 'fe80::1', endpoint: '135', options: {} }],
  [
    `ncacn_http:${UUID}@example.org[6001]`,
    { protocol: 'ncacn_http', networkAddress: `${UUID}@example.org`, endpoint: '6001', options: {} },
  ],
  [
    'ncacn_np:\\\\\\\\server[\\\\pipe\\\\x\\]\\,y,Rpc\\=P=\\ z\\ ]',
    { protocol: 'ncacn_np', networkAddress: '\\\\server', endpoint: '\\pipe\\x],y', options: { 'rpc=p': ' z ' } },
  ],
] as const) {
  test(`the binding ${text}`, () => assert.deepEqual(parse(text), expected));
}

for (const [text, why] of [
  ['server', /a protocol and a colon are expected/],
  ['[6001]ncacn_http:x', /bracket/],
  ['ncacn_http:server[6001', /bracket/],
  ['ncacn_http:server[6001]x', /bracket/],
  ['ncacn_http:a]b[6001', /bracket/],
  ['ncacn_http:server6001]', /bracket/],
  ['ncacn_http:server[6001\\]', /bracket/],
  ['ncacn_http:server\\', /quotes nothing/],
  ['http:server', /"http" is no protocol sequence/],
  ['ncacn_http:server[6001,,x=y]', /an option is empty/],
  ['ncacn_http:server[6001,x=y,X=z]', /option X stands twice/],
  ['ncacn_http:server[6001,endpoint=6002]', /endpoint stands twice/],
  [`ncacn_http:${'x'.repeat(4096)}`, /longer than 4096/],
] as const) {
  test(`no binding: ${text.slice(0, 60)}`, () => {
    assert.throws(() => parseStringBinding(text), { code: 'RPCH_STRING_BINDING', fault: 'caller', message: why });
  });
}

const field = fc.string({ unit: 'grapheme', maxLength: 20 });
/** Characters of the grammar, and blanks, more often than by chance. */
const awkward = fc.string({
  unit: fc.constantFrom('\\', '[', ']', ',', '=', '@', ':', ' ', '\t', '\n', 'a', '7'),
  maxLength: 8,
});
const word = fc.oneof(field, awkward);
const binding: fc.Arbitrary<StringBinding> = fc.record(
  {
    object: word,
    protocol: fc.constantFrom('ncacn_http', 'ncacn_ip_tcp', 'ncadg_ip_udp'),
    networkAddress: word,
    endpoint: word.filter((endpoint) => endpoint !== ''),
    options: fc
      .uniqueArray(
        fc.tuple(
          word.map((name) => name.toLowerCase()),
          word,
        ),
        { selector: ([name]) => name, maxLength: 4 },
      )
      .map(
        (entries) =>
          new Map(entries.filter(([name]) => name !== '' && name !== 'endpoint' && name.toLowerCase() === name)),
      ),
  },
  { requiredKeys: ['protocol', 'networkAddress', 'options'], noNullPrototype: true },
);

test('what is written is read as the same', () => {
  fc.assert(fc.property(binding, (each) => assert.deepEqual(parseStringBinding(formatStringBinding(each)), each)));
});

test('any text is a binding or RPCH_STRING_BINDING, and a binding is written so that it is read as the same', () => {
  const text = fc.oneof(
    fc.string(),
    awkward.map((rest) => `ncacn_http:${rest}`),
    awkward.map((rest) => `ncacn_http:a[${rest}]`),
  );
  fc.assert(
    fc.property(text, (each) => {
      try {
        const parsed = parseStringBinding(each);
        assert.deepEqual(parseStringBinding(formatStringBinding(parsed)), parsed);
      } catch (error) {
        if (!(error instanceof RpchError)) throw error;
        assert.equal(error.code, 'RPCH_STRING_BINDING');
      }
    }),
  );
});
