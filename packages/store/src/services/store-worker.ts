import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { Batch } from './batch.ts';
import type { FromWorker, ToWorker, WorkerStart } from './emsmdb/messages.ts';
import { afterTimeout } from './timer.ts';
import { StoreWorker } from './worker.ts';

/** What a worker thread runs: a StoreWorker between its messages. What is thrown here ends the thread, and the main one is told. */
const port = parentPort;
if (port === null) throw new Error('store-worker.ts is run by a worker thread');

const batch = new Batch<FromWorker>((messages, transfer) => port.postMessage(messages, transfer));

const worker = new StoreWorker({
  start: workerData as WorkerStart,
  post: (message, transfer) => {
    batch.add(message, transfer);
    // What else there is to tell is rare, and a thread that ends takes with it what it has not sent.
    if (message.kind !== 'done') batch.flush();
  },
  now: Date.now,
  random: randomBytes,
  after: afterTimeout,
  later: (work) => {
    setImmediate(() => {
      work();
      batch.flush();
    });
  },
});

port.on('message', (messages: readonly ToWorker[]) => {
  for (const message of messages) worker.receive(message);
  batch.flush();
  if (messages.at(-1)?.kind === 'close') port.close();
});
