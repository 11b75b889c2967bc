/** What a desk costs on a spool of many jobs, counted in files that are opened and directories that are read: no clock of a busy machine tells it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { openDesk } from '../../../../src/ui/desk/open-desk.ts';
import { until } from '../../../support/conditions.ts';
import { nextId, threw } from '../../../support/factory.ts';
import { attempt, jobText, plant } from '../../../support/planted.ts';
import { tempSpool } from '../../../support/temp.ts';

const JOBS = 20_000;
/** Every so many have failed; the others wait. */
const FAILED_EACH = 4;

/** Files that count how often each directory is read, and how many jobs' files are opened. */
function counting(): { readonly files: Files; take(): { readonly opened: number; readonly walked: number } } {
  let [opened, walked] = [0, 0];
  const files: Files = {
    ...nodeFiles,
    open: (path, access) => {
      if (/\/(?:pending|results)\/[^/]+$/.test(path)) opened++;
      return nodeFiles.open(path, access);
    },
    walk: (path) => {
      if (/\/(?:pending|results)$/.test(path)) walked++;
      return nodeFiles.walk(path);
    },
  };
  const take = (): { readonly opened: number; readonly walked: number } => {
    const counted = { opened, walked };
    [opened, walked] = [0, 0];
    return counted;
  };
  return { files, take };
}

test(`of ${JOBS} jobs the first page has the latest; each is read once; then a page reads its own jobs, and an idle summary none`, async (t) => {
  const { path } = tempSpool(t);
  const ids = Array.from({ length: JOBS }, nextId);
  for (const [i, id] of ids.entries()) {
    const { outcome } = threw(`no answer in ${i} s`) as Extract<ReturnType<typeof threw>, { kind: 'publish' }>;
    if (i % FAILED_EACH === 0)
      plant(path, join('results', `${id}.json`), jobText({ id }, { attempts: [attempt()], outcome }));
    else plant(path, join('pending', `5.${id}.default.0.0.json`), jobText({ id }));
  }
  const { files, take } = counting();
  const open = (): ReturnType<typeof openSpool> => openSpool({ path, mustExist: true, looksAtOnce: true, files });
  const desk = openDesk({ open, settings: { schedules: {} }, hidesArguments: false });
  t.after(() => desk.close());

  const first = await desk.jobs({}, null);
  assert.deepEqual(
    first.jobs.map(({ id }) => id),
    ids.toReversed().slice(0, 100),
  );
  take();
  await until(async () => (await desk.summary()).index.isComplete, 'the index is complete');
  const reading = take();
  assert.ok(reading.opened >= 0.9 * JOBS && reading.opened < 1.2 * JOBS, `${reading.opened} files were opened`);

  for (const query of [{}, { states: ['pending'] }, { states: ['failed'] }] as const) {
    const page = await desk.jobs(query, null);
    assert.equal(page.jobs.length, 100);
    const { opened, walked } = take();
    assert.ok(opened <= 100, `a page opened ${opened} files`);
    assert.equal(walked, 0, 'a page reads no directory');
  }
  assert.equal((await desk.jobs({ states: ['failed'] }, null)).total, JOBS / FAILED_EACH);
  assert.deepEqual(
    (await desk.failures({})).groups.map(({ count }) => count),
    [JOBS / FAILED_EACH],
  );

  // The counts are kept as long as nothing has changed, from a moment after the last change on.
  await until(async () => {
    take();
    const before = (await desk.summary()).atMs;
    await until(async () => (await desk.summary()).atMs > before, 'the next summary');
    const { opened, walked } = take();
    return opened + walked === 0;
  }, 'a summary of an idle spool reads no directory and no job');
  take();
  const stops = Array.from({ length: 10 }, () => desk.listen(() => undefined));
  const { atMs } = await desk.summary();
  await until(async () => (await desk.summary()).atMs > atMs, 'the next summary');
  for (const stop of stops) stop();
  const { opened, walked } = take();
  assert.deepEqual({ opened, walked }, { opened: 0, walked: 0 });
});
