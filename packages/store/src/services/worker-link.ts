import { Worker } from 'node:worker_threads';
import type { RpchError } from '@rpch/rpc';
import { Batch } from './batch.ts';
import type { FromWorker, ToWorker, WorkerStart } from './emsmdb/messages.ts';

/** A running worker, or what stands for one in a test. */
export interface WorkerPort {
  post(message: ToWorker, transfer: ArrayBuffer[]): void;
  /** Ends it, whatever it does. */
  terminate(): Promise<void>;
}

/** What is told of a worker. */
export interface WorkerListener {
  message(message: FromWorker): void;
  /** It has ended; `error` is why, where it was not asked to. */
  ended(error: Error | undefined): void;
}

/** Starts a worker, of which the listener is told. */
export type StartWorker = (start: WorkerStart, listener: WorkerListener) => WorkerPort;

/** The module that a worker runs. */
const MODULE = new URL('./store-worker.ts', import.meta.url);

/** Memory of one worker, in MiB: what a mailbox is worked on with is bounded, so that more is a defect. */
const MAX_OLD_SPACE = 1024;

/** Starts a worker thread. Its output goes where the process' goes. */
export const startThread: StartWorker = (start, listener) => {
  const worker = new Worker(MODULE, { workerData: start, resourceLimits: { maxOldGenerationSizeMb: MAX_OLD_SPACE } });
  let failure: Error | undefined;
  const batch = new Batch<ToWorker>((messages, transfer) => worker.postMessage(messages, transfer));
  /** Calls that it has and has not answered. */
  let calls = 0;
  worker.on('message', (messages: readonly FromWorker[]) => {
    for (const message of messages) {
      if ('call' in message) calls -= 1;
      listener.message(message);
    }
  });
  worker.on('messageerror', (error) => {
    failure = error;
    void worker.terminate();
  });
  worker.on('error', (error: Error | RpchError) => {
    failure = error;
  });
  worker.on('exit', (code) => {
    listener.ended(failure ?? (code === 0 ? undefined : new Error(`exit code ${code}`)));
  });
  return {
    post: (message, transfer) => {
      batch.add(message, transfer);
      // One that has nothing to do is woken at once.
      if (calls === 0) batch.flush();
      else batch.later();
      if (message.kind === 'execute') calls += 1;
    },
    terminate: async () => {
      await worker.terminate();
    },
  };
};
