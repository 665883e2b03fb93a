import type { MailScene } from './mail-scene.ts';
import type { MailTally } from './mail-tally.ts';
export async function garbage(_s: MailScene, _t: MailTally, _o: { inputs: number; seed: number; tell(line: string): void }): Promise<void> {}
