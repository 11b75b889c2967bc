/**
 * plainjob on SQLite, on disk. It sets its own pragmas: write-ahead log, synchronous = NORMAL, busy_timeout = 5 s. With the option
 * `durable`, synchronous is FULL: SQLite syncs its log at the end of each transaction (sqlite.org, "PRAGMA synchronous").
 */
import { join } from 'node:path';
import { drive } from './drive.mjs';
import { load } from './load.mjs';

const DONE = 2;
/** What SQLite answers for FULL. */
const FULL = 2;

/** One worker runs one job after the other; more in one process only add to what SQLite does one at a time anyhow. */
async function work(options, type, finished) {
  const { defineWorker } = await load('plainjob');
  const queue = await open(options);
  let value;
  const worker = defineWorker(
    type,
    async (job) => {
      const { x, y } = JSON.parse(job.data);
      value = [x, y, x + y];
    },
    // It polls. `pollIntervall` (sic) is 1000 ms by default; 1 ms serves the scenarios in which the queue is empty at times.
    { queue, logger: QUIET, pollIntervall: 1, onCompleted: () => finished(...value) },
  );
  const ended = worker.start();
  return async () => {
    await worker.stop();
    await ended;
    queue.close();
  };
}

async function connect(options) {
  const queue = await open(options);
  return {
    add: async (type, x, y) => queue.add(type, { x, y }).id,
    addMany: async (type, pairs) => {
      const all = pairs.map(([x, y]) => ({ x, y }));
      return queue.addMany(type, all).ids;
    },
    waiting: async (type) => queue.countJobs({ type, status: 0 }),
    async verify(type, jobs) {
      const done = queue.countJobs({ type, status: DONE });
      if (done !== jobs) throw new Error(`Expected ${jobs} jobs that are done, got ${done}`);
    },
    close: async () => queue.close(),
  };
}

/** plainjob's own benchmark silences the same two. */
const QUIET = { error: console.error, warn: console.warn, info() {}, debug() {} };

async function open({ dir, run, durable }) {
  const { default: Database } = await load('better-sqlite3');
  const { better, defineQueue } = await load('plainjob');
  const database = new Database(join(dir, `plainjob-${run}.db`));
  const queue = defineQueue({ connection: better(database), logger: QUIET });
  if (!durable) return queue;
  database.pragma('synchronous = FULL');
  const level = database.pragma('synchronous', { simple: true });
  if (level === FULL) return queue;
  queue.close(); // Its timers would keep the process.
  throw new Error(`Expected synchronous to be ${FULL} (FULL), got ${level}`);
}

await drive({
  file: import.meta.url,
  packages: ['better-sqlite3', 'plainjob'],
  canSync: true,
  cannot: { 'round-trip': 'plainjob keeps no values and tells no caller that a job is done' },
  connect,
  work,
});
