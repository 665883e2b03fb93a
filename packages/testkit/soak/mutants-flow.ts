import { faultsIn, type Mutant } from './mutants-fault.ts';

/** Faults of what all roles stand on: windows, queues, lifetimes, timers. */
export const FLOW_MUTANTS: readonly Mutant[] = [
  ...faultsIn('flow-control.ts', [
    [
      'a PDU goes that fills the window to the last byte',
      'return this.#available > length ||',
      'return this.#available >= length ||',
    ],
    ['what is sent takes nothing off the window', '    this.#available = Math.max(0, this.#available - length);\n', ''],
    ['an acknowledgement that was overtaken takes window back', '    if (limit < this.#limit) return;\n', ''],
    ['what is on its way is forgotten at an acknowledgement', 'Math.max(0, limit - this.#sent)', 'ack.availableWindow'],
    ['bytes sent are not counted', '    this.#sent += length;\n', ''],
    ['a PDU that no window can take never goes', ' || this.#available === this.advertised;', ';'],
    [
      'a PDU that no window can take is an overrun',
      '    return this.#advertised >= 0 || alone;\n',
      '    return this.#advertised >= 0;\n',
    ],
    [
      'an overrun is not noticed',
      '    return this.#advertised >= 0 || alone;\n',
      '    return this.#advertised >= 0 || count >= 0;\n',
    ],
    [
      'acknowledgements are only sent when half the window is used',
      '    return quiet && this.ackUseful && this.#advertised <= MAX_FRAG_LENGTH;\n',
      '    return false;\n',
    ],
    ['who is no longer blocked has consumed nothing', '    if (!blocked) this.#consumed = this.#handedOn;\n', ''],
    [
      'who is blocked has consumed all the same',
      '    if (!this.#blocked) this.#consumed = this.#handedOn;\n',
      '    this.#consumed = this.#handedOn;\n',
    ],
    ['what was advertised is forgotten', '    this.#advertised = availableWindow;\n', ''],
    ['what comes in takes nothing off what was advertised', '    this.#advertised -= length;\n', ''],
    ['the whole window is advertised whatever is held', 'Math.max(0, this.window - this.held)', 'this.window'],
    [
      'what was consumed is acknowledged as received',
      'bytesReceived: this.#received >>> 0,',
      'bytesReceived: this.#consumed >>> 0,',
    ],
  ]),
  ...faultsIn('send-queue.ts', [
    ['what waits is a view', 'this.#runs.push(new Uint8Array(run));', 'this.#runs.push(run);'],
    ['PDUs overtake those that wait', '      this.#bytes === 0 &&\n', ''],
    ['PDUs pass a plugged queue', '      !this.#plugged &&\n', ''],
    [
      'the rest of a run is lost',
      '        else this.#runs[0] = run.subarray(sent);\n',
      '        else this.#runs.shift();\n',
    ],
    ['what passes straight is not counted', '      window?.sent(run.length);\n', ''],
    ['what passes straight does not heed the lifetime', ' &&\n      this.#fitsLifetime(run.length)\n', '\n'],
    ['what waits does not heed the lifetime', '      if (!this.#fitsLifetime(at + length)) break;\n', ''],
    ['what waits does not heed the window', '        if (this.heedsWindow && !window.fits(length)) break;\n', ''],
    ['what was sent is still counted as waiting', '        this.#bytes -= sent;\n', ''],
    [
      'sending is begun anew within sending',
      '    if (this.#sending || this.#plugged) return;\n',
      '    if (this.#plugged) return;\n',
    ],
    [
      'the first that waits is sent twice',
      '        if (sent === run.length) this.#runs.shift();\n',
      '        if (sent === run.length) this.#runs.splice(0, this.#runs.length > 1 ? 0 : 1);\n',
    ],
    [
      'the end of plugged mode sends nothing',
      '    this.#plugged = false;\n    this.pump();\n',
      '    this.#plugged = false;\n',
    ],
    ['a run is counted as one PDU', '      at += length;\n      count++;\n', '      at += length;\n      count = 1;\n'],
  ]),
  ...faultsIn('lifetime.ts', [
    ['nothing is kept back for RTS PDUs', 'const RTS_RESERVE = 8 * 1024;', 'const RTS_RESERVE = 0;'],
    ['what was told is forgotten', '    this.#told += length;\n', ''],
    ['what was sent is forgotten', '    this.#used += length;\n', ''],
  ]),
  ...faultsIn('patience.ts', [
    ['patience has no end', '    return now - this.#since >= this.#limit;\n', '    return false;\n'],
    ['patience goes on where it ended', '    this.#limit = undefined;\n', ''],
    [
      'patience does not heed progress',
      '    if (this.#since === undefined || mark !== this.#mark || excused) {\n',
      '    if (this.#since === undefined || excused) {\n',
    ],
  ]),
];
