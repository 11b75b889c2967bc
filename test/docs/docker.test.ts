/**
 * The commands of examples/docker, as containers run them: as process 1 of a namespace, with a file system that cannot be written but for the
 * volume, another user, and hardly an environment.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { readDuration } from '../../src/job/units.ts';
import { until, within } from '../support/conditions.ts';
import { lacks } from '../support/needs.ts';
import { type Project, REPOSITORY, tempProject } from '../support/project.ts';

const EXAMPLE = join(REPOSITORY, 'examples/docker');
const DOCKERFILE = readFileSync(join(EXAMPLE, 'Dockerfile'), 'utf8');
const COMPOSE = readFileSync(join(EXAMPLE, 'compose.yml'), 'utf8');
/** That of the user `node` in Node's images. */
const USER = 1_000;
const SKIP = lacks('unshare', 'setpriv', 'mount');

test('the worker gives up before Docker kills it', () => {
  for (const name of ['worker', 'mailer']) {
    const graceMs = readDuration(/stop_grace_period: (\S+)/.exec(service(name))?.[1]) ?? 0;
    const shutdownMs = readDuration(/FSQ_SHUTDOWN_TIMEOUT: (\S+)/.exec(service(name))?.[1]) ?? Number.POSITIVE_INFINITY;

    assert.ok(graceMs - shutdownMs >= 5_000, `${name}: ${graceMs} and ${shutdownMs} ms`);
  }
});

test(
  'a server and two workers share the volume; a worker that is told to stop finishes its job',
  { skip: SKIP },
  async (t) => {
    const project = shop(t);
    const web = await startServer(t, project);
    const worker = container(t, project, commandOf(service('worker')));
    const mailer = container(t, project, commandOf(service('mailer')));

    const [image, mail] = [await post(`${web.url}/images?name=cat.png`), await post(`${web.url}/mails?to=ada`)];
    await until(async () => (await state(web.url, image)) === 'running', 'a worker runs the job');
    await until(async () => (await state(web.url, mail)) === 'succeeded', 'the other queue has its worker');
    for (const one of [worker, mailer]) one.kill('SIGTERM');
    const ends = await Promise.all([worker.ended, mailer.ended]);
    const after = await state(web.url, image);
    web.container.kill('SIGTERM');

    assert.deepEqual(ends, [0, 0], worker.printed());
    assert.equal(after, 'succeeded');
    assert.equal(await web.container.ended, 0);
  },
);

test('the image starts a worker, and the health check is good beside it', { skip: SKIP }, async (t) => {
  const project = shop(t);
  const worker = container(t, project, commandIn(/^CMD (\[.*\])$/m.exec(DOCKERFILE)?.[1]));
  await until(() => worker.printed().includes('worker started'), 'the worker has started');
  const [, test = ''] = commandIn(/test: (\[.*\])/.exec(service('worker'))?.[1]);

  // Compose replaces $$ by $.
  const health = container(t, project, ['sh', '-c', test.replaceAll('$$', '$')]);

  assert.equal(await health.ended, 0, health.printed());
  assert.match(health.printed(), /^FSQ OK/);
});

function shop(t: TestContext): Project {
  const project = tempProject(t, {});
  cpSync(EXAMPLE, project.path, { recursive: true });
  mkdirSync(join(project.path, 'node_modules/.bin'));
  symlinkSync('../fsq/bin/fsq.js', join(project.path, 'node_modules/.bin/fsq'));
  mkdirSync(project.spool, { mode: 0o700 });
  chownSync(project.spool, USER, USER);
  chmodSync(project.path, 0o755); // Another user is to come through.
  return project;
}

/** The lines of a service. */
function service(name: string): string {
  return new RegExp(`^  ${name}:\\n((?:    .*\\n|\\n)+)`, 'm').exec(COMPOSE)?.[1] ?? assert.fail(`no service ${name}`);
}

function commandOf(text: string): readonly string[] {
  return commandIn(/command: (\[.*\])/.exec(text)?.[1]);
}

/** A list of words, in JSON or in YAML. */
function commandIn(list: string | undefined): readonly string[] {
  return JSON.parse((list ?? assert.fail('no command')).replaceAll("'", '"')) as readonly string[];
}

interface Container {
  readonly ended: Promise<number | null>;
  printed(): string;
  /** Signals its process 1. */
  kill(signal: NodeJS.Signals): void;
}

/** The command as process 1 of its own namespace of processes. Only the spool can be written. */
function container(
  t: TestContext,
  project: Project,
  command: readonly string[],
  env: readonly string[] = [],
): Container {
  const mounts = 'mount --bind "$0" "$0" && mount -o remount,bind,ro / && exec "$@"';
  const path = `PATH=${dirname(process.execPath)}:/usr/bin:/bin`;
  const user = ['setpriv', `--reuid=${USER}`, `--regid=${USER}`, '--clear-groups'];
  const within = [...user, 'env', '-i', path, `FSQ_SPOOL=${project.spool}`, ...env, ...command];
  const namespaces = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const child = spawn('unshare', [...namespaces, 'sh', '-c', mounts, project.spool, ...within], {
    cwd: project.path,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close').then(([code]) => code as number | null);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (more) => (text += more));
  t.after(async () => {
    // The kernel forgets to kill process 1 together with unshare when that process becomes another user.
    if (child.exitCode === null) signalInside(child, 'SIGKILL');
    await ended;
  });
  return { ended, printed: () => text, kill: (signal) => signalInside(child, signal) };
}

/** `unshare` itself passes no signals on: what it has started is process 1. */
function signalInside(child: ChildProcess, signal: NodeJS.Signals): void {
  const inside = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').match(/\d+/g) ?? [];
  for (const one of inside) process.kill(Number(one), signal);
  if (inside.length === 0) child.kill(signal); // It has started nothing yet.
}

async function startServer(t: TestContext, project: Project): Promise<{ container: Container; url: string }> {
  const server = container(t, project, commandOf(service('web')), ['PORT=0']);
  const port = await until(() => /listening on port (\d+)/.exec(server.printed())?.[1], 'the server listens');
  return { container: server, url: `http://127.0.0.1:${port}` };
}

async function post(url: string): Promise<string> {
  const response = await within(fetch(url, { method: 'POST' }), 'the answer of the server');
  const { id } = (await response.json()) as { id: string };
  return id;
}

async function state(url: string, id: string): Promise<string> {
  const response = await within(fetch(`${url}/jobs/${id}`), 'the answer of the server');
  return ((await response.json()) as { state: string }).state;
}
