import {
  type ContextHandle,
  emsmdbDeclaration,
  ndr,
  nspiDeclaration,
  type RpcClient,
  Writer,
} from '@rpch/rpc/internal';
import type { EmsmdbCalls } from '@rpch/store/client';
import {
  Logon,
  NO_HANDLE,
  readExtendedBuffers,
  readRopBuffer,
  writeExtendedBuffer,
  writeRopBuffer,
} from '@rpch/store/internal';
import type { SeededRandom } from '../src/simulation/random.ts';
import { RopMutants } from './mail-mutants.ts';
import { CONNECT, STAT } from './mail-requests.ts';
import { CODING } from './mail-rops.ts';
import { SAMPLES, SLOTS, Slot } from './mail-samples.ts';
import type { MailScene } from './mail-scene.ts';
import {
  bindRaw,
  type MailInterface,
  mutantStub,
  type RawCalls,
  STUB_SAMPLES,
  type StubHandles,
  stubOf,
} from './mail-stubs.ts';

/** The part of the inputs that are stubs; the others are ROP buffers in stubs that are right. */
const STUBS = 0.4;
/** How long an EcDoAsyncWaitEx is waited for that may be parked, ms. */
const PARKED = 100;
/** What EcDoAsyncWaitEx is counted as that was parked, and given up. */
const PARKED_AND_LEFT = 0;

/** One connection of somebody who has logged in and sends what is malformed. */
export class MailAttacker {
  readonly #scene: MailScene;
  readonly #client: RpcClient;
  readonly #random: SeededRandom;
  readonly #calls: EmsmdbCalls;
  readonly #raw: Readonly<Record<MailInterface, RawCalls>>;
  readonly #handles: StubHandles;
  readonly #mutants: RopMutants;
  readonly #objects: readonly number[];
  /** What was sent last, for people. */
  last = '';
  /** His session has ended, by what he has sent. */
  over = false;

  private constructor(
    scene: MailScene,
    client: RpcClient,
    random: SeededRandom,
    opened: Pick<Opened, 'calls' | 'raw' | 'handles' | 'objects'>,
  ) {
    this.#scene = scene;
    this.#client = client;
    this.#random = random;
    this.#calls = opened.calls;
    this.#raw = opened.raw;
    this.#handles = opened.handles;
    this.#objects = opened.objects;
    this.#mutants = new RopMutants(random);
  }

  /** Logs in, and opens an object of each kind. */
  static async begin(scene: MailScene, random: SeededRandom): Promise<MailAttacker> {
    const client = scene.client('mallory');
    return new MailAttacker(scene, client, random, await open(scene, client));
  }

  /** Sends one input; returns the return value of the call. Rejects with RpcFaultError, and for what must not be with another RpchError. */
  sendOne(): Promise<number> {
    return this.#random.chance(STUBS) ? this.#sendStub() : this.#sendRops();
  }

  async end(): Promise<void> {
    this.#scene.close(this.#client);
  }

  async #sendRops(): Promise<number> {
    const { rgbIn, pulFlags, pcbOut } = this.#mutants.next(this.#objects);
    this.last = `EcDoRpcExt2 of ${Buffer.from(rgbIn).toString('hex').slice(0, 600)}`;
    const pcxh = this.#handles.emsmdb;
    const nothing = new Uint8Array(0);
    const answer = await this.#calls.ecDoRpcExt2({ pcxh, pulFlags, rgbIn, pcbOut, rgbAuxIn: nothing, pcbAuxOut: 0 });
    if (answer.pcxh.uuid === ndr.NULL_CONTEXT_HANDLE.uuid) this.over = true;
    if (answer.rgbOut.length > 0) {
      for (const payload of readExtendedBuffers(answer.rgbOut)) {
        this.#scene.look('EcDoRpcExt2', payload);
        readRopBuffer(payload);
      }
    }
    return answer.result;
  }

  async #sendStub(): Promise<number> {
    const sample = STUB_SAMPLES[this.#random.int(0, STUB_SAMPLES.length - 1)];
    if (sample === undefined) throw new Error('there are samples');
    const stub = mutantStub(stubOf(sample, this.#handles), this.#random);
    this.last = `${sample.method} of ${stub.toString('hex').slice(0, 600)}`;
    if (sample.method === 'ecDoDisconnect' || sample.method === 'unbind') this.over = true;
    const isWait = sample.of === 'asyncemsmdb';
    const signal = isWait ? AbortSignal.timeout(PARKED) : undefined;
    try {
      const answer = await this.#raw[sample.of].call(sample.method, stub, signal);
      this.#scene.look(sample.method, answer);
      // The return value is the last of the outputs.
      return answer.length < 4 ? 0 : new DataView(answer.buffer, answer.byteOffset).getUint32(answer.length - 4, true);
    } catch (error) {
      if (signal?.aborted === true) return PARKED_AND_LEFT;
      throw error;
    }
  }
}

interface Opened {
  readonly calls: EmsmdbCalls;
  readonly raw: Readonly<Record<MailInterface, RawCalls>>;
  readonly handles: StubHandles;
  readonly objects: readonly number[];
}

async function open(scene: MailScene, client: RpcClient): Promise<Opened> {
  const calls = await client.bind(emsmdbDeclaration);
  const nspi = await client.bind(nspiDeclaration);
  const { pcxh, result } = await calls.ecDoConnectEx({ ...CONNECT, szUserDN: scene.dnOf('mallory') });
  if (result !== 0) throw new Error(`mallory may begin a session, and is refused with 0x${result.toString(16)}`);
  const { pacxh } = await calls.ecDoAsyncConnectEx({ cxh: pcxh });
  const { contextHandle } = await nspi.bind({ dwFlags: 0, pStat: STAT, pServerGuid: null });
  const raw = {
    emsmdb: await bindRaw(client, 'emsmdb'),
    asyncemsmdb: await bindRaw(client, 'asyncemsmdb'),
    nspi: await bindRaw(client, 'nspi'),
    rfri: await bindRaw(client, 'rfri'),
  };
  const handles = { emsmdb: pcxh, asyncemsmdb: pacxh, nspi: contextHandle };
  return { calls, raw, handles, objects: await openObjects(scene, calls, pcxh) };
}

/** Logs on to his own mailbox, and does what {@link SAMPLES} are, one after the other: returns the handles. */
async function openObjects(scene: MailScene, calls: EmsmdbCalls, pcxh: ContextHandle): Promise<readonly number[]> {
  const writer = new Writer(2048);
  const logon = { logonFlags: 1, openFlags: 0x0100_040c, essdn: scene.dnOf('mallory') };
  Logon.writeRequest(writer, { logonId: 0, outputHandleIndex: Slot.Logon, ...logon }, CODING);
  for (const { rop, request } of SAMPLES) if (rop.name !== 'Logon') rop.writeRequest(writer, request, CODING);
  const handles = new Array<number>(SLOTS).fill(NO_HANDLE);
  const rgbIn = writeExtendedBuffer(writeRopBuffer({ ropsList: writer.finish(), handles }));
  const none = new Uint8Array(0);
  const input = { pcxh, pulFlags: 3, rgbIn, pcbOut: 0x8007, rgbAuxIn: none, pcbAuxOut: 0 };
  const { rgbOut, result } = await calls.ecDoRpcExt2(input);
  const [payload] = result === 0 ? readExtendedBuffers(rgbOut) : [];
  if (payload === undefined) throw new Error(`the samples are done, and not answered with 0x${result.toString(16)}`);
  const opened = readRopBuffer(payload).handles;
  // What the last slot has is not there each time.
  const wanted = Object.entries(Slot).filter(([, slot]) => slot !== Slot.Other);
  const missing = wanted.filter(([, slot]) => (opened[slot] ?? NO_HANDLE) === NO_HANDLE);
  if (missing.length > 0) throw new Error(`nothing was opened for ${missing.map(([name]) => name).join()}`);
  return opened;
}
