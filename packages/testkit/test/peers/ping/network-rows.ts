import { silentPort } from '../../faults/refusal-rows.ts';
import {
  AUTHORITY,
  EXPIRED,
  GOOD,
  NOT_YET_VALID,
  OTHER_NAME,
  SELF_SIGNED,
  type TestCertificate,
} from './certificates.ts';
import type { PingRow } from './row.ts';
import { AS_ALICE, answerHeads, HURRIED, through } from './stage.ts';

const SSH = 'SSH-2.0-OpenSSH_9.2p1\r\n';
const SMTP = '220 mail.example.org ESMTP Postfix\r\n';

/** Rows about names, ports, what else may listen there, and TLS. */
export const NETWORK_ROWS: readonly PingRow[] = [
  {
    name: 'the name of the RPC Proxy does not exist',
    hop: 'DNS',
    cause: /the name .* does not exist/,
    // A label of more than 63 characters: no DNS server is needed to say so.
    prepare: async () => {
      const name = `${'x'.repeat(64)}.example.org`;
      const words = [[name, 'NAME']] as const;
      return { args: [`ncacn_http:demo[6001,RpcProxy=${name}:443]`, ...AS_ALICE], words };
    },
  },
  {
    name: 'nothing listens on the port of the RPC Proxy',
    hop: 'TCP',
    cause: /nothing listens on/,
    prepare: async (stage) => ({ args: [through(await stage.closedPort()), ...AS_ALICE] }),
  },
  {
    name: 'the machine of the RPC Proxy answers no packet',
    hop: 'TCP',
    cause: /no answer .* packets are swallowed/,
    prepare: async (stage) => {
      const { port, release } = await silentPort();
      stage.defer(release);
      return { args: [through(port), ...AS_ALICE, ...HURRIED] };
    },
  },
  {
    name: 'nothing listens on the port of the RPC server, over TCP',
    hop: 'TCP',
    cause: /nothing listens on/,
    prepare: async (stage) => ({ args: [`ncacn_ip_tcp:127.0.0.1[${await stage.closedPort()}]`] }),
  },
  speaking('an SSH server', /an SSH server/, SSH),
  speaking('a mail server', /a mail server/, SMTP),
  {
    name: 'a program that says nothing is on the port of the RPC Proxy',
    hop: 'HTTP',
    cause: /does not answer HTTP/,
    prepare: async (stage) => ({ args: [through(await stage.listen(() => {})), ...AS_ALICE, ...HURRIED] }),
  },
  {
    name: 'a program that hangs up at once is on the port of the RPC Proxy',
    hop: 'HTTP',
    cause: /ended it without an answer/,
    prepare: async (stage) => ({ args: [through(await stage.listen((socket) => socket.end())), ...AS_ALICE] }),
  },
  {
    name: 'plain http is spoken to a TLS port',
    hop: 'HTTP',
    cause: /speaks TLS, and was spoken to in plain http/,
    prepare: async (stage) => ({ args: [through(await stage.listenTls(GOOD)), ...AS_ALICE] }),
  },
  {
    name: 'TLS is spoken to a plain http port',
    hop: 'TLS',
    cause: /speaks plain http, not TLS/,
    prepare: async (stage) => {
      const live = await stage.proxyTo(await stage.rpcServer());
      return { args: [through(live.port), '--https', ...AS_ALICE] };
    },
  },
  {
    name: 'TLS is spoken to an SSH server',
    hop: 'TLS',
    cause: /does not speak TLS: it is an SSH server/,
    prepare: async (stage) => {
      const port = await stage.listen((socket) => socket.write(SSH));
      return { args: [through(port), '--https', ...AS_ALICE] };
    },
  },
  {
    name: 'a program that says nothing is on the port of an RPC Proxy with TLS',
    hop: 'TLS',
    cause: /says nothing to TLS/,
    prepare: async (stage) => ({ args: [through(await stage.listen(() => {})), '--https', ...AS_ALICE, ...HURRIED] }),
  },
  certified('its certificate is self-signed', /self-signed/, SELF_SIGNED, false),
  certified('its certificate is from an authority that is not known here', /authority .* does not know/, GOOD, false),
  certified('its certificate is for another name', /for other names/, OTHER_NAME, true),
  certified('its certificate has expired', /has expired/, EXPIRED, true),
  certified('its certificate is not valid yet', /not valid yet/, NOT_YET_VALID, true),
  {
    name: 'it speaks no newer TLS than 1.1',
    hop: 'TLS',
    cause: /no version or cipher that this client accepts/,
    prepare: async (stage) => {
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
      const port = await stage.listenTls({ ...GOOD, ...old });
      return { args: [through(port), '--https', ...AS_ALICE] };
    },
  },
];

/** Something that speaks first is where the RPC Proxy should be. */
function speaking(program: string, cause: RegExp, banner: string): PingRow {
  return {
    name: `${program} is on the port of the RPC Proxy`,
    hop: 'HTTP',
    cause,
    prepare: async (stage) => {
      const port = await stage.listen((socket) => {
        socket.write(banner);
        answerHeads(socket, () => '');
      });
      return { args: [through(port), ...AS_ALICE] };
    },
  };
}

function certified(name: string, cause: RegExp, certificate: TestCertificate, known: boolean): PingRow {
  return {
    name,
    hop: 'TLS',
    cause,
    prepare: async (stage) => {
      const authority = known ? ['--ca', stage.file(AUTHORITY)] : [];
      return { args: [through(await stage.listenTls(certificate)), '--https', ...authority, ...AS_ALICE] };
    },
  };
}
