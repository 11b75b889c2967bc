/** liteque on SQLite, on disk. Its `buildDBClient` sets the pragmas: write-ahead log, synchronous = NORMAL, 64 MB of cache. */
import { join } from 'node:path';
import { drive } from './drive.mjs';
import { load } from './load.mjs';

await drive({
  file: import.meta.url,
  packages: ['better-sqlite3', 'liteque'],
  // To claim one job it sorts all that wait. With 2,000 its rate is better than with the 20,000 of the others.
  mostJobs: 2_000,
  // README, "Usage". 50 at once were slower in most runs: claiming is what takes the time.
  defaults: { concurrency: 1 },
  cannot: {
    bulk: 'liteque has no call that adds many jobs',
    'round-trip': 'liteque removes a finished job, keeps no value and tells no caller',
  },
  connect,
  work,
});

async function work(options, name, finished) {
  const { Runner } = await load('liteque');
  const runner = new Runner(
    await open(name, options),
    {
      run: async (job) => job.data.x + job.data.y,
      // It comes just before the finished job's row is removed.
      onComplete: async (job, value) => finished(job.data.x, job.data.y, value),
      onError: async (job) => console.error(job.error),
    },
    // README, "Usage", which polls once a second: 1 ms serves the scenarios in which the queue is empty at times.
    { concurrency: options.concurrency, pollIntervalMs: 1, timeoutSecs: 60 },
  );
  const ended = runner.run();
  return async () => {
    runner.stop();
    await ended;
  };
}

async function connect(options) {
  const queues = new Map();
  const queue = (name) => queues.get(name) ?? queues.set(name, open(name, options)).get(name);
  return {
    add: async (name, x, y) => (await (await queue(name)).enqueue({ x, y })).id,
    waiting: async (name) => (await (await queue(name)).stats()).pending,
    async verify(name) {
      const left = await (await queue(name)).stats();
      const jobs = Object.values(left).reduce((sum, count) => sum + count, 0);
      if (jobs !== 0) throw new Error(`Expected no job to be left, got ${JSON.stringify(left)}`);
    },
    close: async () => {},
  };
}

async function open(name, { dir, run }) {
  const { buildDBClient, SqliteQueue } = await load('liteque');
  const db = buildDBClient(join(dir, `liteque-${run}.db`), { runMigrations: true });
  return new SqliteQueue(name, db, { defaultJobArgs: { numRetries: 2 }, keepFailedJobs: false });
}
