/** Jobs that wait for another are ready soon after its end, also where no watch tells of it, and cost nothing where there are none. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { AFTER_ANOTHER_MS, delayedFileName } from '../../../../src/spool/layout.ts';
import { until, within } from '../../../support/conditions.ts';
import { job, jobRecord, nextId, returned, RUN } from '../../../support/factory.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { tempSpool } from '../../../support/temp.ts';

/** A keeper that has found nothing looks again after this, and then after twice as long. */
const LOOK_EVERY_MS = 20;

for (const watches of [true, false]) {
  test(`a job that waits for another is ready soon after its end, ${watches ? 'by an event' : 'by a look where no watch can be had'}`, async (t) => {
    const files: Files = watches
      ? nodeFiles
      : {
          ...nodeFiles,
          watch: () => {
            throw Object.assign(new Error('no watch'), { code: 'EMFILE' });
          },
        };
    const { path, broker } = tempSpool(t, { files });
    const first = job();
    await broker.enqueue([first]);
    const consumer = await broker.consumer({ queues: null, tasks: [] });
    t.after(() => consumer.close());
    const claim = await nextWithin(consumer, 10_000);
    const names = plant(path, first.job.id, 3);
    const keeper = await broker.keeper({ queues: ['none'] });
    t.after(() => keeper.close());
    assert.deepEqual(readdirSync(join(path, 'delayed')).toSorted(), names);

    await claim?.settle(returned(1), RUN);

    await until(() => readdirSync(join(path, 'pending')).length === 3, 'they are ready', 10_000);
    assert.deepEqual(readdirSync(join(path, 'delayed')), []);
  });
}

test('where no job waits for another, results/ is neither watched nor looked at, and no job is read', async (t) => {
  const seen: string[] = [];
  const files: Files = {
    ...nodeFiles,
    watch: (at, ...rest) => {
      seen.push(`watch ${at}`);
      return nodeFiles.watch(at, ...rest);
    },
    directoryStamp: (at) => {
      seen.push(`stamp ${at}`);
      return nodeFiles.directoryStamp(at);
    },
    open: (at, access) => {
      seen.push(`open ${at}`);
      return nodeFiles.open(at, access);
    },
  };
  const { path, broker } = tempSpool(t, { files, fsync: false });
  await broker.enqueue([job({ etaMs: Date.now() + 3_600_000 })]);
  const keeper = await broker.keeper({ queues: null });
  t.after(() => keeper.close());
  await until(() => seen.filter((call) => call === `stamp ${path}/delayed`).length > 3, 'it has looked a few times');

  assert.equal(keeper.isIdle(), true);
  assert.deepEqual(
    seen.filter((call) => call.includes('/results') || call.startsWith(`open ${path}/delayed`)),
    [],
  );
});

test('what lies under that time and waits for no job stays there', async (t) => {
  const { path, broker } = tempSpool(t);
  const names = plant(path, undefined, 1);
  const waiting = plant(path, nextId(), 1);
  const keeper = await broker.keeper({ queues: null });
  t.after(() => keeper.close());

  assert.equal(keeper.isIdle(), true);
  assert.deepEqual(readdirSync(join(path, 'delayed')).toSorted(), [...names, ...waiting].toSorted());
});

test('of several that it comes after, a job waits for one at a time, the last: few calls are made for many', async (t) => {
  const asked = new Map<string, number>();
  const { path, broker } = tempSpool(t, {
    fsync: false,
    files: {
      ...nodeFiles,
      exists: (at) => {
        if (at.includes('/results/')) asked.set(at, (asked.get(at) ?? 0) + 1);
        return nodeFiles.exists(at);
      },
    },
  });
  const members = Array.from({ length: 1_000 }, () => job());
  const callback = job({ options: { after: members.map((each) => each.job.id), takes: 'values' } });
  await broker.enqueue([...members, callback]);
  const keeper = await broker.keeper({ queues: null });
  t.after(() => keeper.close());
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  const beganAtMs = performance.now();
  for (let i = 0; i <= members.length; i++) {
    const claim = await within(Promise.resolve(consumer.next(new AbortController().signal)), `claim ${i}`);
    const [values] = claim?.job.args ?? [];
    if (i === members.length) assert.equal(Array.isArray(values) && values.length, members.length);
    await claim?.settle(returned(i), RUN);
  }

  // Each is asked for by the keeper when nobody waits for it any more, and by the claim; the last one also by each of the keeper's looks.
  const last = `${path}/results/${members.at(-1)?.job.id ?? ''}.json`;
  const counts = [...asked].filter(([at]) => at !== last).map(([, count]) => count);
  assert.equal(counts.length, members.length - 1);
  assert.ok(Math.max(...counts) <= 3, `one is asked for ${Math.max(...counts)} times`);
  const looks = 500 + (performance.now() - beganAtMs) / LOOK_EVERY_MS;
  assert.ok((asked.get(last) ?? 0) < looks, `the last is asked for ${asked.get(last)} times`);
});

test('a job that comes after several is ready when the last of them has ended, in whatever order they end', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const members = Array.from({ length: 4 }, () => job());
  await broker.enqueue([...members, job({ options: { after: members.map((each) => each.job.id) } })]);
  const keeper = await broker.keeper({ queues: ['none'] });
  t.after(() => keeper.close());
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const claims = [];
  for (const _ of members) claims.push(await nextWithin(consumer, 10_000));

  for (const i of [3, 1, 0, 2]) {
    assert.equal(readdirSync(join(path, 'delayed')).length, 1);
    await claims[i]?.settle(returned(i), RUN);
  }

  await until(() => readdirSync(join(path, 'pending')).length === 1, 'it is ready', 10_000);
});

test('many that wait for one job are read and made ready in slices, and other work has its turns', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const [first] = [job()];
  await broker.enqueue([first]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const claim = await nextWithin(consumer, 10_000);
  plant(path, first.job.id, 5_000);
  let turns = 0;
  const ticking = setInterval(() => turns++);
  t.after(() => clearInterval(ticking));
  const keeper = await broker.keeper({ queues: ['none'] });
  t.after(() => keeper.close());
  assert.equal(keeper.isIdle(), false); // They are being read: what waits is not known.
  await until(() => keeper.isIdle(), 'all were read', 60_000);
  const turnsForReading = turns;

  await claim?.settle(returned(1), RUN);

  await until(() => readdirSync(join(path, 'delayed')).length === 0, 'all are ready', 60_000);
  assert.ok(
    turnsForReading > 3 && turns - turnsForReading > 3,
    `${turnsForReading} and ${turns - turnsForReading} turns`,
  );
});

test('a job whose rename fails for a moment is made ready with a later look', async (t) => {
  let failures = 0;
  const files: Files = {
    ...nodeFiles,
    rename: (from, to) => {
      if (from.includes('/delayed/') && failures++ < 3)
        throw Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC', syscall: 'rename', errno: -28 });
      nodeFiles.rename(from, to);
    },
  };
  const { path, broker } = tempSpool(t, { fsync: false, files });
  const first = job();
  await broker.enqueue([first, job({ options: { after: first.job.id } })]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const keeper = await broker.keeper({ queues: ['none'] });
  t.after(() => keeper.close());

  await (await nextWithin(consumer, 10_000))?.settle(returned(1), RUN);

  await until(() => readdirSync(join(path, 'pending')).length === 1, 'it is ready', 20_000);
  assert.equal(failures, 4);
});

test('an end that could not be asked for is asked for again, although nothing more ends', async (t) => {
  let failures = 0;
  let first = '';
  const files: Files = {
    ...nodeFiles,
    exists: (at) => {
      if (at.endsWith(`/results/${first}.json`) && failures < 3 && nodeFiles.exists(at)) {
        failures++;
        throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO', syscall: 'access', errno: -5, path: at });
      }
      return nodeFiles.exists(at);
    },
  };
  const { path, broker } = tempSpool(t, { fsync: false, files });
  const one = job();
  first = one.job.id;
  await broker.enqueue([one, job({ options: { after: first } })]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const keeper = await broker.keeper({ queues: ['none'] });
  t.after(() => keeper.close());

  await (await nextWithin(consumer, 10_000))?.settle(returned(1), RUN);

  await until(() => readdirSync(join(path, 'pending')).length === 1, 'it is ready', 20_000);
  assert.equal(failures, 3);
});

/** Jobs that wait for `after`. @returns their names */
function plant(path: string, after: string | undefined, count: number): readonly string[] {
  return Array.from({ length: count }, () => {
    const record = jobRecord(after === undefined ? {} : { options: { after } });
    const name = delayedFileName(AFTER_ANOTHER_MS, {
      id: record.id,
      queue: 'default',
      priority: 5,
      attempt: 0,
      crashes: 0,
    });
    writeFileSync(join(path, 'delayed', name), encodeBase(record), { mode: 0o600 });
    return name;
  }).toSorted();
}
