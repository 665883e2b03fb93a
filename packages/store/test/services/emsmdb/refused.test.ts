import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorName } from '../../../src/mapi/error-code.ts';
import { ROPS } from '../../../src/mapi/rops/all.ts';
import { TestStore } from './rop-client.ts';
import { ROP_SAMPLES } from './rop-samples.ts';
import { OBJECT_KINDS, openScene, send } from './rop-scene.ts';

/** ROPs that are read whole and not done, with the return value that answers them. */
const REFUSED: Readonly<Record<string, string>> = {
  // There are no public folders ([MS-OXCSTOR] 3.2.5.6).
  GetOwningServers: 'NotSupported',

  Progress: 'NotSupported',
  ModifyRules: 'NotSupported',
  UpdateDeferredActionMessages: 'NotSupported',

  SubmitMessage: 'NotSupported',
  AbortSubmit: 'NotSupported',
  SpoolerLockMessage: 'NotSupported',
  TransportSend: 'NotSupported',
  TransportNewMail: 'NotSupported',

  FastTransferDestinationConfigure: 'NotSupported',
  FastTransferDestinationPutBuffer: 'NotSupported',
  FastTransferDestinationPutBufferExtended: 'NotSupported',
  FastTransferSourceGetBuffer: 'NotSupported',
  FastTransferSourceCopyFolder: 'NotSupported',
  FastTransferSourceCopyMessages: 'NotSupported',
  FastTransferSourceCopyTo: 'NotSupported',
  FastTransferSourceCopyProperties: 'NotSupported',
  TellVersion: 'NotSupported',

  SynchronizationConfigure: 'NotSupported',
  SynchronizationImportMessageChange: 'NotSupported',
  SynchronizationImportReadStateChanges: 'NotSupported',
  SynchronizationImportHierarchyChange: 'NotSupported',
  SynchronizationImportDeletes: 'NotSupported',
  SynchronizationImportMessageMove: 'NotSupported',
  SynchronizationOpenCollector: 'NotSupported',
  SynchronizationGetTransferState: 'NotSupported',
  SynchronizationUploadStateStreamBegin: 'NotSupported',
  SynchronizationUploadStateStreamContinue: 'NotSupported',
  SynchronizationUploadStateStreamEnd: 'NotSupported',
};

test('there is a sample of every ROP, and none twice', () => {
  const names = ROP_SAMPLES.map(({ rop }) => rop.name);
  assert.deepEqual(names.toSorted(), [...ROPS.values()].map(({ name }) => name).toSorted());
});

test('what is refused is refused on every kind of object, and what follows it in its buffer is done', (t) => {
  const store = new TestStore();
  t.after(() => store.close());
  const scene = openScene(store);
  const refused = ROP_SAMPLES.filter(({ rop }) => rop.name in REFUSED);
  assert.equal(refused.length, Object.keys(REFUSED).length);
  for (const sample of refused) {
    for (const kind of OBJECT_KINDS) {
      const found = send(sample, scene, kind);
      assert.equal(errorName(found ?? 0), REFUSED[sample.rop.name], `Rop${sample.rop.name} on ${kind}`);
    }
  }
});

for (const sample of ROP_SAMPLES.filter(({ rop }) => !(rop.name in REFUSED))) {
  test(`Rop${sample.rop.name} is done`, (t) => {
    const store = new TestStore();
    t.after(() => store.close());
    const scene = openScene(store);
    // Nothing is ever under way ([MS-OXCTABL] 3.2.5.7).
    const expected = sample.rop.name === 'Abort' ? 'UnableToAbort' : 'Success';
    assert.equal(errorName(send(sample, scene) ?? 0), expected);
  });
}
