import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CONN_A2, CONN_B2, FLOW_CONTROL_ACK, PING_PDU } from '@rpch/rpc/internal';
import { mutate } from '../src/mutate.ts';
import type { SeededRandom } from '../src/simulation/random.ts';
import { ASSOCIATION_TARGETS } from './fuzz-associations.ts';
import { fitFragLength, mutateSequence, piecesOf, sequence } from './fuzz-sequence.ts';
import { corpusOf } from './fuzzer.ts';

const TRANSPORTS = ['tcp', 'http'] as const;
const ENDINGS = ['end', 'reset', 'after answers'] as const;

/** One session of an attacker, which can be kept and done again. */
export interface LivePlan {
  readonly transport: (typeof TRANSPORTS)[number];
  /** The pieces are sent as they are; or an honest bind comes first, and they are protected with its keys. */
  readonly mode: 'raw' | 'sealed';
  /** How its connections end: with a FIN after the last byte, a reset, or a FIN when the server has had time to answer. */
  readonly ending: (typeof ENDINGS)[number];
  /** Over `http`: the first bytes of the outbound and the inbound connection. Base64. */
  readonly openings: readonly [out: string, inbound: string];
  /** A sequence (fuzz-sequence.ts), its first piece the conduct. Base64. */
  readonly input: string;
  /** Bytes of a write; 0: a piece is a write. */
  readonly chunk: number;
}

/** Makes plans out of the corpora of the server's associations. */
export class LivePlanner {
  readonly #random: SeededRandom;
  readonly #corpora: Readonly<Record<LivePlan['mode'], readonly Uint8Array[]>>;

  constructor(random: SeededRandom) {
    this.#random = random;
    this.#corpora = { raw: corpus('ServerAssociation'), sealed: corpus('ServerAssociation sealed') };
  }

  next(): LivePlan {
    const random = this.#random;
    const mode = random.pick(['raw', 'sealed'] as const);
    const inputs = this.#corpora[mode];
    const pick = () => inputs[random.int(0, inputs.length - 1)] ?? new Uint8Array();
    const transport = random.pick(TRANSPORTS);
    const mutated = random.chance(0.1) ? pick() : mutateSequence(pick(), pick(), random, fitFragLength);
    const input = transport === 'http' ? this.#withRts(mutated) : mutated;
    return {
      transport,
      mode,
      ending: random.pick(ENDINGS),
      openings: this.#openings(),
      input: Buffer.from(input).toString('base64'),
      chunk: random.chance(0.5) ? 0 : random.int(1, 400),
    };
  }

  /** CONN/A2 and CONN/B2 of a virtual connection of its own, now and then damaged. */
  #openings(): [string, string] {
    const random = this.#random;
    const fields = {
      version: 1,
      virtualConnectionCookie: random.bytes(16),
      inChannelCookie: random.bytes(16),
      outChannelCookie: random.bytes(16),
      associationGroupId: random.bytes(16),
      receiveWindowSize: 256 * 1024,
      connectionTimeout: 120_000,
      channelLifetime: 1024 ** 3,
      clientKeepalive: 300_000,
      clientAddress: { family: 4, address: Uint8Array.of(192, 0, 2, 1) },
    } as const;
    const damaged = (pdu: Uint8Array): string => {
      const bytes = random.chance(0.15) ? mutate(pdu, random) : Buffer.from(pdu);
      if (random.chance(0.8)) fitFragLength(bytes);
      return bytes.toString('base64');
    };
    return [damaged(CONN_A2.encode(fields)), damaged(CONN_B2.encode(fields))];
  }

  /** What a proxy sends among the client's PDUs. */
  #withRts(input: Uint8Array): Uint8Array {
    const random = this.#random;
    const [conduct, ...pieces] = piecesOf(input);
    for (let more = random.int(0, 2); more > 0; more--) {
      const pdu = random.chance(0.5)
        ? PING_PDU.encode({})
        : FLOW_CONTROL_ACK.encode({
            ack: { bytesReceived: random.int(0, 5000), availableWindow: 65_536, channelCookie: random.bytes(16) },
          });
      const piece = random.chance(0.5) ? mutate(pdu, random) : Buffer.from(pdu);
      pieces.splice(random.int(0, pieces.length), 0, piece);
    }
    return sequence([conduct ?? Uint8Array.of(0), ...pieces]);
  }
}

function corpus(name: string): Uint8Array[] {
  const seeds = ASSOCIATION_TARGETS.find((target) => target.name === name)?.seeds ?? [];
  const folder = corpusOf(name);
  const files = existsSync(folder) ? readdirSync(folder).sort() : [];
  return [...seeds, ...files.map((file) => readFileSync(join(folder, file)))];
}
