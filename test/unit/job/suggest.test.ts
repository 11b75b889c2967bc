import assert from 'node:assert/strict';
import test from 'node:test';
import { suggest } from '../../../src/job/suggest.ts';

const KNOWN = ['add', 'subtract', 'mail.send', 'mail.receive', 'p'];

const CASES: readonly [string, string | null][] = [
  ['ad', 'add'],
  ['ADD', 'add'],
  ['dad', 'add'],
  ['substract', 'subtract'],
  ['mail.sned', 'mail.send'],
  ['mail-send', 'mail.send'],
  ['send', null],
  ['zzz', null],
  ['', null],
  ['x', null],
  ['pp', 'p'],
  ['ls', null],
  ['multiply', null],
];

for (const [name, nearest] of CASES) {
  test(`${JSON.stringify(name)}: ${nearest === null ? 'nothing is near' : `did you mean ${nearest}?`}`, () => {
    assert.equal(suggest(name, KNOWN), nearest);
  });
}

test('nothing is near when nothing is known', () => {
  assert.equal(suggest('add', []), null);
});
