/** Workers in namespaces of their own, as containers have them: each process 1 there, or without /proc. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../support/conditions.ts';
import { lacks } from '../support/needs.ts';
import { fsq, type Project, REPOSITORY, run, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const BIN = join(REPOSITORY, 'bin/fsq.js');
const TASKS = { 'tasks.js': `import { task } from 'fsq'; task('add', (a, b) => a + b);` };

interface Listed {
  readonly pid: number;
  readonly children: readonly number[];
}

async function workersOf(at: Project): Promise<readonly Listed[]> {
  const { stdout } = await fsq(at, ['status', '--json']);
  return (JSON.parse(stdout) as { readonly workers: readonly Listed[] }).workers;
}

test(
  'two workers that are each process 1 are listed with their own children',
  { skip: lacks('unshare') },
  async (t) => {
    const at = tempProject(t, TASKS);
    await sender(t, at).app.broker(); // It makes the spool.
    for (const concurrency of ['1', '2']) {
      const args = [
        '--pid',
        '--fork',
        '--kill-child',
        '--mount-proc',
        process.execPath,
        BIN,
        'worker',
        '-c',
        concurrency,
      ];
      const container = spawn('unshare', args, { cwd: at.path, stdio: 'ignore' });
      const ended = new Promise((resolve) => container.on('exit', resolve));
      t.after(async () => {
        container.kill('SIGKILL');
        await ended;
      });
    }

    const workers = await until(async () => {
      const listed = await workersOf(at);
      return listed.length === 2 && listed.flatMap(({ children }) => children).length >= 3 && listed;
    }, 'both workers and their children are there');

    assert.deepEqual(workers.map(({ pid, children }) => [pid, children.length]).toSorted(), [
      [1, 1],
      [1, 2],
    ]);
  },
);

const withoutProc = (line: string): readonly string[] => [
  '--mount',
  'sh',
  '-c',
  `mount -t tmpfs none /proc && exec "$0" "$1" ${line}`,
  process.execPath,
  BIN,
];

test('a worker without /proc runs jobs', { skip: lacks('unshare', 'mount') }, async (t) => {
  const at = tempProject(t, TASKS);
  const { send } = sender(t, at);
  const result = await send('add', [1, 2]);

  const { code, stderr } = await run(at, 'unshare', withoutProc('worker --burst -c 1'));

  assert.equal(code, 0, stderr);
  assert.equal(await result.get('10s'), 3);
});

test('without /proc and in a deep folder it says what is missing', { skip: lacks('unshare', 'mount') }, async (t) => {
  const at = tempProject(t, TASKS);
  const deep = join(at.path, 'x'.repeat(100));
  mkdirSync(deep);

  const { code, stderr } = await run(at, 'unshare', withoutProc(`worker --burst -c 1 --spool ${deep}/spool`));

  assert.equal(code, 75);
  assert.match(stderr, /too long for a socket .*mount \/proc, or choose a shorter path/);
  assert.doesNotMatch(stderr, /NOT_WRITABLE/);
});
