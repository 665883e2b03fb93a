import assert from 'node:assert/strict';
import { decodeBind } from '../../src/dcerpc/bind.ts';
import { encodeBindAck, type PResult } from '../../src/dcerpc/bind-ack.ts';
import { ClientAssociation, type ClientAssociationOptions } from '../../src/dcerpc/client-association.ts';
import type { ClientOutput } from '../../src/dcerpc/client-calls.ts';
import { encodeFault } from '../../src/dcerpc/fault.ts';
import { PduType, PfcFlag } from '../../src/dcerpc/header.ts';
import { openPdu, type Pdu } from '../../src/dcerpc/pdu.ts';
import type { PduProtection } from '../../src/dcerpc/pdu-protection.ts';
import { decodeRequest, type Request } from '../../src/dcerpc/request.ts';
import { encodeResponse } from '../../src/dcerpc/response.ts';
import type { AuthVerifier } from '../../src/dcerpc/sec-trailer.ts';
import { bindTimeFeatures, NDR, NO_SYNTAX } from '../../src/dcerpc/syntax-id.ts';
import type { RpchError } from '../../src/errors.ts';
import { ECHO } from '../../src/interfaces/echo.ts';
import { cut } from './support.ts';

export const ECHO_IDENTITY = { name: 'rpcecho', syntax: ECHO };

/** Lets everything that is ready run: promises, not time. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Fails a test, rather than the process, where a promise rejects before it is looked at. */
export function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Keeps what a client's association sends. */
export class ClientRecorder implements ClientOutput {
  readonly pdus: Uint8Array[] = [];
  ended: RpchError | undefined;
  hasRoom = true;
  /** It has said that it is full, and must be left alone. */
  full = false;
  /** Bytes sent so far. */
  sent = 0;

  send(run: Uint8Array, count: number): boolean {
    const pdus = cut(run);
    assert.equal(pdus.length, count);
    assert.equal(this.ended, undefined);
    assert.ok(!this.full, 'sent while the output was full');
    this.sent += run.length;
    this.pdus.push(...pdus);
    this.full = !this.hasRoom;
    return this.hasRoom;
  }

  end(why: RpchError): void {
    assert.equal(this.ended, undefined);
    this.ended = why;
  }

  /** The PDUs sent since the last call, opened. */
  take(): Pdu[] {
    return this.pdus.splice(0).map(openPdu);
  }
}

/** How a scripted server answers a bind. */
export interface Script {
  /** Flags of bind_ack and alter_context_resp; by default what was asked for. */
  readonly pfcFlags?: number;
  /** Bind-time features granted; undefined rejects the element, as servers do that do not know it. */
  readonly features?: number | undefined;
  readonly fragLength?: number;
  readonly result?: (element: number) => PResult;
  /** Tokens in all, both sides' together; the server's are even. */
  readonly legs?: number;
  /** How calls are protected once the legs are through. */
  readonly protection?: PduProtection | undefined;
}

/** A request, whole. */
export type WholeRequest = Request & { readonly fragments: number };

/**
 * The other end of a client's association, as a test wants it. Everything that it was sent is read; calls wait to be
 * answered.
 */
export class ScriptedServer {
  readonly output = new ClientRecorder();
  readonly association: ClientAssociation;
  readonly calls: WholeRequest[] = [];
  /** PTYPEs of everything that came, in its order. */
  readonly seen: number[] = [];
  /** bind, alter_context and auth3 as they came. */
  readonly legs: Pdu[] = [];
  readonly #script: Script;
  #parts: Uint8Array[] = [];
  #first: Request | undefined;
  #fragLength = 5840;

  constructor(script: Script = {}, options: Partial<ClientAssociationOptions> = {}) {
    this.#script = script;
    this.association = new ClientAssociation({ output: this.output, interfaces: [ECHO_IDENTITY], ...options });
  }

  /** Answers binds, and takes requests apart, until the client is silent. */
  async serve(): Promise<void> {
    await settle();
    while (this.output.pdus.length > 0) {
      for (const bytes of this.output.pdus.splice(0)) this.#take(bytes);
      await settle();
    }
  }

  /** Binds; rejects as the association does. */
  async bind(): Promise<this> {
    const bound = this.association.bind();
    bound.catch(() => {});
    await this.serve();
    await bound;
    return this;
  }

  /** Gives the client bytes, in memory that is no longer theirs when the call returns. */
  give(run: Uint8Array, count = 1): void {
    const lent = new Uint8Array(run);
    this.association.rpc(lent, count);
    lent.fill(0xdd);
  }

  /** The output has room again, for one more run where `hasRoom` is false. */
  drained(): void {
    this.output.full = false;
    this.association.drained();
  }

  answer(callId: number, stub: Uint8Array, { maxFrag = this.#fragLength, littleEndian = true } = {}): void {
    const run = this.response(callId, stub, { maxFrag, littleEndian });
    this.give(run.bytes, run.count);
  }

  response(callId: number, stub: Uint8Array, { maxFrag = this.#fragLength, littleEndian = true } = {}) {
    const call = { callId, stub, littleEndian, contextId: 0, cancelCount: 0 };
    return encodeResponse(call, maxFrag, this.#script.protection);
  }

  fault(callId: number, status: number, pfcFlags = 0): void {
    this.give(encodeFault({ callId, status, pfcFlags, littleEndian: true, contextId: 0, cancelCount: 0 }));
  }

  #take(bytes: Uint8Array): void {
    const pdu = openPdu(bytes);
    this.seen.push(pdu.ptype);
    switch (pdu.ptype) {
      case PduType.bind:
      case PduType.alter_context:
        this.legs.push(pdu);
        this.#acknowledge(pdu);
        return;
      case PduType.auth3:
        this.legs.push(pdu);
        return;
      case PduType.request:
        this.#script.protection?.open(bytes, pdu);
        this.#request(decodeRequest(pdu));
    }
  }

  #acknowledge(pdu: Pdu): void {
    const { legs = 0, fragLength = 5840, features } = this.#script;
    this.#fragLength = fragLength;
    const bind = decodeBind(pdu);
    const results = bind.elements.map(({ transferSyntaxes: [syntax] }, i): PResult => {
      if (syntax !== undefined && bindTimeFeatures(syntax) !== undefined) {
        if (features === undefined) return { result: 2, reason: 2, transferSyntax: NO_SYNTAX };
        return { result: 3, reason: features, transferSyntax: NO_SYNTAX };
      }
      return this.#script.result?.(i) ?? { result: 0, reason: 0, transferSyntax: NDR };
    });
    const trailer = pdu.secTrailer;
    const token = (trailer?.token[0] ?? 0) + 1;
    const verifier: AuthVerifier | undefined =
      trailer !== undefined && token <= legs ? { ...trailer, token: Uint8Array.of(token) } : undefined;
    const ack = encodeBindAck(
      {
        ptype: pdu.ptype === PduType.bind ? PduType.bind_ack : PduType.alter_context_resp,
        pfcFlags: this.#script.pfcFlags ?? bind.pfcFlags,
        callId: bind.callId,
        littleEndian: bind.littleEndian,
        maxXmitFrag: fragLength,
        maxRecvFrag: fragLength,
        assocGroupId: bind.assocGroupId === 0 ? 0x1234 : bind.assocGroupId,
        secondaryAddress: '',
        results,
      },
      verifier,
    );
    this.give(ack);
  }

  #request(part: Request): void {
    const first = (part.pfcFlags & PfcFlag.FIRST_FRAG) !== 0;
    assert.equal(first, this.#first === undefined, 'fragments of two requests interleave');
    this.#first ??= part;
    assert.equal(part.callId, this.#first.callId, 'fragments of two requests interleave');
    this.#parts.push(new Uint8Array(part.stub));
    if ((part.pfcFlags & PfcFlag.LAST_FRAG) === 0) return;
    const stub = new Uint8Array(Buffer.concat(this.#parts));
    this.calls.push({ ...this.#first, stub, fragments: this.#parts.length });
    this.#first = undefined;
    this.#parts = [];
  }

  /** An orphaned request is in the making no longer. */
  forgetRequest(): void {
    this.#first = undefined;
    this.#parts = [];
  }
}
