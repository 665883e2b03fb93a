import assert from 'node:assert/strict';
import { AssociationGroups } from '../../src/dcerpc/association-groups.ts';
import type { ContextElement } from '../../src/dcerpc/bind.ts';
import { type Bind, encodeBind } from '../../src/dcerpc/bind.ts';
import { fragLengthAt, PduType, PfcFlag } from '../../src/dcerpc/header.ts';
import { openPdu, type Pdu } from '../../src/dcerpc/pdu.ts';
import { encodeRequest } from '../../src/dcerpc/request.ts';
import {
  type AssociationOutput,
  ServerAssociation,
  type ServerAssociationOptions,
} from '../../src/dcerpc/server-association.ts';
import { ServerStatistics } from '../../src/dcerpc/server-statistics.ts';
import { NDR } from '../../src/dcerpc/syntax-id.ts';
import { ProtocolError, type RpchError } from '../../src/errors.ts';
import { ECHO, echoInterface } from '../../src/interfaces/echo.ts';

/** Bytes written as hexadecimal, with any white space. */
export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

/** Asserts that `work` gives a value or a ProtocolError, and nothing else. */
export function valueOrProtocolError(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof ProtocolError, `not a ProtocolError: ${String(error)}`);
  }
}

/** Cuts a run into its PDUs, each a copy. */
export function cut(run: Uint8Array): Uint8Array[] {
  const pdus: Uint8Array[] = [];
  let at = 0;
  while (at < run.length) {
    const end = at + fragLengthAt(run, at);
    pdus.push(new Uint8Array(run.subarray(at, end)));
    at = end;
  }
  assert.equal(at, run.length);
  return pdus;
}

/** Keeps what an association sends and reports. */
export class Recorder implements AssociationOutput {
  readonly pdus: Uint8Array[] = [];
  readonly failures: RpchError[] = [];
  /** Messages of refused calls. */
  readonly refusals: string[] = [];
  ended: RpchError | undefined;
  /** The association has ended, with {@link ended} or without a reason. */
  over = false;
  held = false;
  hasRoom = true;

  send(run: Uint8Array, count: number): boolean {
    const pdus = cut(run);
    assert.equal(pdus.length, count);
    assert.ok(!this.over);
    this.pdus.push(...pdus);
    return this.hasRoom;
  }

  hold(held: boolean): void {
    assert.notEqual(this.held, held);
    this.held = held;
  }

  end(why: RpchError | undefined): void {
    assert.ok(!this.over);
    this.over = true;
    this.ended = why;
  }

  handlerFailed(why: RpchError): void {
    this.failures.push(why);
  }

  callRefused(why: RpchError): void {
    this.refusals.push(why.message);
  }

  /** The PDUs sent since the last call, opened. */
  take(): Pdu[] {
    return this.pdus.splice(0).map(openPdu);
  }

  /** The only PDU sent since the last call. */
  takeOne(): Pdu {
    const [pdu, ...more] = this.take();
    assert.equal(more.length, 0);
    assert.ok(pdu !== undefined, 'nothing was sent');
    return pdu;
  }
}

/** A server's association of the echo interface, or of what `changes` says. */
export function serverAssociation(output: AssociationOutput, changes: Partial<ServerAssociationOptions> = {}) {
  return new ServerAssociation({
    interfaces: [echoInterface],
    groups: new AssociationGroups(),
    client: 'a',
    secondaryAddress: '49001',
    peer: { transport: 'tcp', address: '127.0.0.1', label: '127.0.0.1:1', clientAddressHint: undefined },
    statistics: new ServerStatistics(),
    output,
    ...changes,
  });
}

export const ECHO_ELEMENT: ContextElement = { contextId: 0, abstractSyntax: ECHO, transferSyntaxes: [NDR] };

export function bindPdu(changes: Partial<Bind> = {}): Uint8Array {
  return encodeBind({
    ptype: PduType.bind,
    pfcFlags: PfcFlag.CONC_MPX,
    callId: 1,
    littleEndian: true,
    maxXmitFrag: 5840,
    maxRecvFrag: 5840,
    assocGroupId: 0,
    elements: [ECHO_ELEMENT],
    ...changes,
  });
}

/** A request of the echo interface in fragments of at most `maxFrag` bytes. */
export function requestRun(
  callId: number,
  opnum: number,
  stub: Uint8Array,
  { littleEndian = true, contextId = 0, maxFrag = 5840 } = {},
): Uint8Array {
  return encodeRequest({ callId, littleEndian, contextId, opnum, stub }, maxFrag).bytes;
}

export function u32(value: number, littleEndian = true): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, littleEndian);
  return bytes;
}

/** len and a conformant array: the stub of EchoData and SinkData. */
export function sizedBytes(data: Uint8Array, littleEndian = true): Uint8Array {
  return Buffer.concat([u32(data.length, littleEndian), u32(data.length, littleEndian), data]);
}
