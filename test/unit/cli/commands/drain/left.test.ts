import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Unended } from '../../../../../src/broker/broker.ts';
import { isSoon, leftOf, type Seen, stuckIn, stuckText } from '../../../../../src/cli/commands/drain/left.ts';

const NOW = 1_000_000;

function job(id: string, parts: Partial<Unended> = {}): Unended {
  return { id, queue: 'default', priority: 5, attempt: 0, state: 'pending', dueAtMs: null, owner: null, ...parts };
}

function seen(unended: readonly Unended[], parts: Partial<Seen> = {}): Seen {
  return { unended, paused: [], unproved: new Set(), parked: new Map(), unparked: new Set(), nowMs: NOW, ...parts };
}

const late = (id: string, dueAtMs: number | null = NOW + 5_000): Unended => job(id, { state: 'delayed', dueAtMs });
const running = (id: string, owner = '1-a'): Unended => job(id, { state: 'running', owner });

describe('what is left to wait for', () => {
  for (const [name, found, now, withDelayed] of [
    ['nothing', seen([]), [0, 0, 0], [0, 0, 0]],
    ['ready and running jobs', seen([job('a'), job('b'), running('c')]), [2, 1, 0], [2, 1, 0]],
    ['a job that is due counts as ready', seen([late('a', NOW - 1)]), [1, 0, 0], [0, 0, 1]],
    ['later jobs only where they are wanted', seen([job('a'), late('b')]), [1, 0, 0], [1, 0, 1]],
    ['a job that waits for one that can end', seen([running('a'), late('b', null)]), [0, 1, 0], [0, 1, 1]],
    ['a job that waits for one that cannot', seen([late('b', null)]), [0, 0, 0], [0, 0, 0]],
    ['parked jobs are not waited for', seen([late('a')], { parked: new Map([['a', 'x']]) }), [0, 0, 0], [0, 0, 0]],
    ['parked jobs of a known task are', seen([late('a')], { unparked: new Set(['a']) }), [1, 0, 0], [0, 0, 1]],
    ['nor those of paused queues', seen([job('a', { queue: 'q' }), job('b')], { paused: ['q'] }), [1, 0, 0], [1, 0, 0]],
    [
      'what runs of a paused queue ends',
      seen([{ ...running('a'), queue: 'q' }], { paused: ['q'] }),
      [0, 1, 0],
      [0, 1, 0],
    ],
    [
      'nor what an owner holds that may be dead',
      seen([running('a', '9-z')], { unproved: new Set(['9-z']) }),
      [0, 0, 0],
      [0, 0, 0],
    ],
  ] as const)
    test(name, () => {
      const of = (waits: boolean): readonly number[] => {
        const { pending, running: runs, delayed } = leftOf(found, waits);
        return [pending, runs, delayed];
      };

      assert.deepEqual([of(false), of(true)], [now, withDelayed]);
    });
});

test('what stays behind is told by its reason', () => {
  const found = seen(
    [late('p'), late('p2'), job('q', { queue: 'mail' }), running('u', '9-z'), late('r'), late('w', null)],
    {
      parked: new Map([
        ['p', 'x'],
        ['p2', 'x'],
      ]),
      paused: ['mail'],
      unproved: new Set(['9-z']),
    },
  );

  const stuck = stuckIn(found, new Set(['r']));

  assert.deepEqual(stuck.map(stuckText), [
    '2 jobs of task x are parked: no task module here knows it',
    '1 job of queue mail waits: the queue is paused',
    '1 job is held by 9-z, of which it cannot be told whether it lives',
    '1 job failed and waits for another attempt; --delayed waits for it',
    '1 job waits for a time or for another job',
  ]);
});

test('only a job that is due within a minute may be parked', () => {
  const dues = [NOW - 1, NOW + 60_000, NOW + 60_001, null];

  assert.deepEqual(
    dues.map((due) => isSoon(late('a', due), NOW)),
    [true, true, false, false],
  );
  assert.equal(isSoon(job('a', { dueAtMs: NOW }), NOW), false);
});
