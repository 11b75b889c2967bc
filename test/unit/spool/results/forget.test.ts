/** Outcomes that expire become spare files, and spare files become jobs again. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, lstatSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import type { Settlement } from '../../../../src/job/lifecycle.ts';
import type { ResultTtlMs } from '../../../../src/job/ended/result-ttl.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { Forgetter } from '../../../../src/spool/results/forget.ts';
import { retire } from '../../../../src/spool/results/retire.ts';
import { clock } from '../../../support/clock.ts';
import { contextOf } from '../../../support/context.ts';
import { settledJob } from '../../../support/ended-jobs.ts';
import { job, nextId, returned, RUN, threw } from '../../../support/factory.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { assertSound, namesIn, placesOf } from '../../../support/invariants.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { tempDir, tempSpool } from '../../../support/temp.ts';

/** Longer than a machine stands still between the end of a job and the first look. */
const TTL_MS = 60_000;
/** A producer looks for spare files only after it has created so many. */
const BEFORE_LOOKING = 64;

test('an outcome expires after its time, not before; its file is kept to be written again', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const [id = ''] = await endedJobs(broker, 1);
  const { ino } = lstatSync(join(path, 'results', `${id}.json`));
  const time = clock();
  const context = contextOf(path, { nowMs: time.nowMs, fsync: false });

  await new Forgetter(context, TTL_MS).forget();
  assert.deepEqual(namesIn(path, 'results'), [`${id}.json`]);
  time.advance(TTL_MS + 1_000);
  await new Forgetter(context, TTL_MS).forget();

  assert.deepEqual(namesIn(path, 'results'), []);
  assert.equal(await broker.outcome(id), null);
  const [batch = ''] = namesIn(path, 'spare');
  assert.equal(lstatSync(join(path, 'spare', batch, `${id}.json`)).ino, ino);
  assert.deepEqual(namesIn(path, 'tmp'), []);
});

test('one whose job was sent back and has ended anew, since it was looked at, is another outcome, and stays', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const [id = '', other = ''] = await endedJobs(broker, 2);
  const time = clock();
  const context = contextOf(path, { nowMs: time.nowMs, fsync: false });
  time.advance(TTL_MS + 1_000);
  const endsAnew: typeof retire = (...args) => {
    utimesSync(join(path, 'results', `${id}.json`), new Date(), new Date(Date.now() + 5));
    return retire(...args);
  };

  assert.equal(await new Forgetter(context, TTL_MS).forget(undefined, endsAnew), 1);

  assert.deepEqual(namesIn(path, 'results'), [`${id}.json`]);
  assert.equal(await broker.outcome(other), null);
});

test('an outcome that cannot be looked at keeps no other from expiring, and is told once', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const ids = await endedJobs(broker, 5);
  const broken = `${ids[1]}.json`;
  const entry: Files['entry'] = (at) => {
    if (at.endsWith(broken)) throw systemError('EUCLEAN', 'lstat');
    return nodeFiles.entry(at);
  };
  const time = clock();
  const context = contextOf(path, { nowMs: time.nowMs, fsync: false, files: { ...nodeFiles, entry } });
  const told: BrokerEvent[] = [];
  context.odd.onEvent = (event) => told.push(event);

  time.advance(TTL_MS + 1_000);
  await new Forgetter(context, TTL_MS).forget();
  await new Forgetter(context, TTL_MS).forget();

  assert.deepEqual(namesIn(path, 'results'), [broken]);
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['refused'],
  );
});

test('a clock that steps back ten years expires nothing', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  await endedJobs(broker, 3);
  const time = clock();
  time.advance(-10 * 366 * 86_400_000);

  await new Forgetter(contextOf(path, { nowMs: time.nowMs, fsync: false }), TTL_MS).forget();

  assert.equal(namesIn(path, 'results').length, 3);
});

test('an outcome with an id that tells no time expires by the age of its file', async (t) => {
  const { path } = tempSpool(t, { fsync: false });
  const id = '00000000-0000-4000-8000-000000000000';
  const file = join(path, 'results', `${id}.json`);
  writeFileSync(file, '{"task":"x","attempts":[],"state":"succeeded"}');
  await new Forgetter(contextOf(path), TTL_MS).forget();
  assert.deepEqual(namesIn(path, 'results'), [`${id}.json`]);

  const dayAgoS = Date.now() / 1_000 - 86_400;
  utimesSync(file, dayAgoS, dayAgoS);
  await new Forgetter(contextOf(path), TTL_MS).forget();

  assert.deepEqual(namesIn(path, 'results'), []);
});

test('when there are enough spare files, expired ones are removed', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  await endedJobs(broker, 2);
  for (let i = 0; i < 20; i++) mkdirSync(join(path, 'spare', `full-${i}`));
  const time = clock();
  time.advance(TTL_MS + 60_000);

  await new Forgetter(contextOf(path, { nowMs: time.nowMs }), TTL_MS).forget();

  assert.deepEqual(namesIn(path, 'results'), []);
  assert.equal(namesIn(path, 'spare').length, 20);
});

test('a spare file with longer content becomes a job that is whole and no longer', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  plantSpare(
    path,
    Array.from({ length: 10 }, () => 'x'.repeat(100_000)),
  );
  await createMany(broker);
  const jobs = Array.from({ length: 10 }, () => job({ args: ['short'] }));

  for (const sent of jobs) await broker.enqueue([sent]);

  assertSound(
    path,
    jobs.map((sent) => sent.job.id),
  );
  for (const sent of jobs) {
    const file = join(path, placesOf(path).get(sent.job.id)?.[0] ?? '');
    assert.ok(lstatSync(file).size < 1_000, `${lstatSync(file).size} bytes`);
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')).args, ['short']);
  }
  assert.deepEqual(namesIn(path, 'spare'), []);
});

test('a spare file with shorter content becomes a job that is whole', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  plantSpare(path, ['', 'y']);
  await createMany(broker);
  const jobs = [job({ args: ['z'.repeat(10_000)] }), job(), job()];

  await broker.enqueue(jobs);

  assertSound(
    path,
    jobs.map((sent) => sent.job.id),
  );
});

test('a reused file shows the outcome of its old job to nobody', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const [old = ''] = await endedJobs(broker, 1);
  const time = clock();
  time.advance(TTL_MS + 1_000);
  await new Forgetter(contextOf(path, { nowMs: time.nowMs }), TTL_MS).forget();
  await createMany(broker);

  await broker.enqueue([job({ args: [1] })]);

  assert.deepEqual(namesIn(path, 'spare'), []);
  assert.equal(await broker.outcome(old), null);
  assert.equal(await broker.find(old), null);
});

test('what is no plain file with one name is never written into', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const outside = join(tempDir(t), 'precious');
  writeFileSync(outside, 'precious');
  plantSpare(path, []);
  const batch = join(path, 'spare', 'planted');
  symlinkSync(outside, join(batch, 'a'));
  linkSync(outside, join(batch, 'b'));
  execFileSync('mkfifo', [join(batch, 'c')]);
  symlinkSync(outside, join(path, 'spare', 'link'));
  writeFileSync(join(path, 'spare', 'file'), 'x');
  await createMany(broker);
  const jobs = Array.from({ length: 5 }, () => job({ args: ['not precious'] }));

  await broker.enqueue(jobs);

  assert.equal(readFileSync(outside, 'utf8'), 'precious');
  assertSound(
    path,
    jobs.map((sent) => sent.job.id),
  );
});

test('two producers share spare files without writing into the same', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const { openSpool } = await import('../../../../src/spool/spool.ts');
  const other = openSpool({ path, fsync: false });
  t.after(() => other.close());
  for (let i = 0; i < 4; i++)
    plantSpare(
      path,
      Array.from({ length: 10 }, () => 'x'.repeat(5_000)),
      `batch-${i}`,
    );
  await Promise.all([createMany(broker), createMany(other)]);

  await Promise.all(
    [broker, other].flatMap((each) => Array.from({ length: 40 }, () => each.enqueue([job({ args: [1] })]))),
  );

  assertSound(path);
  assert.equal(placesOf(path).size, 2 * BEFORE_LOOKING + 80);
});

const ERROR = { name: 'Error', message: 'no' };
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

test('by the settings, each state has its time', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const [good = ''] = await endedJobs(broker, 1);
  const bad = await settledJob(path, {}, threw('no'));
  const { forgetAfter } = forgetterAt(path, { succeeded: DAY_MS, failed: 7 * DAY_MS });

  assert.equal(await forgetAfter(DAY_MS - MINUTE_MS), 0);
  assert.equal(await forgetAfter(2 * MINUTE_MS), 1);
  assert.deepEqual(namesIn(path, 'results'), [`${bad}.json`]);
  assert.equal(await forgetAfter(6 * DAY_MS), 1);

  assert.equal(await broker.outcome(good), null);
  assert.deepEqual(namesIn(path, 'results'), []);
});

for (const [what, ttlMs, restMs] of [
  ['shorter', MINUTE_MS, DAY_MS],
  ['longer', 3 * DAY_MS, MINUTE_MS],
] as const)
  test(`an outcome that says so is kept for a ${what} time than the settings say`, async (t) => {
    const { path, broker } = tempSpool(t, { fsync: false });
    const own = job({ id: broker.nextId(true), options: { resultTtlMs: ttlMs } });
    await broker.enqueue([own]);
    await settleNext(broker, kept(ttlMs));
    const [plain = ''] = await endedJobs(broker, 1);
    const first = ttlMs < restMs ? own.job.id : plain;
    const last = ttlMs < restMs ? plain : own.job.id;
    const { forgetAfter } = forgetterAt(path, restMs);

    assert.equal(await forgetAfter(Math.min(ttlMs, restMs) - 10_000), 0);
    assert.equal(await forgetAfter(20_000), 1);
    assert.deepEqual(namesIn(path, 'results'), [`${last}.json`], `${first} went first`);
    assert.equal(await forgetAfter(Math.max(ttlMs, restMs)), 1);
  });

test('an outcome without a time is forgotten in the next round', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  await broker.enqueue([job({ id: broker.nextId(true), options: { resultTtlMs: 0 } })]);
  await settleNext(broker, kept(0));

  assert.equal(await forgetterAt(path, DAY_MS).forgetAfter(5), 1);
});

test('an outcome is read once, and where the settings decide alone not at all', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  await endedJobs(broker, 3);
  await settledJob(path, {}, threw('no'));
  await broker.enqueue([job({ id: broker.nextId(true), options: { resultTtlMs: 7 * DAY_MS } })]);
  await settleNext(broker, kept(7 * DAY_MS));
  const plain = forgetterAt(path, 30 * DAY_MS);
  const byState = forgetterAt(path, { succeeded: 30 * DAY_MS, failed: DAY_MS });

  for (let day = 0; day < 3; day++) await plain.forgetAfter(DAY_MS);
  await byState.forgetAfter(MINUTE_MS);
  const young = byState.reads();
  for (let day = 0; day < 3; day++) await byState.forgetAfter(DAY_MS);

  assert.equal(plain.reads(), 1);
  assert.equal(young, 1);
  assert.equal(byState.reads(), 5);
});

test('an outcome that came in the place of one that was read has its own time', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const id = broker.nextId(true);
  await broker.enqueue([job({ id, options: { resultTtlMs: DAY_MS } })]);
  await settleNext(broker, kept(DAY_MS));
  const { forgetAfter, nowMs } = forgetterAt(path, 30 * DAY_MS);
  assert.equal(await forgetAfter(DAY_MS - MINUTE_MS), 0);
  const file = join(path, 'results', `${id}.json`);

  writeFileSync(file, readFileSync(file, 'utf8').replace(`"ttlMs":${DAY_MS}`, `"ttlMs":${3 * DAY_MS}`));
  utimesSync(file, nowMs() / 1_000, nowMs() / 1_000);

  assert.equal(await forgetAfter(DAY_MS + MINUTE_MS), 0);
  assert.equal(await forgetAfter(2 * DAY_MS), 1);
});

test('of a job that was sent back and has ended anew between two rounds the new outcome counts, with its shorter time', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const options = { resultTtlMs: { succeeded: MINUTE_MS, failed: 7 * DAY_MS } };
  const sent = job({ id: broker.nextId(true), options });
  await broker.enqueue([sent]);
  await settleNext(broker, { kind: 'publish', outcome: { state: 'failed', error: ERROR }, ttlMs: 7 * DAY_MS });
  const { forgetAfter } = forgetterAt(path, DAY_MS);
  assert.equal(await forgetAfter(MINUTE_MS), 0);

  await broker.retry([sent.job.id]);
  await settleNext(broker, kept(MINUTE_MS));

  assert.equal(await forgetAfter(MINUTE_MS), 1);
  assert.equal(await broker.outcome(sent.job.id), null);
});

/** A forgetter that goes on by steps of a clock that is not set: its rounds are what `forgetAfter` asks for. */
function forgetterAt(
  path: string,
  ttl: ResultTtlMs,
): { forgetAfter(ms: number): Promise<number>; reads(): number; nowMs(): number } {
  let reads = 0;
  const read: Files['read'] = (...args) => {
    reads++;
    return nodeFiles.read(...args);
  };
  const time = clock();
  const context = contextOf(path, { nowMs: time.nowMs, fsync: false, files: { ...nodeFiles, read } });
  let monotonicMs = performance.now();
  const forgetter = new Forgetter(context, ttl, () => monotonicMs);
  return {
    forgetAfter: (ms) => {
      time.advance(ms);
      monotonicMs += ms;
      return forgetter.forget();
    },
    reads: () => reads,
    nowMs: time.nowMs,
  };
}

function kept(ttlMs: number): Settlement {
  return { kind: 'publish', outcome: { state: 'succeeded', value: 1 }, ttlMs };
}

async function settleNext(broker: Broker, settlement: Settlement): Promise<void> {
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  await (await nextWithin(consumer, 10_000))?.settle(settlement, RUN);
  await consumer.close();
}

async function endedJobs(broker: Broker, count: number): Promise<string[]> {
  const jobs = Array.from({ length: count }, () => job());
  await broker.enqueue(jobs);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  for (const _ of jobs) await (await consumer.next(new AbortController().signal))?.settle(returned('old'), RUN);
  await consumer.close();
  return jobs.map((sent) => sent.job.id);
}

function createMany(broker: Broker): Promise<void> {
  return broker.enqueue(Array.from({ length: BEFORE_LOOKING }, () => job()));
}

function plantSpare(path: string, texts: readonly string[], name = 'planted'): void {
  mkdirSync(join(path, 'spare', name));
  for (const text of texts) writeFileSync(join(path, 'spare', name, `${nextId()}.json`), text, { mode: 0o600 });
}
