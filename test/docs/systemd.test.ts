/** The unit of examples/systemd, as systemd reads it, and the worker that it starts. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readDuration } from '../../src/job/units.ts';
import { until } from '../support/conditions.ts';
import { lacksProgram } from '../support/needs.ts';
import { type Project, REPOSITORY, run, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';
import { notifySocket } from '../support/systemd.ts';

const UNIT = readFileSync(join(REPOSITORY, 'examples/systemd/fsq@.service'), 'utf8');

test('systemd finds nothing wrong with the units', { skip: lacksProgram('systemd-analyze') }, async (t) => {
  const project = shop(t);
  const units = ['fsq@.service', 'fsq-drain.service', 'fsq-drain.timer'];
  for (const name of units) {
    const text = readFileSync(join(REPOSITORY, 'examples/systemd', name), 'utf8');
    writeFileSync(join(project.path, name), placed(text, project));
  }

  const { code, stdout, stderr } = await run(project, 'systemd-analyze', [
    'verify',
    ...units.map((name) => `./${name}`),
  ]);

  assert.deepEqual([code, stdout, stderr], [0, '', '']);
});

test('the worker gives up before systemd does, and the watchdog is for whoever may speak', () => {
  const stopMs = readDuration(setting('TimeoutStopSec').replace('min', 'm'));
  const shutdownMs = readDuration(environment(UNIT)['FSQ_SHUTDOWN_TIMEOUT'] ?? '');

  assert.ok(stopMs !== null && shutdownMs !== null && stopMs - shutdownMs >= 30_000, `${shutdownMs} and ${stopMs} ms`);
  assert.deepEqual(['Type', 'NotifyAccess', 'KillMode'].map(setting), ['notify', 'all', 'mixed']);
  assert.equal(setting('RestartPreventExitStatus'), '78');
});

test(
  'what it starts says that it is ready, gives signs of life, runs jobs, and ends in order',
  {
    skip: lacksProgram('systemd-notify', 'python3'),
  },
  async (t) => {
    const project = shop(t);
    const { socket, messages } = await notifySocket(t, project.path);
    const unit = placed(UNIT, project);
    const [program = '', ...args] = /^ExecStart=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? [];
    const worker = spawn(program, args, {
      cwd: project.path,
      env: { PATH: process.env['PATH'], ...environment(unit), NOTIFY_SOCKET: socket, WATCHDOG_USEC: '500000' },
      stdio: 'ignore',
    });
    t.after(() => void worker.kill('SIGKILL'));
    const ended = once(worker, 'exit');

    await until(() => messages.includes('WATCHDOG=1'), 'the worker gives a sign of life');
    const value = await (await sender(t, project).send('add', [1, 2])).get('20s');
    worker.kill('SIGTERM');

    assert.deepEqual(await ended, [0, null]);
    assert.equal(messages[0], 'READY=1 STATUS=4 children, queues: all');
    assert.equal(value, 3);
  },
);

function shop(t: TestContext): Project {
  const project = tempProject(t, { 'tasks.js': `import { task } from 'fsq'; task('add', (a, b) => a + b);` });
  mkdirSync(join(project.path, 'node_modules/.bin'));
  symlinkSync('../fsq/bin/fsq.js', join(project.path, 'node_modules/.bin/fsq'));
  return project;
}

/** The unit for a project and a spool elsewhere. */
function placed(unit: string, { path, spool }: Project): string {
  return unit.replaceAll('/var/lib/shop/spool', spool).replaceAll('/srv/shop', path);
}

function setting(name: string): string {
  return new RegExp(`^${name}=(.*)$`, 'm').exec(UNIT)?.[1] ?? assert.fail(`the unit has no ${name}=`);
}

function environment(unit: string): Readonly<Record<string, string>> {
  const pairs = [...unit.matchAll(/^Environment=(.*)$/gm)].flatMap(([, line = '']) => line.split(' '));
  return Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string]));
}
