/** bee-queue on Redis. Settings: the README of bee-queue 2.0.0, sections "Settings" and "Under the hood". */
import { drive } from './drive.mjs';
import { load } from './load.mjs';

/** What neither side needs here: "these settings should be disabled if you don't need them". */
const NOT_LISTENING = { getEvents: false, storeJobs: false };

await drive({
  file: import.meta.url,
  packages: ['bee-queue'],
  redis: true,
  connect,
  work,
});

async function work(options, name, finished) {
  // A job's value goes out as an event and is kept nowhere, so `sendEvents` stays on: without it there is no result.
  // `removeOnSuccess` stays off: finished jobs are kept, as with the others.
  const queue = await open(name, options, NOT_LISTENING);
  queue.on('error', (error) => console.error(error));
  queue.on('failed', (job, error) => console.error(`job ${job.id} failed:`, error));
  // This local event comes when Redis has recorded the job as succeeded.
  queue.on('succeeded', (job, value) => finished(job.data.x, job.data.y, value));
  queue.process(options.concurrency, async (job) => job.data.x + job.data.y);
  return () => queue.close();
}

async function connect(options) {
  const queues = new Map();
  // Only who waits for results needs events: the scenario round-trip.
  const settings = { isWorker: false, ...(options.scenario === 'round-trip' ? {} : NOT_LISTENING) };
  let outcomes;
  const queue = (name) => queues.get(name) ?? queues.set(name, open(name, options, settings)).get(name);
  return {
    async add(name, x, y) {
      const to = await queue(name);
      return (await to.createJob({ x, y }).save()).id;
    },
    // README, "Advanced: Bulk-Creating Jobs".
    async addMany(name, pairs) {
      const to = await queue(name);
      const jobs = pairs.map(([x, y]) => to.createJob({ x, y }));
      const errors = await to.saveAll(jobs);
      if (errors.size > 0) throw errors.values().next().value;
      return jobs.map((job) => job.id);
    },
    async call(name, x, y) {
      const to = await queue(name);
      outcomes ??= outcomesOf(to);
      return outcomes((await to.createJob({ x, y }).save()).id);
    },
    waiting: async (name) => (await (await queue(name)).checkHealth()).waiting,
    async verify(name, jobs) {
      const health = await (await queue(name)).checkHealth();
      if (health.succeeded !== jobs) throw new Error(`Expected ${jobs} succeeded jobs, got ${JSON.stringify(health)}`);
    },
    async close() {
      for (const each of await Promise.all(queues.values())) {
        await each.destroy();
        await each.close();
      }
    },
  };
}

/**
 * Waits for values by id. The README listens on the job; but the event comes over another connection than the answer to
 * `save()`, and one that comes first finds no listener: that caller waits for ever (seen here within 300 calls). The events of
 * the queue (README, "Queue PubSub events") are all heard, in either order.
 */
function outcomesOf(queue) {
  const early = new Map();
  const awaited = new Map();
  queue.on('job succeeded', (id, value) => {
    if (!awaited.has(id)) return early.set(id, value);
    awaited.get(id)(value);
    return awaited.delete(id);
  });
  return (id) =>
    new Promise((done) => {
      if (!early.has(id)) return awaited.set(id, done);
      done(early.get(id));
      return early.delete(id);
    });
}

async function open(name, options, settings) {
  const { default: Queue } = await load('bee-queue');
  const queue = new Queue(name, { redis: { host: '127.0.0.1', port: options.redisPort }, ...settings });
  return queue.ready();
}
