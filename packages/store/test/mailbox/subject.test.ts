import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deriveSubject, splitSubject } from '../../src/mailbox/subject.ts';
import type { PropertyTag, PropertyValue } from '../../src/mapi/property.ts';
import { PidTag } from '../../src/mapi/property-tags.ts';
import { properties } from './support.ts';

const { Subject, SubjectPrefix, NormalizedSubject } = PidTag;

function derive(
  set: [PropertyTag, PropertyValue][],
  stored: [PropertyTag, PropertyValue][] = [],
  removed: PropertyTag[] = [],
): { parts: (PropertyValue | undefined)[]; removed: readonly PropertyTag[] } {
  const made = properties(...set);
  const more = deriveSubject(made, (tag) => properties(...stored).get(tag), removed);
  return { parts: [made.get(SubjectPrefix), made.get(NormalizedSubject), made.get(Subject)], removed: more };
}

test('a prefix is one to three characters, a colon and blanks, as they are written ([MS-OXCMAIL] 2.2.3.2.6.1)', () => {
  for (const [subject, prefix] of [
    ['RE: x', 'RE: '],
    ['Re: RE: x', 'Re: '],
    ['Åw: x', 'Åw: '],
    ['Antw: x', ''],
    ['RE: a: b', 'RE: '],
    ['RE:x', 'RE:'],
    ['回复:   x', '回复:   '],
    ['Fwds: x', ''],
    ['R2: x', ''],
    ['R : x', ''],
    ['RE x', ''],
    ['12: x', ''],
    [': x', ''],
    ['', ''],
  ] as const) {
    assert.deepEqual(splitSubject(subject), { prefix, normalized: subject.slice(prefix.length) });
  }
});

test('of subject, prefix and normalized subject those that are not set follow from the others', () => {
  assert.deepEqual(derive([[Subject, 'RE: x']]).parts, ['RE: ', 'x', 'RE: x']);
  assert.deepEqual(
    derive([
      [Subject, 'Antw: x'],
      [SubjectPrefix, 'Antw: '],
    ]).parts,
    ['Antw: ', 'x', 'Antw: x'],
  );
  assert.deepEqual(
    derive([
      [Subject, 'Antw: x'],
      [NormalizedSubject, 'x'],
    ]).parts,
    ['Antw: ', 'x', 'Antw: x'],
  );
  assert.deepEqual(
    derive([
      [SubjectPrefix, 'FW: '],
      [NormalizedSubject, 'x'],
      [Subject, 'something else'],
    ]).parts,
    ['FW: ', 'x', 'FW: x'],
  );
  assert.deepEqual(derive([[NormalizedSubject, 'y']], [[SubjectPrefix, 'RE: ']]).parts, [undefined, 'y', 'RE: y']);
  assert.deepEqual(derive([[SubjectPrefix, '']], [[NormalizedSubject, 'x']]).parts, ['', undefined, 'x']);
  assert.deepEqual(derive([]), { parts: [undefined, undefined, undefined], removed: [] });
});

test('what is removed takes with it what is made of it', () => {
  assert.deepEqual(derive([], [], [Subject]).removed, [SubjectPrefix, NormalizedSubject]);
  assert.deepEqual(derive([], [], [NormalizedSubject]).removed, [Subject, SubjectPrefix]);
  assert.deepEqual(derive([], [[NormalizedSubject, 'x']], [SubjectPrefix]).parts, [undefined, undefined, 'x']);
});
