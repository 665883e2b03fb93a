import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProtocolError } from '../../src/errors.ts';
import { ResponseDrain } from '../../src/net/drained-response.ts';
import { challengesOf } from '../../src/net/http-challenges.ts';
import { HttpLogin } from '../../src/net/http-login.ts';
import { parseResponseHead } from '../../src/net/http-response.ts';

const basic = { user: 'alice', password: 'x' };
const CHANNEL = { hop: 'RPC Proxy', private: false, channelBindings: undefined } as const;
const BASIC_ONLY = parseResponseHead(Buffer.from('HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'));

test('Basic is not sent where others can read it, unless that is allowed', async () => {
  const expected = { code: 'RPCH_INSECURE_BASIC', fault: 'caller', message: /https or NTLM, or allow it/ };
  await assert.rejects(HttpLogin.begin({ ...CHANNEL, credentials: { scheme: 'basic', basic } }), expected);
  const asking = await HttpLogin.begin({ ...CHANNEL, credentials: { scheme: 'auto', basic } });
  assert.deepEqual([asking.field, asking.last], [undefined, false]);
  await assert.rejects(asking.refused(BASIC_ONLY), expected);
  for (const channel of [
    { ...CHANNEL, private: true, credentials: { scheme: 'auto', basic } },
    { ...CHANNEL, credentials: { scheme: 'auto', basic, allowInsecureBasic: true } },
  ] as const) {
    const login = await HttpLogin.begin(channel);
    assert.equal(await login.refused(BASIC_ONLY), true);
    assert.deepEqual([login.field, login.last], ['Basic YWxpY2U6eA==', true]);
  }
});

test('the schemes of a response, one a field or several', () => {
  const of = (...values: string[]) =>
    challengesOf(values).map(({ scheme, rest }) => (rest === '' ? scheme : `${scheme}|${rest}`));
  assert.deepEqual(of('NTLM', 'Basic realm="x"'), ['ntlm', 'basic|realm="x"']);
  assert.deepEqual(of('Negotiate, NTLM TlRM+/==, Basic realm="a, \\" NTLM b", charset="UTF-8"'), [
    'negotiate',
    'ntlm|TlRM+/==',
    'basic|realm="a, \\" NTLM b", charset="UTF-8"',
  ]);
  assert.deepEqual(of('', ',', ' , x=y', '"', 'Digest realm = x, qop = "auth"'), ['digest|realm = x, qop = "auth"']);
});

test('a response is read to its end wherever it is cut, and what follows is left', () => {
  for (const text of [
    'HTTP/1.1 401 x\r\nContent-Length: 4\r\n\r\npage',
    'HTTP/1.1 100 c\r\n\r\nHTTP/1.1 401 x\r\nTransfer-Encoding: Chunked\r\n\r\n4 ;a=b\r\npage\r\n0A\r\n0123456789\r\n0\r\nX: y\r\n\r\n',
    'HTTP/1.1 204 x\r\n\r\n',
  ]) {
    for (let cut = 0; cut <= text.length; cut++) {
      const drain = new ResponseDrain(false);
      const first = drain.push(Buffer.from(text.slice(0, cut)));
      assert.equal(first !== undefined, cut === text.length, `${cut} of ${text.length}`);
      const whole = first ?? drain.push(Buffer.from(`${text.slice(cut)}next`));
      assert.equal(whole?.reusable, true);
      assert.equal(whole?.rest.toString(), first === undefined ? 'next' : '');
    }
  }
});

test('the answer to CONNECT has no body; one without a length ends with its connection', () => {
  const tunnel = new ResponseDrain(true).push(Buffer.from('HTTP/1.0 200 x\r\nContent-Length: 5\r\n\r\nother'));
  assert.equal(tunnel?.rest.toString(), 'other');
  assert.equal(new ResponseDrain(false).push(Buffer.from('HTTP/1.1 401 x\r\n\r\npage'))?.reusable, false);
});

test('whether a connection is kept', () => {
  const keeps = (version: string, ...fields: string[]) =>
    parseResponseHead(Buffer.from([`HTTP/1.${version} 401 x`, ...fields, '', ''].join('\r\n'))).keepsConnection;
  assert.deepEqual(
    [keeps('1'), keeps('1', 'Connection: x, Close'), keeps('1', 'Proxy-Connection: close')],
    [true, false, false],
  );
  assert.deepEqual([keeps('0'), keeps('0', 'Connection: Keep-Alive')], [false, true]);
});

test('any bytes are a response or a ProtocolError', () => {
  const token = fc.constantFrom(
    'HTTP/1.1 401 x\r\n',
    'Transfer-Encoding: chunked\r\n',
    'Content-Length: 9',
    '\r\n',
    '4\r\n',
    'ff',
    '0\r\n',
    ' ',
  );
  const text = fc.array(fc.oneof(token, fc.string()), { maxLength: 12 });
  fc.assert(
    fc.property(text, (pieces) => {
      const drain = new ResponseDrain(false);
      try {
        for (const piece of pieces) if (drain.push(Buffer.from(piece, 'latin1')) !== undefined) return;
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
      }
    }),
  );
});
