import { faultsIn, type Mutant } from './mutants-fault.ts';

/** Faults of the client. */
export const CLIENT_MUTANTS: readonly Mutant[] = [
  ...faultsIn('client.ts', [
    ['a Ping is a protocol error', "    if (PING_PDU.matches(pdu) && state !== 'OUT_Channel_Wait') return;\n", ''],
    [
      'acknowledgements of the inbound proxy are dropped',
      '      this.#in.acknowledged(readAckWithDestination(bytes));\n',
      '',
    ],
    [
      'acknowledgements are not sent',
      'acknowledge: (ack) => this.#in.rts(encodeAck(ack, Destination.FDOutProxy)),',
      'acknowledge: () => {},',
    ],
    ['the answer in an OUT recycling is not sent', 'toOthers: (pdu) => this.#in.rts(pdu),', 'toOthers: () => {},'],
    ['OUT recycling is not known', '|| this.#out.take(pdu)', ''],
    ['IN recycling is not known', 'this.#in.takeA4(pdu) || ', ''],
    ['the run-time is not told that it may send', '    this.#in.opened(receiveWindowSize);\n', ''],
  ]),
  ...faultsIn('client-in.ts', [
    ['an acknowledgement is not counted', '    this.#queue.window?.acknowledged(ack);\n', ''],
    [
      'the queue is not drained after an acknowledgement',
      '    this.#queue.window?.acknowledged(ack);\n    this.#queue.pump();\n',
      '    this.#queue.window?.acknowledged(ack);\n',
    ],
    [
      'the cookie of an acknowledgement is not compared',
      '    if (!sameBytes(ack.channelCookie, this.#default.cookie)) return;\n',
      '',
    ],
    [
      'the successor has what is left of the predecessor’s window',
      '    this.#queue.window = new SendWindow(this.#receiveWindow);\n    this.#queue.lifetime = successor.lifetime;\n',
      '    this.#queue.lifetime = successor.lifetime;\n',
    ],
    ['the window of another proxy is not taken over', '      this.#receiveWindow = a4.receiveWindowSize;\n', ''],
    [
      'the successor has what is left of the predecessor’s lifetime',
      '    this.#queue.lifetime = successor.lifetime;\n',
      '',
    ],
    [
      'the queue is not drained onto the successor',
      '    this.#queue.lifetime = successor.lifetime;\n    this.#queue.pump();\n',
      '    this.#queue.lifetime = successor.lifetime;\n',
    ],
    [
      'A5 names the predecessor',
      'IN_R1_A5.encode({ successorCookie: successor.cookie })',
      'IN_R1_A5.encode({ successorCookie: predecessor.cookie })',
    ],
    ['A1 names no predecessor', 'predecessorCookie: this.#default.cookie,', 'predecessorCookie: successor.cookie,'],
    [
      'the patience with A4 does not end',
      '    this.#patience.end();\n    this.#successor = undefined;\n',
      '    this.#successor = undefined;\n',
    ],
    ['the patience with A4 does not begin', '    this.#patience.begin(recyclingTimeout);\n', ''],
    ['the next recycling does not wait for the last', '    this.#settled = false;\n', ''],
    [
      'the predecessor is not closed and not over',
      '    predecessor.over = true;\n    predecessor.port?.close();\n',
      '',
    ],
    ['RPC PDUs do not count for the lifetime', '      lifetime.use(run.length);\n', ''],
    ['RTS PDUs do not count for the lifetime', '    lifetime.use(pdu.length);\n', ''],
    [
      'recycling is never due',
      '    if (!this.#default.lifetime.nearEnd && !this.#queue.waitsForSuccessor && !this.#early) return;\n',
      '    return;\n',
    ],
    ['no Ping is sent', '      this.rts(PING_PDU.encode({}));\n', ''],
    ['RPC PDUs wait for ever', '    this.#queue.unplug();\n', ''],
  ]),
  ...faultsIn('client-out.ts', [
    [
      'what comes on a successor is passed on at once',
      '    if (instance !== this.#default) {\n      if (!within) throw flood();\n      this.#wait(instance, run, count);\n      return;\n    }\n',
      '    if (!within && instance !== this.#default) throw flood();\n',
    ],
    ['what waits is a view', 'pdus: new Uint8Array(pdus), count', 'pdus, count'],
    ['what waited is not counted as consumed', '        successor.receive.handedOn(pdus.length);\n', ''],
    ['what waited is lost', '        this.#surroundings.toRuntime(pdus, count);\n', ''],
    ['RTS PDUs that waited are lost', '        this.#surroundings.rts(pdus);\n', ''],
    [
      'the patience with the sequence does not end',
      '    this.#patience.end();\n    this.#successor = undefined;\n',
      '    this.#successor = undefined;\n',
    ],
    ['A11 is not sent', "    if (event === 'OUT_R1/A10') successor.port?.send(OUT_R1_A11.encode({}));\n", ''],
    ['C1 is not sent', '    port?.send(OUT_R2_C1.encode({}));\n', ''],
    [
      'A3 names no predecessor',
      '        predecessorCookie: this.#default.cookie,',
      '        predecessorCookie: successor.cookie,',
    ],
    ['silence has no end', '    this.#silence.begin(connectionTimeout * SILENCE_FACTOR);\n', ''],
    [
      'the predecessor is not closed',
      "    predecessor.over = true;\n    this.#state.to('Opened', event);\n    if (event === 'OUT_R1/A10') successor.port?.send(OUT_R1_A11.encode({}));\n    predecessor.port?.close();\n",
      "    predecessor.over = true;\n    this.#state.to('Opened', event);\n    if (event === 'OUT_R1/A10') successor.port?.send(OUT_R1_A11.encode({}));\n",
    ],
    [
      'acknowledgements name the successor too early',
      'this.#surroundings.acknowledge(receive.acknowledge(cookie));',
      'this.#surroundings.acknowledge(receive.acknowledge(this.#successor?.cookie ?? cookie));',
    ],
    ['the flood of a successor is not bounded', '      if (!within) throw flood();\n', ''],
  ]),
];
