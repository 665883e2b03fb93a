import { SHORT_LIMITS } from '../../src/live-proxy.ts';
import type { Outcome, Row, Seen } from './row.ts';

const COLUMNS = ['fault', 'time-out', 'client, IN', 'client, OUT', 'server', 'proxy forgot it', 'line in the log'];

const INTRODUCTION = `# What happens when something fails

Each row is a fault that was brought about against the running proxy; the cells say what each party saw, and how many
milliseconds after the fault. \`FIN\` is an orderly close, \`RST\` a reset, which is what a party gets
whose bytes were left unread; \`503\` is the uniform refusal, \`-\` a party that caused the fault or had no part in it. Where a time-out applies, the milliseconds include it. "Proxy forgot it" is when the
last connection and the last trace of the session were gone.

The rule behind the table: whatever leg ends, all end, within one second after the cause or after the time-out that
applies (what the kernels' buffers still take is progress), and nothing is left. A client learns nothing about the network behind the proxy: the refusals of servers that
are not allowed, do not exist, refuse or do not answer have the same bytes (but for the incident id) and come after the
same time.

The time-outs of these runs are short so that they can be waited for:
${Object.entries(SHORT_LIMITS)
  .filter(([name]) => name !== 'headTimeout')
  .map(([name, seconds]) => `${name} ${seconds} s`)
  .join(', ')}.
TCP keep-alive is as always: 30 s of silence, then ten questions a second apart, by the kernel's coarse timers.

This page is the output of a run. To make it anew: \`node packages/testkit/test/faults/table.ts > docs/faults.md\` (as root, or
the rows about vanishing machines are left out). \`npm test\` asserts every cell, and that this page has every row.
`;

/** The page docs/faults.md. */
export function page(outcomes: ReadonlyMap<Row, Outcome>): string {
  return `${INTRODUCTION}\n${table(outcomes)}\n`;
}

/** The table alone. */
export function table(outcomes: ReadonlyMap<Row, Outcome>): string {
  return [
    line(COLUMNS),
    line(COLUMNS.map(() => '---')),
    ...[...outcomes].map(([row, outcome]) => line(cells(row, outcome))),
  ].join('\n');
}

/** A row as it is found in the page once the milliseconds are taken out. */
export function expectedLine({ name, timeout, expected }: Row): string {
  return line([name, timeout?.[0] ?? '', expected.in, expected.out, expected.server, '', `\`${expected.log}\``]);
}

/** The page's lines without what differs from run to run. */
export function withoutTimes(text: string): string[] {
  return text.split('\n').map((one) => one.replaceAll(/(, )?\d+ ms/g, ''));
}

function cells({ name, timeout }: Row, { in: inSaw, out, server, gone, log }: Outcome): string[] {
  const forgot = gone === undefined ? '' : `${Math.round(gone)} ms`;
  const limit = timeout === undefined ? '' : `${timeout[0]}, ${timeout[1]} ms`;
  return [name, limit, cell(inSaw), cell(out), cell(server), forgot, `\`${log}\``];
}

function cell({ what, after }: Seen): string {
  return after === undefined ? what : `${what}, ${Math.round(after)} ms`;
}

function line(texts: readonly string[]): string {
  return `| ${texts.join(' | ')} |`;
}
