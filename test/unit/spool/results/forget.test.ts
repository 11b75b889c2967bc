/** Outcomes that expire become spare files, and spare files become jobs again. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, lstatSync, mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { BrokerEvent } from '../../../../src/broker/worker-side.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { Forgetter, Ages } from '../../../../src/spool/results/forget.ts';
import { clock } from '../../../support/clock.ts';
import { contextOf } from '../../../support/context.ts';
import { job, nextId, returned, RUN } from '../../../support/factory.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { assertSound, namesIn, placesOf } from '../../../support/invariants.ts';
import { tempDir, tempSpool } from '../../../support/temp.ts';

const TTL_MS = 1_000;
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

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;
const START_MS = 40 * YEAR_MS;

/** Two clocks, and ages by them for a time to live of a day. */
function watched(): { readonly ages: Ages; pass(ms: number): void; jump(ms: number): void; nowMs(): number } {
  const ages = new Ages(DAY_MS);
  let [wallMs, monotonicMs] = [START_MS, 5_000];
  ages.observe(wallMs, monotonicMs);
  const move = (byWallMs: number, byMonotonicMs: number): void => {
    wallMs += byWallMs;
    monotonicMs += byMonotonicMs;
    ages.observe(wallMs, monotonicMs);
  };
  return { ages, pass: (ms) => move(ms, ms), jump: (ms) => move(ms, 0), nowMs: () => wallMs };
}

describe('whether the time of a file is over', () => {
  test('by the wall clock, to the millisecond', () => {
    const { ages } = watched();

    assert.equal(ages.isOver(START_MS - DAY_MS + 1), false);
    assert.equal(ages.isOver(START_MS - DAY_MS), true);
  });

  for (const jumpMs of [HOUR_MS, 2 * DAY_MS, 10 * YEAR_MS]) {
    test(`a step forward of ${jumpMs / HOUR_MS} hours ages nothing`, () => {
      const { ages, pass, jump, nowMs } = watched();
      const before = START_MS - HOUR_MS;
      jump(jumpMs);
      const after = nowMs();

      pass(23 * HOUR_MS - MINUTE_MS);
      const early = [ages.isOver(before), ages.isOver(after)];
      pass(2 * MINUTE_MS);
      const onTime = [ages.isOver(before), ages.isOver(after)];
      pass(HOUR_MS);

      assert.deepEqual(early, [false, false]);
      assert.deepEqual(onTime, [true, false]);
      assert.equal(ages.isOver(after), true);
    });
  }

  test('nights of sleep do not count, and do not keep a file for ever', () => {
    const { ages, pass, jump } = watched();
    let days = 0;

    while (!ages.isOver(START_MS) && days < 10) {
      pass(8 * HOUR_MS);
      jump(16 * HOUR_MS);
      days++;
    }

    assert.equal(days, 3);
  });

  test('a step back keeps everything; once the clock is right again, ages are too', () => {
    const { ages, pass, jump } = watched();
    jump(-10 * YEAR_MS);
    pass(2 * DAY_MS);
    const inThePast = ages.isOver(START_MS);

    jump(10 * YEAR_MS);
    const back = ages.isOver(START_MS - DAY_MS);

    assert.equal(inThePast, false);
    assert.equal(back, true);
  });

  test('what seems to be over for more than a year is given one more life', () => {
    const { ages, pass } = watched();
    const old = START_MS - 10 * YEAR_MS;

    const atFirst = ages.isOver(old);
    pass(DAY_MS);

    assert.equal(atFirst, false);
    assert.equal(ages.isOver(old), true);
  });
});
