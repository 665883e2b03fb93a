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
  const contexts = new PresentationContexts([echoInterface], false);
  const proposed = [element(0), element(1, { transferSyntaxes: [NDR64] }), features(2, 3)];
  assert.deepEqual(contexts.negotiate(proposed, true), {
    results: [accepted, rejected(2), { result: 3, reason: 2, transferSyntax: NO_SYNTAX }],
    grown: true,
  });
  assert.equal(contexts.find(0)?.served.interface, echoInterface);
  assert.equal(contexts.find(1), undefined);
  assert.equal(contexts.find(2), undefined);
  const [both] = new PresentationContexts([echoInterface], true).negotiate([features(2, 7)], true).results;
  assert.equal(both?.reason, 3);
});

test('NDR is chosen among several transfer syntaxes', () => {
  const contexts = new PresentationContexts([echoInterface], false);
  assert.deepEqual(contexts.negotiate([element(0, { transferSyntaxes: [NDR64, NDR] })], true).results, [accepted]);
});

test('an unknown interface is rejected, and may be proposed again', () => {
  const contexts = new PresentationContexts([echoInterface], false);
  const unknown = element(4, { abstractSyntax: UNKNOWN });
  assert.deepEqual(contexts.negotiate([unknown], true).results, [rejected(1)]);
  assert.equal(contexts.find(4), undefined);
  assert.deepEqual(contexts.negotiate([element(5, { abstractSyntax: { ...ECHO, version: 2 } })], false).results, [
    rejected(1),
  ]);
  // what was rejected may be proposed again
  assert.deepEqual(contexts.negotiate([element(4)], false).results, [accepted]);
  assert.equal(contexts.find(4)?.served.interface, echoInterface);
});

test('features are negotiated once, and in a bind only', () => {
  const contexts = new PresentationContexts([echoInterface], false);
  assert.throws(() => contexts.negotiate([features(1, 1), features(2, 2)], true), {
    code: 'RPCH_TWO_FEATURE_ELEMENTS',
  });
  assert.deepEqual(contexts.negotiate([features(1, 3)], false), { results: [rejected(2)], grown: false });
  // only the first transfer syntax of an element can be such a question
  const [answer] = contexts.negotiate(
    [element(1, { transferSyntaxes: [bindTimeFeatureSyntax(2), NDR] })],
    true,
  ).results;
  assert.deepEqual(answer, { result: 3, reason: 2, transferSyntax: NO_SYNTAX });
  const late = element(1, { transferSyntaxes: [NDR, bindTimeFeatureSyntax(2)] });
  assert.deepEqual(contexts.negotiate([late], true).results, [accepted]);
});

test('each abstract syntax is accepted once in a PDU ([MS-RPCE] 3.3.1.5.6)', () => {
  const contexts = new PresentationContexts([echoInterface, { ...echoInterface, syntax: UNKNOWN }], false);
  const other = element(3, { abstractSyntax: UNKNOWN });
  assert.deepEqual(contexts.negotiate([element(1), element(2), other], true).results, [
    accepted,
    rejected(2),
    accepted,
  ]);
  assert.deepEqual(contexts.negotiate([element(2), element(1)], false), {
    results: [accepted, rejected(2)],
    grown: true,
  });
});

test('a context means one interface', () => {
  const contexts = new PresentationContexts([echoInterface], false);
  contexts.negotiate([element(0)], true);
  assert.deepEqual(contexts.negotiate([element(0)], false).results, [accepted]);
  assert.deepEqual(contexts.negotiate([element(0, { abstractSyntax: UNKNOWN })], false).results, [rejected(1)]);
  // NDR64 is a known transfer syntax, and not the one that was agreed on
  assert.throws(() => contexts.negotiate([element(0, { transferSyntaxes: [NDR64] })], false), {
    code: 'RPCH_CONTEXT_REUSED',
  });
  const two = new PresentationContexts([echoInterface, { ...echoInterface, syntax: UNKNOWN }], false);
  two.negotiate([element(0)], true);
  assert.throws(() => two.negotiate([element(0, { abstractSyntax: UNKNOWN })], false), { code: 'RPCH_CONTEXT_REUSED' });
});

test('the number of contexts is limited', () => {
  const contexts = new PresentationContexts([echoInterface], false);
  const propose = (contextId: number) => contexts.negotiate([element(contextId)], false).results;
  for (let i = 0; i < MAX_CONTEXTS; i++) assert.deepEqual(propose(i), [accepted]);
  assert.deepEqual(propose(MAX_CONTEXTS), [rejected(3)]);
  assert.deepEqual(propose(0), [accepted]);
});

test('a client may be known by either of two names', () => {
  const groups = new AssociationGroups();
  const group = groups.join(0, 'cookie 1', 'address 1');
  assert.ok(group !== undefined);
  assert.equal(groups.join(group.id, 'cookie 1', 'address 2'), group);
  assert.equal(groups.join(group.id, 'cookie 2', 'address 1'), group);
  assert.equal(groups.join(group.id, 'cookie 1'), group);
  assert.equal(groups.join(group.id, 'cookie 2', 'address 2'), undefined);
  assert.equal(groups.join(group.id, 'cookie 2'), undefined);
});

test('association groups are shared by associations of one client, and end with the last', () => {
  const groups = new AssociationGroups();
  const group = groups.join(0, 'a');
  assert.ok(group !== undefined && group.id !== 0);
  const { id } = group;
  assert.notEqual(groups.join(0, 'a')?.id, id);
  assert.equal(groups.join(id, 'a'), group);
  assert.equal(groups.join(id, 'b'), undefined);
  assert.equal(groups.join(99, 'a'), undefined);
  groups.leave(id);
  assert.equal(groups.join(id, 'a'), group);
  groups.leave(id);
  groups.leave(id);
  assert.equal(groups.join(id, 'a'), undefined);
  assert.equal(groups.size, 1);
});
