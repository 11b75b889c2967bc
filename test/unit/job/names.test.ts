import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { UsageError } from '../../../src/job/errors.ts';
import {
  checkId,
  checkPriority,
  checkQueue,
  checkTaskName,
  isId,
  isPriority,
  isQueueName,
  isTaskName,
} from '../../../src/job/names.ts';
import { HOSTILE_NAMES } from '../../support/hostile.ts';

const ID = '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3';

describe('names that would be trouble in a path', () => {
  for (const name of HOSTILE_NAMES) {
    test(`${JSON.stringify(name.slice(0, 40))} is neither an id nor a queue`, () => {
      assert.equal(isId(name), false);
      assert.equal(isQueueName(name), false);
      assert.throws(() => checkId(name), UsageError);
      assert.throws(() => checkQueue(name), UsageError);
    });
  }
});

test('an id is a lower-case UUID of any version, whole', () => {
  for (const id of [ID, '00000000-0000-4000-8000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']) {
    assert.equal(checkId(id), id);
  }
  for (const id of [ID.toUpperCase(), `{${ID}}`, ID.slice(1), `${ID}0`, `${ID}\n`, ID.replaceAll('-', ''), 7, null]) {
    assert.throws(() => checkId(id), UsageError);
  }
});

test('a queue has 1 to 64 characters', () => {
  for (const queue of ['a', '0', 'a_b-c', 'q'.repeat(64), 'console', 'com', 'com10'])
    assert.equal(checkQueue(queue), queue);
  for (const queue of ['', 'q'.repeat(65), '_a', '-a', 'A', 'a.b', 'a b', 'ä', 'com1', 'lpt9', 'prn', undefined, 1])
    assert.throws(() => checkQueue(queue), { code: 'FSQ_USAGE' });
});

test('a task has 1 to 128 letters, digits and _ . : / -', () => {
  for (const task of ['a', 'mail.send', 'pkg/mod:fn', 'A-1', '_x', 't'.repeat(128), 'constructor', '__proto__'])
    assert.equal(checkTaskName(task), task);
  for (const task of ['', '.a', '/a', '-a', 'a b', 'a\n', 'ä', 't'.repeat(129), '\u202ea', null, {}]) {
    assert.equal(typeof task === 'string' && isTaskName(task), false);
    assert.throws(() => checkTaskName(task), UsageError);
  }
});

test('a priority is a whole number from 0 to 9', () => {
  for (let priority = 0; priority <= 9; priority++) assert.equal(checkPriority(priority), priority);
  for (const priority of [-1, 10, 1.5, Number.NaN, '5', null, undefined, 5n]) {
    assert.equal(isPriority(priority), false);
    assert.throws(() => checkPriority(priority), UsageError);
  }
});
