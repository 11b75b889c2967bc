/** What jobs print is found with them: by the real worker, through the library and the command line. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { until } from '../support/conditions.ts';
import { fsq, REPOSITORY, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';
import type { AsyncResult, LogLine } from '../../src/index.ts';

const TASKS = `import { task } from 'fsq';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
task('says', (text) => {
  console.log(text);
  console.error('\\u001b[31mred\\u001b[0m');
  process.stdout.write(Buffer.from([0xff, 0x00, 0x1b, 0x63]));
});
task('quiet', () => 1);
task('fails', () => { for (let i = 0; i < 20; i++) console.log('line', i); throw new Error('no'); });
task('leaves', () => void setTimeout(() => console.log('left behind'), 20));
task('waits', (ms) => new Promise((resolve) => setTimeout(resolve, ms)));
task('gated', async () => { while (!existsSync('open')) await new Promise((resolve) => setTimeout(resolve, 5)); });
task('starts', async (text) => {
  console.log('before');
  const child = spawn('sh', ['-c', 'echo "$0"; printf "%s, too" "$0" >&2', text], { stdio: 'inherit' });
  await once(child, 'exit');
  return text;
});
task('blocks', (text) => void execFileSync('sh', ['-c', 'echo "$0"', text], { stdio: 'inherit' }));
task('dies', () => { console.log('last words'); process.kill(process.pid, 'SIGKILL'); });
task('much', (lines) => {
  for (let i = 0; i < lines; i++) console.log('x'.repeat(1_000));
  return process.memoryUsage.rss();
});
task('steps', async () => {
  for (let i = 0; i < 3; i++) {
    console.log('step', i);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
});
`;

async function logOf(result: AsyncResult, options: { follow?: boolean } = {}): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of result.logs(options)) lines.push(line);
  return lines;
}

async function textsOf(result: AsyncResult): Promise<readonly string[]> {
  return (await logOf(result)).map(({ stream, text }) => `${stream} ${text}`);
}

test('what a job prints is with it when it has ended, and once in the output of the worker', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '2']);

  const said = await send('says', ['hello ä']);
  const quiet = await send('quiet', []);
  await said.get('20s');
  await quiet.get('20s');
  const texts = await textsOf(said);
  const { stdout, stderr } = await worker.stop();

  assert.deepEqual(texts, ['stdout hello ä', 'stderr red', 'stdout \u{fffd}\\u{0}\\u{1b}c']);
  assert.deepEqual(await textsOf(quiet), []);
  assert.deepEqual(readdirSync(join(at.spool, 'logs')), [`${said.id}.log`]);
  assert.deepEqual([stdout.split('hello ä').length, stderr.split('31mred').length], [2, 2]);
});

test('what its processes print is with it too, also where one job follows the other at once', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);

  const all = await Promise.all(Array.from({ length: 20 }, (_, i) => send('starts', [`program ${i}`])));
  for (const result of all) await result.get('30s');

  for (const [i, result] of all.entries()) {
    const texts = await textsOf(result);
    assert.deepEqual(texts, ['stdout before', `stdout program ${i}`, `stderr program ${i}, too`]);
  }
  const { stdout } = await worker.stop();
  assert.equal(stdout.split('program 7\n').length, 2);
});

test('of a program that holds up its job, too', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const first = await send('blocks', ['first']);
  await first.get('20s');
  const result = await send('blocks', ['hello']);
  await result.get('20s');

  assert.deepEqual([await textsOf(first), await textsOf(result)], [['stdout first'], ['stdout hello']]);
});

test('each has its own also where the worker stands still again and again', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);
  const all = await Promise.all(Array.from({ length: 8 }, (_, i) => send('blocks', [`program ${i}`])));

  const ended = Promise.all(all.map((result) => result.get('60s')));
  for (let isOver = false; !isOver;) {
    process.kill(worker.pid, 'SIGSTOP');
    await setTimeout(20);
    process.kill(worker.pid, 'SIGCONT');
    isOver = await Promise.race([ended.then(() => true), setTimeout(2, false)]);
  }

  const texts = await Promise.all(all.map(textsOf));
  assert.deepEqual(
    texts,
    all.map((_, i) => [`stdout program ${i}`]),
  );
});

test('what is printed after the end of a job is in no log, also while another job runs', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);

  const one = await send('leaves', []);
  const two = await send('waits', [200]);
  await two.get('20s');
  const { stdout } = await worker.stop();

  assert.match(stdout, /left behind/);
  assert.deepEqual([await textsOf(one), await textsOf(two)], [[], []]);
});

test('the death of its process takes nothing away', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const result = await send('dies', []);
  await assert.rejects(result.get('20s'), { code: 'FSQ_WORKER_LOST' });

  const texts = await textsOf(result);
  assert.deepEqual(texts.slice(0, 3), ['stdout last words', 'fsq attempt 2', 'stdout last words']);
});

test('a job is followed while it runs, by two readers, until it has ended', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const result = await send('steps', []);
  const following = [
    logOf(result, { follow: true }),
    logOf(result, { follow: true }),
    fsq(at, ['logs', '-f', result.id]),
  ];
  await startWorker(t, at, ['-c', '1']);

  const [one, two, printed] = (await Promise.all(following)) as [
    LogLine[],
    LogLine[],
    { stdout: string; code: number },
  ];

  const steps = ['step 0', 'step 1', 'step 2'];
  assert.deepEqual([one.map(({ text }) => text), two.map(({ text }) => text)], [steps, steps]);
  assert.deepEqual(
    printed.stdout
      .trim()
      .split('\n')
      .map((line) => line.slice(25)),
    steps.map((step) => `out ${step}`),
  );
  assert.equal(printed.code, 0);
});

describe('fsq', () => {
  test('logs prints lines or JSON, show ends with the last lines of a failed job', async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const { send } = sender(t, at);
    await startWorker(t, at, ['-c', '1']);
    const failed = await send('fails', []);
    const much = await send('much', [5]);
    const quiet = await send('quiet', []);
    await assert.rejects(failed.get('20s'));
    await Promise.all([much.get('20s'), quiet.get('20s')]);

    const plain = await fsq(at, ['logs', failed.id.slice(0, 35)]);
    const json = await fsq(at, ['logs', failed.id, '--json']);
    const none = await fsq(at, ['logs', quiet.id]);
    const unknown = await fsq(at, ['logs', '00000000-0000-7000-8000-000000000000']);
    const show = await fsq(at, ['show', failed.id]);
    const succeeded = await fsq(at, ['show', much.id]);
    const document = JSON.parse((await fsq(at, ['show', failed.id, '--json'])).stdout) as { log: LogLine[] };

    assert.match(plain.stdout, /^\d{4}-\d\d-\d\dT[\d:.]+Z out line 0\n/);
    assert.equal(plain.stdout.trim().split('\n').length, 20);
    const [first] = json.stdout.split('\n').map((line) => JSON.parse(line || '{}') as LogLine);
    assert.deepEqual([first?.stream, first?.text, typeof first?.atMs], ['stdout', 'line 0', 'number']);
    assert.deepEqual([none.code, none.stdout], [0, '']);
    assert.match(none.stderr, /Job \S+ printed nothing, or/);
    assert.equal(unknown.code, 3);
    assert.match(
      show.stdout,
      /log +the last 10 of 20 lines; `fsq logs [^`]+` prints all\n +\S+ out line 10\n[^]*out line 19\n$/,
    );
    assert.equal(document.log.length, 10);
    assert.match(succeeded.stdout, /log +the last 3 of \d+ lines; `fsq logs [^`]+` prints all\n(?: +\S+ out .*\n){3}$/);
  });
});

test('jobs that print a lot grow no memory, and the rest of the log is bounded', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1'], { env: { FSQ_JOB_LOG: '64KB' } });

  const before = await (await send('much', [1])).get('20s');
  const result = await send('much', [100_000]);
  const after = await result.get('60s');

  assert.ok(Number(after) - Number(before) < 100e6, `the child grew from ${before} to ${after} bytes`);
  const lines = await logOf(result);
  assert.ok(lines.length < 70, `${lines.length} lines`);
  assert.match(lines.find(({ text }) => text.includes('left out'))?.text ?? '', /^\d+ lines \(\d+ MB\) left out here$/);
});

test('with the setting off nothing is kept', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS, 'fsq.config.json': '{"jobLog":false}' });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1']);

  const result = await send('starts', ['program']);
  await result.get('20s');
  const { stdout } = await worker.stop();

  assert.deepEqual(await textsOf(result), []);
  assert.match(stdout, /before\nprogram\n/);
});

test('a wrong size is refused with what would be right', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });

  const { code, stderr } = await fsq(at, ['worker', '--burst'], { env: { FSQ_JOB_LOG: '1KB' } });

  assert.equal(code, 78);
  assert.match(stderr, /FSQ_JOB_LOG to be a size from '16KB', such as '1MB', or false, got "1KB"/);
});

test('where the logs cannot be written jobs run on, and the worker tells it once', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '2']);
  const gates = await Promise.all([send('gated', []), send('gated', [])]);
  const all = await Promise.all(Array.from({ length: 10 }, () => send('says', ['hello'])));
  rmSync(join(at.spool, 'logs'), { recursive: true });
  writeFileSync(join(at.spool, 'logs'), 'in the way');

  writeFileSync(join(at.path, 'open'), '');
  for (const result of [...gates, ...all]) await result.get('20s');

  await until(() => /is not kept/.test(worker.stderr()), 'it is told');
  const { stderr } = await worker.stop();
  assert.equal(stderr.split('is not kept').length, 2);
});

test('fsq logs -f of a job that waits says what it waits for, and goes on', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const job = await send('says', ['hello']);
  const child = spawn(process.execPath, [join(REPOSITORY, 'bin/fsq.js'), 'logs', job.id, '-f'], { cwd: at.path });
  t.after(() => child.kill('SIGKILL'));
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => (stdout += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (stderr += bytes.toString()));
  const ended = new Promise((resolve) => child.on('close', resolve));

  await until(() => stderr !== '', 'it says why nothing comes');
  await startWorker(t, at, ['-c', '1']);

  assert.equal(await ended, 0);
  assert.match(
    stderr,
    /^fsq logs: Nothing is printed so far\. No worker is running on this spool: the job waits until one starts\..*\n$/,
  );
  assert.match(stdout, / out hello\n/);
});

test('a log that another program wrote does nothing to a terminal', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const { id } = await send('quiet', []);
  writeFileSync(join(at.spool, `logs/${id}.log`), '2026-11-26T20:59:03.120Z out a\tb\u001b[2Jc\n');

  const { stdout } = await fsq(at, ['logs', id]);

  assert.equal(stdout, '2026-11-26T20:59:03.120Z out a\tb\\u{1b}[2Jc\n');
});
