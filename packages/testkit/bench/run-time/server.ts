/** The server that is measured, in a process of its own: `server.ts PORT`; rpcecho on 127.0.0.1, with NTLM for one account. */
import { randomBytes } from 'node:crypto';
import { echoInterface, NtlmAcceptor, ntowfv1, serveTcp } from '@rpch/rpc/internal';
import { ACCOUNT } from './account.ts';

const ntHash = ntowfv1(ACCOUNT.password);
await serveTcp({
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  interfaces: [echoInterface],
  security: {
    ntlm: () =>
      new NtlmAcceptor({
        target: { netbiosDomain: ACCOUNT.domain, netbiosComputer: 'BENCH' },
        now: Date.now,
        random: randomBytes,
        lookup: async (user) => (user.toLowerCase() === ACCOUNT.name ? ntHash : undefined),
      }),
  },
  log: (line) => process.stderr.write(`${line}\n`),
});
process.stderr.write('ready\n');
