import assert from 'node:assert/strict';
import test from 'node:test';
import type { NewJob } from '../../../../src/broker/broker.ts';
import { inOrder } from '../../../../src/spool/after/in-order.ts';
import { job, nextId } from '../../../support/factory.ts';

test('where no job comes after another of the call, the list is the same', () => {
  for (const jobs of [[job()], [job(), job()], [job({ options: { after: nextId() } })]])
    assert.equal(inOrder(jobs), jobs);
  const after = [job(), job({ options: { after: nextId() } })];
  assert.deepEqual(inOrder(after), after);
});

test('those before others come first, whatever the order of the call, and each once', () => {
  const chain = chainOf(5);
  const [a, b] = [job(), job()];
  const callback = job({ options: { after: [a.job.id, b.job.id, chain.at(-1)?.job.id ?? ''] } });

  const ordered = inOrder([callback, ...chain.toReversed(), a, b]);

  assert.deepEqual(ids(ordered), ids([a, b, ...chain, callback]));
  assert.deepEqual(
    ordered.map(({ isFollower = false }) => isFollower),
    [false, false, false, true, true, true, true, true],
  );
});

test('a chain of 100,000 that is sent from its end is put in order without a deep stack', () => {
  const chain = chainOf(100_000);

  assert.deepEqual(ids(inOrder(chain.toReversed())), ids(chain));
});

test('jobs in a circle and after themselves are all kept', () => {
  const [one, two] = [nextId(), nextId()];
  const jobs = [job({ id: one, options: { after: two } }), job({ id: two, options: { after: [one, two] } })];

  assert.deepEqual(ids(inOrder(jobs)).toSorted(), [one, two].toSorted());
});

function chainOf(length: number): readonly NewJob[] {
  const jobs: NewJob[] = [];
  for (let i = 0; i < length; i++) {
    const before = jobs.at(-1);
    jobs.push(job(before === undefined ? {} : { options: { after: before.job.id } }));
  }
  return jobs;
}

function ids(jobs: readonly NewJob[]): readonly string[] {
  return jobs.map((each) => each.job.id);
}
