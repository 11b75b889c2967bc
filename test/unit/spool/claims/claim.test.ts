import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync, mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import { encodeBase } from '../../../../src/job/document.ts';
import { encodeTail } from '../../../../src/job/tail.ts';
import { openTaken } from '../../../../src/spool/claims/claim.ts';
import { settle } from '../../../../src/spool/claims/settle.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { type Holder, takeFrom, type Waiting } from '../../../../src/spool/job-file/holder.ts';
import { jobFileName, parseDelayedFileName } from '../../../../src/spool/layout.ts';
import { recoverOrphans } from '../../../../src/spool/recovery/recover.ts';
import { within } from '../../../support/conditions.ts';
import { contextOf, recovererOf } from '../../../support/context.ts';
import { job, jobRecord, returned, RUN } from '../../../support/factory.ts';
import { assertSound, placesOf, namesIn } from '../../../support/invariants.ts';
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

const ME = someOwner();
const record = jobRecord();
const base = encodeBase(record);
const ended = (attempt: number): string =>
  base.slice(0, -1) +
  encodeTail([{ attempt, startedAtMs: 1, endedAtMs: 2, owner: ME }], {
    outcome: { state: 'succeeded', value: 'told' },
    standing: { ...from('', attempt - 1).name, attempt },
    endedAtMs: null,
  });

test('a job that waits is taken once, with one attempt more', (t) => {
  const { context, holder, waiting } = setting(t, base);

  const taken = takeFrom(context, holder, waiting);

  assert.equal(taken?.name.attempt, 1);
  assert.equal(readFileSync(taken?.path ?? '', 'utf8'), base);
  assert.equal(takeFrom(context, holder, waiting), null);
});

test('a holder whose directory is gone is told that it was fenced, and takes nothing', (t) => {
  const { context, holder, waiting } = setting(t, base);
  rmdirSync(holder.directory);

  assert.throws(() => takeFrom(context, holder, waiting), { code: 'FSQ_FENCED' });

  assert.equal(readFileSync(waiting.path, 'utf8'), base);
});

test('a job is held, and can be settled', async (t) => {
  const { path, context, holder, waiting } = setting(t, base);

  const held = await open(context, holder, waiting);
  assert.ok(typeof held === 'object');
  await settle(context, held, returned(1), null);

  assert.deepEqual([held.record.job, held.torn, held.baseBytes], [record, false, Buffer.byteLength(base) - 1]);
  assert.deepEqual(namesIn(path, 'results'), [`${record.id}.json`]);
  assertSound(path, [record.id]);
});

test('an outcome of the attempt in the name is published as it stands; one of an earlier attempt is not', async (t) => {
  const { path, context, holder, waiting } = setting(t, ended(2), 1);
  assert.equal(await open(context, holder, waiting), 'done');
  assert.equal(readFileSync(join(path, 'results', `${record.id}.json`), 'utf8'), ended(2));

  const later = setting(t, ended(2), 2);
  const held = await open(later.context, later.holder, later.waiting);

  assert.ok(typeof held === 'object');
  assert.deepEqual(namesIn(later.path, 'results'), []);
});

test('an outcome that no run came to is published as it stands; one from before the job was sent is not', async (t) => {
  const expired = (endedAtMs: number): string =>
    base.slice(0, -1) +
    encodeTail([{ attempt: 1, endedAtMs, owner: someOwner() }], {
      outcome: { state: 'expired', error: { name: 'ExpiredError', message: 'too late' } },
      standing: { queue: 'default', priority: 5, attempt: 2, crashes: 0 },
      endedAtMs,
    });
  const text = expired(record.enqueuedAtMs);
  const { path, context, holder, waiting } = setting(t, text, 1);
  assert.equal(await open(context, holder, waiting), 'done');
  assert.equal(readFileSync(join(path, 'results', `${record.id}.json`), 'utf8'), text);

  const stale = setting(t, expired(record.enqueuedAtMs - 1), 0);
  const held = await open(stale.context, stale.holder, stale.waiting);

  assert.ok(typeof held === 'object');
  assert.deepEqual(namesIn(stale.path, 'results'), []);
});

test('a file that is no job is set aside, and its holder is told', async (t) => {
  const { path, context, holder, waiting, told } = setting(t, 'garbage');

  assert.equal(await open(context, holder, waiting), 'done');

  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['corrupt'],
  );
  assert.deepEqual([namesIn(path, 'results').length, namesIn(path, 'corrupt').length], [1, 1]);
});

test('a job that another process moved meanwhile is gone', async (t) => {
  const { path, context, holder, waiting } = setting(t, base);
  const taken = takeFrom(context, holder, waiting);
  assert.ok(taken !== null);
  renameSync(taken.path, join(path, 'pending', 'elsewhere'));

  assert.equal(await openTaken(context, taken, waiting), 'gone');
});

function from(pending: string, attempt: number): Waiting {
  const name = { id: record.id, queue: 'default', priority: 5, attempt, crashes: 0 };
  return { path: join(pending, jobFileName(name)), name };
}

/** A spool in which `text` waits under the name of a job that ran `attempt` times, and a holder to take it. */
function setting(
  t: TestContext,
  text: string,
  attempt = 0,
): {
  readonly path: string;
  readonly context: SpoolContext;
  readonly holder: Holder;
  readonly waiting: Waiting;
  readonly told: readonly BrokerEvent[];
} {
  const { path } = tempSpool(t);
  const told: BrokerEvent[] = [];
  const holder = { owner: ME, directory: join(path, 'running', ME), onEvent: (event: BrokerEvent) => told.push(event) };
  mkdirSync(holder.directory, { mode: 0o700 });
  const waiting = from(join(path, 'pending'), attempt);
  writeFileSync(waiting.path, text, { mode: 0o600 });
  return { path, context: contextOf(path), holder, waiting, told };
}

async function open(
  context: SpoolContext,
  holder: Holder,
  waiting: Waiting,
): Promise<Awaited<ReturnType<typeof openTaken>>> {
  const taken = takeFrom(context, holder, waiting);
  assert.ok(taken !== null);
  return openTaken(context, taken, waiting);
}
