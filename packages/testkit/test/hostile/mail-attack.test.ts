import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { trespassAsDelegate } from '../../soak/mail-delegate.ts';
import { garbage } from '../../soak/mail-garbage.ts';
import { MailScene } from '../../soak/mail-scene.ts';
import { MailTally } from '../../soak/mail-tally.ts';
import { trespass } from '../../soak/mail-trespass.ts';

const INPUTS = 300;

let scene: MailScene;
before(async () => {
  scene = await MailScene.start();
});
after(async () => {
  const how = await scene.stop();
  assert.equal(how, 0, 'the server ends by itself, when it is asked to');
});

test("another's sessions, mailbox, handles and address book: all is refused and logged", async () => {
  const tally = new MailTally();
  await trespass(scene, tally, { messages: 1, names: 2 });
  assert.deepEqual(tally.findings, []);
  assert.ok(tally.refused > 1000, `${tally.refused} refusals`);
  assert.deepEqual(scene.leaks, []);
});

test('a delegate of one folder has that, as far as his rights go, and everything else is as if it were not there', async () => {
  const tally = new MailTally();
  const shown = scene.shown;
  await trespassAsDelegate(scene, tally, { messages: 3 });
  assert.deepEqual(tally.findings, []);
  assert.ok(scene.shown > shown, 'what he may read is found in what he has got');
  assert.deepEqual(scene.leaks, []);
});

test(`${INPUTS} malformed ROP buffers and stubs: each is answered, and others read their mail`, async () => {
  const tally = new MailTally();
  await garbage(scene, tally, { inputs: INPUTS, seed: 1, tell: () => {} });
  assert.deepEqual(tally.findings, []);
  assert.ok(tally.attempts >= INPUTS);
  assert.ok(tally.refused > INPUTS / 4, `${tally.refused} of them were refused`);
  assert.deepEqual(scene.leaks, []);
});
