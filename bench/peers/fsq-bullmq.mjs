/** fsq with its jobs in BullMQ on Redis (docs/projects.md, "Jobs in BullMQ"): `fsq worker` with two children. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { join } from 'node:path';
import { createApp } from '../../dist/index.js';
import { CHECKOUT } from '../places.mjs';
import { drive } from './drive.mjs';
import { load } from './load.mjs';

const LOOK_MS = 5;
const prefix = 'fsq-bench';
const address = ({ redisPort }) => `bullmq+redis://127.0.0.1:${redisPort}/0?prefix=${prefix}`;

async function connection({ redisPort }) {
  const { Redis } = await load('ioredis');
  return new Redis({ host: '127.0.0.1', port: redisPort });
}

async function connect(options) {
  const redis = await connection(options);
  const app = createApp({ broker: address(options) });
  const add = app.task('add', (x, y) => x + y);
  return {
    add: async (queue, x, y) => (await add.applyAsync([x, y], { queue })).id,
    addMany: async (queue, pairs) => (await add.delayMany(pairs, { queue })).results.map(({ id }) => id),
    call: async (queue, x, y) => (await add.applyAsync([x, y], { queue })).get(),
    waiting: (queue) => redis.llen(`${prefix}:${queue}:wait`),
    verify: (queue, jobs) => verify(redis, queue, jobs),
    async close() {
      await app.close();
      const keys = await redis.keys(`${prefix}*`);
      for (let i = 0; i < keys.length; i += 1_000) await redis.del(keys.slice(i, i + 1_000));
      redis.disconnect();
    },
  };
}

/** Starts `fsq worker`. How many jobs have ended is asked of Redis; `verify` looks at their values. */
async function work(options, queue, finished) {
  const redis = await connection(options);
  const dir = mkdtempSync(join(tmpdir(), 'fsq-bench-'));
  mkdirSync(join(dir, 'node_modules'));
  symlinkSync(CHECKOUT, join(dir, 'node_modules/fsq'));
  writeFileSync(join(dir, 'package.json'), '{"type":"module"}');
  writeFileSync(join(dir, 'tasks.js'), "import { task } from 'fsq';\ntask('add', (x, y) => x + y);\n");
  const worker = spawn(
    process.execPath,
    [join(CHECKOUT, 'bin/fsq.js'), 'worker', '-c', String(options.children), '-Q', queue],
    { cwd: dir, env: { ...process.env, FSQ_BROKER: address(options), FSQ_LOG_LEVEL: 'warn' }, stdio: 'ignore' },
  );
  const ended = new Promise((resolve) => worker.on('exit', resolve));
  // As with a spool: the supervisor and its children have said that they are there.
  while ((await redis.hlen(`${prefix}-fsq:owners`)) <= options.children) await wait(LOOK_MS);
  let told = 0;
  const timer = setInterval(async () => {
    const count = await redis.zcard(`${prefix}:${queue}:completed`);
    for (; told < count; told++) finished(told, 1, told + 1);
  }, LOOK_MS);
  return async () => {
    clearInterval(timer);
    worker.kill('SIGTERM');
    await ended;
    redis.disconnect();
    rmSync(dir, { recursive: true, force: true });
  };
}

async function verify(redis, queue, jobs) {
  const ids = await redis.zrange(`${prefix}:${queue}:completed`, 0, -1);
  const seen = new Set();
  for (let i = 0; i < ids.length; i += 1_000) {
    const pipeline = redis.pipeline();
    for (const id of ids.slice(i, i + 1_000)) pipeline.hmget(`${prefix}:${queue}:${id}`, 'data', 'returnvalue');
    for (const [, [data, value]] of await pipeline.exec()) {
      const [x, y] = JSON.parse(data).args;
      if (JSON.parse(value) === x + y) seen.add(x);
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
