/** After a power cut: what `fsq status`, a worker's log and a program say of the replay. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { NewJob } from '../../src/broker/broker.ts';
import { nodeFiles } from '../../src/spool/disk/files.ts';
import { writerName } from '../../src/spool/disk/identity.ts';
import { jobFileName } from '../../src/spool/layout.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { EARLIER_BOOT } from '../support/boots.ts';
import { until } from '../support/conditions.ts';
import { job } from '../support/factory.ts';
import { foldersIn, segmentPaths, sendInEarlierBoot } from '../support/journal.ts';
import { fsq, type Project, run, runScript, tempProject } from '../support/project.ts';

const TASKS = `
import { task } from 'fsq';
export const echo = task('echo', (value) => value);
`;

/** A project whose machine has lost its power after it had accepted `jobs`. */
async function cutProject(t: TestContext, ...jobs: readonly NewJob[]): Promise<Project> {
  const project = tempProject(t, {
    'tasks.mjs': TASKS,
    'main.mjs': `import { echo } from './tasks.mjs';\nconsole.log(await (await echo.delay(2)).state());\n`,
  });
  openSpool({ path: project.spool });
  await sendInEarlierBoot(project.spool, ...jobs);
  return project;
}

const echo = (): NewJob => job({ task: 'echo', args: [1] });

function lose({ spool }: Project, { job: { id }, queue, priority }: NewJob): void {
  unlinkSync(join(spool, 'pending', jobFileName({ id, queue, priority, attempt: 0, crashes: 0 })));
}

/** This process seems to replay it, until `release`. */
function hold({ spool }: Project): { release(): void } {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const free = join(spool, 'journal', EARLIER_BOOT);
  const held = `${free}~${boot}~${writerName(nodeFiles, process.pid)}.0.0`;
  renameSync(free, held);
  return { release: () => renameSync(held, free) };
}

test('fsq status answers at once, and says that a replay is due, or who does it', async (t) => {
  const project = await cutProject(t, echo(), echo());

  const due = await fsq(project, ['status']);
  hold(project);
  const underWay = await fsq(project, ['status']);
  const asJson = JSON.parse((await fsq(project, ['status', '--json'])).stdout) as {
    readonly restoring: unknown;
    readonly jobs: { readonly pending: number };
  };

  assert.match(due.stdout, /^! 1 segment of the journal of an earlier boot waits to be replayed: the next worker/m);
  assert.match(
    underWay.stdout,
    new RegExp(
      `^! 1 segment of the journal of an earlier boot is being replayed, by process ${process.pid} since \\d`,
      'm',
    ),
  );
  assert.deepEqual([due.code, underWay.code], [0, 0]);
  const { segments, pid } = asJson.restoring as Readonly<Record<string, number>>;
  assert.deepEqual([segments, pid, asJson.jobs.pending], [1, process.pid, 2]);
});

test('a worker tells that it waits for a replay, then what was restored and what could not be read, and runs the jobs', async (t) => {
  const [lost, whole] = [echo(), echo()];
  const project = await cutProject(t, lost, whole);
  lose(project, lost);
  writeFileSync(join(dirname(segmentPaths(project.spool)[0] ?? ''), 'garbage'), 'g'.repeat(600));
  const { release } = hold(project);
  const log = join(project.path, 'log');
  const told = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  const ended = run(project, 'sh', ['-c', 'exec node node_modules/fsq/bin/fsq.js worker --burst -c 1 2>log']);
  await until(
    () => told().includes(`(2 segments) are restored by process ${process.pid} after the machine stopped`),
    'the worker tells of the replay',
  );

  release();
  const { code } = await ended;

  assert.equal(code, 0, told());
  assert.match(told(), /the journal was read in .*: jobs restored: 1, broken files removed .*: 0/);
  assert.match(told(), /cannot be read and was moved to corrupt\/: garbage: it does not begin as a segment/);
  const broker = openSpool({ path: project.spool });
  for (const { job: sent } of [lost, whole]) assert.equal((await broker.outcome(sent.id))?.outcome?.state, 'succeeded');
  await broker.close();
});

test('a program is warned that jobs may be lost, and goes on', async (t) => {
  const project = await cutProject(t, echo());
  writeFileSync(join(dirname(segmentPaths(project.spool)[0] ?? ''), 'newer'), 'fsq-journal 2 x'.padEnd(600));

  const { code, stdout, stderr } = await runScript(project, 'main.mjs');

  assert.deepEqual([code, stdout], [0, 'pending\n'], stderr);
  assert.match(stderr, /\[FSQ_RESTORING\] FsqWarning: .*newer: it is of format 2, and this fsq knows 1/);
  assert.deepEqual(foldersIn(project.spool), []);
});

test('while another process replays, a program waits and is told; a worker ends when it is told to, and a wait at its time limit', async (t) => {
  const sent = echo();
  const project = await cutProject(t, sent);
  const { release } = hold(project);
  const log = (name: string): string => {
    const path = join(project.path, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  };

  const program = run(project, 'sh', ['-c', 'exec node main.mjs 2>program.log']);
  const worker = run(project, 'sh', ['-c', 'echo $$ >pid; exec node node_modules/fsq/bin/fsq.js worker 2>worker.log']);
  const got = await fsq(project, ['get', sent.job.id, '--timeout', '50ms']);
  assert.equal(got.code, 124, got.stderr);
  await until(() => log('worker.log').includes('are restored by process'), 'the worker waits');
  process.kill(Number(log('pid')), 'SIGTERM');
  assert.equal((await worker).code, 0);
  await until(() => log('program.log').includes('FSQ_RESTORING'), 'the program is told');
  assert.match(
    log('program.log'),
    new RegExp(`are restored first by process ${process.pid} \\(1 segment of the journal\\)`),
  );

  release();

  assert.deepEqual([(await program).code, (await program).stdout], [0, 'pending\n']);
  assert.deepEqual(foldersIn(project.spool), []);
});
