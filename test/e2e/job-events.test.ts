/** What happens to a job is told as it happens, by real workers, and its end never missed. */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { JobEvent } from '../../src/index.ts';
import { runScript, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `import { existsSync } from 'node:fs';
import { currentJob, task } from 'fsq';
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
task('shows', async () => {
  const job = currentJob();
  console.log('hello');
  job.progress(0.5, 'half');
  while (!existsSync('told-' + job.attempt)) await wait(5);
  if (job.attempt === 1) throw new Error('not yet');
  return 'done';
});
task('square', async (n) => (await wait(n % 5), n * n));
task('quick', () => 1);
task('waits', (ms) => wait(ms));
`;

async function eventsOf(
  events: AsyncIterable<JobEvent>,
  onEvent: (event: JobEvent) => void = () => undefined,
): Promise<JobEvent[]> {
  const all: JobEvent[] = [];
  for await (const event of events) {
    all.push(event);
    onEvent(event);
  }
  return all;
}

function shown(events: readonly JobEvent[]): readonly string[] {
  return events.map((event) => `${event.kind}${'attempt' in event ? ` ${event.attempt}` : ''}`);
}

const WHOLE = [
  'accepted',
  'started 1',
  'log',
  'progress 1',
  'retried 1',
  'started 2',
  'log',
  'log',
  'progress 2',
  'succeeded',
];

test('a job is followed from its acceptance to its outcome, by two, and told to one who comes late', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { app, send } = sender(t, at);
  const job = await send('shows', [], { retries: 1, backoff: 10 });
  const told: number[] = [];
  // A later report is written over an earlier one: a run goes on when both have told of its own.
  const onEvent = (event: JobEvent): void => {
    if (event.kind !== 'progress') return;
    if (told.includes(event.attempt)) writeFileSync(join(at.path, `told-${event.attempt}`), '');
    told.push(event.attempt);
  };
  const following = [eventsOf(job.events(), onEvent), eventsOf(app.result(job.id).events(), onEvent)];
  await startWorker(t, at, ['-c', '1']);

  const [one = [], two = []] = await Promise.all(following);
  const late = await eventsOf(job.events());

  assert.deepEqual(shown(one), WHOLE);
  assert.deepEqual(shown(two), WHOLE);
  // The progress of the first attempt is written over by that of the second.
  assert.deepEqual(
    shown(late),
    WHOLE.filter((what) => what !== 'progress 1'),
  );
  assert.deepEqual(one.at(-1), { ...one.at(-1), id: job.id, kind: 'succeeded', value: 'done' });
});

test('a quick job has all its events, however seldom it was looked at', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  await startWorker(t, at, ['-c', '1']);

  const job = await send('quick', []);

  assert.deepEqual(shown(await eventsOf(job.events())), ['accepted', 'started 1', 'succeeded']);
});

test('an id of no job, wrong options and a signal end it with what is wrong', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { app, send } = sender(t, at);
  const job = await send('quick', []);
  const unknown = app.result('00000000-0000-7000-8000-000000000000');
  const stop = new AbortController();
  const following = eventsOf(job.events({ signal: stop.signal }));
  const refused = assert.rejects(following, /enough/);
  setTimeout(() => stop.abort(new Error('enough')), 50);

  await assert.rejects(eventsOf(unknown.events()), { code: 'FSQ_UNKNOWN_JOB' });
  await refused;
  await assert.rejects(eventsOf(job.events({ signal: AbortSignal.abort(new Error('before')) })), /before/);
  assert.throws(() => job.events({ signal: 'no' as unknown as AbortSignal }), { code: 'FSQ_USAGE' });
  assert.throws(() => job.events({ until: 1 } as object), /Unknown option "until" of events\(\); known is signal/);
});

test('a reader that stops leaves nothing behind, and its program ends', async (t) => {
  const at = tempProject(t, {
    'main.ts': `import { createApp } from 'fsq';
const app = createApp();
const job = await app.task('quick', () => 1).delay();
for await (const event of job.events()) {
  console.log(event.kind);
  break;
}`,
  });

  const { code, stdout } = await runScript(at, 'main.ts', { timeoutMs: 20_000 });

  assert.deepEqual([code, stdout], [0, 'accepted\n']);
});

test('of 300 jobs whose processes are killed at random each has one end, the last of its events', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { app } = sender(t, at);
  const square = app.task('square', (n: number) => n * n);
  const group = await square.delayMany(Array.from({ length: 300 }, (_, n) => [n] as [number]));
  const worker = await startWorker(t, at, ['-c', '2']);
  let kills = 0;
  // No job is hit by so many that it is given up: where processes start slowly, some others end between two kills.
  let nextAt = 10;
  const killing = setInterval(() => {
    if (kills >= 8 || readdirSync(join(at.spool, 'results')).length < nextAt) return;
    const children = readdirSync(join(at.spool, 'running')).map((owner) => Number.parseInt(owner, 10));
    const victim = children.filter((pid) => pid !== worker.pid)[kills % 2];
    if (victim === undefined) return;
    try {
      process.kill(victim, 'SIGKILL');
      kills++;
      nextAt = readdirSync(join(at.spool, 'results')).length + 20;
    } catch {
      // It has ended by itself.
    }
  }, 20);
  t.after(() => clearInterval(killing));

  const events = await eventsOf(group.events());
  clearInterval(killing);
  const values = await group.get('30s');

  const ends = events.filter(({ kind }) => ['succeeded', 'failed', 'revoked', 'expired'].includes(kind));
  assert.equal(ends.length, 300);
  assert.deepEqual(new Set(ends.map(({ id }) => id)).size, 300);
  const last = new Map(events.map((event) => [event.id, event.kind]));
  assert.deepEqual(new Set(last.values()), new Set(['succeeded']));
  assert.deepEqual(new Set(events.filter(({ kind }) => kind === 'accepted').map(({ id }) => id)).size, 300);
  assert.deepEqual(values[17], 289);
  t.diagnostic(`${kills} kills, ${events.filter(({ kind }) => kind === 'recovered').length} recovered`);
});

test('to follow a thousand jobs that wait costs a process little', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { app } = sender(t, at);
  const group = await app
    .task('waits', (_ms: number) => 1)
    .delayMany(Array.from({ length: 1_000 }, () => [1] as [number]));
  const stop = new AbortController();
  const following = eventsOf(group.events({ signal: stop.signal }));
  const count = { accepted: 0 };
  const counting = (async (): Promise<void> => {
    for await (const { kind } of group.events()) if (kind === 'accepted' && ++count.accepted === 1_000) break;
  })();
  await counting;

  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  const { user, system } = process.cpuUsage(before);
  stop.abort(new Error('enough'));

  await assert.rejects(following, /enough/);
  const share = (user + system) / 2_000_000;
  t.diagnostic(`${(share * 100).toFixed(1)} % of a processor`);
  assert.ok(share < 0.3, `${share}`);
});
