import type { PduSink } from '@rpch/rpc/internal';
import type { ConnectionEnd } from './connection.ts';
import { isGreeting, type SenderAudit } from './flow-audit.ts';
import type { Hop } from './hops.ts';
import { InvariantError } from './invariant.ts';
import type { Surroundings } from './surroundings.ts';

/** What a role writes PDUs to: an end of a connection. */
export class Wire implements PduSink {
  readonly hop: Hop;
  readonly end: ConnectionEnd;
  readonly audit: SenderAudit | undefined;
  readonly #world: Surroundings;
  #left: number;

  /**
   * @param left Content-Length of the body that this writes, bytes.
   * @param audit keeps account of the RPC PDUs.
   */
  constructor(world: Surroundings, hop: Hop, end: ConnectionEnd, left = Number.POSITIVE_INFINITY, audit?: SenderAudit) {
    this.#world = world;
    this.hop = hop;
    this.end = end;
    this.#left = left;
    this.audit = audit;
    world.faults.knows(this);
  }

  get name(): string {
    return `${this.end.process.name}, ${this.end.connection.name}`;
  }

  rpc(run: Uint8Array, count: number): void {
    if (this.end.closed) return;
    const { faults, trace } = this.#world;
    trace?.(`${this.name}  ${count} RPC PDU${count === 1 ? '' : 's'}, ${run.length} bytes`);
    this.audit?.sends(run, count);
    this.#write(run);
    if (faults.filters && faults.doubles(this)) this.#write(run);
  }

  rts(pdu: Uint8Array): void {
    if (this.end.closed) return;
    const { faults, plan } = this.#world;
    if (!plan.greets && this.hop === 'IP>S' && isGreeting(pdu)) return;
    const written = faults.filters ? faults.filter(this, pdu) : pdu;
    if (written === undefined) return;
    this.#world.tracePdu(this, written);
    this.#write(written);
    faults.sent(this, written);
  }

  #write(bytes: Uint8Array): void {
    this.#left -= bytes.length;
    if (this.#left < 0 && !this.#world.faults.isHostile(this.end.process.name)) {
      throw new InvariantError('content-length', `${this.name}: the body is ${-this.#left} bytes longer`);
    }
    this.end.write(bytes);
  }
}
