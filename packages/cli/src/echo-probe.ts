import {
  ContextResult,
  decodeBindAck,
  decodeBindNak,
  decodeFault,
  decodeResponse,
  describeFaultStatus,
  describeRejectReason,
  ECHO,
  EchoOpnum,
  encodeBind,
  encodeRequest,
  type HttpVirtualConnection,
  NDR,
  openPdu,
  type Pdu,
  PduType,
  RpchError,
} from '@rpch/rpc/internal';

/** Fragments that the probe offers to take and send, bytes. */
const MAX_FRAG = 5840;
const CONTEXT = 0;

/** Binds to rpcecho and calls AddOne, one PDU at a time: enough to prove that a way is open. Not for anything else. */
export class EchoProbe {
  #callId = 0;
  #waiting: { resolve(pdu: Pdu): void; reject(error: RpchError): void } | undefined;
  #failed: RpchError | undefined;

  /** A PDU of the server is in. */
  take(run: Uint8Array): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(openPdu(new Uint8Array(run)));
  }

  /** The connection is lost. */
  fail(error: RpchError): void {
    this.#failed = error;
    this.#waiting?.reject(error);
  }

  /** Binds; a server that does not offer rpcecho has answered all the same. */
  async bind(connection: HttpVirtualConnection): Promise<{ readonly accepted: boolean }> {
    const answer = await this.#exchange(
      connection,
      encodeBind({
        ptype: PduType.bind,
        pfcFlags: 0,
        callId: ++this.#callId,
        littleEndian: true,
        maxXmitFrag: MAX_FRAG,
        maxRecvFrag: MAX_FRAG,
        assocGroupId: 0,
        elements: [{ contextId: CONTEXT, abstractSyntax: ECHO, transferSyntaxes: [NDR] }],
      }),
    );
    if (answer.ptype === PduType.bind_nak) {
      const reason = describeRejectReason(decodeBindNak(answer).reason);
      throw new RpchError('RPCH_BIND_REFUSED', 'peer', `the RPC server refused the bind: ${reason}`);
    }
    const [first] = decodeBindAck(answer).results;
    return { accepted: first?.result === ContextResult.acceptance };
  }

  /** Calls AddOne and checks the answer. */
  async addOne(connection: HttpVirtualConnection, value: number): Promise<void> {
    const stub = new Uint8Array(4);
    new DataView(stub.buffer).setUint32(0, value, true);
    const call = { callId: ++this.#callId, littleEndian: true, contextId: CONTEXT, opnum: EchoOpnum.AddOne, stub };
    const answer = await this.#exchange(connection, encodeRequest(call, MAX_FRAG).bytes);
    if (answer.ptype === PduType.fault) {
      const status = describeFaultStatus(decodeFault(answer).status);
      throw new RpchError('RPCH_RPC_FAULT', 'peer', `the RPC server answered with a fault: ${status}`);
    }
    const { stub: result } = decodeResponse(answer);
    if (result.length < 4 || new DataView(result.buffer, result.byteOffset).getUint32(0, true) !== value + 1) {
      throw new RpchError('RPCH_WRONG_ANSWER', 'peer', 'the RPC server answered, but not with the right number');
    }
  }

  #exchange(connection: HttpVirtualConnection, pdu: Uint8Array): Promise<Pdu> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      connection.send(pdu);
    });
  }
}
