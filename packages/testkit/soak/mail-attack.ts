/**
 * Somebody with an account of his own against the mailboxes of others, and against the server: `npm run soak -- mail-attack`. What is
 * found is printed, and makes the exit code 1.
 */
import { parseArgs } from 'node:util';
import { trespassAsDelegate } from './mail-delegate.ts';
import { garbage } from './mail-garbage.ts';
import { MailScene } from './mail-scene.ts';
import { MailTally } from './mail-tally.ts';
import { trespass } from './mail-trespass.ts';

const DEFAULT_INPUTS = 50_000;
const USAGE = `usage: npm run soak -- mail-attack [OPTION…]
  --inputs N     malformed buffers and stubs (${DEFAULT_INPUTS})
  --messages N   messages of another's mailbox that every ROP is tried on (60)
  --seed N       of what is random
  --only NAME    trespass, delegate or garbage`;

async function main(args: readonly string[]): Promise<number> {
  const options = readOptions(args);
  if (options === undefined) {
    console.error(USAGE);
    return 2;
  }
  const { inputs, messages, seed, only } = options;
  const wanted = (name: string) => only === undefined || only === name;
  console.log(`mail-attack: seed ${seed}`);
  const scene = await MailScene.start();
  let failed = false;
  const report = (name: string, tally: MailTally, began: number): void => {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(
      `${name}: ${tally.attempts} attempts, ${tally.refused} counted as refused, ${tally.findings.length} findings, ${seconds} s`,
    );
    for (const line of tally.refusalLines()) console.log(line);
    for (const finding of tally.findings) console.log(`finding: ${finding}`);
    failed ||= tally.findings.length > 0;
  };
  try {
    const parts = {
      trespass: (tally: MailTally) => trespass(scene, tally, { messages: 4 * messages, names: 100 }),
      delegate: (tally: MailTally) => trespassAsDelegate(scene, tally, { messages }),
      garbage: (tally: MailTally) => garbage(scene, tally, { inputs, seed, tell: (line) => console.log(line) }),
    };
    for (const [name, part] of Object.entries(parts)) {
      if (!wanted(name)) continue;
      const tally = new MailTally();
      const began = performance.now();
      await part(tally);
      report(name, tally, began);
    }
  } finally {
    const code = await scene.stop();
    console.log(`${scene.answers} answers looked through, ${scene.leaks.length} with what is another's`);
    for (const leak of new Set(scene.leaks)) console.log(`finding: ${leak}`);
    const counts = [...scene.server.counts].map(([event, count]) => `${event} ${count}`).join(', ');
    console.log(`the server's log: ${counts}; it ended with ${code}`);
    failed ||= scene.leaks.length > 0 || code !== 0;
  }
  return failed ? 1 : 0;
}

function readOptions(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { inputs: text, messages: text, seed: text, only: text },
    });
    const number = (given: string | undefined, otherwise: number): number => {
      const value = Number(given ?? otherwise);
      if (!Number.isInteger(value) || value < 0) throw new Error('no number');
      return value;
    };
    if (values.only !== undefined && !['trespass', 'delegate', 'garbage'].includes(values.only))
      throw new Error('no such part');
    return {
      inputs: number(values.inputs, DEFAULT_INPUTS),
      messages: number(values.messages, 60),
      seed: number(values.seed, Date.now() % 1_000_000),
      only: values.only,
    };
  } catch (error) {
    console.error(`mail-attack: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

process.exitCode = await main(process.argv.slice(2));
