import { FaultStatus, RpcFaultError, type RpcInterface } from '@rpch/rpc/internal';
import { DataStream, MAX_CALL_DATA, REQUEST_PREFIX, RESPONSE_PREFIX, TRANSFER, TransferOpnum } from './traffic.ts';

/** An interface that needs to know nothing of a call but its bytes. */
export type TransferInterface = Omit<RpcInterface, 'handle'> & {
  handle(opnum: number, stub: Uint8Array, littleEndian: boolean): Uint8Array | Promise<Uint8Array>;
};

/** What the server saw and sent of a transfer. */
export interface TransferDigest {
  readonly calls: number;
  readonly received: number;
  readonly receivedSha256: string;
  readonly sent: number;
  readonly sentSha256: string;
}

/**
 * The server's side of one transfer: checks the data of each request byte by byte and answers with other data. For one
 * association: the data of all calls is one stream. What is wrong is a thrown Error, which the client sees as a fault.
 */
export function transferInterface(): TransferInterface {
  const requests = new DataStream('requests');
  const responses = new DataStream('responses');
  // Answers are encoded before the next call begins.
  const answer = Buffer.alloc(RESPONSE_PREFIX + MAX_CALL_DATA);
  let calls = 0;
  const exchange = (stub: Uint8Array): Uint8Array => {
    const view = new DataView(stub.buffer, stub.byteOffset, stub.length);
    const place = Number(view.getBigUint64(0, true));
    const wanted = view.getUint32(8, true);
    if (place !== requests.offset) throw new Error(`data of byte ${place} where byte ${requests.offset} must come`);
    if (wanted > MAX_CALL_DATA) throw new Error(`${wanted} bytes wanted`);
    requests.accept(stub, REQUEST_PREFIX, stub.length);
    answer.writeBigUInt64LE(BigInt(responses.offset), 0);
    responses.take(wanted).copy(answer, RESPONSE_PREFIX);
    calls++;
    return answer.subarray(0, RESPONSE_PREFIX + wanted);
  };
  const digest = (): Uint8Array => {
    const seen: TransferDigest = {
      calls,
      received: requests.offset,
      receivedSha256: requests.digest,
      sent: responses.offset,
      sentSha256: responses.digest,
    };
    return Buffer.from(JSON.stringify(seen));
  };
  return {
    name: 'transfer',
    syntax: TRANSFER,
    handle(opnum, stub) {
      if (opnum === TransferOpnum.Exchange) return exchange(stub);
      if (opnum === TransferOpnum.Digest) return digest();
      throw new RpcFaultError(FaultStatus.nca_s_op_rng_error);
    },
  };
}
