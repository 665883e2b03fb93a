import { faultsIn, type Mutant } from './mutants-fault.ts';

/** Faults of the inbound proxy. */
const INBOUND: readonly Mutant[] = [
  ...faultsIn('inbound-proxy.ts', [
    ['the predecessor is not closed', '    predecessor.end();\n', ''],
    [
      'an acknowledgement of the server is not counted',
      '      this.#queue.window?.acknowledged(ack, !isPresent);\n',
      '',
    ],
    [
      'the queue is not drained after an acknowledgement',
      '      this.#queue.pump();\n      this.#flushed();\n',
      '      this.#flushed();\n',
    ],
    [
      'the end of the queue is not noticed',
      '      this.#queue.pump();\n      this.#flushed();\n',
      '      this.#queue.pump();\n',
    ],
    [
      'B1 overtakes the queue',
      "    if (this.#state.now !== 'Flushing' || this.#queue.bytes > 0) return;\n",
      "    if (this.#state.now !== 'Flushing') return;\n",
    ],
    ['B1 is not sent', '    this.#port.toServer.rts(IN_R1_B1.encode({}));\n', ''],
    [
      'the cookie of IN_R2/A1 is not compared',
      "    assertCookie('IN_R2/A1', predecessorCookie, this.#default.cookie, '[MS-RPCH] 3.2.3.5.5.1');\n",
      '',
    ],
    [
      'the cookie of IN_R2/A5 is not compared',
      '    if (!sameBytes(successor.cookie, successorCookie)) {\n',
      '    if (successorCookie === undefined) {\n',
    ],
    [
      'former cookies are forgotten',
      '[...this.#formerServerCookies, this.#serverCookie].slice(-MAX_FORMER_COOKIES)',
      '[]',
    ],
    [
      'a successor overtakes its predecessor',
      '    if (instance === this.#successor) this.#successorQueue?.offer(run, count);\n    else this.#queue.offer(run, count);\n',
      '    this.#queue.offer(run, count);\n',
    ],
    ['what waited for the predecessor is not sent', '    waiting?.unplug();\n', ''],
    [
      'the patience with B2 does not end',
      '      this.#patience.end();\n      this.#serverReady(IN_R1_B2',
      '      this.#serverReady(IN_R1_B2',
    ],
    [
      'the patience with IN_R2/A5 does not end',
      '    this.#patience.end();\n    this.#successor = undefined;\n',
      '    this.#successor = undefined;\n',
    ],
    [
      'bytes of predecessors are acknowledged to the successor',
      '    this.#predecessorBytes = this.#queue.bytes;\n',
      '',
    ],
    ['windows of successors add up', '    if (this.#predecessorBytes > 0 || this.#serverBlocked) return;\n', ''],
    [
      'PDUs for others are not relayed',
      '  #relay(bytes: Uint8Array): void {\n    this.#port.toServer.rts(bytes);\n',
      '  #relay(_bytes: Uint8Array): void {\n',
    ],
    [
      'the server’s window is taken for twice as large',
      'new SendWindow(receiveWindowSize)',
      'new SendWindow(2 * receiveWindowSize)',
    ],
    ['the table is not told that the channel leaves', '      this.#port.leaving();\n', ''],
    [
      'the successor is told before the server',
      '    this.#port.toServer.rts(IN_R2_A2.encode({ successorCookie }));\n',
      '',
    ],
    ['IN_R1/A6 is not sent', '      this.#port.toServer.rts(IN_R1_A6.encode({ successorCookie }));\n', ''],
    [
      'IN_R1/A6 names the predecessor',
      'IN_R1_A6.encode({ successorCookie })',
      'IN_R1_A6.encode({ successorCookie: this.#default.cookie })',
    ],
    [
      'acknowledgements name the predecessor',
      '    const { receive, cookie } = this.#default;\n    this.#port.toServer.rts(encodeAck(receive.acknowledge(cookie), Destination.FDClient));\n',
      '    const { receive } = this.#default;\n    const cookie = this.#formerServerCookies[0] ?? this.#default.cookie;\n    this.#port.toServer.rts(encodeAck(receive.acknowledge(cookie), Destination.FDClient));\n',
    ],
    ['what is consumed is not counted', '    if (length > old) this.#default.receive.handedOn(length - old);\n', ''],
    ['a server that takes nothing is not heeded', '    this.#default.receive.setBlocked(blocked);\n', ''],
    ['A5 that comes before the server is ready is forgotten', '      this.#earlyA5 = successorCookie;\n', ''],
    ['RPC PDUs wait for ever', '    this.#queue.unplug();\n', ''],
    [
      'an acknowledgement that is due is not sent',
      '    if (instance.receive.ackDue && this.#passes && this.#conduct.takesRts) this.#acknowledge();\n',
      '',
    ],
  ]),
  ...faultsIn('inbound-instance.ts', [
    ['TCP does not hold a client that sends too much', '    this.port.pauseClient(pause);\n', ''],
    [
      'TCP does not let a client go that it held',
      'const pause = this.#paused ? held > window / 2 : held > window;',
      'const pause = this.#paused || held > window;',
    ],
  ]),
];

/** Faults of the outbound proxy. */
const OUTBOUND: readonly Mutant[] = [
  ...faultsIn('outbound-proxy.ts', [
    [
      'acknowledgements of a predecessor are dropped',
      '[this.#default, this.#predecessor].find(',
      '[this.#default].find(',
    ],
    ['an acknowledgement of the client is not counted', '    instance.window.acknowledged(ack);\n', ''],
    [
      'the queue is not drained after an acknowledgement',
      '    instance.queue.pump();\n    this.#flushed();\n',
      '    this.#flushed();\n',
    ],
    [
      'the end of the queue is not noticed',
      '    instance.queue.pump();\n    this.#flushed();\n',
      '    instance.queue.pump();\n',
    ],
    ['A10 overtakes the queue', '      if (this.#default.queue.bytes > 0) return;\n', ''],
    [
      'B3 overtakes the queue',
      ' || predecessor === undefined || predecessor.queue.bytes > 0) return;',
      ' || predecessor === undefined) return;',
    ],
    ['A10 is not sent', '      this.#default.rts(OUT_R1_A10.encode({}));\n', ''],
    ['B3 is not sent', '    predecessor.rts(OUT_R2_B3.encode({}));\n', ''],
    ['A11 is not answered', '      instance.port.respond();\n', ''],
    [
      'C1 is not answered',
      "    this.#default.port.respond();\n    this.#state.to('Opened', event);\n",
      "    this.#state.to('Opened', event);\n",
    ],
    [
      'a successor is not plugged',
      'this.#instance(client, successorCookie, receiveWindowSize, true)',
      'this.#instance(client, successorCookie, receiveWindowSize, false)',
    ],
    [
      'the patience with A11 does not end',
      '      this.#patience.end();\n      instance.port.respond();\n',
      '      instance.port.respond();\n',
    ],
    [
      'the patience with OUT_R2 does not end',
      '    this.#patience.end();\n    this.#default.port.respond();\n',
      '    this.#default.port.respond();\n',
    ],
    [
      'the cookie of OUT_R2/A3 is not compared',
      "    assertCookie('OUT_R2/A3', predecessorCookie, this.#default.cookie, '[MS-RPCH] 3.2.4.5.6.1');\n",
      '',
    ],
    [
      'PDUs for the client are not relayed',
      "    if (this.#conduct.state !== 'silent') this.#default.rts(bytes);\n",
      '',
    ],
    ['what follows B1 goes to the predecessor', '    this.#default = successor;\n', ''],
    ['what is consumed is not counted', '        this.#receive.handedOn(run.length);\n', ''],
    [
      'a server that sends too much is not noticed',
      '    if (!this.#receive.received(run.length, count)) {\n',
      '    if (this.#receive.received(run.length, count) === undefined) {\n',
    ],
    [
      'a client that takes nothing is not heeded',
      '        this.#receive.setBlocked(this.#default.blocked || this.#predecessor?.blocked === true);\n',
      '',
    ],
    ['no Ping is sent', '    instance.rts(ping);\n', ''],
    ['C1 is forgotten', '      this.#confirmedByClient = true;\n', ''],
    ['an undecided client is waited for for ever', '      conduct.showsNone();\n', ''],
    [
      'acknowledgements to the server name the successor too early',
      'encodeAck(this.#receive.acknowledge(this.#default.cookie))',
      'encodeAck(this.#receive.acknowledge(this.#successor?.cookie ?? this.#default.cookie))',
    ],
  ]),
  ...faultsIn('outbound-drain.ts', [
    [
      'draining takes nothing off the lifetime',
      'return Math.max(0, lifetime - knownToServer - underWay - LEFT_WHEN_DRAINED);',
      'return 0 * (lifetime - knownToServer - underWay - LEFT_WHEN_DRAINED);',
    ],
    ['draining ends with its first step', 'return isQuiet ? this.begin(channel, 0) : 0;', 'return 0;'],
  ]),
  ...faultsIn('ping-originator.ts', [
    ['a Ping is never due', 'return now - this.#lastSent >= silence;', 'return false;'],
    [
      'a Ping is due a little late',
      'return now - this.#lastSent >= silence;',
      'return now - this.#lastSent >= 3 * silence;',
    ],
  ]),
  ...faultsIn('outbound-instance.ts', [
    [
      'the Content-Length is not heeded',
      '    if (this.#used + length > this.#lifetime) {\n',
      '    if (this.#used + length < 0) {\n',
    ],
    [
      'RTS PDUs overtake the response',
      '    if (!this.#isSuccessor || !this.#plugged) {\n',
      '    if (this.#used >= 0) {\n',
    ],
    ['RTS PDUs that waited are lost', '    for (const pdu of waiting) this.rts(pdu);\n', ''],
    ['RTS PDUs that wait are views', 'this.#waiting.push(new Uint8Array(pdu));', 'this.#waiting.push(pdu);'],
    ['the connection of a predecessor is not closed', '    this.port.close();\n', ''],
    ['what was held back is not sent on the successor', '    this.queue.unplug();\n', ''],
  ]),
  ...faultsIn('client-conduct.ts', [
    ['a client that shows that it knows RTS PDUs is not believed', "    this.#state = 'conforming';\n", ''],
    [
      'a client that shows that it knows none is not believed',
      "    if (this.#state === 'undecided') this.#state = 'silent';\n",
      '',
    ],
  ]),
];

/** Faults of both proxies. */
export const PROXY_MUTANTS: readonly Mutant[] = [...INBOUND, ...OUTBOUND];
