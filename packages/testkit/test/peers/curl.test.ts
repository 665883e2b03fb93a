import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { type CurlRequest, curl } from '../../src/peers/curl.ts';
import { requirePeer } from '../../src/peers/requirePeer.ts';
import { PeerSession } from '../../src/peers/session.ts';

/** [MS-RPCH] 2.2.4.48: the Echo RTS PDU, RTS_FLAG_ECHO and no command. */
const ECHO_RTS = '0500140310000000140000000000000040000000';
/** The body of Windows' echo requests, [MS-RPCH] 2.1.2.1.5; it means nothing. */
const ECHO_REQUEST = Buffer.from('f8e81808', 'hex');

describe('curl', () => {
  const session = new PeerSession();
  after(() => session.close());

  for (const scheme of ['http', 'https'] as const) {
    for (const auth of ['basic', 'ntlm'] as const) {
      const ask = async (password: string | undefined, request: CurlRequest, query = '') => {
        const samba = await session.samba();
        const { url } = (await session.proxy())[scheme];
        const user = `${samba.domain}\\${samba.user.name}:${password ?? samba.user.password}`;
        return curl(url + query, { ...request, user, auth });
      };

      test(`GET of the RPC proxy's URL over ${scheme} with ${auth}: 200 and nothing else`, async (t) => {
        if (!((await requirePeer(t, 'samba')) && (await requirePeer(t, 'curl')))) return;
        const reply = await ask(undefined, {});
        assert.equal(reply.status, 200);
        assert.equal(reply.body.length, 0);
      });

      test(`the same with a wrong password over ${scheme} with ${auth}: 401`, async (t) => {
        if (!((await requirePeer(t, 'samba')) && (await requirePeer(t, 'curl')))) return;
        assert.equal((await ask('wrong', {})).status, 401);
      });

      test(`an echo request over ${scheme} with ${auth}: the Echo RTS PDU`, async (t) => {
        if (!((await requirePeer(t, 'samba')) && (await requirePeer(t, 'curl')))) return;
        const samba = await session.samba();
        const query = `?${samba.ip}:${samba.rpcPort}`;
        const reply = await ask(undefined, { method: 'RPC_IN_DATA', body: ECHO_REQUEST }, query);
        assert.equal(reply.status, 200);
        assert.equal(reply.contentType, 'application/rpc');
        assert.equal(Buffer.from(reply.body).toString('hex'), ECHO_RTS);
      });
    }

    test(`no account over ${scheme}: 401, for GET and for an echo request`, async (t) => {
      if (!((await requirePeer(t, 'samba')) && (await requirePeer(t, 'curl')))) return;
      const { url } = (await session.proxy())[scheme];
      assert.equal((await curl(url)).status, 401);
      assert.equal((await curl(url, { method: 'RPC_IN_DATA', body: ECHO_REQUEST })).status, 401);
    });
  }
});
