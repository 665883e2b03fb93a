import { FaultStatus } from './fault-status.ts';
import { PfcFlag } from './header.ts';
import type { Request } from './request.ts';
import type { ServerCall } from './server-call.ts';
import { ServerFault, type ServerFaultOptions } from './server-fault.ts';

/** Stub data of one request, all fragments together ([MS-RPCE] 3.3.3.5.4). */
export const MAX_REQUEST_STUB = 4 * 1024 * 1024;

const SECTION = '[MS-RPCE] 3.3.1.5.8';

/**
 * Joins the fragments of requests. Fragments of two requests never interleave ([MS-RPCE] 3.3.1.5.8), so there is at most
 * one call in the making, of at most {@link MAX_REQUEST_STUB} bytes.
 *
 * The faults are those of Windows and Samba: a client that breaks the order without having agreed on CONC_MPX is told so in the name
 * of the call that it had begun.
 */
export class RequestAssembler {
  #making: ServerCall | undefined;
  /** The call_id of a call that was refused at its first fragment; what follows of it is ignored ([MS-RPCE] 3.3.3.5.8). */
  #refused: number | undefined;

  /** The call whose fragments are not all in. */
  get making(): ServerCall | undefined {
    return this.#making;
  }

  /**
   * Whether a first fragment may come now: throws {@link ServerFault} where another call is still in the making. `foreign` says that
   * it comes in another security context, for the same presentation context.
   */
  assertFree(first: Request, multiplexed: boolean, foreign: (making: ServerCall) => boolean): void {
    this.#refused = undefined;
    const making = this.#making;
    if (making === undefined) return;
    const same = making.callId === first.callId;
    const status = same && foreign(making) ? FaultStatus.rpc_s_sec_pkg_error : FaultStatus.nca_s_proto_error;
    throw this.#interleaved(`call ${first.callId} begins amid call ${making.callId}`, multiplexed, {
      status,
      contextId: same ? making.context.id : 0,
    });
  }

  /** The call of a first fragment begins. */
  begin(call: ServerCall): void {
    this.#making = call;
  }

  /** A call was refused at its first fragment, which was not its last. */
  refuse(first: Request): void {
    if ((first.pfcFlags & PfcFlag.LAST_FRAG) === 0) this.#refused = first.callId;
  }

  /** The call in the making that a later fragment continues; undefined where there is none. Throws {@link ServerFault}. */
  continued(later: Request, multiplexed: boolean): ServerCall | undefined {
    const making = this.#making;
    if (making?.callId === later.callId) {
      if (making.littleEndian === later.littleEndian) return making;
      const { id } = making.context;
      const options = { contextId: id, pfcFlags: PfcFlag.DID_NOT_EXECUTE };
      throw new ServerFault('RPCH_FOREIGN_FRAGMENT', 'a fragment in another byte order', '[MS-RPCE] 2.2.2.11', options);
    }
    if (making === undefined) return undefined;
    throw this.#interleaved(`a fragment of call ${later.callId} amid call ${making.callId}`, multiplexed, {});
  }

  /** Whether a later fragment is of a call that was refused at its first, and therefore of no interest. */
  ignores(later: Request): boolean {
    if (this.#refused !== later.callId) return false;
    if ((later.pfcFlags & PfcFlag.LAST_FRAG) !== 0) this.#refused = undefined;
    return true;
  }

  /**
   * Adds a fragment's stub data; returns whether that was the last one. Throws {@link ServerFault} where the request is longer than
   * {@link MAX_REQUEST_STUB}, or says that it will be.
   */
  add(call: ServerCall, { pfcFlags, allocHint }: Request, stub: Uint8Array): boolean {
    const last = (pfcFlags & PfcFlag.LAST_FRAG) !== 0;
    const first = call.stubLength === 0 && (pfcFlags & PfcFlag.FIRST_FRAG) !== 0;
    const room = MAX_REQUEST_STUB - call.stubLength;
    // alloc_hint is a promise about fragments to come ([MS-RPCE] 2.2.2.6): of a request in one piece it promises nothing.
    if (stub.length > room || (allocHint > room && !(first && last))) {
      this.#making = undefined;
      throw new ServerFault('RPCH_REQUEST_TOO_LONG', `more than ${MAX_REQUEST_STUB} bytes`, '[MS-RPCE] 3.3.3.5.4', {
        status: FaultStatus.access_denied,
        callId: call.callId,
        contextId: call.context.id,
      });
    }
    call.append(stub, MAX_REQUEST_STUB);
    if (last) this.#making = undefined;
    return last;
  }

  #interleaved(why: string, multiplexed: boolean, told: ServerFaultOptions): ServerFault {
    const making = this.#making;
    const options = multiplexed || making === undefined ? told : { ...told, ...nameOf(making) };
    return new ServerFault('RPCH_INTERLEAVED_FRAGMENTS', why, SECTION, options);
  }
}

function nameOf(call: ServerCall): ServerFaultOptions {
  return { callId: call.callId, contextId: call.context.id };
}
