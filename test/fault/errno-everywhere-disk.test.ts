/** Real disks that are full, out of inodes or suddenly read-only, under a real worker. Needs root to mount them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { type AsyncResult, createApp, SpoolError, type Task } from 'fsq';
import { checkSpool } from '../oracle/check.ts';
import { until } from '../support/conditions.ts';
import { type Project, startWorker, tempProject, type WorkerHandle } from '../support/project.ts';
import { ext4, fill, NO_DISKS, smallDisk, takeInodes } from '../support/small-disk.ts';

/** Each run leaves a line outside the disk, then waits until the test opens the gate. */
const TASKS = `
import { appendFileSync, existsSync } from 'node:fs';
import { currentJob, task } from 'fsq';
export const pad = task('pad', async (n) => {
  appendFileSync('journal', currentJob().id + '\\n');
  while (!existsSync('gate')) await new Promise((resolve) => setTimeout(resolve, 5));
  return 'x'.repeat(n);
});
`;

/** Kills its process in the first run. */
const DEADLY = `
import { appendFileSync, existsSync } from 'node:fs';
import { currentJob, task } from 'fsq';
export const die = task('die', async () => {
  appendFileSync('journal', currentJob().id + '\\n');
  while (!existsSync('gate')) await new Promise((resolve) => setTimeout(resolve, 5));
  if (currentJob().attempt === 1) process.kill(process.pid, 'SIGKILL');
  return 'second run';
});
`;

const PAD = 100_000;
const JOBS = 4;

for (const kind of ['tmpfs', 'ext4'] as const) {
  test(
    `${kind} filled to the byte while jobs run: one line of a process, and each job ends once, run once, when there is room`,
    { skip: NO_DISKS },
    async (t) => {
      const at = tempProject(t, { 'tasks.js': TASKS });
      const disk = kind === 'tmpfs' ? smallDisk(t, '1m') : ext4(t, ['-N', '256']);
      const { spool, pad } = senderTo(t, disk);
      const sent = await Promise.all(Array.from({ length: JOBS }, () => pad.delay(PAD)));
      const worker = await startWorker(t, at, ['-c', '1', '-l', 'info'], { env: { FSQ_SPOOL: spool } });
      await until(() => runsIn(at).length === 1, 'the first job runs');
      fill(join(disk, 'ballast'));

      const refused: unknown = await pad.delay(PAD).catch((error: unknown) => error);
      open(at);
      await worker.printed(/refuses to be written/);
      const states = await Promise.all(sent.map((result) => result.state()));
      rmSync(join(disk, 'ballast'));
      const lengths = await Promise.all(sent.map(async (result) => (await result.get('60s')).length));
      await worker.stop();

      assert(refused instanceof SpoolError && refused.code === 'FSQ_SPOOL_FULL', String(refused));
      assert(!states.includes('succeeded'), `there was room after all: ${states.join()}`);
      assert.deepEqual(lengths, Array(JOBS).fill(PAD));
      assert.deepEqual(runsIn(at), [...new Set(runsIn(at))], 'a job ran twice');
      assert.equal(runsIn(at).length, JOBS);
      const told = refusals(worker.stderr());
      assert.ok(told.length > 0, worker.stderr());
      assert.equal(new Set(told).size, told.length, worker.stderr());
      await assertSoundAtRest(spool);
    },
  );
}

test(
  'an ext4 without an inode left: what was accepted runs, what comes is refused, and nothing is left of it',
  { skip: NO_DISKS },
  async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const disk = ext4(t, ['-N', '128']);
    const { spool, pad } = senderTo(t, disk);
    const sent = await Promise.all(Array.from({ length: JOBS }, () => pad.delay(10)));
    const worker = await startWorker(t, at, ['-c', '1', '-l', 'info'], { env: { FSQ_SPOOL: spool } });
    await until(() => runsIn(at).length === 1, 'the first job runs');
    mkdirSync(join(disk, 'ballast'));
    takeInodes(join(disk, 'ballast'));

    const refused: unknown = await pad.delay(1).catch((error: unknown) => error);
    open(at);
    const lengths = await Promise.all(sent.map(async (result) => (await result.get('60s')).length));
    rmSync(join(disk, 'ballast'), { recursive: true });
    const after = await (await pad.delay(3)).get('60s');
    await worker.stop();

    assert(
      refused instanceof SpoolError && refused.code === 'FSQ_SPOOL_FULL' && refused.uncertain.length === 0,
      String(refused),
    );
    assert.deepEqual(lengths, Array(JOBS).fill(10));
    assert.equal(after, 'xxx');
    assert.equal(runsIn(at).length, JOBS + 1);
    await assertSoundAtRest(spool);
  },
);

test(
  'an ext4 remounted read-only in mid-run: the worker ends with 75 and says why; the next one runs every job',
  { skip: NO_DISKS },
  async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const disk = ext4(t, []);
    const { spool, pad } = senderTo(t, disk);
    const sent = await Promise.all(Array.from({ length: JOBS }, () => pad.delay(10)));
    const env = { FSQ_SPOOL: spool };
    const worker = await startWorker(t, at, ['-c', '1'], { env });
    await until(() => runsIn(at).length === 1, 'the first job runs');
    execFileSync('mount', ['-o', 'remount,ro', disk]);

    open(at);
    const { code, stderr } = await worker.ended;
    const refused: unknown = await pad.delay(1).catch((error: unknown) => error);
    execFileSync('mount', ['-o', 'remount,rw', disk]);
    const next = await startWorker(t, at, ['-c', '1'], { env });
    const lengths = await Promise.all(sent.map(async (result) => (await result.get('60s')).length));
    await next.stop();

    assert.equal(code, 75, stderr);
    assert.match(stderr, /read-only file system/i);
    assert(refused instanceof SpoolError && refused.code === 'FSQ_SPOOL_NOT_WRITABLE', String(refused));
    assert.deepEqual(lengths, Array(JOBS).fill(10));
    const [first, ...others] = runsIn(at);
    assert.equal(others.filter((id) => id === first).length, 1, 'the job whose process ended runs once more');
    assert.equal(new Set(others).size, others.length, 'another job ran twice');
    await assertSoundAtRest(spool);
  },
);

test(
  'a child that dies while the disk is full: its worker waits for room, and goes on',
  { skip: NO_DISKS },
  async (t) => {
    const { at, disk, worker, sent } = await deathOnFullDisk(t);

    await worker.printed(/refuses to be written/);
    rmSync(join(disk, 'ballast'));
    const value = await sent.get('60s');
    const { code } = await worker.stop();

    assert.equal(value, 'second run');
    assert.equal(code, 0, worker.stderr());
    assert.equal(runsIn(at).length, 2);
  },
);

test('a worker that waits for room can be stopped', { skip: NO_DISKS }, async (t) => {
  const { worker, sent } = await deathOnFullDisk(t);

  await worker.printed(/refuses to be written/);
  const { code, stderr } = await worker.stop();

  assert.equal(code, 0, stderr);
  assert.equal(await sent.state(), 'pending');
});

/** A worker whose only child has died in a job, on a disk without room for another to announce itself. */
async function deathOnFullDisk(
  t: TestContext,
): Promise<{ at: Project; disk: string; worker: WorkerHandle; sent: AsyncResult<string> }> {
  const at = tempProject(t, { 'tasks.js': DEADLY });
  const disk = smallDisk(t, '1m');
  const app = createApp({ spool: join(disk, 'spool') });
  t.after(() => app.close());
  const sent = await app.task('die', () => '').delay();
  const worker = await startWorker(t, at, ['-c', '1', '-l', 'info'], { env: { FSQ_SPOOL: join(disk, 'spool') } });
  await until(() => runsIn(at).length === 1, 'the job runs');
  fill(join(disk, 'ballast'));
  open(at);
  // The record of the dead child makes room for one more page when it goes.
  await worker.printed(/a new one starts/);
  fill(join(disk, 'ballast'));
  return { at, disk, worker, sent };
}

function senderTo(t: TestContext, disk: string): { readonly spool: string; readonly pad: Task<[number], string> } {
  const spool = join(disk, 'spool');
  const app = createApp({ spool });
  t.after(() => app.close());
  return { spool, pad: app.task('pad', (n: number) => 'x'.repeat(n)) };
}

/** The ids of the runs so far, in order. */
function runsIn({ path }: Project): readonly string[] {
  const journal = join(path, 'journal');
  return existsSync(journal) ? readFileSync(journal, 'utf8').trimEnd().split('\n') : [];
}

/** The processes of the worker that say so: the supervisor may have something to write down, too. */
function refusals(stderr: string): readonly string[] {
  return [...stderr.matchAll(/"pid":(\d+)[^\n]*refuses to be written/g)].map(([, pid = '']) => pid);
}

function open({ path }: Project): void {
  writeFileSync(join(path, 'gate'), '');
}

async function assertSoundAtRest(spool: string): Promise<void> {
  const findings = await checkSpool(spool, { atRest: true });
  assert.deepEqual(
    findings.filter(({ invariant }) => invariant !== undefined).map(({ message }) => message),
    [],
  );
}
