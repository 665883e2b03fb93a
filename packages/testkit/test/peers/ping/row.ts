import assert from 'node:assert/strict';
import { type Printed, rpch, Stage } from './stage.ts';

/** How ping is called against a set-up, and what it is to know of it afterwards. */
export interface Call {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** What stands in for words that differ from run to run. */
  readonly words?: readonly (readonly [found: string, written: string])[];
  /** The cause as the proxy's log has it under the incident that ping printed. */
  logged?(incident: string): string | undefined;
}

/** One set-up that is broken on purpose. */
export interface PingRow {
  readonly name: string;
  /** The hop that is to be named. */
  readonly hop: string;
  /** What the sentence has to say for it to name the cause. */
  readonly cause: RegExp;
  /** The cause is hidden outside (identity.md): what the proxy's log is to say under the incident. */
  readonly log?: RegExp;
  /** What the sentence names, where it is not the cause itself. */
  readonly names?: string;
  /** It needs Samba. */
  readonly peer?: 'samba';
  prepare(stage: Stage): Promise<Call>;
}

/** What ping said of a set-up, without what differs from run to run. */
export interface Said {
  readonly hop: string;
  readonly what: string;
  readonly check: string;
  /** Whether the sentence names the cause, and if not, where it is found. */
  readonly names: string;
}

/** Makes a set-up, pings it, and asserts that the hop and the cause are named. */
export async function play(row: PingRow): Promise<Said> {
  await using stage = new Stage();
  const call = await row.prepare(stage);
  const printed = await rpch(['ping', ...call.args], call.env);
  assert.equal(printed.code, 1, `ping exits with 1\n${printed.out}${printed.err}`);
  const said = read(printed);
  assert.equal(said.hop, row.hop, printed.err);
  assert.match(said.what, row.cause);
  return { ...blur(said, call), names: named(row, call, printed) };
}

function read({ err }: Printed): { readonly hop: string; readonly what: string; readonly check: string } {
  const match = /^rpch ping: ([\w ]+): (.*)\n {2}Check: (.*)\n(?: {2}Incident: .*\n)?$/.exec(err);
  assert.ok(match !== null, `a failure in two or three lines, found ${JSON.stringify(err)}`);
  const [, hop = '', what = '', check = ''] = match;
  return { hop, what, check };
}

function named(row: PingRow, call: Call, { err }: Printed): string {
  if (row.log === undefined) return row.names ?? 'yes';
  const incident = / {2}Incident: ([a-z2-9]{12})\n/.exec(err)?.[1];
  assert.ok(incident !== undefined, err);
  const why = call.logged?.(incident) ?? '';
  assert.match(why, row.log);
  return `hidden outside; the log has under the incident: ${unport(why)}`;
}

function blur(said: Omit<Said, 'names'>, { words = [] }: Call): Omit<Said, 'names'> {
  const text = (original: string): string => {
    const worded = words.reduce((so, [found, written]) => so.replaceAll(found, written), original);
    return unport(worded)
      .replace(/\bincident [a-z2-9]{12}\b/g, 'incident ID')
      .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
  };
  return { hop: said.hop, what: text(said.what), check: text(said.check) };
}

/** Ports that the system chose have five digits. */
function unport(text: string): string {
  return text.replace(/(?<=[a-z0-9][:[])\d{5}\b/g, 'PORT');
}
