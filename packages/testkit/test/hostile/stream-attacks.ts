import { randomBytes } from 'node:crypto';
import { mutate } from '../../src/mutate.ts';
import { requestPdu } from '../../src/plain-pdus.ts';
import type { RawConnection } from '../../src/raw-connection.ts';
import { ScriptedClient } from '../../src/scripted-client.ts';
import { SeededRandom } from '../../src/simulation/random.ts';
import type { Arena } from './arena.ts';

type Job = () => Promise<void>;
type Channel = 'in' | 'out';
const CHANNELS: readonly Channel[] = ['out', 'in'];
const REQUEST = requestPdu(1, Buffer.from('recorded'));

/** All that a good client sends on a channel in a session of one call. */
export function goodBytes(client: ScriptedClient, channel: Channel): Buffer {
  return channel === 'out' ? client.outBytes() : Buffer.concat([client.inBytes(), REQUEST]);
}

/** Every prefix of each channel's bytes, and then FIN: the proxy must let go of it. */
export function* prefixes(arena: Arena): Iterable<Job> {
  const length = (channel: Channel) => goodBytes(new ScriptedClient(arena.options()), channel).length;
  for (const channel of CHANNELS) {
    for (let end = 0; end <= length(channel); end++) {
      yield async () => {
        const bytes = goodBytes(new ScriptedClient(arena.options()), channel).subarray(0, end);
        await sendAndFinish(arena, bytes, `prefix of ${end} bytes of ${channel.toUpperCase()}`);
      };
    }
  }
}

/** Every way to send a channel's bytes in two writes: the session must open and a call be answered. */
export function* cuts(arena: Arena, step = 1): Iterable<Job> {
  const length = (channel: Channel) => goodBytes(new ScriptedClient(arena.options()), channel).length;
  for (const channel of CHANNELS) {
    for (let at = 1; at < length(channel); at += step) yield () => cutSession(arena, channel, at);
  }
}

async function cutSession(arena: Arena, cutChannel: Channel, at: number): Promise<void> {
  const client = new ScriptedClient(arena.options());
  for (const channel of CHANNELS) {
    const connection = await arena.connect();
    client.adopt(channel, connection);
    const bytes = channel === 'out' ? client.outBytes() : client.inBytes();
    const pieces = channel === cutChannel && at < bytes.length ? [bytes.subarray(0, at), bytes.subarray(at)] : [bytes];
    await connection.sendInPieces(pieces);
  }
  try {
    await client.opened();
    // A cut beyond CONN/B1 is one within the call.
    const within = cutChannel === 'in' ? Math.max(0, at - client.inBytes().length) : 0;
    const answer = client.callInPieces(Buffer.from('recorded'), within);
    if ((await answer).toString() !== 'recorded') throw new Error('another answer');
  } catch (cause) {
    throw new Error(`${cutChannel.toUpperCase()} cut after ${at} bytes`, { cause });
  }
  client.cut('FIN');
}

/** Good bytes with some of them changed, left out, doubled or made up, and then FIN. */
export function* mutations(arena: Arena, seed: number, count: number): Iterable<Job> {
  const random = new SeededRandom(seed);
  for (let i = 0; i < count; i++) {
    const bytes = goodBytes(new ScriptedClient(arena.options()), random.pick(['in', 'out']));
    // The password stays as it is: after some wrong ones the proxy makes this address wait, and sees nothing else of it.
    const [password, body] = [bytes.indexOf('Authorization'), bytes.indexOf('\r\n\r\n') + 4];
    const mutated = random.chance(0.5)
      ? [mutate(bytes.subarray(0, password), random), bytes.subarray(password)]
      : [bytes.subarray(0, body), mutate(bytes.subarray(body), random)];
    yield () => sendAndFinish(arena, Buffer.concat(mutated), `mutation ${i} of seed ${seed}`);
  }
}

/** Bytes of no meaning, half of them behind a good head. */
export function* noise(arena: Arena, seed: number, count: number): Iterable<Job> {
  const random = new SeededRandom(seed);
  for (let i = 0; i < count; i++) {
    const good = goodBytes(new ScriptedClient(arena.options()), random.pick(['in', 'out']));
    const head = random.chance(0.5) ? good.subarray(0, good.indexOf('\r\n\r\n') + 4) : Buffer.from('RPC_');
    const bytes = Buffer.concat([head, random.bytes(random.int(1, 4000))]);
    yield () => sendAndFinish(arena, bytes, `noise ${i} of seed ${seed}`);
  }
}

/** An open session whose client suddenly sends something else on IN. */
export function* corruptedSessions(arena: Arena, seed: number, count: number): Iterable<Job> {
  const random = new SeededRandom(seed);
  for (let i = 0; i < count; i++) {
    const bytes = mutate(Buffer.concat([requestPdu(7, randomBytes(100)), requestPdu(8, randomBytes(100))]), random);
    yield async () => {
      const client = await ScriptedClient.open(arena.options());
      client.in.send(bytes);
      client.in.finish();
      await ended(client.in, `corrupted session ${i} of seed ${seed}`);
      await ended(client.out, `corrupted session ${i} of seed ${seed}`);
    };
  }
}

async function sendAndFinish(arena: Arena, bytes: Uint8Array, what: string): Promise<void> {
  const connection = await arena.connect();
  if (bytes.length > 0) connection.send(bytes);
  connection.finish();
  await ended(connection, what);
}

/** Waits for the end that the proxy must make; cuts what is left. */
export async function ended(connection: RawConnection, what: string): Promise<void> {
  try {
    await connection.untilOver();
  } catch (cause) {
    throw new Error(`${what} was not ended`, { cause });
  } finally {
    connection.cut('RST');
  }
}
