/** fsq with its jobs in BullMQ on Redis (docs/scaling.md): `fsq worker` with two children. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createApp } from '../../dist/index.js';
import { CHECKOUT } from '../places.mjs';
import { drive } from './drive.mjs';
import { load } from './load.mjs';

const LOOK_MS = 5;
const prefix = ({ run }) => `fsq-bench-${run}`;
const address = (options) => `bullmq+redis://127.0.0.1:${options.redisPort}/0?prefix=${prefix(options)}`;

/** A worker's queues are named at its start: it warms up, and then works, on one. What is not to begin yet waits while that is paused. */
const QUEUE = 'bench';
const queueOf = (name, { scenario }) => (scenario === 'enqueue' ? name : QUEUE);

async function connection({ redisPort }) {
  const { Redis } = await load('ioredis');
  return new Redis({ host: '127.0.0.1', port: redisPort });
}

async function connect(options) {
  const redis = await connection(options);
  const app = createApp({ broker: address(options) });
  const add = app.task('add', (x, y) => x + y);
  /** By the names of the queues: the ids of their jobs. */
  const sent = new Map();
  const keep = (name, ids) => sent.set(name, [...(sent.get(name) ?? []), ...ids]);
  return {
    add: async (name, x, y) => (await add.applyAsync([x, y], { queue: queueOf(name, options) })).id,
    async addMany(name, pairs) {
      const ids = (await add.delayMany(pairs, { queue: queueOf(name, options) })).results.map(({ id }) => id);
      keep(name, ids);
      return ids;
    },
    call: async (name, x, y) => (await add.applyAsync([x, y], { queue: queueOf(name, options) })).get(),
    // Jobs of fsq have a priority: BullMQ keeps those in a set.
    waiting: (name) => redis.zcard(`${prefix(options)}:${queueOf(name, options)}:prioritized`),
    verify: (name, jobs) => verify(redis, `${prefix(options)}:${queueOf(name, options)}`, sent.get(name) ?? [], jobs),
    async close() {
      await app.close();
      const keys = await redis.keys(`${prefix(options)}*`);
      for (let i = 0; i < keys.length; i += 1_000) await redis.del(keys.slice(i, i + 1_000));
      redis.disconnect();
    },
  };
}

/** Of this process: it is one worker of the peer. */
let worker = null;

/** Lets `fsq worker` work. How many jobs have ended is asked of Redis; `verify` looks at their values. */
async function work(options, name, finished) {
  const isWarmUp = name.startsWith('warm-');
  worker ??= await startWorker(options);
  const { redis, app } = worker;
  const completed = () => redis.zcard(`${prefix(options)}:${QUEUE}:completed`);
  const before = await completed();
  await app.resume(QUEUE);
  let told = 0;
  const timer = setInterval(async () => {
    const count = (await completed()) - before;
    for (; told < count; told++) finished(told, 1, told + 1);
  }, LOOK_MS);
  return async () => {
    clearInterval(timer);
    if (isWarmUp) await app.pause(QUEUE);
    else await worker.stop();
  };
}

async function startWorker(options) {
  const redis = await connection(options);
  const app = createApp({ broker: address(options) });
  await app.pause(QUEUE); // Until the jobs that have ended are counted.
  const dir = mkdtempSync(join(tmpdir(), 'fsq-bench-'));
  mkdirSync(join(dir, 'node_modules'));
  symlinkSync(CHECKOUT, join(dir, 'node_modules/fsq'));
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  writeFileSync(join(dir, 'tasks.js'), "import { task } from 'fsq';\ntask('add', (x, y) => x + y);\n");
  const child = spawn(
    process.execPath,
    [join(CHECKOUT, 'bin/fsq.js'), 'worker', '-c', String(options.children), '-Q', QUEUE],
    { cwd: dir, env: { ...process.env, FSQ_BROKER: address(options), FSQ_LOG_LEVEL: 'warn' }, stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => child.on('exit', resolve));
  process.once('disconnect', () => child.kill('SIGTERM'));
  // As with a spool: the supervisor and its children have said that they are there.
  while ((await redis.hlen(`${prefix(options)}-fsq:owners`)) <= options.children) await wait(LOOK_MS);
  return {
    redis,
    app,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      await app.close();
      redis.disconnect();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function verify(redis, base, ids, jobs) {
  const seen = new Set();
  for (let i = 0; i < ids.length; i += 1_000) {
    const pipeline = redis.pipeline();
    for (const id of ids.slice(i, i + 1_000)) pipeline.hmget(`${base}:${id}`, 'data', 'returnvalue', 'finishedOn');
    for (const [, [data, value, finishedOn]] of await pipeline.exec()) {
      const [x, y] = JSON.parse(data).args;
      if (finishedOn !== null && JSON.parse(value) === x + y) seen.add(x);
    }
  }
  if (seen.size !== jobs) throw new Error(`Expected ${jobs} completed jobs with their values, got ${seen.size}`);
}

await drive({
  file: import.meta.url,
  packages: ['bullmq', 'ioredis'],
  redis: true,
  defaults: { children: 2 },
  connect,
  work,
});
