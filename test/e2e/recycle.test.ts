/** Children that are replaced while jobs wait, and shutdowns that take no longer than they may. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertAtRest } from '../support/at-rest.ts';
import { until } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { task } from 'fsq';
const kept = [];
task('note', (value) => { appendFileSync('journal.txt', value + ' ' + process.pid + '\\n'); return process.pid; });
task('grows', (megabytes) => { for (let i = 0; i < megabytes; i++) kept.push(Buffer.alloc(1024 * 1024, 1)); return process.pid; });
task('hangs', async () => { appendFileSync('journal.txt', 'hangs ' + process.pid + '\\n'); await wait(600_000); });
`;

function linesIn(path: string): readonly string[] {
  const file = join(path, 'journal.txt');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

for (const fsync of [false, true]) {
  const count = fsync ? 200 : 1_000;
  test(`${count} jobs over children that take ten each: none is lost, run twice or counted as crashed (fsync ${fsync})`, async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const { app } = sender(t, at);
    const note = app.task('note', (value: number) => value);
    const worker = await startWorker(t, at, ['-c', '2', '--max-tasks-per-child', '10'], {
      env: { FSQ_FSYNC: fsync ? '1' : '0' },
    });
    const jobs = Array.from({ length: count }, (_, i) => [i] as [number]);

    const results = await note.delayMany(jobs);
    await results.get('300s'); // A machine that starts a process in two seconds needs a good part of it.
    const infos = await Promise.all(results.results.map((result) => result.info()));
    const { code, stderr } = await worker.stop();

    const runs = linesIn(at.path).map((line) => line.split(' '));
    assert.equal(runs.length, jobs.length);
    assert.equal(new Set(runs.map(([value]) => value)).size, jobs.length);
    const pids = runs.map(([, pid]) => pid);
    const ofEach = [...new Set(pids)].map((one) => pids.filter((pid) => pid === one).length);
    assert.ok(Math.max(...ofEach) <= 10, 'no child runs more than it may');
    assert.deepEqual([...new Set(infos.map((info) => info?.standing.crashes))], [0]);
    assert.equal(code, 0);
    assert.match(stderr, /is replaced: it has run 10 jobs \(maxTasksPerChild\)/);
    assert.doesNotMatch(stderr, /"level":(40|50)/, 'nothing to warn of');
    assertAtRest(at.spool, { results: jobs.length });
  });
}

test('a child that uses more memory than it may is replaced after its job', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1', '--max-memory-per-child', '300MB']);

  const pids: unknown[] = [];
  for (const megabytes of [1, 1, 300, 1]) pids.push(await (await send('grows', [megabytes])).get('30s'));
  const { stderr } = await worker.stop();

  assert.equal(pids[0], pids[1]);
  assert.equal(pids[1], pids[2]);
  assert.notEqual(pids[2], pids[3]);
  assert.match(stderr, /it uses \d+ MB of memory, more than 300 MB \(maxMemoryPerChild\)/);
  assert.doesNotMatch(stderr, /"level":(40|50)/);
});

test('a burst ends too where children are replaced', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { app } = sender(t, at);
  const note = app.task('note', (value: number) => value);
  await note.delayMany(Array.from({ length: 7 }, (_, i) => [i] as [number]));

  const worker = await startWorker(t, at, ['-c', '2', '--burst', '--max-tasks-per-child', '1']);
  const { code } = await worker.ended;

  assert.equal(code, 0);
  assertAtRest(at.spool, { results: 7 });
});

test('a shutdown that takes longer than it may goes on as after the second signal', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1', '--shutdown-timeout', '300ms']);
  await send('hangs', []);
  const [line = ''] = await until(() => (linesIn(at.path).length === 1 ? linesIn(at.path) : null), 'the job has begun');

  const { code, stderr } = await worker.stop();

  assert.equal(code, 143);
  assert.match(stderr, /have not ended within 300 ms \(shutdownTimeout\)/);
  assert.ok(!isProcessAlive(Number(line.split(' ')[1])));
  assertAtRest(at.spool, { pending: 1 });
});
