import { after, describe, test } from 'node:test';
import type { RpcClient } from '@rpch/rpc';
import { dssetup } from '../../../src/idl/dssetup.ts';
import { samr } from '../../../src/idl/samr.ts';
import { requirePeer } from '../../../src/peers/requirePeer.ts';
import { callDssetup, callEcho, callEpm, callLsarpc, callMgmt, callSamr, refusedAtConnect } from './calls.ts';
import { nameOf, newSession, SECURITIES, TRANSPORTS, type Way, withClient } from './scene.ts';

describe('our client against Samba: every transport, every provider, every level', { concurrency: 3 }, () => {
  const session = newSession();
  after(() => session.close());

  const use = (way: Way, calls: (client: RpcClient) => Promise<void>) => withClient(session, way, calls);

  for (const transport of TRANSPORTS) {
    for (const security of SECURITIES) {
      for (const order of ['little-endian', 'big-endian']) {
        test(`${transport}, ${nameOf(security)}, ${order}`, async (t) => {
          if (!(await requirePeer(t, 'samba'))) return;
          const samba = await session.samba();
          const way = { transport, security, binding: order === 'big-endian' ? ['bigendian'] : [] };
          await use(way, async (client) => {
            await callEcho(client);
            await callMgmt(client);
          });
          await use({ ...way, endpoint: 'mapper' }, (client) => callEpm(client, samba));
          if ('level' in security && security.level === 'connect') {
            await use(way, (client) => refusedAtConnect(client, samr, samba));
            await use(way, (client) => refusedAtConnect(client, dssetup, samba));
          } else {
            await use(way, async (client) => {
              await callSamr(client, samba);
              await callDssetup(client, samba);
            });
            await use(way, callLsarpc);
          }
        });
      }
    }
  }
});
