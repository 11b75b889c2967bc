/** BullMQ on Redis, the processor a function in the worker's process. */
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { drive } from './drive.mjs';
import { load } from './load.mjs';

export const bullmq = {
  file: import.meta.url,
  packages: ['bullmq', 'ioredis'],
  redis: true,
  connect,
  // Concurrency 50: https://docs.bullmq.io/guide/workers/concurrency, whose example has this number.
  work: (options, queue, finished) => work(options, queue, finished, addAfter(options.waitMs ?? 0), {}),
};

/** With `waitMs` a job waits so long for something else. */
function addAfter(waitMs) {
  return async (job) => {
    if (waitMs > 0) await wait(waitMs);
    return job.data.x + job.data.y;
  };
}

/** A connection of ioredis, which each Queue and Worker has of its own (https://docs.bullmq.io/guide/connections). */
export async function connection(options) {
  const { Redis } = await load('ioredis');
  // BullMQ asks for null in what blocks: https://docs.bullmq.io/guide/going-to-production, maxRetriesPerRequest.
  return new Redis({ host: '127.0.0.1', port: options.redisPort, maxRetriesPerRequest: null });
}

/** Starts a worker on `queue`; `processor` is a function or the path of a file. */
export async function work(options, queue, finished, processor, more) {
  const { Worker } = await load('bullmq');
  const redis = await connection(options);
  // Everything else is BullMQ's default. That keeps completed jobs with their values: WorkerOptions.removeOnComplete.
  const worker = new Worker(queue, processor, { connection: redis, concurrency: options.concurrency, ...more });
  // `completed` comes after the job was moved to the finished ones in Redis.
  worker.on('completed', (job, value) => finished(job.data.x, job.data.y, value));
  worker.on('failed', (job, error) => console.error(`job ${job?.id} failed:`, error));
  worker.on('error', (error) => console.error(error));
  await worker.waitUntilReady();
  return async () => {
    await worker.close();
    redis.disconnect();
  };
}

export async function connect(options) {
  const { Queue, QueueEvents } = await load('bullmq');
  const redis = await connection(options);
  const queues = new Map();
  const queue = (name) => queues.get(name) ?? queues.set(name, new Queue(name, { connection: redis })).get(name);
  let events;
  return {
    add: async (name, x, y) => (await queue(name).add('add', { x, y })).id,
    // https://docs.bullmq.io/guide/queues/adding-bulks
    async addMany(name, pairs) {
      const jobs = await queue(name).addBulk(pairs.map(([x, y]) => ({ name: 'add', data: { x, y } })));
      return jobs.map((job) => job.id);
    },
    async call(name, x, y) {
      events ??= await listen(QueueEvents, name, options);
      const job = await queue(name).add('add', { x, y });
      return job.waitUntilFinished(events.queueEvents);
    },
    waiting: (name) => queue(name).getWaitingCount(),
    verify: (name, jobs) => verify(queue(name), jobs),
    async close() {
      await events?.close();
      for (const each of queues.values()) {
        await each.obliterate({ force: true });
        await each.close();
      }
      redis.disconnect();
    },
  };
}

/** The events by which a caller learns of a result: https://docs.bullmq.io/guide/returning-job-data */
async function listen(QueueEvents, name, options) {
  const redis = await connection(options);
  const queueEvents = new QueueEvents(name, { connection: redis });
  await queueEvents.waitUntilReady();
  return {
    queueEvents,
    async close() {
      await queueEvents.close();
      redis.disconnect();
    },
  };
}

async function verify(queue, jobs) {
  const completed = await queue.getJobs(['completed'], 0, jobs);
  const right = completed.filter((job) => job.returnvalue === job.data.x + job.data.y);
  if (right.length !== jobs) throw new Error(`Expected ${jobs} completed jobs with their values, got ${right.length}`);
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await drive(bullmq);
