/** Whatever stdout and stderr of a worker are, its jobs run as if nothing were: each once, with its result. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { until, within } from '../support/conditions.ts';
import { type Project, REPOSITORY, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const BIN = join(REPOSITORY, 'bin/fsq.js');
const TASKS = `import { execFileSync } from 'node:child_process';
import { task } from 'fsq';
task('says', (text, times) => {
  for (let i = 0; i < times; i++) console.log(text);
  console.error(text);
  process.stdout.write(text);
  return process.memoryUsage.rss();
});
task('starts', () => execFileSync('sh', ['-c', 'echo from a program; echo and more >&2'], { stdio: 'inherit' }));
`;

/** `fsq worker` as a shell starts it: `shell` says where its streams lead. */
function workerOf(
  t: TestContext,
  at: Project,
  shell: string,
): { process: ChildProcess; ended: Promise<number | null> } {
  const child = spawn('bash', ['-c', shell, process.execPath, BIN], {
    cwd: at.path,
    env: { ...process.env, FSQ_LOG_FORMAT: 'json', FSQ_LOG_LEVEL: 'debug' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  t.after(() => child.kill('SIGKILL'));
  return { process: child, ended };
}

describe('jobs run once each, and what they start is not killed, when', () => {
  const cases: readonly [what: string, shell: string][] = [
    ['the reader of both goes away after a line', '"$0" "$1" worker --burst -c 2 2>&1 | head -1'],
    ['the reader of stdout is gone from the start', '"$0" "$1" worker --burst -c 2 2> log.txt | true'],
    ['both lead to a full disk', '"$0" "$1" worker --burst -c 2 > /dev/full 2>&1'],
    ['both are closed', '"$0" "$1" worker --burst -c 2 >&- 2>&-'],
    ['nobody reads them', 'exec "$0" "$1" worker --burst -c 2'],
  ];
  for (const [what, shell] of cases) {
    test(what, async (t) => {
      const at = tempProject(t, { 'tasks.js': TASKS });
      const { send } = sender(t, at);
      const sent = await Promise.all([
        ...Array.from({ length: 60 }, () => send('says', ['x'.repeat(1_000), 50])),
        ...Array.from({ length: 4 }, () => send('starts', [])),
      ]);

      const { ended } = workerOf(t, at, shell);
      await within(ended, 'the burst to end', 60_000);

      const infos = await Promise.all(sent.map((result) => result.info()));
      assert.deepEqual([...new Set(infos.map((info) => `${info?.state} ${info?.standing.attempt}`))], ['succeeded 1']);
    });
  }
});

test('a worker whose log nobody reads ends on SIGTERM, and its memory is bounded meanwhile', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const child = spawn(process.execPath, [BIN, 'worker', '-c', '1'], {
    cwd: at.path,
    env: { ...process.env, FSQ_LOG_FORMAT: 'json' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  child.stdout.pause();
  child.stderr.pause();

  const before = await (await send('says', ['x', 1])).get('20s');
  // 100 MB, of which a pipe and the worker keep two.
  const after = await (await send('says', ['x'.repeat(10_000), 10_000])).get('60s');
  const worker = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  const exited = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
  child.kill('SIGTERM');

  assert.equal(await within(exited, 'the worker to end'), 0);
  assert.ok(Number(after) - Number(before) < 80e6, `the child grew from ${before} to ${after} bytes`);
  const peakKb = Number(/VmHWM:\s+(\d+)/.exec(worker)?.[1]);
  assert.ok(peakKb < 200_000, `the worker took ${peakKb} kB`);
});

test('when the log can be written again, the worker says how many lines are lost', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const pipe = join(at.path, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const { process: shell } = workerOf(t, at, 'exec "$0" "$1" worker -c 1 2> pipe');
  const open = (): number => openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  let reader = open();
  let text = '';

  // The worker may have passed on nothing while nobody read: then once more.
  const told = /"lost":\d+,"msg":"\d+ lines? could not be written to stderr and (is|are) lost: .*EPIPE/;
  await until(async () => {
    await (await send('says', ['a', 1])).get('20s');
    text += readNow(reader);
    closeSync(reader);
    await (await send('says', ['b', 1])).get('20s');
    reader = open();
    await (await send('says', ['c', 1])).get('20s');
    text += readNow(reader);
    return told.test(text);
  }, 'the loss is told');

  closeSync(reader);
  shell.kill('SIGTERM');
});

test('as many lines are told as lost as were printed, however long each is', async (t) => {
  const at = tempProject(t, {
    'tasks.js': `import { task } from 'fsq';\ntask('prints', () => console.log('x'.repeat(200_000)));`,
  });
  const { send } = sender(t, at);
  await Promise.all(Array.from({ length: 20 }, () => send('prints', [])));

  const { ended } = workerOf(t, at, '"$0" "$1" worker --burst -c 2 2> log.txt | true');
  await within(ended, 'the burst to end', 60_000);

  const log = readFileSync(join(at.path, 'log.txt'), 'utf8');
  const told = [...log.matchAll(/"lost":(\d+),"msg":"\d+ lines? could not be written to stdout/g)];
  assert.equal(
    told.reduce((sum, [, lines]) => sum + Number(lines), 0),
    20,
  );
});

function readNow(fd: number): string {
  const bytes = Buffer.alloc(65_536);
  try {
    return bytes.toString('utf8', 0, readSync(fd, bytes));
  } catch {
    return ''; // EAGAIN: nothing yet.
  }
}

test('lines of several children do not mix, and a last line without its end comes too', async (t) => {
  const at = tempProject(t, {
    'tasks.js': `import { task } from 'fsq';
task('half', (letter) => new Promise((resolve) => {
  process.stdout.write(letter.repeat(20_000));
  setTimeout(() => { process.stdout.write(letter.repeat(20_000) + '\\n'); resolve(); }, 30);
}));
task('last', () => void process.stdout.write('the end'));`,
  });
  const { send } = sender(t, at);
  await Promise.all(['a', 'b', 'a', 'b'].map((letter) => send('half', [letter])));
  await send('last', [], { priority: 9 });

  const { process: shell, ended } = workerOf(t, at, 'exec "$0" "$1" worker --burst -c 2 2> /dev/null');
  let text = '';
  shell.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const closed = new Promise((resolve) => shell.stdout?.on('close', resolve));
  assert.equal(await within(ended, 'the burst to end'), 0);
  await closed;

  const lines = text.split('\n').filter((line) => line !== 'the end' && line !== '');
  assert.deepEqual(
    lines.map((line) => [new Set(line).size, line.length]).filter(([letters]) => letters !== 1),
    [],
  );
  assert.match(text, /the end/);
});
