import { hexDump } from '@rpch/rpc/internal';
import type { Summary } from './decoder.ts';
import type { DecodeEvent } from './event.ts';

const INDENT = '    ';
/** Widths of the columns that come before what a PDU says. */
const WAY_WIDTH = 15;
const NAME_WIDTH = 14;

/** `18:21:00.123456`, UTC. */
function clockText(time: number): string {
  return isoTime(time)?.slice(11, -1) ?? `${time} µs`;
}

/** ISO 8601 with microseconds, UTC; undefined for a time that no calendar has. */
export function isoTime(time: number): string | undefined {
  const ms = Math.floor(time / 1000);
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return undefined;
  const micros = String(Math.floor(time - ms * 1000)).padStart(3, '0');
  return new Date(ms).toISOString().replace('Z', `${micros}Z`);
}

/** The lines for people: one, and with `verbose` the fields and a dump below it. */
export function eventText(event: DecodeEvent, verbose: boolean): string {
  const { kind, told, stream, way, length } = event;
  const when = event.time === undefined ? `@${String(event.offset).padStart(8, '0')}` : clockText(event.time);
  const words = told.words.join(', ');
  if (kind === 'stream') {
    const ends = event.from === undefined ? '' : `${event.from} → ${event.to}  `;
    return `${when}  #${stream}  ${ends}${words}\n`;
  }
  const size = length === 0 ? '' : `${length} bytes`;
  const line = [
    when,
    `#${stream}`,
    way.padEnd(WAY_WIDTH),
    told.name.padEnd(NAME_WIDTH),
    size === '' ? words : words === '' ? size : `${size}, ${words}`,
  ];
  let text = `${line.join('  ').trimEnd()}\n`;
  if (!verbose) return text;
  if (event.from !== undefined) text += `${INDENT}${event.from} → ${event.to}\n`;
  for (const detail of told.details) text += `${INDENT}${detail}\n`;
  for (const row of event.bytes === undefined ? [] : hexDump(event.bytes, told.hidden)) text += `${INDENT}${row}\n`;
  return text;
}

/** One line of JSON. */
export function eventJson(event: DecodeEvent, verbose: boolean): string {
  const { kind, told, stream, from, to, way, channel, virtualConnection, offset, length, bytes } = event;
  const time = event.time === undefined ? undefined : isoTime(event.time);
  const more = verbose
    ? { details: told.details, ...(bytes === undefined ? {} : { dump: hexDump(bytes, told.hidden) }) }
    : {};
  const text = told.words.join(', ');
  return `${JSON.stringify({ kind, time, stream, from, to, way, channel, virtualConnection, offset, length, name: told.name, ...told.fields, text, ...more })}\n`;
}

const KIND_NAMES: Readonly<Record<string, string>> = {
  other: 'of other protocols',
  nothing: 'without content',
  channel: 'channel without HTTP',
};

/** The summary for people. */
export function summaryText(summary: Summary): string {
  const streams = Object.entries(summary.streams).map(([kind, count]) => `${count} ${KIND_NAMES[kind] ?? kind}`);
  const begun = summary.begun === undefined ? undefined : isoTime(summary.begun);
  const lines = [
    '',
    'Summary',
    ...(summary.packets === 0
      ? []
      : [`  ${summary.packets} packets${begun === undefined ? '' : `, the first at ${begun}`}`]),
    `  streams: ${streams.join(', ') || 'none'}`,
    `  PDUs: ${summary.pdus}`,
    ...summary.virtualConnections.map((connection) => {
      const legs = connection.legs.map(
        ({ side, channel, stream }) =>
          `${channel.toUpperCase()} #${stream}${side === 'server' ? ' (proxy to server)' : ''}`,
      );
      return `  virtual connection ${connection.cookie}: ${legs.join(', ')}; ${connection.opened ? 'opened' : 'not opened'}${connection.recycled ? ', recycled' : ''}`;
    }),
    ...(summary.noteworthy.length === 0
      ? ['  nothing noteworthy']
      : ['  noteworthy:', ...summary.noteworthy.map((note) => `    - ${note}`)]),
  ];
  return `${lines.join('\n')}\n`;
}

/** The summary as one line of JSON. */
export function summaryJson(summary: Summary): string {
  const begun = summary.begun === undefined ? undefined : isoTime(summary.begun);
  return `${JSON.stringify({ kind: 'summary', ...summary, begun })}\n`;
}
