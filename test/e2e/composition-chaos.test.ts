/**
 * Chords and chains while children and whole workers are killed again and again: a callback runs once, a chain breaks nowhere.
 *
 * COMPOSITION_CHAOS=long makes it a chord of 1,000 and more deaths.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { type App, type AsyncResult, chain, chord, createApp, type Composition } from 'fsq';
import { fsq, type Project, startWorker, tempProject, type WorkerHandle } from '../support/project.ts';

const IS_LONG = process.env['COMPOSITION_CHAOS'] === 'long';
const MEMBERS = IS_LONG ? 1_000 : 200;
const STEPS = 50;
/** How much longer each run takes than a short test has time for. */
const SLOWER = IS_LONG ? 4 : 1;
/** A child needs 50 to 300 ms to start on a busy machine: killed faster than that, nobody would work. */
const KILL_EVERY_MS = 120;
/** Every so many kills, a whole worker dies: its supervisor with all of its children. */
const WORKER_EVERY = 6;
/** A job that has lost its process so often is spared: fsq gives it up after the fourth time. */
const MOST_CRASHES = 2;

/** Each run leaves a line when it begins; a line of that size is appended whole (write(2), O_APPEND). */
const TASKS = `
import { appendFileSync } from 'node:fs';
import { currentJob, task } from 'fsq';
const told = (name, act) => async (...args) => {
  appendFileSync('journal.txt', [name, currentJob().id, process.pid].join(' ') + '\\n');
  return act(...args);
};
const after = (ms) => new Promise((resolve) => setTimeout(resolve, ${SLOWER} * ms));
export const square = task('square', told('square', async (n) => (await after(n % 80), n * n)));
export const total = task('total', told('total', async (all) => (await after(800), all.reduce((sum, n) => sum + n, 0))));
export const next = task('next', told('next', async (n) => (await after(60), n + 1)));
`;

const TIMEOUT = { timeout: IS_LONG ? 900_000 : 180_000 };

test(`a chord of ${MEMBERS} under chaos runs its callback once`, TIMEOUT, async (t) => {
  const scene = await begin(t);
  const square = scene.app.task('square', (n: number) => n * n);
  const total = scene.app.task('total', (all: readonly number[]) => all.length);
  const members = Array.from({ length: MEMBERS }, (_, n) => square.s(n));
  const sent = await chord(members, total.s()).delay();

  const deaths = await scene.killUntil(() => sent.ready());

  assert.equal(await sent.get('60s'), (MEMBERS * (MEMBERS - 1) * (2 * MEMBERS - 1)) / 6);
  const [squares, totals] = [scene.begun('square'), scene.begun('total')];
  assert.deepEqual([squares.size, totals.size], [MEMBERS, 1]);
  await scene.assertQuiet(MEMBERS + 1);
  const text = `${deaths.size} processes killed; ${again(squares)} runs of members and ${again(totals)} of the callback were cut off and begun again`;
  t.diagnostic(text);
  assert.ok(again(squares) > 0, 'no kill hit a member: the test proves nothing');
});

test(`a chain of ${STEPS} under chaos breaks nowhere`, TIMEOUT, async (t) => {
  const scene = await begin(t);
  const next = scene.app.task('next', (n: number) => n + 1);
  let steps: Composition<AsyncResult<number>, number, never, never, unknown> = next.s(0);
  for (let i = 1; i < STEPS; i++) steps = chain(steps, next.s());
  const sent = await steps.delay();

  const deaths = await scene.killUntil(() => sent.ready());

  assert.equal(await sent.get('60s'), STEPS);
  const runs = scene.begun('next');
  assert.equal(runs.size, STEPS);
  await scene.assertQuiet(STEPS);
  t.diagnostic(`${deaths.size} processes killed; ${again(runs)} runs were cut off and begun again`);
  assert.ok(again(runs) > 0, 'no kill hit a step: the test proves nothing');
});

interface Scene {
  readonly app: App;
  /** Kills children, and from time to time a worker, until `isOver`. Gives the processes that were killed. */
  killUntil(isOver: () => Promise<boolean>): Promise<ReadonlySet<number>>;
  /** What the journal says: the runs that began, by task, and which job had how many. */
  begun(task: string): ReadonlyMap<string, number>;
  /** Nothing is left but the outcomes, and each further run is due to a death. */
  assertQuiet(results: number): Promise<void>;
}

async function begin(t: TestContext): Promise<Scene> {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const app = createApp({ spool: at.spool, fsync: false });
  t.after(() => app.close());
  const deaths = new Set<number>();
  const start = (): Promise<WorkerHandle> => startWorker(t, at, ['-c', '3'], { env: { FSQ_FSYNC: '0' } });
  return {
    app,
    killUntil: async (isOver) => {
      let workers = [await start(), await start()];
      for (let kills = 1; !(await isOver()); kills++) {
        const isWorkersTurn = kills % WORKER_EVERY === 0;
        const [first] = isWorkersTurn ? workers : [];
        const children = killable(at.spool).filter(({ parent }) => first === undefined || parent === first.pid);
        // Of a worker that dies, now its children live on until they have ended their jobs, now they die with it.
        const isWhole = kills % (2 * WORKER_EVERY) === 0;
        const busy = kills % 2 === 0 ? [] : children.filter(({ isBusy }) => isBusy);
        const one = oneOf(busy.length > 0 ? busy : children);
        const victims = first === undefined ? one : isWhole ? children : [];
        for (const pid of [...(first === undefined ? [] : [first.pid]), ...victims.map(({ pid }) => pid)])
          if (kill(pid)) deaths.add(pid);
        if (first !== undefined) workers = [...workers.filter((worker) => worker !== first), await start()];
        await wait(KILL_EVERY_MS);
      }
      for (const worker of workers) await worker.stop();
      return deaths;
    },
    begun: (task) => countsOf(linesOf(at).filter((line) => line.task === task)),
    assertQuiet: async (results) => {
      assert.equal((await fsq(at, ['worker', '--burst'])).code, 0); // What the last dead have left is recovered.
      const left = ['pending', 'delayed', 'results'].map((name) => readdirSync(join(at.spool, name)).length);
      assert.deepEqual(left, [0, 0, results]);
      assert.deepEqual(unexplained(linesOf(at), deaths), [], 'a second run without the death of the first');
      const { code, stdout } = await fsq(at, ['doctor']);
      assert.equal(code, 0, stdout);
    },
  };
}

function oneOf<T>(all: readonly T[]): readonly T[] {
  const one = all[Math.floor(Math.random() * all.length)];
  return one === undefined ? [] : [one];
}

/** False when it has ended just now. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

interface Victim {
  readonly pid: number;
  readonly parent: number;
  /** It holds a job. */
  readonly isBusy: boolean;
}

/** The children that live, but for those that run a job that has lost too many processes. */
function killable(spool: string): readonly Victim[] {
  return readdirSync(join(spool, 'running')).flatMap((owner) => {
    const pid = Number(owner.split('-')[0]);
    try {
      const held = readdirSync(join(spool, 'running', owner));
      const isSpared = held.some((name) => Number(name.split('.')[4]) >= MOST_CRASHES);
      const [, , parent] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      const isChild = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('worker/child');
      return isSpared || !isChild || owner.includes('~')
        ? []
        : [{ pid, parent: Number(parent), isBusy: held.length > 0 }];
    } catch {
      return []; // It has just died.
    }
  });
}

interface Line {
  readonly task: string;
  readonly id: string;
  readonly pid: number;
}

/** The beginnings of runs, in their order. */
function linesOf({ path }: Project): readonly Line[] {
  return readFileSync(join(path, 'journal.txt'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => {
      const [task = '', id = '', pid] = line.split(' ');
      return { task, id, pid: Number(pid) };
    });
}

function countsOf(lines: readonly Line[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { id } of lines) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

/** Runs of a job whose run before was in a process that was not killed. */
function unexplained(lines: readonly Line[], deaths: ReadonlySet<number>): readonly Line[] {
  const last = new Map<string, number>();
  return lines.filter(({ id, pid }) => {
    const before = last.get(id);
    last.set(id, pid);
    return before !== undefined && !deaths.has(before);
  });
}

function again(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count - 1, 0);
}
