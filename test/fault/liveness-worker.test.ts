/** Workers that are stopped, or of which nothing can be proved: their job runs once, however long that lasts. */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { until } from '../support/conditions.ts';
import { job } from '../support/factory.ts';
import { plantDeadOwner, someOwner } from '../support/owners.ts';
import { isProcessAlive } from '../support/processes.ts';
import { type Project, startWorker, tempProject, type WorkerHandle } from '../support/project.ts';
import { sender } from '../support/sender.ts';

/** How long the worker stays stopped: some rounds of recovery, or a minute and more. */
const STOPPED_MS = process.env['TEST_LONG'] === '1' ? 70_000 : 0;
const ROUNDS = 4;

const TASKS = `
import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { currentJob, task } from 'fsq';
export const hold = task('hold', async () => {
  appendFileSync('journal.txt', 'begin ' + process.pid + '\\n');
  while (!existsSync('gate')) await wait(5);
  appendFileSync('journal.txt', 'end ' + process.pid + '\\n');
  return currentJob().attempt;
});
export const add = task('add', (a, b) => a + b);
`;

function journal(at: Project): readonly string[] {
  const path = join(at.path, 'journal.txt');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
}

async function runningPid(at: Project): Promise<number> {
  return until(() => Number(journal(at)[0]?.split(' ')[1] ?? 0) || null, 'the job runs');
}

/** Waits until \`rounds\` rounds of recovery have passed, each seen by what it did for a dead owner's job. */
async function recoveryRounds(spool: string, rounds: number): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const { id } = job().job;
    const owner = someOwner(4_000_000 + round);
    plantDeadOwner(spool, owner, { [`5.${id}.default.1.0.json`]: '{"task":"add","args":[1,2]}' });
    await until(() => !existsSync(join(spool, 'running', owner)), `recovery round ${round}`);
  }
}

interface Scene {
  readonly at: Project;
  readonly first: WorkerHandle;
  readonly other: WorkerHandle;
  /** The child that runs the job. */
  readonly pid: number;
  readonly value: () => Promise<unknown>;
}

/** A job that runs in the first of two workers until the gate opens. */
async function scene(t: TestContext): Promise<Scene> {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const first = await startWorker(t, at, ['-c', '1']);
  const result = await send('hold', []);
  const pid = await runningPid(at);
  const other = await startWorker(t, at, ['-c', '1']);
  return { at, first, other, pid, value: () => result.get('20s') };
}

function openGate(at: Project): void {
  appendFileSync(join(at.path, 'gate'), '');
}

function assertRanOnce(at: Project, pid: number): void {
  assert.deepEqual(journal(at), [`begin ${pid}`, `end ${pid}`]);
}

test(`a worker and its child stopped for ${STOPPED_MS === 0 ? `${ROUNDS} rounds of recovery` : `${STOPPED_MS} ms`} and resumed: still the only run`, async (t) => {
  const { at, first, pid, value } = await scene(t);
  first.kill('SIGSTOP');
  process.kill(pid, 'SIGSTOP');
  t.after(() => {
    first.kill('SIGCONT');
    if (isProcessAlive(pid)) process.kill(pid, 'SIGCONT');
  });

  await wait(STOPPED_MS);
  await recoveryRounds(at.spool, ROUNDS);
  openGate(at);
  const whileStopped = journal(at);
  first.kill('SIGCONT');
  process.kill(pid, 'SIGCONT');

  assert.equal(await value(), 1);
  assert.deepEqual(whileStopped, [`begin ${pid}`]);
  assertRanOnce(at, pid);
});

test('a child whose socket was removed: others report it and take nothing; it finishes its job itself', async (t) => {
  const { at, other, pid, value } = await scene(t);
  const socket = readdirSync(join(at.spool, 'workers')).find(
    (name) => name.startsWith(`${pid}-`) && name.endsWith('.sock'),
  );
  rmSync(join(at.spool, 'workers', socket ?? ''));

  await other.printed(new RegExp(`cannot tell whether owner ${pid}-.*its socket is missing.*its jobs stay with it`));
  await recoveryRounds(at.spool, ROUNDS);
  openGate(at);

  assert.equal(await value(), 1);
  assertRanOnce(at, pid);
  assert.equal(other.stderr().match(/cannot tell whether/g)?.length, 1, 'it is reported once');
});
