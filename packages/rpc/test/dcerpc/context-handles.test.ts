import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssociationGroups } from '../../src/dcerpc/association-groups.ts';
import { ContextHandles, type ContextHandleType, MAX_CONTEXT_HANDLES } from '../../src/dcerpc/context-handles.ts';
import { NULL_CONTEXT_HANDLE } from '../../src/ndr/mod.ts';

const MISMATCH = { status: 0x1c00001a };
const POLICY: ContextHandleType<{ name: string }> = { name: 'policy' };

test('a handle stands for what it was opened with, until it is closed', () => {
  const handles = new ContextHandles();
  const context = { name: 'one' };
  const handle = handles.open(POLICY, context);
  assert.equal(handle.attributes, 0);
  assert.equal(handles.get(POLICY, handle), context);
  assert.ok(handles.has(POLICY, handle));
  assert.equal(handles.close(POLICY, handle), context);
  assert.equal(handles.size, 0);
  assert.throws(() => handles.get(POLICY, handle), MISMATCH);
  assert.throws(() => handles.close(POLICY, handle), MISMATCH);
});

test('foreign handles, null handles, handles of another type or with attributes', () => {
  const handles = new ContextHandles();
  const handle = handles.open(POLICY, { name: 'one' });
  const other: ContextHandleType<number> = { name: 'policy' };
  assert.throws(() => handles.get(other, handle), MISMATCH);
  assert.throws(() => handles.get(POLICY, { ...handle, attributes: 1 }), MISMATCH);
  assert.throws(() => handles.get(POLICY, NULL_CONTEXT_HANDLE), MISMATCH);
  assert.throws(() => new ContextHandles().get(POLICY, handle), MISMATCH);
});

test('the number of handles is limited', () => {
  const handles = new ContextHandles();
  const first = handles.open(POLICY, { name: 'first' });
  while (handles.size < MAX_CONTEXT_HANDLES) handles.open(POLICY, { name: 'more' });
  assert.throws(() => handles.open(POLICY, { name: 'too many' }), { status: 0x6d9 });
  handles.close(POLICY, first);
  assert.ok(handles.open(POLICY, { name: 'again' }));
});

test('rundown comes when the last association of the group is gone, for what is still open', () => {
  const gone: string[] = [];
  const type: ContextHandleType<string> = { name: 'counted', rundown: (context) => gone.push(context) };
  const groups = new AssociationGroups();
  const group = groups.join(0, 'a');
  assert.ok(group !== undefined);
  assert.equal(groups.join(group.id, 'a')?.contextHandles, group.contextHandles);
  const closed = group.contextHandles.open(type, 'closed');
  group.contextHandles.open(type, 'left open');
  group.contextHandles.open(POLICY, { name: 'without rundown' });
  group.contextHandles.close(type, closed);
  groups.leave(group.id);
  assert.deepEqual(gone, []);
  groups.leave(group.id);
  assert.deepEqual(gone, ['left open']);
  assert.equal(group.contextHandles.size, 0);
});

test('a rundown that opens or closes handles does no harm', () => {
  const handles = new ContextHandles();
  const type: ContextHandleType<string> = { name: 'unruly', rundown: () => handles.rundown() };
  handles.open(type, 'one');
  handles.open(type, 'two');
  handles.rundown();
  assert.equal(handles.size, 0);
});
