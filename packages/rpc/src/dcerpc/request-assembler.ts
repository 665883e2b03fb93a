import { ProtocolError } from '../errors.ts';
import { RpcFaultError } from './fault.ts';
import { FaultStatus } from './fault-status.ts';
import { PfcFlag } from './header.ts';
import type { Request } from './request.ts';

/** Stub data of one request, all fragments together ([MS-RPCE] 3.3.3.5.4). */
export const MAX_REQUEST_STUB = 4 * 1024 * 1024;

/** How far behind the newest call_id the rest of a call that was refused may be ([MS-RPCE] 3.3.3.5.6). */
const STALE_CALLS = 150;

const SECTION = '[MS-RPCE] 2.2.2.11';

interface Assembly {
  readonly first: Request;
  /** Stub data so far, and room for more. */
  stub: Uint8Array;
  length: number;
}

/**
 * Joins the fragments of requests. Fragments of two requests never interleave ([MS-RPCE] 3.3.1.5.8), so there is at most
 * one request in the making, of at most {@link MAX_REQUEST_STUB} bytes.
 */
export class RequestAssembler {
  #assembly: Assembly | undefined;
  #newestCallId: number | undefined;

  /**
   * Takes one fragment; returns the whole request with a stub of its own when this was the last one. `admit` is asked at
   * the first fragment and refuses by throwing: the remaining fragments are then ignored.
   *
   * Throws RpcFaultError where this call fails and the association goes on, {@link ProtocolError} where fragments are
   * not those of one request after the other.
   */
  add(request: Request, admit: (first: Request) => void): Request | undefined {
    const assembly = (request.pfcFlags & PfcFlag.FIRST_FRAG) !== 0 ? this.#begin(request, admit) : this.#find(request);
    if (assembly === undefined) return undefined;
    const size = assembly.length + request.stub.length;
    if (size > MAX_REQUEST_STUB) {
      this.#assembly = undefined;
      throw new RpcFaultError(FaultStatus.access_denied, `a request of more than ${MAX_REQUEST_STUB} bytes`);
    }
    append(assembly, request.stub);
    if ((request.pfcFlags & PfcFlag.LAST_FRAG) === 0) return undefined;
    this.#assembly = undefined;
    // [MS-RPCE] 2.2.2.6. Only of the first fragment: impacket repeats the whole length in those that follow.
    const { allocHint } = assembly.first;
    if (allocHint > size) {
      throw new RpcFaultError(FaultStatus.nca_s_proto_error, `alloc_hint ${allocHint} of ${size} bytes`);
    }
    return { ...assembly.first, stub: assembly.stub.subarray(0, size) };
  }

  /** Forgets a request in the making: its client has orphaned it. */
  drop(callId: number): void {
    if (this.#assembly?.first.callId === callId) this.#assembly = undefined;
  }

  #begin(first: Request, admit: (first: Request) => void): Assembly {
    if (this.#assembly !== undefined) {
      throw new ProtocolError(
        'RPCH_INTERLEAVED_FRAGMENTS',
        `call ${first.callId} begins amid another`,
        '[MS-RPCE] 3.3.1.5.8',
      );
    }
    if (this.#newestCallId === undefined || behind(first.callId, this.#newestCallId) < 0x80000000) {
      this.#newestCallId = first.callId;
    }
    admit(first);
    const assembly = { first, stub: new Uint8Array(first.stub.length), length: 0 };
    this.#assembly = assembly;
    return assembly;
  }

  /** The request that a later fragment continues; undefined where it continues one that was refused. */
  #find(request: Request): Assembly | undefined {
    const assembly = this.#assembly;
    if (assembly === undefined) {
      if (this.#newestCallId !== undefined && behind(this.#newestCallId, request.callId) < STALE_CALLS)
        return undefined;
      throw new ProtocolError('RPCH_NO_SUCH_CALL', `call ${request.callId} never began`, '[MS-RPCE] 3.3.3.5.6');
    }
    const { first } = assembly;
    if (
      request.callId !== first.callId ||
      request.contextId !== first.contextId ||
      request.opnum !== first.opnum ||
      request.littleEndian !== first.littleEndian
    ) {
      throw new ProtocolError('RPCH_FOREIGN_FRAGMENT', `a fragment that is not of call ${first.callId}`, SECTION);
    }
    return assembly;
  }
}

/** Doubles the room as needed, so that fragments of one byte cost no more than long ones; never past the limit. */
function append(assembly: Assembly, part: Uint8Array): void {
  const needed = assembly.length + part.length;
  if (needed > assembly.stub.length) {
    const grown = new Uint8Array(Math.min(MAX_REQUEST_STUB, Math.max(needed, assembly.stub.length * 2)));
    grown.set(assembly.stub.subarray(0, assembly.length));
    assembly.stub = grown;
  }
  assembly.stub.set(part, assembly.length);
  assembly.length = needed;
}

/** How many calls lie between `older` and `newer`: call_id counts up, and around at 32 bits. */
function behind(newer: number, older: number): number {
  return (newer - older) >>> 0;
}
