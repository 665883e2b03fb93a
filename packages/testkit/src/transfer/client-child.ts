/**
 * The client of a transfer in a process of its own: the argument is its {@link TransferOptions}, JSON. It tells its parent
 * how far it is, and at last what came of it; it ends when the parent goes.
 */
import {
  TransferClient,
  type TransferOptions,
  type TransferOutcome,
  type TransferProgress,
} from './transfer-client.ts';

/** Time between two reports, ms. */
const REPORT_EVERY = 200;

/** What the client's process tells its parent. */
export type ClientMessage =
  | { readonly kind: 'progress'; readonly progress: TransferProgress }
  | { readonly kind: 'done'; readonly outcome: TransferOutcome }
  | { readonly kind: 'failed'; readonly why: string };

function tell(message: ClientMessage): void {
  process.send?.(message);
}

process.on('disconnect', () => process.exit());
const client = new TransferClient(JSON.parse(process.argv[2] ?? '') as TransferOptions);
const reporter = setInterval(() => {
  const { progress } = client;
  if (progress !== undefined) tell({ kind: 'progress', progress });
}, REPORT_EVERY);
try {
  tell({ kind: 'done', outcome: await client.run() });
} catch (error) {
  tell({ kind: 'failed', why: error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error) });
} finally {
  clearInterval(reporter);
}
