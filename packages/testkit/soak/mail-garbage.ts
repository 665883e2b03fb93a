import { setTimeout as pause } from 'node:timers/promises';
import { FaultStatus, RpcFaultError, RpchError } from '@rpch/rpc/internal';
import { ErrorCode } from '@rpch/store/client';
import { eventually } from '../src/live-proxy.ts';
import { SeededRandom } from '../src/simulation/random.ts';
import type { KeptMemory } from '../src/transfer/inspector.ts';
import { MailAttacker } from './mail-attacker.ts';
import { GoodReader } from './mail-reader.ts';
import type { MailScene } from './mail-scene.ts';
import { hexOf, type MailTally } from './mail-tally.ts';

const ATTACKERS = 6;
/** Inputs of one attacker's connection, before he comes back with another. */
const INPUTS_PER_VISIT = 120;
/** Parts of the run after which what the server keeps is looked at: when it is warm, half-way and at the end. */
const LOOKS = [0.2, 0.6, 1];
/** A shorter run says nothing about growth, inputs. */
const ENOUGH_FOR_GROWTH = 10_000;
/** What a thread of the server may keep more at the end than at the look before, bytes. */
const MAX_GROWTH = 4 * 1024 * 1024;
/** Time for the server to notice that connections are gone, ms. */
const SETTLE = 300;
/** Patience with lines that are written together, and with the one that says how many were left out, ms. */
const WRITTEN_WITHIN = 10_000;
/** Lines of the log that there must be none of: a thread that was lost, a session that a defect has ended. */
const DEFECTS = ['store.worker.lost', 'store.session.broken'];

export interface GarbageOptions {
  /** Malformed buffers and stubs. */
  readonly inputs: number;
  readonly seed: number;
  readonly tell: (line: string) => void;
}

/**
 * Somebody who has logged in sends what is malformed, while somebody else reads his mail: each input is answered with a code or a
 * fault, in time; nothing is told that is another's, no thread of the server and no session ends, and what it keeps does not grow.
 */
export async function garbage(
  scene: MailScene,
  tally: MailTally,
  { inputs, seed, tell }: GarbageOptions,
): Promise<void> {
  const reader = await GoodReader.start(scene, 'bob');
  const defectsBefore = DEFECTS.map((event) => scene.server.count(event));
  const malformedBefore = malformedLines(scene);
  const memory: (readonly KeptMemory[])[] = [];
  let sent = 0;
  let visits = 0;
  let slowest = { took: 0, input: '' };
  try {
    const judged = inputs >= ENOUGH_FOR_GROWTH;
    for (const mark of judged ? LOOKS : [1]) {
      const attacker = async (): Promise<void> => {
        while (sent < inputs * mark && tally.findings.length === 0 && scene.server.end === undefined) {
          visits++;
          const random = SeededRandom.of(seed, `visit ${visits}`);
          const visitor = await MailAttacker.begin(scene, random);
          for (let i = 0; i < INPUTS_PER_VISIT && sent < inputs * mark && !visitor.over; i++) {
            sent++;
            const began = performance.now();
            await one(tally, visitor);
            const took = performance.now() - began;
            if (took > slowest.took) slowest = { took, input: visitor.last };
          }
          await visitor.end();
        }
      };
      await Promise.all(Array.from({ length: ATTACKERS }, attacker));
      if (scene.server.end !== undefined || !judged) break;
      await pause(SETTLE);
      const inspector = await scene.server.inspector();
      memory.push([await inspector.keptMemory(), ...(await inspector.keptByThreads())]);
    }
  } finally {
    await reader.stop();
  }
  if (scene.server.end !== undefined) tally.found(`${scene.server.end}: ${scene.server.printed}`);
  if (reader.failure !== undefined) tally.found(`bob could not read his mail: ${reader.failure}`);
  if (reader.reads === 0) tally.found('bob has not read his mail');
  judgeLog(scene, tally, defectsBefore);
  await judgeRefusals(scene, tally, malformedBefore);
  judgeGrowth(tally, memory);
  const kept = memory.map((threads) => threads.map((each) => (each.kept / 2 ** 20).toFixed(1)).join('+')).join(', ');
  const rss = memory.map(([main]) => ((main?.rss ?? 0) / 2 ** 20).toFixed(0)).join(', ');
  tell(
    `garbage: ${sent} inputs in ${visits} visits, the slowest ${slowest.took.toFixed(0)} ms; bob has read ${reader.reads} times`,
  );
  tell(`garbage: the slowest was ${slowest.input}`);
  if (memory.length > 0) tell(`garbage: kept by the threads, MiB: ${kept}; resident: ${rss}`);
}

async function one(tally: MailTally, visitor: MailAttacker): Promise<void> {
  try {
    tally.answered(await visitor.sendOne());
  } catch (error) {
    if (error instanceof RpcFaultError) tally.faulted(error);
    else if (error instanceof RpchError)
      tally.found(`${visitor.last}: ${error.code} (${error.fault}): ${error.message}`);
    else throw error;
  }
}

function judgeLog({ server }: MailScene, tally: MailTally, before: readonly number[]): void {
  for (const [i, event] of DEFECTS.entries()) {
    const more = server.count(event) - (before[i] ?? 0);
    if (more === 0) continue;
    const line = server.lines.findLast((each) => each.event === event);
    tally.found(`${more} lines ${event}: ${String(line?.error ?? line?.msg)}`);
  }
  const failed = server.lines.find(({ msg }) => String(msg).includes('RPCH_HANDLER_FAILED'));
  if (failed !== undefined) tally.found(`a handler has failed: ${String(failed.msg)}`);
}

/** Lines that say that a buffer could not be read. */
function malformedLines({ server }: MailScene): number {
  return server.count('store.rop.malformed') + server.count('store.rop.unknown');
}

/** Each buffer that could not be read has its line. Of faults, which anybody can cause, the first of each second have one. */
async function judgeRefusals(scene: MailScene, tally: MailTally, before: number): Promise<void> {
  const refused = tally.refusals.get(hexOf(ErrorCode.RpcFormat)) ?? 0;
  const lines = () => malformedLines(scene) - before;
  try {
    await eventually(
      () => lines() >= refused,
      () => `${refused} buffers were refused, and ${lines()} lines say so`,
      WRITTEN_WITHIN,
    );
  } catch (error) {
    tally.found(error instanceof Error ? error.message : String(error));
  }
  const faults = tally.refusals.get(`fault ${hexOf(FaultStatus.rpc_x_bad_stub_data)}`) ?? 0;
  if (faults > 0 && scene.server.count('server') === 0)
    tally.found(`${faults} stubs were refused, and no line says so`);
}

function judgeGrowth(tally: MailTally, memory: readonly (readonly KeptMemory[])[]): void {
  const [before, end] = memory.slice(-2);
  for (const [i, thread] of (end ?? []).entries()) {
    const grew = thread.kept - (before?.[i]?.kept ?? thread.kept);
    if (grew > MAX_GROWTH)
      tally.found(`thread ${i} keeps ${grew} bytes more after the last ${LOOKS.at(-1)} of the run`);
  }
}
