/** Programs that send jobs to BullMQ over Redis: what they are given, and that they end by themselves. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { before, describe, type TestContext } from 'node:test';
import { until } from '../support/conditions.ts';
import { lacksProgram } from '../support/needs.ts';
import { fsq, type Project, runScript, startWorker, tempProject } from '../support/project.ts';
import { fsqInTerminal } from '../support/terminal.ts';
import { lacksRedis, redisServer, type RedisServer } from '../support/redis-server.ts';

const TASKS = `import { currentJob, task } from 'fsq';
export const add = task('add', async (a, b) => a + b);
export const list = task('list', async (...all) => all);
export const fail = task('fail', async (why) => { throw new RangeError(why); });
export const again = task('again', { retries: 2, backoff: 1 }, async () => {
  const { attempt } = currentJob();
  if (attempt < 3) throw new Error('not yet');
  return attempt;
});
export const told = task('told', async () => { currentJob().progress(0.5); console.log('half'); return currentJob().headers; });
`;

describe('on BullMQ', { skip: lacksRedis, concurrency: true }, () => {
  let server: RedisServer;
  before(async () => {
    server = await redisServer();
  });

  function project(t: TestContext, name: string, script: string): { project: Project; env: Record<string, string> } {
    const made = tempProject(t, { 'tasks.mjs': TASKS, 'main.mjs': script });
    return { project: made, env: { FSQ_BROKER: server.url(name) } };
  }

  test('a program that sends a job, and one that has waited, end by themselves', async (t) => {
    const { project: made, env } = project(
      t,
      'ends',
      `import { add } from './tasks.mjs';
const sent = await add.delay(1, 2);
await sent.get({ timeout: 50 }).catch(({ code }) => console.log(code));
for await (const { kind } of sent.events()) { console.log(kind); break; }
void add.delay(3, 4); // It is sent all the same.
`,
    );

    const { code, stdout, stderr } = await runScript(made, 'main.mjs', { env, timeoutMs: 30_000 });
    const listed = await fsq(made, ['ls', '--ids'], { env });

    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'FSQ_TIMEOUT\naccepted\n' }, stderr);
    assert.equal(listed.stdout.trim().split('\n').length, 2, listed.stdout);
  });

  test('a connection that is cut while nothing is asked is there again for the next call', async (t) => {
    const { project: made } = project(
      t,
      'cut',
      `import { createRequire } from 'node:module';
import { add } from './tasks.mjs';
const { Redis } = createRequire(import.meta.resolve('fsq'))('ioredis');
const { hostname, port } = new URL(process.env.FSQ_BROKER);
const other = new Redis({ host: hostname, port: Number(port) });
const sent = await add.delay(1, 2);
for (let mine = null; mine?.length !== 0; ) {
  mine = (await other.client('LIST')).split('\\n').filter((line) => line.includes(' db=1 '));
  for (const line of mine) await other.client('KILL', 'ID', /id=(\\d+)/.exec(line)[1]);
}
await other.quit();
const next = await add.delay(3, 4);
console.log(await sent.state(), await next.state());
`,
    );

    const cut = server.url('cut').replace('/0?', '/1?');
    const ran = await runScript(made, 'main.mjs', { env: { FSQ_BROKER: cut } });

    assert.deepEqual({ code: ran.code, stdout: ran.stdout }, { code: 0, stdout: 'pending pending\n' }, ran.stderr);
  });

  test('what a library call gives is the same as with a spool', async (t) => {
    const { project: made, env } = project(
      t,
      'calls',
      `import { chain, chord, group, result } from 'fsq';
import { add, again, fail, list, told } from './tasks.mjs';
const timeout = 20_000;
const how = (promise) => promise.catch(({ code, cause }) => [code, cause?.name ?? null]);
const all = async (items, see) => { const seen = []; for await (const item of items) seen.push(see(item)); return seen; };
const sent = await add.delay(1, 2);
const told1 = await told.applyAsync([], { queue: 'mail', priority: 1, countdown: 10, expires: '1m', retries: 1, backoff: '1s', timeLimit: '9s', softTimeLimit: '8s', resultTtl: '1h', headers: { a: 'b' } });
const bad = await fail.delay('no');
const waits = await add.applyAsync([1, 1], { eta: new Date(Date.now() + 3_600_000) });
console.log(JSON.stringify({
  value: await sent.get({ timeout }),
  ready: await sent.ready(),
  byId: await result(sent.id).get({ timeout }),
  many: (await (await add.delayMany([[1, 1], [2, 2]])).get({ timeout })),
  headers: await told1.get({ timeout }),
  retried: await (await again.delay()).get({ timeout }),
  bad: await how(bad.get({ timeout })),
  info: await bad.info().then(({ state, standing, record }) => [state, standing.queue, record.outcome.error.name]),
  late: await how(waits.get({ timeout: 10 })),
  revoked: [await waits.revoke(), await how(waits.get({ timeout }))],
  again: await bad.retry().then(() => how(bad.get({ timeout }))),
  runs: (await bad.info()).record.attempts.length,
  chain: await (await chain(add.s(1, 2), add.s(3)).delay()).get({ timeout }),
  group: await (await group([add.s(1, 2), add.s(3, 4)]).delay()).get({ timeout }),
  chord: await (await chord([add.s(1, 2), add.s(3, 4)], list.s()).delay()).get({ timeout }),
  after: await (await add.applyAsync([5, 5], { after: sent })).get({ timeout }),
  broken: await how((await chain(fail.s('first'), add.s(3)).delay()).get({ timeout })),
  logs: await all(told1.logs(), ({ text, stream, attempt }) => [text, stream, attempt]),
  events: await all(told1.events(), ({ kind }) => kind),
  forgotten: [await sent.forget(), await how(sent.get({ timeout }))],
  unknown: await how(result('0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3').get({ timeout })),
}));
`,
    );
    const [there, here] = await Promise.all([env, {}].map((where) => ranBesideWorker(t, made, where)));

    const { bad, unknown, ...rest } = JSON.parse(there ?? '');
    assert.deepEqual({ bad, unknown, ...rest }, JSON.parse(here ?? ''));
    assert.deepEqual([bad, unknown, rest.value], [['FSQ_TASK_FAILED', null], ['FSQ_UNKNOWN_JOB', null], 3]);
  });

  test(
    'a worker that watches takes a changed module, and keys of fsq top act',
    { skip: lacksProgram('tmux') },
    async (t) => {
      const { project: made, env } = project(t, 'watched', '');
      await startWorker(t, made, ['-c', '1', '--watch'], { env });
      await Promise.all([fsq(made, ['call', 'fail', 'no', '--wait'], { env }), fsq(made, ['pause', 'mail'], { env })]);
      const terminal = await fsqInTerminal(t, made, 'top', { columns: 100, env });

      writeFileSync(
        join(made.path, 'tasks.mjs'),
        `import { task } from 'fsq';\nexport const fail = task('fail', () => 'well');\nexport const add = task('add', () => 'new');\n`,
      );
      const isNew = async (): Promise<boolean> =>
        (await fsq(made, ['call', 'add', '1', '2', '--wait'], { env })).stdout === '"new"\n';
      await until(isNew, 'a child of the new module runs jobs');
      await terminal.type('5');
      await terminal.shows(/^> fail .*RangeError: no$/);
      await terminal.type('R');
      await terminal.shows(/^ Send fail .* back, to run again\?/);
      await terminal.type('y');
      await terminal.shows(/^ 1 job sent back$/);
      await terminal.type('3', 'j', 'P');
      await terminal.shows(/^ Resume queue mail\?/);
      await terminal.type('y');
      await terminal.shows(/^ queue mail resumed$/);

      await until(
        async () => (await fsq(made, ['ls', '--state', 'succeeded'], { env })).stdout.includes('fail'),
        'it succeeded',
      );
    },
  );

  test('a job that another program has removed is unknown to whoever waits for it', async (t) => {
    const { project: made, env } = project(
      t,
      'removed',
      `import { createRequire } from 'node:module';
import { add } from './tasks.mjs';
const require = createRequire(import.meta.resolve('fsq'));
const { Queue } = require('bullmq');
const waiting = await add.delay(1, 2);
const got = waiting.get({ timeout: 30_000 }).catch(({ code }) => code);
const { hostname, port, searchParams } = new URL(process.env.FSQ_BROKER);
const queue = new Queue('default', { connection: { host: hostname, port: Number(port) }, prefix: searchParams.get('prefix') });
console.log(await queue.remove(waiting.id));
console.log(await got);
await queue.close();
`,
    );

    const { code, stdout, stderr } = await runScript(made, 'main.mjs', { env });

    assert.deepEqual({ code, stdout }, { code: 0, stdout: '1\nFSQ_UNKNOWN_JOB\n' }, stderr);
  });
});

/** What the program prints while a worker runs. */
async function ranBesideWorker(t: TestContext, project: Project, env: Record<string, string>): Promise<string> {
  const worker = await startWorker(t, project, ['-c', '2'], { env });
  const { code, stdout, stderr } = await runScript(project, 'main.mjs', { env });
  await worker.stop();
  assert.equal(code, 0, stderr);
  return stdout;
}
