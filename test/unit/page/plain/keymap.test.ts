import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { KEYS, meaningOf } from '../../../../page/plain/keymap.ts';

const press = (key: string, part: { hasModifier?: boolean; isTyping?: boolean; isClosing?: boolean } = {}) => ({
  key,
  hasModifier: false,
  isTyping: false,
  isClosing: false,
  ...part,
});

describe('a key alone', () => {
  for (const [key, kind] of [
    ['/', 'filter'],
    ['j', 'next'],
    ['k', 'previous'],
    ['x', 'mark'],
    ['?', 'help'],
    ['Escape', 'back'],
  ] as const)
    test(`${key} means ${kind}`, () => assert.deepEqual(meaningOf(press(key), false), { kind }));
});

test('Escape, pressed once more after it has closed something, does not leave the job', () => {
  assert.equal(meaningOf(press('Escape', { isClosing: true }), false), null);
  assert.deepEqual(meaningOf(press('j', { isClosing: true }), false), { kind: 'next' });
});

test('g leads to a screen with the next key, and to none with another', () => {
  assert.equal(meaningOf(press('g'), false), 'g');
  assert.deepEqual(meaningOf(press('j'), true), { kind: 'go', screen: 'jobs' });
  assert.deepEqual(meaningOf(press('w'), true), { kind: 'go', screen: 'workers' });
  assert.deepEqual(meaningOf(press('k'), true), { kind: 'previous' });
  assert.equal(meaningOf(press('w'), false), null);
});

test('what one types, and the keys of the browser, mean nothing here', () => {
  assert.equal(meaningOf(press('j', { isTyping: true }), false), null);
  assert.equal(meaningOf(press('j', { hasModifier: true }), true), null);
  assert.equal(meaningOf(press('Enter'), false), null);
});

test('the help tells every key that means something', () => {
  const told = new Set(KEYS.flatMap(([keys]) => keys.map((key) => (key === 'Esc' ? 'Escape' : key))));

  for (const key of ['/', 'j', 'k', 'x', '?', 'Escape', 'g', 'o', 'f', 's', 'w', 'p']) assert.ok(told.has(key), key);
});
