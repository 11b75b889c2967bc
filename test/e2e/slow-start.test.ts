/** Children that never become ready: each is ended in time, with all it has started, and said why. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { until } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

/** Starts a process, notes it, and goes on only when there is a file `go`. */
const hanging = (wait: string): string => `
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
if (!existsSync('go')) {
  appendFileSync('started.txt', spawn('sleep', ['600'], { stdio: 'ignore' }).pid + '\\n');
  ${wait}
}
`;
const TASK = `import { task } from 'fsq';\ntask('add', (a, b) => a + b);\n`;

function startedBy(at: Project): readonly number[] {
  const path = join(at.path, 'started.txt');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').map(Number) : [];
}

describe('a child that hangs in its start is killed with what it started, and replaced:', () => {
  const cases: readonly [string, Readonly<Record<string, string>>, readonly string[], RegExp][] = [
    [
      'in a top-level await',
      { 'tasks.js': TASK + hanging('await new Promise(() => {});') },
      [],
      /has not imported \S+\/tasks\.js after 1\.5 s \(startTimeout\): .*top-level await/,
    ],
    [
      'in an endless loop',
      { 'tasks/a.js': TASK, 'tasks/b.js': hanging('for (;;);') },
      [],
      /has not imported \S+\/tasks\/b\.js after 1\.5 s/,
    ],
    [
      'before the task modules',
      { 'tasks.js': TASK, 'first.js': hanging('for (;;);') },
      ['--import', './first.js'],
      /has not begun to import the task modules after 1\.5 s \(startTimeout\): .*--import/,
    ],
  ];
  for (const [where, files, args, said] of cases) {
    test(where, async (t) => {
      const at = tempProject(t, files);
      const { send } = sender(t, at);
      const starting = startWorker(t, at, ['-c', '1', ...args], { env: { FSQ_START_TIMEOUT: '1.5s' } });
      starting.catch(() => undefined); // Awaited below; if this test fails before, that is what it should say.

      const started = await until(() => startedBy(at).length >= 2 && startedBy(at), 'a second child starts');
      writeFileSync(join(at.path, 'go'), '');
      const worker = await starting;

      assert.match(worker.stderr(), said);
      assert.match(worker.stderr(), /was killed by SIGKILL; a new one starts in 100 ms/);
      assert.equal(await (await send('add', [1, 2])).get('20s'), 3);
      await until(() => !started.some(isProcessAlive), 'what it started has ended');
      assert.equal((await worker.stop()).code, 0);
    });
  }
});

test('a child that is ready may work as long as it wants', async (t) => {
  const at = tempProject(t, {
    'tasks.js': `import { task } from 'fsq';\ntask('slow', async () => { await new Promise((go) => setTimeout(go, 4_000)); return process.pid; });`,
  });
  const { send } = sender(t, at);
  const worker = await startWorker(t, at, ['-c', '1'], { env: { FSQ_START_TIMEOUT: '3s' } });

  assert.equal(typeof (await (await send('slow', [])).get('20s')), 'number');
  assert.doesNotMatch((await worker.stop()).stderr, /startTimeout/);
});
