import { randomBytes } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import type { ToWorker, WorkerStart } from './emsmdb/messages.ts';
import { StoreWorker } from './worker.ts';

/** What a worker thread runs: a StoreWorker between its messages. What is thrown here ends the thread, and the main one is told. */
const port = parentPort;
if (port === null) throw new Error('store-worker.ts is run by a worker thread');

const worker = new StoreWorker({
  start: workerData as WorkerStart,
  post: (message, transfer) => port.postMessage(message, transfer),
  now: Date.now,
  random: randomBytes,
});

port.on('message', (message: ToWorker) => {
  worker.receive(message);
  if (message.kind === 'close') port.close();
});
