import assert from 'node:assert/strict';
import type { PduSink } from '../../src/dcerpc/deframer.ts';
import { fragLengthAt, PduType } from '../../src/dcerpc/header.ts';
import { ProtocolError } from '../../src/errors.ts';
import type { CommandName } from '../../src/rpch/commands.ts';
import { namesOf, RTS_PDUS } from '../../src/rpch/pdus.ts';
import type { OnTransition } from '../../src/rpch/role.ts';
import { type Field, parseRts, type RtsDefinition } from '../../src/rpch/rts.ts';
import { TRANSITIONS, type Transition } from '../../src/rpch/transitions.ts';

/** Bytes written as hexadecimal, with any white space. */
export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

export function cookie(byte: number): Uint8Array {
  return new Uint8Array(16).fill(byte);
}

/** The cookies of the protocol digest's examples. */
export const VC = cookie(0x11);
export const OUT = cookie(0x22);
export const IN = cookie(0x33);
export const GROUP = cookie(0x44);
export const NEXT_OUT = cookie(0x55);
export const NEXT_IN = cookie(0x66);

/** An RPC PDU of `length` bytes; `first` and `last` are its fragment flags. */
export function rpc(length: number, { ptype = PduType.request as number, first = true, last = true, fill = 0 } = {}) {
  const pdu = new Uint8Array(length).fill(fill);
  pdu.set([5, 0, ptype, (first ? 1 : 0) | (last ? 2 : 0), 0x10, 0, 0, 0, length & 0xff, length >> 8, 0, 0]);
  return pdu;
}

/** Several RPC PDUs back to back. */
export function run(...lengths: readonly number[]): Uint8Array {
  return new Uint8Array(Buffer.concat(lengths.map((length) => rpc(length))));
}

/** Asserts that `work` throws a ProtocolError, with that code if given. */
export function refused(work: () => unknown, code?: string): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof ProtocolError, `not a ProtocolError: ${String(error)}`);
    if (code !== undefined) assert.equal(error.code, code);
    return true;
  });
}

/** One line for each thing that a role did, in order: RTS PDUs by name, RPC runs as `rpc COUNT/BYTES`. */
export class Journal {
  readonly lines: string[] = [];
  readonly pdus: Uint8Array[] = [];
  rpcBytes = 0;

  note(line: string): void {
    this.lines.push(line);
  }

  sink(to: string): PduSink {
    return {
      rpc: (bytes, count) => {
        this.rpcBytes += bytes.length;
        this.lines.push(`${to} rpc ${count}/${bytes.length}`);
      },
      rts: (bytes) => {
        const pdu = new Uint8Array(bytes);
        assert.equal(fragLengthAt(pdu, 0), pdu.length);
        this.pdus.push(pdu);
        this.lines.push(`${to} ${namesOf(parseRts(pdu))[0]}`);
      },
    };
  }

  /** The lines since the last call. */
  take(): string[] {
    return this.lines.splice(0);
  }

  /** The last RTS PDU, decoded as that row. */
  last<Fields extends readonly Field[]>(row: RtsDefinition<Fields>) {
    const pdu = this.pdus.at(-1);
    assert.ok(pdu !== undefined, 'no RTS PDU was sent');
    return row.decode(parseRts(pdu));
  }
}

type AnyRow = RtsDefinition<readonly Field[]>;

/** What a {@link Journal} says of a PDU of this row: rows that look alike go by the name of the first of them. */
export function said(to: string, { name }: { readonly name: string }): string {
  const row = RTS_PDUS.find((known) => known.name === name);
  assert.ok(row !== undefined, name);
  return `${to} ${namesOf(parseRts(encodeRow(row, sampleOf(row))))[0]}`;
}

/** Every transition that was made in this process, as {@link transition} writes them. */
export const TRANSITIONS_MADE = new Set<string>();

/** A transition in one line. */
export function transition({ machine, from, event, to }: Omit<Transition, 'section'>): string {
  return `${machine}: ${from} --${event}--> ${to}`;
}

const KNOWN = new Set(TRANSITIONS.map(transition));

/** For `onTransition`: every transition must be one of the table. */
export const watch: OnTransition = (machine, from, event, to) => {
  const made = transition({ machine, from, event, to });
  assert.ok(KNOWN.has(made), `not in the table: ${made}`);
  TRANSITIONS_MADE.add(made);
};

/** Encodes a row of which only the table is known. */
export function encodeRow(row: AnyRow, values: Readonly<Record<string, unknown>>): Uint8Array {
  return row.encode(values as Parameters<AnyRow['encode']>[0]);
}

/** A valid value of each command that carries one. */
const SAMPLES: Readonly<Partial<Record<CommandName, unknown>>> = {
  ReceiveWindowSize: 65_536,
  FlowControlAck: { bytesReceived: 32_914, availableWindow: 65_536, channelCookie: OUT },
  ConnectionTimeout: 120_000,
  Cookie: cookie(0x77),
  ChannelLifetime: 1024 ** 3,
  ClientKeepalive: 300_000,
  Version: 1,
  Padding: 0,
  ClientAddress: { family: 4, address: Uint8Array.of(192, 168, 2, 254) },
  AssociationGroupId: GROUP,
  Destination: 0,
  PingTrafficSentNotify: 1040,
};

/** Valid values for every field of a row. */
export function sampleOf(row: AnyRow): Record<string, unknown> {
  const carried = row.fields.filter(([command]) => command in SAMPLES);
  return Object.fromEntries(carried.map(([command, field]) => [field, SAMPLES[command]]));
}
