import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AssociationGroups } from '../../src/dcerpc/association-groups.ts';
import type { ContextElement } from '../../src/dcerpc/bind.ts';
import { MAX_CONTEXTS, PresentationContexts } from '../../src/dcerpc/presentation-contexts.ts';
import { bindTimeFeatureSyntax, NDR, NDR64, NO_SYNTAX } from '../../src/dcerpc/syntax-id.ts';
import { ECHO, echoInterface } from '../../src/interfaces/echo.ts';
import { ECHO_ELEMENT } from './support.ts';

const UNKNOWN = { uuid: '12345678-1234-abcd-ef00-0123456789ab', version: 1 };

const element = (contextId: number, changes: Partial<ContextElement> = {}) => ({
  ...ECHO_ELEMENT,
  contextId,
  ...changes,
});
const features = (contextId: number, bits: number) =>
  element(contextId, { transferSyntaxes: [bindTimeFeatureSyntax(bits)] });
const rejected = (reason: number) => ({ result: 2, reason, transferSyntax: NO_SYNTAX });
const accepted = { result: 0, reason: 0, transferSyntax: NDR };

test('what a Windows or Samba client proposes: NDR, NDR64, features', () => {
  const contexts = new PresentationContexts([echoInterface]);
  const proposed = [element(0), element(1, { transferSyntaxes: [NDR64] }), features(2, 3)];
  assert.deepEqual(contexts.negotiate(proposed, true), {
    results: [accepted, rejected(2), { result: 3, reason: 2, transferSyntax: NO_SYNTAX }],
    features: 2,
  });
  assert.equal(contexts.interfaceOf(0), echoInterface);
  assert.throws(() => contexts.interfaceOf(1), { status: 0x1c00001c });
  assert.throws(() => contexts.interfaceOf(2), { status: 0x1c00001c });
});

test('NDR is chosen among several transfer syntaxes', () => {
  const contexts = new PresentationContexts([echoInterface]);
  assert.deepEqual(contexts.negotiate([element(0, { transferSyntaxes: [NDR64, NDR] })], true).results, [accepted]);
});

test('an unknown interface is rejected and its context answers nca_s_unk_if', () => {
  const contexts = new PresentationContexts([echoInterface]);
  const unknown = element(4, { abstractSyntax: UNKNOWN });
  assert.deepEqual(contexts.negotiate([unknown], true).results, [rejected(1)]);
  assert.throws(() => contexts.interfaceOf(4), { status: 0x1c010003 });
  assert.deepEqual(contexts.negotiate([element(5, { abstractSyntax: { ...ECHO, version: 2 } })], false).results, [
    rejected(1),
  ]);
  // what was rejected may be proposed again
  assert.deepEqual(contexts.negotiate([element(4)], false).results, [accepted]);
  assert.equal(contexts.interfaceOf(4), echoInterface);
});

test('features are negotiated once, and in a bind only', () => {
  const contexts = new PresentationContexts([echoInterface]);
  assert.throws(() => contexts.negotiate([features(1, 1), features(2, 2)], true), {
    code: 'RPCH_TWO_FEATURE_ELEMENTS',
  });
  assert.deepEqual(contexts.negotiate([features(1, 3)], false), { results: [rejected(2)], features: 0 });
  assert.equal(contexts.negotiate([features(1, 1)], true).features, 0);
});

test('a context means one interface', () => {
  const contexts = new PresentationContexts([echoInterface]);
  contexts.negotiate([element(0)], true);
  assert.deepEqual(contexts.negotiate([element(0)], false).results, [accepted]);
  assert.throws(() => contexts.negotiate([element(0, { abstractSyntax: UNKNOWN })], false), {
    code: 'RPCH_CONTEXT_REUSED',
  });
});

test('the number of contexts is limited', () => {
  const contexts = new PresentationContexts([echoInterface]);
  const many = Array.from({ length: MAX_CONTEXTS }, (_, i) => element(i));
  assert.ok(contexts.negotiate(many, false).results.every(({ result }) => result === 0));
  assert.deepEqual(contexts.negotiate([element(MAX_CONTEXTS), element(0)], false).results, [rejected(3), accepted]);
});

test('association groups are shared by associations of one client, and end with the last', () => {
  const groups = new AssociationGroups();
  const id = groups.join(0, 'a');
  assert.ok(id !== undefined && id !== 0);
  assert.notEqual(groups.join(0, 'a'), id);
  assert.equal(groups.join(id, 'a'), id);
  assert.equal(groups.join(id, 'b'), undefined);
  assert.equal(groups.join(99, 'a'), undefined);
  groups.leave(id);
  assert.equal(groups.join(id, 'a'), id);
  groups.leave(id);
  groups.leave(id);
  assert.equal(groups.join(id, 'a'), undefined);
  assert.equal(groups.size, 1);
});
