import type { PingRow, Said } from './row.ts';
import { SECTIONS } from './rows.ts';

const COLUMNS = ['what is broken', 'hop', 'what ping says', 'what it says to check', 'does it name the cause?'];

const INTRODUCTION = `# rpch ping: what it says, and what it means

\`rpch ping\` goes the whole way to an RPC server and back, and tells each hop with its time and with what was found there:

\`\`\`
$ rpch ping 'ncacn_http:demo[6101,RpcProxy=127.0.0.1:8080]' -u alice -p wonderland
hop                        took       total  found
DNS                      1.1 ms      1.1 ms  127.0.0.1 is an address already
TCP                      2.0 ms      3.1 ms  127.0.0.1, port 8080
HTTP                     7.4 ms     10.5 ms  401 Unauthorized, offers Basic, NTLM
HTTP authentication     12.0 ms     22.5 ms  NTLM is accepted
proxy                    0.2 ms     22.7 ms  200 Success
server                   1.1 ms     23.8 ms  demo:6101 is connected
bind                     3.7 ms     27.5 ms  association group 0x1, fragments of 5840 bytes, concurrent calls; ...
interface                1.6 ms     29.1 ms  rpcecho v1.0 is offered
call                     2.9 ms     32.0 ms  rpcecho: 0 and 1 are 1
\`\`\`

It exits with 0 when a call was answered, with 1 when something on the way failed, with 2 when it was called wrongly. Hops are on
stdout, a failure is on stderr; \`--json\` prints one object with all of it. \`-n\` repeats the call and prints the shortest,
average and longest time. \`HTTP proxy\`, \`TLS\`, \`RPC authentication\` and \`endpoint mapper\` are there where they are on the way.

- The login's last leg is the channel's request itself, so that the time of \`HTTP authentication\` includes that in which the
  proxy reaches the server (or waits before it refuses).
- Without an endpoint in the binding the server's endpoint mapper is asked first, over a connection of its own.
- The call is rpcecho's AddOne where the server has that interface; else one to its management interface, which the run-time of
  every server offers, and which tells what else is offered. \`--interface EMSMDB\` looks for another interface, and binds it.
- \`-u\` and \`-p\` are for the RPC Proxy; they are for the calls as well where \`--rpc-auth\`, \`--level\` or an option of the
  binding asks for RPC authentication. A password that is left out is asked for.
- When something at the first hops fails, ping looks a second time at the port, without sending any secret: whether it speaks TLS
  and shows which certificate, whether it speaks HTTP, or what it says by itself.

\`rpch endpoints BINDING\` lists what is registered with an endpoint mapper, over TCP (port 135) or through an RPC Proxy (593).

## Set-ups that are broken on purpose

Each row is a set-up that was made for real, and what ping printed. \`PORT\`, \`NAME\`, \`TIME\` and \`ID\` stand for what differs from run
to run. A client outside is not told why the proxy does not reach a server: all those refusals are one 503, and ping prints the
incident id under which the proxy's log has the reason; the last column quotes it.

This page is the output of a run. To make it anew: \`node packages/testkit/test/peers/ping/table.ts > docs/ping.md\` (as root, with Samba
installed). \`npm test\` makes every set-up again and asserts that this page says what ping says.
`;

/** The page docs/ping.md. */
export function page(said: ReadonlyMap<PingRow, Said>): string {
  const sections = SECTIONS.map(([title, rows]) =>
    [
      `### ${title}`,
      '',
      line(COLUMNS),
      line(COLUMNS.map(() => '---')),
      ...rows.flatMap((row) => {
        const found = said.get(row);
        return found === undefined ? [] : [tableLine(row, found)];
      }),
    ].join('\n'),
  );
  return `${INTRODUCTION}\n${sections.join('\n\n')}\n`;
}

/** A row as it stands in the page. */
export function tableLine({ name }: PingRow, { hop, what, check, names }: Said): string {
  return line([name, hop, what, check, names]);
}

function line(texts: readonly string[]): string {
  return `| ${texts.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`;
}
