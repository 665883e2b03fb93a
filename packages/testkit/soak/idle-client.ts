/**
 * The client of an idle session, as a process that can run in a network namespace: opens the sessions that its argument
 * names (JSON, {@link IdleSession}[]), makes a call on each, and for each line on its standard input another one. Says what
 * happens on standard output, one {@link IdleEvent} a line. Ends with its standard input.
 */
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { RpchError } from '@rpch/rpc';
import { EchoSession } from './echo-session.ts';

/** Where one session goes. */
export interface IdleSession {
  readonly name: string;
  readonly proxy: { readonly host: string; readonly port: number };
  readonly tls: boolean;
  readonly server: { readonly host: string; readonly port: number };
  readonly authorization: string;
  /** Time for each answer, ms. */
  readonly callTimeout: number;
}

/** What a session did: a call was answered; a call failed; the session ended. Pings are counted from its beginning. */
export interface IdleEvent {
  readonly session: string;
  readonly event: 'answered' | 'failed' | 'ended';
  /** The error's code and message. */
  readonly error?: string;
  readonly pingsSent: number;
  readonly pingsReceived: number;
}

/** Values that do not change from call to call would hide an answer that comes twice. */
let value = 0;

async function run({ name, tls, ...target }: IdleSession): Promise<() => Promise<void>> {
  let session: EchoSession | undefined;
  const say = (event: IdleEvent['event'], error?: RpchError): void => {
    const { pingsSent = 0, pingsReceived = 0 } = session?.counters ?? {};
    const told = error === undefined ? {} : { error: `${error.code}: ${error.message}` };
    const line: IdleEvent = { session: name, event, ...told, pingsSent, pingsReceived };
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work();
      say('answered');
    } catch (error) {
      if (!(error instanceof RpchError)) throw error;
      say('failed', error);
    }
  };
  const options = { ...target, random: randomBytes, ...(tls ? { tls: { insecure: true } } : {}) };
  await attempt(async () => {
    session = await EchoSession.open(options, (error) => say('ended', error));
    await session.addOne(++value);
  });
  return () => attempt(async () => session?.addOne(++value));
}

const sessions = JSON.parse(process.argv[2] ?? '') as IdleSession[];
const calls = await Promise.all(sessions.map(run));
const lines = createInterface({ input: process.stdin });
lines.on('line', () => {
  for (const call of calls) void call();
});
lines.on('close', () => process.exit());
