import { CONN_A1, CONN_A3, CONN_B1, CONN_C2, type PduSink, parseRts } from '@rpch/rpc/internal';
import type { SeededRandom } from './simulation-random.ts';

/** A client in the manner of Samba's: no acknowledgements, no Pings, no window; any RTS PDU after CONN/C2 is the end of it. */
export class SambaLikeClient {
  readonly #toInboundProxy: PduSink;
  readonly #toOutboundProxy: (pdu: Uint8Array) => void;
  readonly #toRuntime: (run: Uint8Array, count: number) => void;
  readonly #opened: () => void;
  readonly #random: SeededRandom;
  readonly #receiveWindow: number;
  #state: 'A3' | 'C2' | 'opened' = 'A3';

  constructor(
    port: {
      readonly toInboundProxy: PduSink;
      toOutboundProxy(pdu: Uint8Array): void;
      toRuntime(run: Uint8Array, count: number): void;
      opened(): void;
    },
    receiveWindow: number,
    random: SeededRandom,
  ) {
    this.#toInboundProxy = port.toInboundProxy;
    this.#toOutboundProxy = (pdu) => port.toOutboundProxy(pdu);
    this.#toRuntime = (run, count) => port.toRuntime(run, count);
    this.#opened = () => port.opened();
    this.#receiveWindow = receiveWindow;
    this.#random = random;
  }

  open(): void {
    const virtualConnectionCookie = this.#random.bytes(16);
    this.#toInboundProxy.rts(
      CONN_B1.encode({
        version: 1,
        virtualConnectionCookie,
        inChannelCookie: this.#random.bytes(16),
        channelLifetime: 1024 ** 3,
        clientKeepalive: 300_000,
        associationGroupId: this.#random.bytes(16),
      }),
    );
    this.#toOutboundProxy(
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
      if (this.#state !== 'opened') throw new Error('Samba-like client: an RPC PDU before CONN/C2');
      this.#toRuntime(run, count);
    },
    rts: (bytes) => {
      const pdu = parseRts(bytes);
      if (this.#state === 'opened') throw new Error('Samba-like client: an RTS PDU after CONN/C2');
      if (this.#state === 'C2') {
        CONN_C2.decode(pdu);
        this.#state = 'opened';
        this.#opened();
      } else {
        CONN_A3.decode(pdu);
        this.#state = 'C2';
      }
    },
  };

  fromRuntime(run: Uint8Array, count: number): void {
    this.#toInboundProxy.rpc(run, count);
  }
}
