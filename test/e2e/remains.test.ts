/** What jobs have started does not outlive a worker and a child that are killed together. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../support/conditions.ts';
import { isProcessAlive } from '../support/processes.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `
import { spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { currentJob, task } from 'fsq';
const atImport = existsSync('pids.json') ? 0 : spawn('sleep', ['600'], { stdio: 'ignore' }).pid;
task('breeds', async () => {
  if (currentJob().attempt > 1) return 'again';
  const start = (options) => spawn('sleep', ['600'], { stdio: 'ignore', ...options }).pid;
  const marked = [atImport, start({}), start({ env: { ...process.env } })];
  const escaped = [start({ env: {} }), start({ detached: true })];
  writeFileSync('pids.json', JSON.stringify({ child: process.pid, marked, escaped }));
  await wait(600_000);
});
`;

interface Pids {
  readonly child: number;
  readonly marked: readonly number[];
  readonly escaped: readonly number[];
}

async function pidsIn(at: Project): Promise<Pids> {
  const path = join(at.path, 'pids.json');
  // The last brace is written last: there may be a part of it before.
  const text = await until(() => {
    const written = existsSync(path) ? readFileSync(path, 'utf8') : '';
    return written.endsWith('}') && written;
  }, 'the job has started its processes');
  return JSON.parse(text) as Pids;
}

for (const [who, recover] of [
  ['a later worker', ['worker', '-c', '1', '--burst']],
  ['the doctor', ['doctor', '--repair']],
] as const) {
  test(
    `${who} kills what a job had started whose worker and child were killed together, and nothing without proof`,
    { skip: process.platform !== 'linux' && 'needs /proc' },
    async (t) => {
      const at = tempProject(t, { 'tasks.js': TASKS });
      const { send } = sender(t, at);
      const worker = await startWorker(t, at, ['-c', '1']);
      await send('breeds', []);
      const { child, marked, escaped } = await pidsIn(at);
      t.after(() => {
        for (const pid of [child, ...marked, ...escaped]) if (isProcessAlive(pid)) process.kill(pid, 'SIGKILL');
      });

      const command = readFileSync(`/proc/${child}/cmdline`, 'utf8');
      const mark =
        /FSQ_CHILD=(\w+)/.exec(readFileSync(`/proc/${child}/environ`, 'utf8'))?.[1] ?? assert.fail('no mark');
      assert.ok(!command.includes(mark), 'what everybody may see does not tell the mark');
      // The worker first: it would see its child die, and kill the group itself.
      worker.kill('SIGKILL');
      await until(() => !isProcessAlive(worker.pid), 'the worker has ended');
      process.kill(child, 'SIGKILL');
      await until(() => !isProcessAlive(child), 'the child has ended');
      assert.ok([...marked, ...escaped].every(isProcessAlive));
      const { stdout, stderr } = await fsq(at, recover, { env: { FSQ_LOG_FORMAT: 'json' } });

      assert.match(
        stdout + stderr,
        new RegExp(`3 processes that (owner )?${child}-[0-9a-f]{16} had left running|killed 3 processes`),
      );
      await until(() => !marked.some(isProcessAlive), 'what carries the mark has ended');
      assert.ok(escaped.every(isProcessAlive), 'what does not carry the mark, or has left the group, lives');
    },
  );
}
