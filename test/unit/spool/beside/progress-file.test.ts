import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { progressFile, readProgress } from '../../../../src/spool/beside/progress-file.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { standstill } from '../../../support/clock.ts';
import { until } from '../../../support/conditions.ts';
import { tempContext } from '../../../support/context.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { heldRun } from '../../../support/held-run.ts';
import { namesIn } from '../../../support/invariants.ts';

test('the first report is written at once, those of a quarter of a second as one, and the last when the run ends', (t) => {
  const time = standstill(t);
  const { files, calls } = faultyFiles(nodeFiles);
  const context = tempContext(t, { files });
  const run = heldRun(context);
  const progress = progressFile(context, run);
  const seen: (number | undefined)[] = [];
  const look = (): unknown => seen.push(readProgress(context, run.name.id)?.value);

  progress.tell({ value: 0.1 });
  look();
  progress.tell({ value: 0.2 });
  look();
  time.skip(250);
  progress.tell({ value: 0.3 }); // In a task that never lets a timer fire, too.
  look();
  progress.tell({ value: 0.4 });
  progress.tell({ value: 0.5 });
  look();
  progress.end();
  look();
  progress.end();

  assert.deepEqual(seen, [0.1, 0.1, 0.3, 0.3, 0.5]);
  assert.equal(calls.get('create'), 3);
  assert.equal(calls.get('sync'), undefined, 'progress never waits for the disk');
  assert.deepEqual(namesIn(context.layout.root, 'tmp'), []);
});

test('a report that is the last for a while is written without another', async (t) => {
  const context = tempContext(t);
  const run = heldRun(context);
  const progress = progressFile(context, run);
  progress.tell({ value: 0.1 });
  progress.tell({ value: 0.2, detail: 'ä' });

  await until(() => readProgress(context, run.name.id)?.value === 0.2, 'the timer has written');

  assert.deepEqual(readProgress(context, run.name.id)?.detail, 'ä');
});

describe('a disk that refuses costs no job, and shows the last when it can again:', () => {
  for (const operation of ['create', 'write', 'close', 'rename', 'makeDirectory'] as const) {
    test(operation, (t) => {
      const time = standstill(t);
      const faulty = faultyFiles(nodeFiles);
      const context = tempContext(t, { files: faulty.files });
      const run = heldRun(context);
      const progress = progressFile(context, run);
      faulty.plan({ operation, call: 1, errno: 'ENOSPC', lasts: 'for good' });

      progress.tell({ value: 0.1 });
      time.skip(250);
      progress.tell({ value: 0.2 });
      const whileFull = readProgress(context, run.name.id);
      const hasFailed = faulty.hasFailed();
      faulty.mend();
      progress.end();

      assert.equal(hasFailed, true);
      assert.equal(whileFull, null);
      assert.equal(readProgress(context, run.name.id)?.value, 0.2);
      assert.deepEqual(namesIn(context.layout.root, 'tmp'), []);
    });
  }
});

test('a run whose job was taken away shows nothing', (t) => {
  const context = tempContext(t);
  const run = heldRun(context);
  renameSync(run.holder.directory, `${run.holder.directory}~7-0000000000000007`);

  const progress = progressFile(context, run);
  progress.tell({ value: 0.5 });
  progress.end();

  assert.equal(existsSync(context.layout.progress), false);
});

test('the file says what docs/spool-format.md says of it', (t) => {
  const context = tempContext(t, { nowMs: () => 7 });
  const run = heldRun(context);

  progressFile(context, run).tell({ value: 0.5, done: 1, total: 2, detail: null });

  const text = readFileSync(join(context.layout.progress, `${run.name.id}.json`), 'utf8');
  assert.equal(text, '{"v":1,"value":0.5,"done":1,"total":2,"detail":null,"attempt":1,"atMs":7}\n');
});
