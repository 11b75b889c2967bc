import assert from 'node:assert/strict';
import test from 'node:test';
import type { ChildSide } from '../../../../src/broker/worker-side.ts';
import type { ProcessPrints } from '../../../../src/bullmq/beside/process-prints.ts';
import { CrewMember } from '../../../../src/bullmq/crew/crew-member.ts';

function member(): CrewMember {
  const child = { say: () => undefined, kill: () => undefined } as unknown as ChildSide;
  const prints = { end: () => undefined } as unknown as ProcessPrints;
  return new CrewMember(child, { onIdle: () => undefined, onLeave: () => undefined, prints });
}

test('a child may hold jobs unless it has said that it waits and holds none, also while it ends', () => {
  const child = member();
  const seen: boolean[] = [];
  const words = [
    null,
    { t: 'idle', held: 0, untilMs: null },
    { t: 'busy' },
    { t: 'idle', held: 2, untilMs: null },
    { t: 'settled' },
    { t: 'busy' },
  ];

  for (const word of words) {
    child.hear(word);
    seen.push(child.mayHold);
  }
  child.leave();

  assert.deepEqual(seen, [true, false, true, true, false, true]);
  assert.deepEqual([child.mayHold, child.isHolding], [true, false]);
});

test('the locks of a child grow older until it has taken a job, or tells that it has renewed them', () => {
  const child = member();
  const ages: number[] = [];
  const words = [null, { t: 'renewed', ticksAgo: 2 }, { t: 'renewed', ticksAgo: 'soon' }, { t: 'busy' }];

  for (const word of words) {
    for (let i = 0; i < 4; i++) child.lockAge.grow();
    child.hear(word);
    ages.push(child.lockAge.ticks);
  }

  assert.deepEqual(ages, [4, 2, 6, 0]);
});
