import type { PduSink } from '@rpch/rpc/internal';
import { isGreeting, readAckOf, type SenderAudit } from './flow-audit.ts';
import type { Hop } from './hops.ts';
import type { Surroundings } from './surroundings.ts';

/** What a role writes PDUs to where the other role is in the same process: they arrive at once. */
export class LocalWire implements PduSink {
  readonly hop: Hop;
  readonly name: string;
  readonly #world: Surroundings;
  readonly #sink: PduSink;
  readonly #audits: { readonly ours: SenderAudit | undefined; readonly theirs: SenderAudit | undefined };

  /**
   * @param ours keeps account of the RPC PDUs that are written here.
   * @param theirs keeps account of the other way, which acknowledgements written here are for.
   */
  constructor(world: Surroundings, hop: Hop, name: string, sink: PduSink, ours?: SenderAudit, theirs?: SenderAudit) {
    this.#world = world;
    this.hop = hop;
    this.name = name;
    this.#sink = sink;
    this.#audits = { ours, theirs };
  }

  rpc(run: Uint8Array, count: number): void {
    this.#world.trace?.(`${this.name}  ${count} RPC PDU${count === 1 ? '' : 's'}, ${run.length} bytes`);
    this.#audits.ours?.sends(run, count);
    this.#sink.rpc(run, count);
  }

  rts(pdu: Uint8Array): void {
    const { faults, plan } = this.#world;
    if (!plan.greets && this.hop === 'IP>S' && isGreeting(pdu)) return;
    const written = faults.filters ? faults.filter(this, pdu) : pdu;
    if (written === undefined) return;
    this.#world.tracePdu(this, written);
    faults.counts(this, written);
    const { theirs } = this.#audits;
    const ack = theirs === undefined ? undefined : readAckOf(written);
    if (ack !== undefined && ack.destination === undefined) theirs?.acknowledged(ack);
    this.#sink.rts(written);
  }
}
