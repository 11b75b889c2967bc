import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import { jobFileName, parseDelayedFileName } from '../../../../src/spool/layout.ts';
import { recoverOrphans } from '../../../../src/spool/recovery/recover.ts';
import { within } from '../../../support/conditions.ts';
import { contextOf, recovererOf } from '../../../support/context.ts';
import { job, jobRecord, returned, RUN } from '../../../support/factory.ts';
import { assertSound, placesOf } from '../../../support/invariants.ts';
import { pronounceDead, someOwner } from '../../../support/owners.ts';
import { tempSpool } from '../../../support/temp.ts';

test('a job that lies in pending/ before its time, as a shell may put it, is delayed until then', async (t) => {
  const { path, broker } = tempSpool(t);
  const etaMs = Date.now() + 60_000;
  const early = jobRecord({ etaMs });
  const name = { id: early.id, queue: 'default', priority: 0, attempt: 0, crashes: 0 };
  writeFileSync(join(path, 'pending', jobFileName(name)), encodeBase(early), { mode: 0o600 });
  const ready = job();
  await broker.enqueue([ready]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  const claim = await consumer.next(new AbortController().signal);

  assert.equal(claim?.job.id, ready.job.id);
  const sighting = await broker.find(early.id);
  assert.equal(sighting?.state, 'delayed');
  assert.equal(sighting?.dueAtMs, etaMs);
  assert.equal(sighting?.standing.attempt, 0, 'no attempt was counted');
  await claim?.settle(returned(1), RUN);
});

test('a job as another program writes it, with one write and one rename, runs, and keeps what fsq does not know', async (t) => {
  const { path, broker } = tempSpool(t);
  const { id } = jobRecord();
  const draft = join(path, 'tmp', 'by-hand');
  writeFileSync(draft, '{"task":"add","args":[1,2],"x-mine":{"a":1}}\n', { mode: 0o600 });
  renameSync(draft, join(path, 'pending', `5.${id}.default.0.0.json`));
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  const claim = await consumer.next(new AbortController().signal);
  assert.deepEqual([claim?.job.task, claim?.job.args], ['add', [1, 2]]);
  await claim?.settle(returned(3), RUN);

  assert.deepEqual((await broker.outcome(id))?.outcome, { state: 'succeeded', value: 3 });
  const kept = JSON.parse(readFileSync(join(path, 'results', `${id}.json`), 'utf8')) as Record<string, unknown>;
  assert.deepEqual(kept['x-mine'], { a: 1 });
  assertSound(path, [id]);
});

test('the name of a claimed job counts the attempt', async (t) => {
  const { path, broker } = tempSpool(t);
  const sent = job({ queue: 'q', priority: 3 });
  await broker.enqueue([sent]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  const claim = await consumer.next(new AbortController().signal);

  assert.deepEqual(placesOf(path).get(sent.job.id), [`running/${consumer.owner}/3.${sent.job.id}.q.1.0.json`]);
  await claim?.settle(returned(1), RUN);
});

test('a base with letters of two, three and four bytes keeps its end where it is', async (t) => {
  const { broker, path } = tempSpool(t);
  const sent = job({ args: ['äöü', '漢字', '👋🏽', { ключ: '\u0000' }] });
  await broker.enqueue([sent]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  for (let i = 0; i < 3; i++) {
    const claim = await consumer.next(new AbortController().signal);
    const error = { name: 'É', message: '漢'.repeat(i + 1) };
    await claim?.settle({ kind: 'rerun', delayMs: -1, crashes: i, error }, { ...RUN, error });
    assertSound(path, [sent.job.id]);
    const keeper = await broker.keeper({ queues: null });
    await keeper.close();
  }
  await (await consumer.next(new AbortController().signal))?.settle(returned('ß'), RUN);

  const record = await broker.outcome(sent.job.id);
  assert.deepEqual(record?.job.args, sent.job.args);
  assert.deepEqual(
    record?.attempts.map(({ attempt, error }) => [attempt, error?.message]),
    [
      [1, '漢'],
      [2, '漢漢'],
      [3, '漢漢漢'],
      [4, undefined],
    ],
  );
});

test('a job with the largest attempt that a name can hold is claimed, sent back and claimed again, and never has a name that is no job’s', async (t) => {
  const { path, broker } = tempSpool(t);
  const record = jobRecord();
  const name = { id: record.id, queue: 'default', priority: 5, attempt: 999_999_999, crashes: 0 };
  writeFileSync(join(path, 'pending', jobFileName(name)), encodeBase(record), { mode: 0o600 });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  const first = await consumer.next(new AbortController().signal);
  await first?.settle({ kind: 'requeue' }, null);
  const second = await within(consumer.next(new AbortController().signal), 'the same job again');
  pronounceDead(path, consumer.owner);
  await recoverOrphans(contextOf(path), recovererOf(someOwner(7)));

  assert.equal(second?.standing.attempt, 999_999_999);
  const place = placesOf(path).get(record.id)?.[0] ?? '';
  assert.match(place, /^delayed\//);
  assert.deepEqual(parseDelayedFileName(place.slice('delayed/'.length))?.name, { ...name, crashes: 1 });
});
