import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import test from 'node:test';
import { type Files, nodeFiles } from '../../../src/spool/disk/files.ts';
import { RACY_MS } from '../../../src/spool/disk/watch.ts';
import { jobFileName } from '../../../src/spool/layout.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { until } from '../../support/conditions.ts';
import { job, nextId, returned, RUN } from '../../support/factory.ts';
import { someOwner } from '../../support/owners.ts';
import { tempSpool } from '../../support/temp.ts';

test('what is in the way is passed over: files, directories and names of others', async (t) => {
  const { path, broker } = tempSpool(t);
  await broker.enqueue([job()]);
  for (const directory of ['pending', 'delayed', 'results', 'running']) {
    writeFileSync(join(path, directory, 'README'), '');
    mkdirSync(join(path, directory, '.git'));
  }
  writeFileSync(join(path, 'running', someOwner()), 'a file with the name of an owner');

  assert.deepEqual(await broker.counts(), { pending: 1, delayed: 0, running: 0, results: 0, corrupt: 0 });
  assert.equal((await broker.list(['pending', 'delayed', 'running', 'results'], 10)).length, 1);
  assert.equal((await broker.idsByPrefix('', 10)).length, 1);
});

test('a directory that cannot be listed is not told to be empty, and one that is not there is', async (t) => {
  const { path, broker } = tempSpool(t);
  await broker.enqueue([job()]);
  rmSync(join(path, 'keys'), { recursive: true, force: true });
  rmSync(join(path, 'corrupt'), { recursive: true, force: true });
  writeFileSync(join(path, 'corrupt'), 'no directory');

  const parts = new Map((await broker.parts()).map(({ name, entries, bytes }) => [name, [entries, bytes]]));

  assert.deepEqual(parts.get('corrupt'), [null, null]);
  assert.deepEqual(parts.get('keys'), [0, 0]);
  assert.equal(parts.get('pending')?.[0], 1);
});

test('a broken file is listed without its record', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = nextId();
  writeFileSync(join(path, 'pending', nameOf(id)), 'garbage');

  const [sighting] = await broker.list(['pending'], 10);

  assert.equal(sighting?.id, id);
  assert.equal(sighting?.record, null);
  assert.equal((await broker.find(id))?.record, null);
});

test('a job that moves against the order of the scan is found', async (t) => {
  const found: unknown[] = [];
  for (const [from, to] of [
    ['pending', 'running'],
    ['running', 'pending'],
  ] as const) {
    const move: { now: (() => void) | null } = { now: null };
    const files: Files = {
      ...nodeFiles,
      list: (path) => {
        const names = nodeFiles.list(path);
        if (path.endsWith(`/${to}`) || path.endsWith(`/${someOwner()}`)) {
          move.now?.();
          move.now = null;
        }
        return names;
      },
    };
    const { path, broker } = tempSpool(t, { files });
    const sent = job();
    await broker.enqueue([sent]);
    mkdirSync(join(path, 'running', someOwner()));
    const places = {
      pending: join(path, 'pending', nameOf(sent.job.id)),
      running: join(path, 'running', someOwner(), nameOf(sent.job.id, 1)),
    };
    if (from === 'running') renameSync(places.pending, places.running);
    // It is listed where it goes to before it is there, and where it came from after it has left.
    move.now = () => renameSync(places[from], places[to]);

    found.push((await broker.find(sent.job.id))?.state);
  }

  assert.ok(
    found.every((state) => state === 'running' || state === 'pending'),
    String(found),
  );
});

test('an ended job is found where its outcome is, before any other place', async (t) => {
  const { path, broker } = tempSpool(t);
  const sent = job();
  await broker.enqueue([sent]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  await (await consumer.next(new AbortController().signal))?.settle(returned(1), RUN);
  writeFileSync(join(path, 'pending', nameOf(sent.job.id)), '{"task":"echo"}');

  const sighting = await broker.find(sent.job.id);

  assert.equal(sighting?.state, 'succeeded');
  assert.equal(sighting?.location, join(path, 'results', `${sent.job.id}.json`));
});

test('a listing gives what runs next first, and of outcomes the latest first', async (t) => {
  const { broker } = tempSpool(t);
  const jobs = [job(), job(), job({ priority: 0 })];
  await broker.enqueue(jobs);
  const pending = (await broker.list(['pending'], 10)).map(({ id }) => id);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  for (let i = 0; i < 3; i++) await (await consumer.next(new AbortController().signal))?.settle(returned(1), RUN);

  const [a, b, urgent] = jobs.map((sent) => sent.job.id);
  assert.deepEqual(pending, [urgent, a, b]);
  assert.deepEqual(
    (await broker.list(['results'], 2)).map(({ id }) => id),
    [urgent, b],
  );
});

function nameOf(id: string, attempt = 0): string {
  return jobFileName({ id, queue: 'default', priority: 5, attempt, crashes: 0 });
}

test('a listing walks a directory once, reads the jobs that it gives, and looks into no place behind them', async (t) => {
  const calls: string[] = [];
  const told = (path: string): string =>
    path
      .split('/')
      .at(-1)
      ?.replace(/^.*\.json$/, 'a job') ?? '';
  const files: Files = {
    ...nodeFiles,
    walk: (path) => {
      calls.push(`walk ${told(path)}`);
      return nodeFiles.walk(path);
    },
    open: (path, access) => {
      calls.push(`open ${told(path)}`);
      return nodeFiles.open(path, access);
    },
  };
  const { broker } = tempSpool(t, { files });
  await broker.enqueue([
    ...Array.from({ length: 300 }, () => job()),
    ...Array.from({ length: 30 }, () => job({ queue: 'slow', etaMs: Date.now() + 60_000 })),
  ]);
  const callsOf = async (...asked: Parameters<typeof broker.list>): Promise<readonly string[]> => {
    calls.length = 0;
    await broker.list(...asked);
    return calls.filter((call) => /pending|delayed|results|a job/.test(call));
  };

  const first = await callsOf(['running', 'pending', 'delayed', 'results'], 3);
  const byName = await callsOf(['pending', 'delayed'], 2, undefined, ({ queue }) => queue === 'slow');

  assert.deepEqual(first, ['walk pending', 'open a job', 'open a job', 'open a job']);
  assert.deepEqual(byName, ['walk pending', 'walk delayed', 'open a job', 'open a job']);
});

test('a listing tells of how many jobs one waits for, and how many of these have ended', async (t) => {
  const { path, broker } = tempSpool(t);
  const before = [nextId(), nextId(), nextId()] as const;
  await broker.enqueue([job({ id: before[0] }), job({ options: { after: [...before] } })]);
  writeFileSync(join(path, 'results', `${before[1]}.json`), '', { mode: 0o600 });

  const [waiting] = await broker.list(['delayed'], 10);

  assert.deepEqual(waiting?.waitsFor, { jobs: 3, ended: 1 });
});

test('names are read again only after some have changed: who watches a spool of many jobs asks again and again', async (t) => {
  const walked: string[] = [];
  const files: Files = {
    ...nodeFiles,
    walk: (path) => {
      // moving/ is there only while jobs move elsewhere: to ask whether it is costs no more than to ask whether it has changed.
      if (basename(path) !== 'moving') walked.push(basename(path));
      return nodeFiles.walk(path);
    },
  };
  const { path } = tempSpool(t);
  const broker = openSpool({ path, files });
  t.after(() => broker.close());
  await broker.enqueue([job(), job({ etaMs: Date.now() + 3_600_000 })]);
  const first = await broker.counts();
  const isOld = (): boolean =>
    ['pending', 'delayed', 'results'].every((name) => Date.now() - statSync(join(path, name)).mtimeMs > RACY_MS);
  await until(isOld, 'the directories have not just changed');
  await broker.counts();
  walked.length = 0;

  const second = await broker.counts();
  assert.deepEqual([second, walked], [first, []]);

  await broker.enqueue([job()]);
  assert.deepEqual(await broker.counts(), { ...first, pending: 2 });
  assert.deepEqual(walked, ['pending']);
});

test('a change that comes within a tick of the last one, and leaves the time of the directory as it is, is counted', async (t) => {
  const modifiedAtMs = Date.now() + 60_000;
  const files: Files = { ...nodeFiles, directoryStamp: () => ({ modifiedAtMs, inode: 1, device: 1 }) };
  const { broker } = tempSpool(t, { files });

  for (let jobs = 1; jobs <= 3; jobs++) {
    await broker.enqueue([job()]);
    assert.equal((await broker.counts()).pending, jobs);
  }
});
