/** Jobs that wait for another are ready soon after its end, also where no watch tells of it, and cost nothing where there are none. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { AFTER_ANOTHER_MS, delayedFileName } from '../../../../src/spool/layout.ts';
import { until } from '../../../support/conditions.ts';
import { job, jobRecord, nextId, returned, RUN } from '../../../support/factory.ts';
import { tempSpool } from '../../../support/temp.ts';

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
    const claim = await consumer.next(AbortSignal.timeout(10_000));
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
