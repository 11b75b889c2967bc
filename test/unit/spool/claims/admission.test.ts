import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import type { LimitRules } from '../../../../src/job/queue-limits.ts';
import { Admission } from '../../../../src/spool/claims/admission.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { jobFileName, type JobName } from '../../../../src/spool/layout.ts';
import { standstill } from '../../../support/clock.ts';
import { until } from '../../../support/conditions.ts';
import { tempContext } from '../../../support/context.ts';
import { jobRecord, nextId } from '../../../support/factory.ts';
import { someOwner } from '../../../support/owners.ts';

const HOURLY = { concurrency: null, rate: { count: 1, periodMs: 3_600_000 } };
const MINUTELY = { concurrency: null, rate: { count: 1, periodMs: 60_000 } };

const nameOf = (queue: string): JobName => ({ id: nextId(), priority: 5, queue, attempt: 1, crashes: 0 });

function admission(context: SpoolContext, rules: Partial<LimitRules>): Admission {
  return new Admission(context, { queues: new Map(), tasks: new Map(), ...rules });
}

/** What an owner holds. */
function hold(context: SpoolContext, owner: string, name: JobName, text = '{}'): void {
  mkdirSync(join(context.layout.running, owner), { recursive: true });
  writeFileSync(join(context.layout.running, owner, jobFileName(name)), text);
}

test('without limits nothing is asked', (t) => {
  assert.equal(Admission.of(tempContext(t), undefined), null);
  assert.equal(Admission.of(tempContext(t), { queues: new Map(), tasks: new Map() }), null);
});

test('what is claimed counts, also what a dead owner held and a recoverer has fenced', (t) => {
  const context = tempContext(t);
  const limits = admission(context, { queues: new Map([['mail', { concurrency: 2, rate: null }]]) });
  const mine = nameOf('mail');
  hold(context, someOwner(1), mine);
  hold(context, `${someOwner(2)}~${someOwner(3)}`, nameOf('mail'));
  hold(context, someOwner(4), nameOf('other'));
  assert.equal(limits.admits(mine, { task: 'echo', limitKey: null }), true);

  hold(context, someOwner(5), nameOf('mail'));

  assert.equal(limits.admits(mine, { task: 'echo', limitKey: null }), false);
});

test("a slot of the task's rate is not used up where the queue has none", (t) => {
  const context = tempContext(t, { nowMs: () => 1_000_000 });
  const limits = admission(context, {
    queues: new Map([['mail', MINUTELY]]),
    tasks: new Map([['report', HOURLY]]),
  });
  assert.equal(limits.admits(nameOf('mail'), { task: 'echo', limitKey: null }), true);

  assert.equal(limits.admits(nameOf('mail'), { task: 'report', limitKey: null }), false);

  assert.equal(limits.admits(nameOf('other'), { task: 'report', limitKey: null }), true);
});

test('a queue that had no room is not tried again for a moment, then it is', async (t) => {
  const context = tempContext(t);
  const limits = admission(context, { queues: new Map([['mail', { concurrency: 1, rate: null }]]) });
  const [first, second] = [nameOf('mail'), nameOf('mail')];
  hold(context, someOwner(1), first);
  hold(context, someOwner(2), second);
  const time = standstill(t);

  assert.equal(limits.admits(second, { task: 'echo', limitKey: null }), false);
  assert.equal(limits.wasRefused(jobFileName(nameOf('mail'))), true);
  assert.equal(limits.wasRefused(jobFileName(nameOf('other'))), false);
  time.goOn();

  await until(() => !limits.wasRefused(jobFileName(nameOf('mail'))), 'it is tried again');
});

test('of each limit key so many, whoever holds them; those without a key count together', (t) => {
  const context = tempContext(t);
  const limits = admission(context, { tasks: new Map([['echo', { concurrency: 4, rate: null, perKey: 2 }]]) });
  let n = 0;
  const claim = (limitKey: string | null, task = 'echo', attempt = 1): boolean => {
    const held = jobRecord({ id: nextId(), task, options: limitKey === null ? {} : { limitKey } });
    const name = { id: held.id, priority: 5, queue: 'default', attempt, crashes: 0 };
    const owner = someOwner(++n);
    hold(context, n % 2 === 0 ? owner : `${owner}~${someOwner(99)}`, name, encodeBase(held));
    if (attempt === 0 || limits.admits(name, { task, limitKey })) return true;
    rmSync(join(context.layout.running, n % 2 === 0 ? owner : `${owner}~${someOwner(99)}`), { recursive: true });
    return false;
  };

  assert.deepEqual([claim('a'), claim('a'), claim('a')], [true, true, false]);
  assert.deepEqual([claim('a', 'other'), claim('a', 'echo', 0), claim('b', 'echo', 0)], [true, true, true]);
  assert.deepEqual([claim(null), claim('b')], [true, true]);
  assert.deepEqual([claim('c'), claim(null)], [false, false], 'four run in all');
});
