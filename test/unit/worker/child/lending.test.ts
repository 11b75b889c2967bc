/** Runs that wait: whose slot is lent, to which job first, and when it is theirs again. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { Run } from '../../../../src/app/current-job.ts';
import { Lending } from '../../../../src/worker/child/lending.ts';
import { Slots } from '../../../../src/worker/child/slots.ts';

interface Scene {
  readonly slots: Slots;
  readonly lending: Lending;
  /** What was asked for, each with the queue that it is likely to be of. */
  readonly asked: string[];
  begin(): Run;
}

function sceneOf(size: number): Scene {
  const slots = new Slots(size);
  const asked: string[] = [];
  const lending = new Lending(slots, async (id, queue) => void asked.push(`${id} ${queue}`));
  const begin = (): Run => {
    slots.begin();
    return new Run(null, null, lending);
  };
  return { slots, lending, asked, begin };
}

test('a run that waits lends its slot, once however many jobs it waits for, and has it back when all waits are over', () => {
  const { slots, lending, asked, begin } = sceneOf(1);
  const run = begin();
  const full = [slots.isFull];

  lending.waits(run, { id: 'a', queue: 'q' });
  lending.waits(run, { id: 'b', queue: 'q' });
  full.push(slots.isFull);
  lending.goesOn(run, 'a');
  full.push(slots.isFull);
  lending.goesOn(run, 'b');
  full.push(slots.isFull);

  assert.deepEqual(full, [true, false, false, true]);
  assert.deepEqual(asked, ['a q']);
});

test('a run that ends while it still waits takes its slot with it, and a wait that ends later changes nothing', () => {
  const { slots, lending, begin } = sceneOf(1);
  const run = begin();
  lending.waits(run, { id: 'a', queue: 'q' });

  run.end();
  slots.end();
  begin();
  lending.goesOn(run, 'a');

  assert.equal(slots.isFull, true);
});

test('others hear of the slot only when the job that is waited for had its chance', async () => {
  const slots = new Slots(1);
  const order: string[] = [];
  const lending = new Lending(slots, async (id) => {
    await Promise.resolve();
    order.push(id);
  });
  slots.begin();
  const heard = slots.next().then(() => order.push('others'));

  lending.waits(new Run(null, null, lending), { id: 'a', queue: 'q' });
  await heard;

  assert.deepEqual(order, ['a', 'others']);
});

test('when no more jobs are taken, those that are waited for still are, again and again, until nothing runs', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { slots, lending, asked, begin } = sceneOf(1);
  const run = begin();
  lending.waits(run, { id: 'a', queue: 'q' });

  const finished = lending.finish();
  for (let i = 0; i < 2; i++) {
    t.mock.timers.tick(200);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }
  run.end();
  slots.end();
  await finished;

  assert.deepEqual(asked, ['a q', 'a null', 'a null']);
});

test('nothing is alone while anything works, or while an outcome is on its way; what waits is no company', async () => {
  const { slots, lending, begin } = sceneOf(4);
  const [waits, works] = [begin(), begin()];
  lending.waits(waits, { id: null, queue: 'q' });
  let arrive = (): void => undefined;
  slots.settling.add(new Promise((resolve) => (arrive = resolve)));
  let isAlone = false;

  const alone = slots.alone()?.then(() => (isAlone = true));
  works.end();
  slots.end();
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  const before = isAlone;
  arrive();
  await alone;

  assert.deepEqual([before, isAlone, slots.alone()], [false, true, null]);
});
