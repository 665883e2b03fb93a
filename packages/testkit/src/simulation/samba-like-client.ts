import { CONN_A1, CONN_A3, CONN_B1, CONN_C2, type PduSink, ProtocolError, parseRts } from '@rpch/rpc/internal';
import type { SeededRandom } from './random.ts';

export interface SambaLikePort {
  /** RPC PDUs, or an RTS PDU where `count` is 0. */
  toInboundProxy(pdus: Uint8Array, count: number): void;
  toOutboundProxy(pdu: Uint8Array): void;
  toRuntime(run: Uint8Array, count: number): void;
  opened(): void;
}

/** A client in the manner of Samba's: no acknowledgements, no Pings, no window; any RTS PDU after CONN/C2 is the end of it. */
export class SambaLikeClient {
  readonly #port: SambaLikePort;
  readonly #random: SeededRandom;
  readonly #receiveWindow: number;
  #state: 'A3' | 'C2' | 'opened' = 'A3';

  constructor(port: SambaLikePort, receiveWindow: number, random: SeededRandom) {
    this.#port = port;
    this.#receiveWindow = receiveWindow;
    this.#random = random;
  }

  /** Nothing waits in it: what it is given goes out at once. */
  readonly queued = 0;

  open(): void {
    const virtualConnectionCookie = this.#random.bytes(16);
    this.#port.toInboundProxy(
      CONN_B1.encode({
        version: 1,
        virtualConnectionCookie,
        inChannelCookie: this.#random.bytes(16),
        channelLifetime: 1024 ** 3,
        clientKeepalive: 300_000,
        associationGroupId: this.#random.bytes(16),
      }),
      0,
    );
    this.#port.toOutboundProxy(
      CONN_A1.encode({
        version: 1,
        virtualConnectionCookie,
        outChannelCookie: this.#random.bytes(16),
        receiveWindowSize: this.#receiveWindow,
      }),
    );
  }

  readonly fromOutboundProxy: PduSink = {
    rpc: (run, count) => {
      if (this.#state !== 'opened') throw hangs('an RPC PDU before CONN/C2');
      this.#port.toRuntime(run, count);
    },
    rts: (bytes) => {
      const pdu = parseRts(bytes);
      if (this.#state === 'opened') throw hangs('an RTS PDU after CONN/C2');
      if (this.#state === 'C2') {
        CONN_C2.decode(pdu);
        this.#state = 'opened';
        this.#port.opened();
      } else {
        CONN_A3.decode(pdu);
        this.#state = 'C2';
      }
    },
  };

  fromRuntime(run: Uint8Array, count: number): void {
    this.#port.toInboundProxy(run, count);
  }
}

/** Samba's client hangs. */
function hangs(why: string): ProtocolError {
  return new ProtocolError('SIMULATION_SAMBA', `Samba-like client: ${why}`, '[MS-RPCH] 3.2.2.5');
}
