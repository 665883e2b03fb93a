import type { PduSink } from '../dcerpc/deframer.ts';
import { ProtocolError } from '../errors.ts';

/**
 * State Open_Start of proxies and servers: nothing is known of a connection before its first PDU, which must be an RTS PDU
 * and says whose it is ([MS-RPCH] 3.2.3.5, 3.2.4.5, 3.2.5.5). Everything after it goes to whom `begin` returns.
 */
export class OpenStart implements PduSink {
  readonly #begin: (pdu: Uint8Array) => PduSink;
  #next: PduSink | undefined;

  /** @param begin takes the first PDU; throws ProtocolError for one that cannot be it. */
  constructor(begin: (pdu: Uint8Array) => PduSink) {
    this.#begin = begin;
  }

  rpc(run: Uint8Array, count: number): void {
    if (this.#next === undefined) {
      throw new ProtocolError('RPCH_RPC_TOO_EARLY', 'RPC PDU in state Open_Start', '[MS-RPCH] 3.2');
    }
    this.#next.rpc(run, count);
  }

  rts(pdu: Uint8Array): void {
    if (this.#next === undefined) this.#next = this.#begin(pdu);
    else this.#next.rts(pdu);
  }
}
