/** A shop whose jobs do all that jobs do: a spool with a few hundred of them, and a real worker that goes on with it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { until } from '../support/conditions.ts';
import { BIN, type Project, run, startWorker, tempProject } from '../support/project.ts';

/** A token of 16 characters at least, so that a server can be started again with the same. */
export const TOKEN = 'token-of-the-shop-1';

const TASKS = `import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { currentJob, task } from 'fsq';
export const resize = task('image.resize', (file, width) => ({ file, width, bytes: width * 12 }));
export const mail = task('mail.send', { retries: 1, backoff: '20ms' }, (to) => {
  console.log('connecting to mail.example.com for ' + to);
  if (to.startsWith('bob')) throw new Error('The mailbox of ' + to + ' is full', { cause: new RangeError('452 over quota') });
  return 'sent';
});
export const charge = task('card.charge', (order) => {
  throw Object.assign(new TypeError('The card of order ' + order + ' is declined'), { code: 'DECLINED' });
});
export const sum = task('stock.sum', (numbers) => numbers.reduce((a, b) => a + b, 0));
export const count = task('stock.count', (shelf) => shelf);
export const book = task('ledger.book', (total, into) => into + ': ' + total);
export const bake = task('oven.bake', (what) => {
  if (!existsSync('oven.hot')) throw new Error('The oven is cold');
  return what;
});
export const slow = task('report.monthly', async (month) => {
  const job = currentJob();
  for (let page = 1; page <= 40; page++) {
    job.progress({ done: page, total: 4_000 }, { month, page });
    if (page === 2) console.log('page 2 of ' + month);
    await sleep(300, null, { signal: job.signal });
  }
  await sleep(600_000, null, { signal: job.signal });
});
export const tidy = task('tidy', () => 'tidy');
`;

const CONFIG = `export default {
  tasks: ['tasks.js'],
  schedules: {
    'tidy-up': { task: 'tidy', cron: '0 4 * * *', timeZone: 'Europe/Berlin' },
    'count-stock': { task: 'stock.count', args: [7], every: '1h' },
  },
};
`;

/** Queue by queue: what ends well, what fails, what hangs together, what runs for long, what nobody knows, and what waits in a paused queue. */
const LOAD = `import { chain, chord, createApp, task } from 'fsq';
import { book, charge, count, mail, resize, slow, sum } from './tasks.js';
const legacy = task('legacy.export', () => 0);
const app = createApp();
await app.pause('bulk');
const times = (n, send) => Array.from({ length: n }, (_, i) => send(i));
await Promise.all([
  ...times(150, (i) => resize.delay('photos/' + i + '.jpg', 100 + i)),
  ...times(12, (i) => mail.applyAsync(['bob' + i + '@example.com'], { queue: 'mail' })),
  ...times(20, (i) => mail.applyAsync(['ada' + i + '@example.com'], { queue: 'mail' })),
  ...times(8, (i) => charge.delay('order-' + (4_000 + i))),
  ...times(30, (i) => resize.applyAsync(['old/' + i + '.png', i], { queue: 'bulk' })),
  ...times(4, (i) => resize.applyAsync(['later/' + i + '.png', i], { countdown: '2h' })),
  ...['2026-09', '2026-10'].map((month) => slow.applyAsync([month], { queue: 'reports' })),
  legacy.delay('customers'),
  legacy.delay('orders'),
  chain(count.s(3), book.s('stock')).delay(),
  chord([count.s(1), count.s(2), count.s(3)], sum.s()).delay(),
]);
await app.close();
`;

export interface Shop {
  readonly project: ShopProject;
  /** Sends jobs by a script of the project, which has its tasks by name. */
  send(script: string): Promise<void>;
}

/** A project, and the environment that says what keeps its jobs; none: its spool. */
export interface ShopProject extends Project {
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A project whose jobs are sent, and as far as they can be, done by a worker that still runs.
 *
 * @param broker what keeps the jobs, as the setting says it; absent: a spool
 */
export async function openShop(t: TestContext, broker?: string): Promise<Shop> {
  const env = broker === undefined ? {} : { FSQ_BROKER: broker };
  const project = { ...tempProject(t, { 'tasks.js': TASKS, 'fsq.config.mjs': CONFIG, 'load.js': LOAD }), env };
  const send = async (script: string): Promise<void> => {
    const ran = await run(project, process.execPath, ['--input-type=module'], { input: script, env });
    assert.equal(ran.code, 0, ran.stderr);
  };
  const [loaded] = await Promise.all([
    run(project, process.execPath, ['load.js'], { env }),
    startWorker(t, project, ['-c', '4'], { env }),
  ]);
  assert.equal(loaded.code, 0, loaded.stderr);
  return { project, send };
}

export interface Desk {
  /** With its token behind the `#`. */
  readonly url: string;
  readonly base: string;
  /** What a script asks, with the token. */
  ask<T>(path: string): Promise<T>;
  end(): Promise<void>;
}

/** `fsq ui` on the project's spool; ended after the test. */
export async function openDesk(
  t: TestContext,
  project: ShopProject,
  { line = [], token = TOKEN }: { readonly line?: readonly string[]; readonly token?: string } = {},
): Promise<Desk> {
  const args = [BIN, 'ui', ...(line.includes('--port') ? [] : ['--port', '0']), ...line];
  const env = { ...process.env, ...project.env, FSQ_UI_TOKEN: token };
  const child = spawn(process.execPath, args, { cwd: project.path, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (said += String(text)));
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  t.after(end);
  const base = await until(() => {
    assert.equal(child.exitCode, null, said);
    return /http:\/\/\S+?\/(?=\s|#|$)/.exec(said)?.[0];
  }, `fsq ui says where it is: ${said}`);
  const ask = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${base}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return (await response.json()) as T;
  };
  return { base, url: `${base}#token=${token}`, ask, end };
}
