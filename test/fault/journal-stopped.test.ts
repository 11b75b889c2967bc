/** A sender that is stopped while what it has recorded is not answered yet: nothing is lost, and nothing runs after its outcome was read. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openSpool } from '../../src/spool/spool.ts';
import { until, within } from '../support/conditions.ts';
import { contextOf } from '../support/context.ts';
import { job } from '../support/factory.ts';
import { assertInvariants } from '../support/invariants.ts';
import { journalIn, segmentPaths, send } from '../support/journal.ts';
import { lacks } from '../support/needs.ts';
import { type Project, REPOSITORY, startWorker, tempProject } from '../support/project.ts';

const PROGRAM = join(REPOSITORY, 'test/fault/ops/stopped-sender.mjs');
/** So many jobs it sends in all. */
const SENT = 42;
/** Times that a worker looks for segments of the dead, once a second: longer than two checkpoints take. */
const ROUNDS = 5;
const HOUR_S = 3_600;
/** On a busy machine, ms. */
const PATIENCE_MS = 60_000;

const TASKS = `
import { appendFileSync } from 'node:fs';
import { currentJob, task } from 'fsq';
export const echo = task('echo', () => {
  appendFileSync('runs', currentJob().id + ' ' + process.hrtime.bigint() + '\\n');
});
`;

interface Sender {
  readonly lines: () => readonly string[];
  /** Its segment: those of the worker's children may lie beside it. */
  readonly segment: string;
  /** Of the program itself, in whatever namespace. */
  readonly pid: () => number;
  readonly go: () => void;
  readonly ended: Promise<unknown>;
}

/** Starts the sender, with the words before it, and stops it where it stands. */
async function stopped(t: TestContext, at: Project, step: string, before: readonly string[] = []): Promise<Sender> {
  const go = join(at.path, 'go');
  const [program = '', ...args] = [...before, process.execPath, PROGRAM, at.spool, step, go];
  const child: ChildProcess = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'exit');
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const pid = (): number => (before.length === 0 ? pidOf(child) : childOf(pidOf(child)));
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  });
  await until(() => output.includes('stands\n'), 'the sender stands still', PATIENCE_MS);
  process.kill(pid(), 'SIGSTOP');
  const ownPid = before.length === 0 ? pid() : 1; // In a namespace of its own it is the first.
  const segment = segmentPaths(at.spool).find((path) => basename(path).startsWith(`${ownPid}-`));
  if (segment === undefined) throw new Error(`Expected a segment of the sender in ${segmentPaths(at.spool).join()}`);
  return {
    lines: () => output.split('\n'),
    segment,
    pid,
    go: () => {
      writeFileSync(go, '');
      process.kill(pid(), 'SIGCONT');
    },
    ended,
  };
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('The sender was not started');
  return pid;
}

/** Never 0, which would be all processes of this group. */
function childOf(parent: number): number {
  const pid = Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')[0]);
  if (!Number.isInteger(pid) || pid <= 0) throw new Error(`Process ${parent} has no child`);
  return pid;
}

/** A process that has died leaves a segment, and a worker frees it: as often as that. */
async function checkpointsOfOthers(spool: string, rounds: number): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const context = contextOf(spool);
    const known = new Set(segmentPaths(spool));
    const own = context.uniqueName;
    const journal = journalIn({ ...context, uniqueName: () => own().replace(/^\d+-/, '4194304-') });
    await send(journal, job({ task: 'echo' }));
    const isFreed = (): boolean => segmentPaths(spool).every((path) => known.has(path));
    await until(isFreed, `the segment of dead process ${round} is freed`);
    await journal.close();
  }
}

/** When each outcome was first there. */
function readOutcomes(spool: string, known: Map<string, bigint>): void {
  for (const name of readdirSync(join(spool, 'results')))
    if (!known.has(name)) known.set(name, process.hrtime.bigint());
}

function runsIn({ path }: Project): readonly (readonly [id: string, atNs: bigint])[] {
  const runs = join(path, 'runs');
  const lines = existsSync(runs) ? readFileSync(runs, 'utf8').trimEnd().split('\n') : [];
  return lines.map((line) => {
    const [id = '', atNs = ''] = line.split(' ');
    return [id, BigInt(atNs)];
  });
}

async function assertAllRunOnce(t: TestContext, at: Project, sender: Sender, read: Map<string, bigint>): Promise<void> {
  await within(sender.ended, 'the sender ends', PATIENCE_MS);
  const accepted = sender.lines().flatMap((line) => (line.startsWith('accept ') ? line.slice(7) : []));
  assert.equal(accepted.length, SENT, sender.lines().join('\n'));
  assert.ok(sender.lines().includes('done'));
  const results = join(at.spool, 'results');
  await until(() => accepted.every((id) => existsSync(join(results, `${id}.json`))), 'every accepted job has ended');
  const runs = runsIn(at);
  t.diagnostic(`${read.size} outcomes read while the sender was stopped, ${runs.length} runs`);
  assert.equal(new Set(runs.map(([id]) => id)).size, runs.length, 'a job ran twice');
  for (const [id, atNs] of runs) assert.ok((read.get(`${id}.json`) ?? atNs) >= atNs, `${id} ran after it was read`);
  await assertInvariants(at.spool, { journal: { accepted: accepted.map((id) => ({ id })) } });
}

for (const [step, what] of [
  ['rename', 'half of its files are there'],
  ['syncData', 'all files are there and none is synced'],
  ['syncFileSystem', 'it is about to free what it has recorded'],
] as const)
  test(`a sender that is stopped for longer than two checkpoints, when ${what}`, { skip: lacks() }, async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    openSpool({ path: at.spool });
    const worker = await startWorker(t, at, ['-c', '2']);
    const sender = await stopped(t, at, step);
    const read = new Map<string, bigint>();

    await checkpointsOfOthers(at.spool, ROUNDS);
    readOutcomes(at.spool, read);
    assert.ok(existsSync(sender.segment), 'the segment of a process that lives is left alone');
    sender.go();

    await assertAllRunOnce(t, at, sender, read);
    const { code, stderr } = await worker.stop();
    assert.equal(code, 0, stderr);
    assert.deepEqual(segmentPaths(at.spool), []);
  });

test(
  'a sender of another container that is stopped for so long that it counts as dead',
  { skip: lacks('unshare') },
  async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    openSpool({ path: at.spool });
    const worker = await startWorker(t, at, ['-c', '2']);
    const sender = await stopped(t, at, 'rename', ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc']);
    const read = new Map<string, bigint>();

    await checkpointsOfOthers(at.spool, 2);
    assert.ok(existsSync(sender.segment), 'of whom nothing is proved counts as alive');
    const longAgo = Date.now() / 1_000 - 2 * HOUR_S;
    utimesSync(sender.segment, longAgo, longAgo);
    await until(() => !existsSync(sender.segment), 'its segment is freed');
    readOutcomes(at.spool, read);
    sender.go();

    await assertAllRunOnce(t, at, sender, read);
    const { code, stderr } = await worker.stop();
    assert.equal(code, 0, stderr);
    assert.deepEqual(segmentPaths(at.spool), []);
  },
);

test('what such a sender has recorded leaves for no other place before it goes on', { skip: lacks() }, async (t) => {
  const at = tempProject(t, {});
  const broker = openSpool({ path: at.spool });
  const sender = await stopped(t, at, 'syncData');
  const departure = await broker.departure(join(at.path, 'other'));
  const taken = await departure.take((await broker.unended()).map(({ id }) => id));

  await assert.rejects(departure.letGo(taken), { code: 'FSQ_MOVING', message: /would come back after a power cut/ });
  assert.deepEqual((await departure.underway()).toSorted(), taken.toSorted());
  sender.go();
  await within(sender.ended, 'the sender ends', PATIENCE_MS);
  await departure.letGo(taken);

  assert.deepEqual(await departure.underway(), []);
  const left = (await broker.unended()).map(({ id }) => id);
  assert.equal(left.length, SENT - taken.length, 'what was sent later waits here');
  assert.ok(left.every((id) => !taken.includes(id)));
  await departure.finish();
  await departure.close();
  await broker.close();
});
