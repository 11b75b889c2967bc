/** Ten thousand jobs while children are killed at random: none is lost, none doubled. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createApp } from 'fsq';
import { assertAtRest } from '../support/at-rest.ts';
import { startWorker, tempProject } from '../support/project.ts';

const JOBS = 10_000;
/** A child needs 50 to 300 ms to start on a busy machine: killed faster than that, nobody would work. */
const KILL_EVERY_MS = 250;
const MOST_KILLS = 60;

/** Every run leaves a line with its job, attempt and process; a line of that size is appended whole (write(2), O_APPEND). */
const TASKS = `
import { appendFileSync } from 'node:fs';
import { currentJob, task } from 'fsq';
export const square = task('square', async (n) => {
  const { id, attempt } = currentJob();
  appendFileSync('journal.txt', id + ' ' + attempt + ' ' + process.pid + '\\n');
  await new Promise((resolve) => setTimeout(resolve, n % 3));
  return n * n;
});
`;

test(`no job of ${JOBS} is lost or doubled while children are killed at random`, { timeout: 180_000 }, async (t) => {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}`);
  const random = randomSource(seed);
  const at = tempProject(t, { 'tasks.js': TASKS });
  const app = createApp({ spool: at.spool, fsync: false });
  t.after(() => app.close());
  const square = app.task('square', (n: number) => n * n);
  const worker = await startWorker(t, at, ['-c', '4', '-l', 'info'], { env: { FSQ_FSYNC: '0' } });

  const sent = square.delayMany(Array.from({ length: JOBS }, (_, n) => [n]));
  const killed = killChildren(at.spool, worker.pid, random);
  const group = await sent;
  const values = await group.get('120s');
  const deaths = await killed;
  await worker.stop();

  assert.deepEqual(
    values,
    Array.from({ length: JOBS }, (_, n) => n * n),
  );
  assert(deaths.size > 10, `only ${deaths.size} children were killed`);
  assertAtRest(at.spool, { results: JOBS });
  const { runs, extra } = readJournal(join(at.path, 'journal.txt'), deaths);
  const ranAgain = [...runs.values()].filter((count) => count > 1).length;
  assert(ranAgain > 0, 'no kill hit a running job: the test proves nothing');
  assert.equal(runs.size, JOBS);
  assert.deepEqual(extra, [], 'a second run without the recorded death of the first');
  t.diagnostic(`${deaths.size} children killed, ${ranAgain} jobs ran again`);
});

/** Kills a random child every now and then; resolves with the pids that were killed. */
function killChildren(spool: string, supervisor: number, random: () => number): Promise<ReadonlySet<number>> {
  const killed = new Set<number>();
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (readdirSync(join(spool, 'results')).length === 0) return;
      const pids = childrenOf(spool, supervisor).filter((pid) => !killed.has(pid));
      const victim = pids[Math.floor(random() * pids.length)];
      if (victim !== undefined) {
        process.kill(victim, 'SIGKILL');
        killed.add(victim);
      }
      if (killed.size < MOST_KILLS && readdirSync(join(spool, 'results')).length < JOBS) return;
      clearInterval(timer);
      resolve(killed);
    }, KILL_EVERY_MS);
  });
}

function childrenOf(spool: string, supervisor: number): readonly number[] {
  const owners = readdirSync(join(spool, 'running')).filter((name) => !name.includes('~'));
  const pids = owners.map((name) => Number(name.split('-')[0])).filter((pid) => pid !== supervisor);
  return pids.filter((pid) => {
    try {
      return (
        readFileSync(`/proc/${pid}/stat`, 'utf8').includes(`) S ${supervisor} `) ||
        readFileSync(`/proc/${pid}/stat`, 'utf8').includes(`) R ${supervisor} `)
      );
    } catch {
      return false; // It has just died.
    }
  });
}

/** Runs by job, and the runs that no death explains: a later attempt is due only to the death of the earlier one's process. */
function readJournal(
  path: string,
  deaths: ReadonlySet<number>,
): { readonly runs: ReadonlyMap<string, number>; readonly extra: readonly string[] } {
  const runs = new Map<string, number>();
  const lastPid = new Map<string, number>();
  const extra: string[] = [];
  for (const line of readFileSync(path, 'utf8').trim().split('\n')) {
    const [id = '', , pid] = line.split(' ');
    const before = lastPid.get(id);
    if (before !== undefined && !deaths.has(before)) extra.push(line);
    lastPid.set(id, Number(pid));
    runs.set(id, (runs.get(id) ?? 0) + 1);
  }
  return { runs, extra };
}

/** A small seeded source of numbers in [0, 1): mulberry32, public domain. */
function randomSource(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
