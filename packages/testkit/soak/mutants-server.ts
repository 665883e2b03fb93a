import { faultsIn, type Mutant } from './mutants-fault.ts';

/** Faults of the server. */
export const SERVER_MUTANTS: readonly Mutant[] = [
  ...faultsIn('server.ts', [
    ['the run-time is not held back', '    this.#port.pauseRuntime(paused);\n', ''],
    ['the connection setup timer does not end', '    this.#setup.end();\n', ''],
    ['the connection setup timer does not begin', '      this.#setup.begin(this.#options.setupTimeout);\n', ''],
    [
      'acknowledgements for the outbound proxy are not relayed',
      '      out.relayAck(bytes, readAckWithDestination(bytes).channelCookie);\n',
      '',
    ],
    [
      'PDUs for the client are not relayed',
      '    if (destination === Destination.FDClient) out.send(bytes);\n',
      '    if (destination === Destination.FDClient) return;\n',
    ],
    ['the close of a predecessor is not told', '        this.#out?.closed(leg);\n', ''],
    ['acknowledgements of the outbound proxy are dropped', '      out.acknowledged(leg, ack);\n', ''],
    ['what waits for the opening waits for ever', '    out.open();\n', ''],
    [
      'CONN/B3 is not sent',
      '    inLeg.port.rts(CONN_B3.encode({ receiveWindowSize: options.receiveWindow, version }));\n',
      '',
    ],
    [
      'a run-time that takes nothing is not heeded',
      "    if (this.#state.now !== 'Finished') this.#in?.runtimeBlocked(blocked);\n",
      '',
    ],
    ['the virtual channels are not told the time', '    this.#in?.tick(now);\n', ''],
  ]),
  ...faultsIn('server-in.ts', [
    ['an acknowledgement that is due is not sent', '    if (this.#default.receive.ackDue) this.#acknowledge();\n', ''],
    ['acknowledgements are only sent when they are due', '    if (receive.ackOverdue()) this.#acknowledge();\n', ''],
    [
      'the cookie of IN_R1/A2 is not compared',
      "    assertCookie('IN_R1/A2', predecessorCookie, this.#default.cookie, '[MS-RPCH] 3.2.5.5.5');\n",
      '',
    ],
    [
      'the cookie of IN_R1/A6 is not compared',
      "    assertCookie('IN_R1/A6', successorCookie, this.#successor?.cookie, '[MS-RPCH] 3.2.5.5.6');\n",
      '',
    ],
    ['the connection setup timer does not end at B1', '    this.#patience.end();\n', ''],
    ['the connection setup timer does not begin at A2', '    this.#patience.begin(this.#options.setupTimeout);\n', ''],
    [
      'B2 is not sent',
      '    successor.port.rts(IN_R1_B2.encode({ receiveWindowSize: this.#options.receiveWindow }));\n',
      '',
    ],
    ['B1 does not make the successor the default', '    this.#default = successor;\n', ''],
    ['IN_R2/A3 is not sent', '    this.#out.send(IN_R2_A3.encode({ destination: Destination.FDClient }));\n', ''],
    ['what is handed to the run-time is not counted', '    receive.handedOn(run.length);\n', ''],
    [
      'a successor that comes too early is forgotten',
      '    this.#next = { leg, a2 };\n    this.#proceed();\n',
      "    if (this.#state.now !== 'Opened') return leg;\n    this.#next = { leg, a2 };\n    this.#proceed();\n",
    ],
  ]),
  ...faultsIn('server-out.ts', [
    [
      'acknowledgements for a predecessor go to the successor',
      'sameBytes(predecessor.cookie, channelCookie) ? predecessor : this.#default',
      'sameBytes(predecessor.cookie, channelCookie) ? this.#default : this.#default',
    ],
    [
      'the cookie of OUT_R2/A8 is not compared',
      "    if (expected === undefined || !sameBytes(expected, successorCookie)) leg.port.rts(OUT_R2_B2.encode({}));\n    assertCookie('OUT_R2/A8', successorCookie, expected, '[MS-RPCH] 3.2.5.5.12');\n",
      '',
    ],
    ['an acknowledgement is not counted', '    leg.window.acknowledged(ack, former);\n', ''],
    [
      'the queue is not drained after an acknowledgement',
      '    leg.window.acknowledged(ack, former);\n    this.#queue.pump();\n',
      '    leg.window.acknowledged(ack, former);\n',
    ],
    [
      'the cookie of OUT_R1/A4 is not compared',
      "    assertCookie('OUT_R1/A4', predecessorCookie, this.#default.cookie, '[MS-RPCH] 3.2.5.5.9');\n",
      '',
    ],
    [
      'the cookie of OUT_R1/A8 is not compared',
      "    assertCookie('OUT_R1/A8', successorCookie, successor?.cookie, '[MS-RPCH] 3.2.5.5.10');\n",
      '',
    ],
    [
      'B2 is not sent',
      '    if (expected === undefined || !sameBytes(expected, successorCookie)) leg.port.rts(OUT_R2_B2.encode({}));\n',
      '',
    ],
    [
      'the successor has what is left of the predecessor’s lifetime',
      '    leg.lifetime = new Lifetime(leg.lifetime.bytes);\n',
      '',
    ],
    ['B1 is not sent', '    leg.port.rts(OUT_R2_B1.encode({}));\n', ''],
    ['A9 is not sent', '    this.#sendRts(OUT_R1_A9.encode({}));\n', ''],
    [
      'the patience with OUT_R1/A8 does not end',
      '    this.#patience.end();\n    this.#sendRts(OUT_R1_A9.encode({}));\n',
      '    this.#sendRts(OUT_R1_A9.encode({}));\n',
    ],
    [
      'the patience with OUT_R2/A8 does not end',
      '    this.#successorCookie = undefined;\n    this.#patience.end();\n',
      '    this.#successorCookie = undefined;\n',
    ],
    [
      'the successor has what is left of the predecessor’s window',
      '    this.#queue.window = leg.window;\n    this.#queue.lifetime = leg.lifetime;\n    this.#queue.pump();\n',
      '    this.#queue.lifetime = leg.lifetime;\n    this.#queue.pump();\n',
    ],
    [
      'the queue is not drained onto the successor',
      '    this.#queue.lifetime = leg.lifetime;\n    this.#queue.pump();\n    this.#recycleIfDue();\n',
      '    this.#queue.lifetime = leg.lifetime;\n    this.#recycleIfDue();\n',
    ],
    ['RPC PDUs do not count for the lifetime', '    lifetime.use(run.length);\n', ''],
    [
      'the proxy’s own traffic does not count for the lifetime',
      '      leg.lifetime.tell(PING_TRAFFIC_SENT_NOTIFY.decode(pdu).pingTrafficSent);\n',
      '',
    ],
    [
      'a client that cannot recycle is asked to',
      '    if (!this.#port.mayRecycle) {\n',
      '    if (this.#port.mayRecycle === undefined) {\n',
    ],
    ['the successor’s cookie is not taken over', '    leg.cookie = successorCookie;\n', ''],
    ['the predecessor is not over', '    predecessor.over = true;\n', ''],
  ]),
];
