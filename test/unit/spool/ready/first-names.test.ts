/** Which few of many names come first, where several queues have some. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { BY_AGE } from '../../../../src/broker/worker-side.ts';
import { jobFileName, parseJobFileName } from '../../../../src/spool/layout.ts';
import { FirstNames } from '../../../../src/spool/ready/first-names.ts';
import { nextId } from '../../../support/factory.ts';

const named = (queue: string, priority = 5): string =>
  jobFileName({ id: nextId(), queue, priority, attempt: 1, crashes: 0 });
const queuesOf = (names: readonly string[]): string =>
  names.map((name) => parseJobFileName(name)?.queue ?? '-').join('');
const all = (): boolean => true;

test('by age: the most urgent, then the oldest, whatever their queue', () => {
  const [b, a, urgent] = [named('b'), named('a'), named('c', 0)];

  assert.deepEqual(new FirstNames(BY_AGE, 2).of([a, b, urgent], all), [urgent, b]);
});

test('in turns: by weight, and the next look goes on where the last one stopped', () => {
  const names = [...'bbbb'].map((queue) => named(queue, 0)).concat([...'aaaa'].map((queue) => named(queue, 9)));
  const first = new FirstNames(
    {
      kind: 'turns',
      weights: new Map([
        ['a', 2],
        ['b', 1],
      ]),
    },
    4,
  );
  const found = first.of(names.toReversed(), all);

  assert.equal(queuesOf(found), 'abaa');
  assert.equal(
    queuesOf(
      first.of(
        names.filter((name) => !found.includes(name)),
        all,
      ),
    ),
    'babb',
  );
});

test('listed: of a queue only when those before it have nothing left', () => {
  const weights = new Map([
    ['a', 1],
    ['b', 1],
  ]);
  const names = [named('b', 0), named('b', 0), named('a', 9), named('a', 9)];

  assert.equal(queuesOf(new FirstNames({ kind: 'listed', weights }, 3).of(names, all)), 'aab');
});

test('what may not be tried takes no place, and is asked about only if it comes early enough', () => {
  const names = Array.from({ length: 50 }, () => named('a'));
  const asked: string[] = [];
  const isCandidate = (name: string): boolean => {
    asked.push(name);
    return name !== names[0];
  };

  assert.deepEqual(new FirstNames(BY_AGE, 3).of(names, isCandidate), names.slice(1, 4));
  assert.deepEqual(asked, names.slice(0, 4));
});
