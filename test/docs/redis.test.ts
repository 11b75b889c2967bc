/** The commands of examples/redis, each as its container runs it, against a Redis with the options of the file. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readDuration } from '../../src/job/units.ts';
import { until } from '../support/conditions.ts';
import { type Project, REPOSITORY, tempProject } from '../support/project.ts';
import { lacksRedis } from '../support/redis-server.ts';

const EXAMPLE = join(REPOSITORY, 'examples/redis');
const COMPOSE = readFileSync(join(EXAMPLE, 'compose.yml'), 'utf8');

test('the workers give up before Docker kills them', () => {
  const graceMs = readDuration(/stop_grace_period: (\S+)/.exec(COMPOSE)?.[1]) ?? 0;
  const shutdownMs = readDuration(/FSQ_SHUTDOWN_TIMEOUT: (\S+)/.exec(COMPOSE)?.[1]) ?? Number.POSITIVE_INFINITY;

  assert.ok(graceMs - shutdownMs >= 5_000, `${graceMs} and ${shutdownMs} ms`);
});

test(
  'a server and two workers share a Redis, which keeps its jobs when it is killed',
  { skip: lacksRedis },
  async (t) => {
    const project = shop(t);
    const [port, webPort] = [await freePort(), await freePort()];
    const redis = (): Running => run(t, project, [...wordsOf('  redis:'), '--port', String(port)], {});
    const first = redis();
    const env = { FSQ_BROKER: brokerOf(port), PORT: String(webPort) };
    const web = run(t, project, wordsOf('  web:'), env);
    await until(() => web.printed().includes('listening'), 'the server listens');
    const kept = await post(`http://127.0.0.1:${webPort}/images?name=cat.png`);
    first.process.kill('SIGKILL');
    await first.ended;
    redis();
    const workers = [1, 2].map(() => run(t, project, wordsOf('x-worker: &worker'), env));

    const late = await post(`http://127.0.0.1:${webPort}/images?name=dog.png`);
    for (const id of [kept, late])
      await until(async () => (await stateOf(webPort, id)) === 'succeeded', `job ${id} has succeeded`);
    for (const worker of workers) worker.process.kill('SIGTERM');

    assert.deepEqual(await Promise.all(workers.map(({ ended }) => ended)), [0, 0], workers[0]?.printed());
  },
);

interface Running {
  readonly process: ChildProcess;
  readonly printed: () => string;
  readonly ended: Promise<number | null>;
}

function shop(t: TestContext): Project {
  const project = tempProject(t, {});
  cpSync(EXAMPLE, project.path, { recursive: true });
  mkdirSync(join(project.path, 'node_modules/.bin'));
  symlinkSync('../fsq/bin/fsq.js', join(project.path, 'node_modules/.bin/fsq'));
  for (const peer of ['bullmq', 'ioredis'])
    symlinkSync(join(REPOSITORY, 'node_modules', peer), join(project.path, 'node_modules', peer));
  return project;
}

/** The command of a service, whose lines begin so. */
function wordsOf(service: string): readonly string[] {
  const lines = COMPOSE.slice(COMPOSE.search(new RegExp(`^${service}`, 'm')));
  const list = /command: (\[.*\])/.exec(lines)?.[1] ?? '';
  return JSON.parse(list.replaceAll("'", '"')) as string[];
}

/** The address of the file, with another host. */
function brokerOf(port: number): string {
  const address = /FSQ_BROKER: (\S+)/.exec(COMPOSE)?.[1] ?? '';
  return address.replace('//redis:6379', `//127.0.0.1:${port}`);
}

function run(
  t: TestContext,
  { path }: Project,
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Running {
  const child = spawn(program, args, { cwd: path, env: { PATH: process.env['PATH'], ...env } });
  t.after(() => child.kill('SIGKILL'));
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  return { process: child, printed: () => printed, ended };
}

async function post(url: string): Promise<string> {
  const answer = await (await fetch(url, { method: 'POST' })).text();
  assert.match(answer, /^{"id":/);
  return (JSON.parse(answer) as { readonly id: string }).id;
}

async function stateOf(port: number, id: string): Promise<string> {
  const { state } = (await (await fetch(`http://127.0.0.1:${port}/jobs/${id}`)).json()) as { readonly state: string };
  return state;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
