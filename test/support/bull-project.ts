/** A project whose jobs BullMQ keeps in a server of the test's own, and a program that sends to it. */
import type { TestContext } from 'node:test';
import { createApp } from 'fsq';
import {
  type Project,
  type RunOptions,
  startWorker,
  tempProject,
  type WorkerHandle,
  fsq,
  type Ran,
} from './project.ts';
import { RECORDED_TASKS } from './recorded-runs.ts';
import type { OwnServer } from './own-server.ts';
import { redisServer } from './redis-server.ts';

/** A Redis, or a PostgreSQL. */
interface BullServer extends OwnServer {
  /** What the setting `broker` says of it, with a query. */
  url(name: string): string;
}

export interface BullProject extends Project {
  readonly url: string;
  readonly prefix: string;
  readonly server: BullServer;
  readonly app: ReturnType<typeof createApp>;
  /** The recorded tasks, to be sent. */
  readonly tasks: ReturnType<typeof sentBy>;
  /** Starts `fsq worker <args>` on it. */
  worker(args?: readonly string[], options?: RunOptions): Promise<WorkerHandle>;
  /** Runs `fsq <args>` on it to its end. */
  fsq(args: readonly string[], options?: RunOptions): Promise<Ran>;
}

interface BullProjectOptions {
  /** Default: the Redis of the test file. */
  readonly server?: BullServer;
  readonly files?: Readonly<Record<string, string>>;
  /** How long a job is its worker's without a word from it. Default: 10s. */
  readonly lock?: string;
}

let projects = 0;

/** With the tasks of `RECORDED_TASKS`, and a prefix of its own. */
export async function bullProject(
  t: TestContext,
  { server, files = RECORDED_TASKS, lock }: BullProjectOptions = {},
): Promise<BullProject> {
  const own = server ?? (await redisServer());
  const prefix = `p${++projects}`;
  const url = `${own.url(prefix)}${lock === undefined ? '' : `&lock=${lock}`}`;
  const project = tempProject(t, files);
  const env = { FSQ_BROKER: url };
  const app = createApp({ broker: url });
  t.after(() => app.close());
  return {
    ...project,
    url,
    prefix,
    server: own,
    app,
    tasks: sentBy(app),
    worker: (args = [], options = {}) =>
      startWorker(t, project, args, {
        ...options,
        env: { ...env, ...options.env },
      }),
    fsq: (args, options = {}) => fsq(project, args, { ...options, env: { ...env, ...options.env } }),
  };
}

function sentBy(app: ReturnType<typeof createApp>) {
  return {
    square: app.task('square', (n: number) => n * n),
    nap: app.task('nap', (ms: number) => ms),
    meet: app.task('meet', (_runs: number) => 'met'),
    block: app.task('block', (ms: number) => ms),
    fail: app.task('fail', (_text: string): void => undefined),
    twice: app.task('twice', () => 'well'),
    die: app.task('die', (): void => undefined),
    dieOnce: app.task('die-once', (_afterMs: number) => 'lived'),
  };
}
