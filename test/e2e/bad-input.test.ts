/** What does not belong into a spool, and disks that refuse: nothing stops the worker, nothing is lost, everything is said. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createApp, SpoolError } from 'fsq';
import { until } from '../support/conditions.ts';
import { fsq, type Project, run, startWorker, tempProject } from '../support/project.ts';
import { CAN_MOUNT, smallDisk } from '../support/small-disk.ts';
import { sender } from '../support/sender.ts';

const TASKS = `import { task } from 'fsq'; export const add = task('add', (a, b) => a + b); export const pad = task('pad', (n) => 'x'.repeat(n));`;
const isRoot = process.getuid?.() === 0;

function project(t: Parameters<typeof tempProject>[0]): Project {
  return tempProject(t, { 'tasks.js': TASKS });
}

/** A job's file name with an id that ends in `n`. */
function jobFile(n: number): string {
  return `5.0199f3c2-8d1e-7b3a-9c4d-00000000000${n}.default.0.0.json`;
}

test('garbage, an empty file, a directory, a symlink, a FIFO and a hard link in pending/ stop nothing and are accounted for', async (t) => {
  const at = project(t);
  const { send, app } = sender(t, at);
  const pending = join(at.spool, 'pending');
  await app.broker();
  writeFileSync(join(at.path, 'secret'), 'untouched');
  writeFileSync(join(pending, jobFile(1)), 'garbage');
  writeFileSync(join(pending, jobFile(2)), '');
  mkdirSync(join(pending, jobFile(3)));
  symlinkSync(join(at.path, 'secret'), join(pending, jobFile(4)));
  execFileSync('mkfifo', [join(pending, jobFile(5))]);
  linkSync(join(at.path, 'secret'), join(pending, jobFile(6)));
  writeFileSync(join(pending, jobFile(7)), Buffer.from([0x7b, 0xff, 0xfe, 0x7d]));
  writeFileSync(join(pending, 'notes.txt'), 'not named like a job');

  const worker = await startWorker(t, at, ['-c', '2']);
  const value = await (await send('add', [1, 2])).get('10s');
  await until(() => readdirSync(join(at.spool, 'corrupt')).length === 7, 'all seven lie in corrupt/');
  await worker.printed(/pending\/notes\.txt is not named like a job/);

  assert.equal(value, 3);
  assert.deepEqual(readdirSync(pending), ['notes.txt']);
  assert.equal(readFileSync(join(at.path, 'secret'), 'utf8'), 'untouched');
  for (const n of [1, 2, 3, 4, 5, 6, 7]) {
    const result = app.result(`0199f3c2-8d1e-7b3a-9c4d-00000000000${n}`);
    await assert.rejects(result.get(0), /is not a job: .*It was moved to .*corrupt unchanged/);
  }
});

test('a job that another language wrote, with nothing but a task, runs', async (t) => {
  const at = project(t);
  const { app } = sender(t, at);
  await app.broker();
  await startWorker(t, at, ['-c', '1']);

  writeFileSync(join(at.spool, 'tmp/shell'), '{"task":"add",\n "args":[40, 2]}\n');
  const { renameSync } = await import('node:fs');
  renameSync(join(at.spool, 'tmp/shell'), join(at.spool, 'pending', jobFile(8)));

  assert.equal(await app.result('0199f3c2-8d1e-7b3a-9c4d-000000000008').get('10s'), 42);
});

test(
  'a spool that this user may not write is refused with a code, by delay() and by the worker',
  { skip: !isRoot && 'needs root to become another user' },
  async (t) => {
    const at = project(t);
    const { app } = sender(t, at);
    await app.broker();
    chmodSync(at.path, 0o755);
    const script = `import { add } from './tasks.js'; await add.delay(1, 2).catch((error) => console.log(error.name, error.code, error.uncertain.length));`;
    writeFileSync(join(at.path, 'main.mjs'), script);
    const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath];

    const producer = await run(at, 'setpriv', [...asNobody, 'main.mjs']);
    const worker = await run(at, 'setpriv', [...asNobody, 'node_modules/fsq/bin/fsq.js', 'worker', '-c', '1']);

    assert.equal(producer.stdout, 'SpoolError FSQ_SPOOL_NOT_WRITABLE 0\n', producer.stderr);
    assert.equal(worker.code, 75, worker.stderr);
    assert.match(worker.stderr, /FSQ_SPOOL_NOT_WRITABLE/);
  },
);

test('a spool whose path is a file is refused with a code', async (t) => {
  const at = project(t);
  writeFileSync(at.spool, 'a file');

  const { code, stderr } = await fsq(at, ['worker', '-c', '1']);

  assert.equal(code, 75);
  assert.match(stderr, /cannot be a spool/);
});

test(
  'a full disk: delay() rejects with a code and queues nothing; the worker pauses, says so once, and finishes each job once',
  { skip: !CAN_MOUNT && 'needs root to mount a small tmpfs' },
  async (t) => {
    const at = project(t);
    const spool = smallDisk(t, '512k');
    const app = createApp({ spool });
    t.after(() => app.close());
    const pad = app.task('pad', (n: number) => 'x'.repeat(n));
    const results = [await pad.delay(150_000), await pad.delay(150_000)];
    const ballast = join(spool, 'ballast');
    fill(ballast);

    const refused: unknown = await pad.delay(1).catch((error: unknown) => error);
    const worker = await startWorkerThatPauses(t, at, spool);
    const states = await Promise.all(results.map((result) => result.state()));
    rmSync(ballast);
    const lengths = await Promise.all(results.map(async (result) => (await result.get('20s')).length));
    await worker.stop();

    assert(
      refused instanceof SpoolError && refused.code === 'FSQ_SPOOL_FULL' && refused.uncertain.length === 0,
      String(refused),
    );
    assert.equal((await (await app.broker()).counts()).pending, 0);
    assert(states.includes('running'), `nobody waits for room: ${states.join()}`);
    assert.deepEqual(lengths, [150_000, 150_000]);
    for (const result of results) assert.equal((await result.info())?.record?.attempts.length, 1);
    const pauses = worker
      .stderr()
      .split('\n')
      .filter((line) => line.includes('refuses to be written'));
    assert(pauses.length >= 1 && pauses.length <= 2, `${pauses.length} lines for 2 jobs:\n${pauses.join('\n')}`);
  },
);

/** Writes into `path` until the disk is full. */
function fill(path: string): void {
  for (const size of [65_536, 4_096]) {
    const block = Buffer.alloc(size);
    try {
      for (;;) writeFileSync(path, block, { flag: 'a' });
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
}

/** A worker on a full disk: room for its own record is made, then taken again once it runs. */
async function startWorkerThatPauses(
  t: Parameters<typeof tempProject>[0],
  at: Project,
  spool: string,
): ReturnType<typeof startWorker> {
  const ballast = join(spool, 'ballast');
  rmSync(ballast);
  writeFileSync(ballast, Buffer.alloc(350_000));
  const worker = await startWorker(t, at, ['-c', '1', '--spool', spool]);
  await worker.printed(/refuses to be written/);
  return worker;
}
