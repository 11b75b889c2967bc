/** Schedules as people use them: workers that send, stop and die, and the command line. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { openSpool } from '../../src/spool/spool.ts';
import { assertSound } from '../support/invariants.ts';
import { until } from '../support/conditions.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';

const TASKS = `
import { task } from 'fsq';
export const tick = task('tick', { queue: 'ticks' }, () => 'tock');
export const report = task('report', (scope) => 'report of ' + scope);
`;

function project(t: TestContext, schedules: string, more: Readonly<Record<string, string>> = {}): Project {
  const config = `import { tick, report } from './tasks.mjs';\nvoid report;\nexport default { schedules: ${schedules} };\n`;
  return tempProject(t, { 'tasks.mjs': TASKS, 'fsq.config.mjs': config, ...more });
}

/** The instants that have jobs, by their schedules, in order: twice where there are two jobs. */
async function sent({ spool }: Project): Promise<Readonly<Record<string, readonly number[]>>> {
  const broker = openSpool({ path: spool, mustExist: true });
  const found: Record<string, number[]> = {};
  for (const { record } of await broker.list(['delayed', 'pending', 'running', 'results'], 10_000)) {
    const { 'fsq-schedule': schedule = '', 'fsq-instant': instant = '' } = record?.job.headers ?? {};
    (found[schedule] ??= []).push(Date.parse(instant));
  }
  await broker.close();
  return Object.fromEntries(Object.entries(found).map(([name, all]) => [name, all.toSorted((a, b) => a - b)]));
}

/** All instants from the first to the last, a second apart. */
function secondsOf(instants: readonly number[]): readonly number[] {
  const [first = 0, last = 0] = [instants[0], instants.at(-1)];
  return Array.from({ length: (last - first) / 1_000 + 1 }, (_, i) => first + i * 1_000);
}

const HOUR_MS = 3_600_000;

/** As if all instants up to this one were done. */
function plantMark({ spool }: Project, schedule: string, atMs: number): void {
  openSpool({ path: spool, fsync: false });
  const folder = join(spool, 'schedules', schedule);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, String(atMs)), '', { mode: 0o600 });
}

test('under two workers, of which one is killed again and again, each second has one job', async (t) => {
  const at = project(t, `{ tick: { task: tick, every: '1s', missed: 'all' } }`);
  let older = await startWorker(t, at, ['-c', '1']);
  for (let round = 0; round < 4; round++) {
    const younger = await startWorker(t, at, ['-c', '1']);
    const before = (await sent(at))['tick']?.length ?? 0;
    await until(async () => ((await sent(at))['tick']?.length ?? 0) >= before + 1 + (round % 2), 'more were sent');
    older.kill('SIGKILL');
    older = younger;
  }
  await older.stop();

  const { tick = [] } = await sent(at);

  t.diagnostic(`${tick.length} instants`);
  assert.ok(tick.length >= 6, `${tick.length} jobs`);
  assert.deepEqual(tick, secondsOf(tick));
  assert.deepEqual(readdirSync(join(at.spool, 'schedules', 'tick')), [String(tick.at(-1))]);
  assertSound(at.spool);
});

test('two workers with different schedules: each sends its own, and of one that both have each instant has one job', async (t) => {
  const at = project(t, `{ both: { task: 'report', args: ['a'], every: '1s' }, mine: { task: tick, every: '1s' } }`, {
    'other/fsq.config.mjs': `export default { spool: '../spool', tasks: '../tasks.mjs', schedules: {
      both: { task: 'report', args: ['b'], every: '1s' }, yours: { task: 'tick', every: '2s', queue: 'own' } } };`,
    'other/package.json': '{"type":"module"}',
  });
  const workers = [await startWorker(t, at), await startWorker(t, { ...at, path: join(at.path, 'other') })];

  const enough = async (): Promise<boolean> => {
    const { both = [], mine = [], yours = [] } = await sent(at);
    return both.length > 3 && mine.length > 3 && yours.length > 1;
  };
  await until(enough, 'all of them were sent');
  await Promise.all(workers.map((worker) => worker.stop()));

  const { both = [], mine = [], yours = [] } = await sent(at);
  assert.deepEqual([both, mine], [secondsOf(both), secondsOf(mine)]);
  assert.ok(yours.every((atMs) => atMs % 2_000 === 0) && new Set(yours).size === yours.length, String(yours));
});

test('fsq worker --burst sends what is due when it starts, runs it, and ends', async (t) => {
  const at = project(t, `{ hourly: { task: report, args: ['all'], every: '1h' } }`);
  // Where an hour begins while the job runs, that one is sent as well.
  await until(() => Date.now() % HOUR_MS < HOUR_MS - 30_000, 'an hour begins, if this one is about to end');
  plantMark(at, 'hourly', Date.now() - 5 * HOUR_MS);

  const { code, stderr } = await fsq(at, ['worker', '--burst', '-c', '1'], { env: { FSQ_LOG_FORMAT: 'json' } });

  const { hourly = [] } = await sent(at);
  assert.deepEqual([code, hourly.length], [0, 1], stderr);
  assert.match(stderr, /schedule hourly was not run at [45] of its times, and gets no job for them/);
  const listed = await fsq(at, ['schedule', 'list', '--json']);
  assert.equal(JSON.parse(listed.stdout)[0].lastState, 'succeeded');
});

describe('a worker refuses to start, with 78 and FSQ_CONFIG,', () => {
  const cases: readonly [what: string, schedules: string, message: RegExp][] = [
    [
      'where a schedule runs every 0',
      `{ a: { task: tick, every: 0 } }`,
      /`schedules\.a`: Expected `every` to be a second or more/,
    ],
    ['where one never fires', `{ a: { task: tick, cron: '0 0 30 2 *' } }`, /`schedules\.a`: it never fires/],
    ['where a zone is unknown', `{ a: { task: tick, cron: '@daily', timeZone: 'Mars' } }`, /`timeZone`/],
    ['where a task is unknown', `{ a: { task: 'repotr', every: '1s' } }`, /got "repotr"; did you mean report\?/],
    ['where JSON cannot carry the arguments', `{ a: { task: report, args: [1n], every: '1s' } }`, /`schedules\.a`/],
    ['where they are no object', `[]`, /Expected `schedules` in .* to be schedules by their names/],
  ];
  for (const [what, schedules, message] of cases)
    test(what, async (t) => {
      const { code, stderr } = await fsq(project(t, schedules), ['worker', '-c', '1']);

      assert.equal(code, 78, stderr);
      assert.match(stderr, message);
      assert.match(stderr, /\(FSQ_CONFIG\)/);
    });
});

test('a worker that loads other modules leaves schedules to those that know their tasks', async (t) => {
  const at = project(t, `{ a: { task: 'elsewhere', every: '1s' }, b: { task: tick, every: '1s' } }`);
  const worker = await startWorker(t, at, ['--tasks', 'tasks.mjs']);

  await worker.printed(/left to other workers: a \(elsewhere\)/);
  await until(async () => ((await sent(at))['b']?.length ?? 0) > 1, 'the other one is sent');
  await worker.stop();

  assert.deepEqual(Object.keys(await sent(at)), ['b']);
});

test('a schedule is listed, run at once, paused and resumed', async (t) => {
  const at = project(t, `{ nightly: { task: report, args: ['all'], cron: '0 3 * * *', timeZone: 'Asia/Tokyo' } }`);

  const run = await fsq(at, ['schedule', 'run', 'nightly']);
  const asJson = await fsq(at, ['schedule', 'run', 'nightly', '--json']);
  const list = await fsq(at, ['schedule', 'list']);
  const paused = await fsq(at, ['schedule', 'pause', 'nightly']);
  const whilePaused = await fsq(at, ['schedule', 'list']);
  const again = await fsq(at, ['schedule', 'pause', 'nightly', '--json']);
  const resumed = await fsq(at, ['schedule', 'resume', 'nightly']);

  assert.match(run.stdout, /^[0-9a-f-]{36}\n$/);
  assert.match(JSON.parse(asJson.stdout).id, /^[0-9a-f-]{36}$/);
  const line = /^nightly +report +0 3 \* \* \* Asia\/Tokyo +in \d+ (?:h|m|s|ms): \w{3} \d{4}-\d\d-\d\d 03:00 +-$/m;
  assert.match(list.stdout, line);
  assert.deepEqual([paused.code, paused.stdout, resumed.stdout], [0, 'nightly is paused\n', 'nightly goes on\n']);
  assert.match(whilePaused.stdout, /^nightly .* paused +-$/m);
  assert.deepEqual(JSON.parse(again.stdout), [{ name: 'nightly', paused: true, changed: false }]);
  // A pause is no missed instant: what was due meanwhile is done.
  assert.equal(readdirSync(join(at.spool, 'schedules', 'nightly')).length, 1);
});

test('a list says which tasks no module and no worker knows, and nothing where that cannot be told', async (t) => {
  const at = project(t, `{ a: { task: 'repotr', every: '1d' }, b: { task: report, every: '1d' } }`);
  openSpool({ path: at.spool });

  const text = await fsq(at, ['schedule', 'list']);
  const json = await fsq(at, ['schedule', 'list', '--json']);
  const elsewhere = await fsq(at, ['schedule', 'list', '--json', '--tasks', 'none.mjs']);

  assert.match(text.stdout, /^a +repotr \(unknown\) +every 1d /m);
  assert.match(text.stderr, /`schedules\.a`: .* got "repotr"; did you mean report\?/);
  const known = (stdout: string): readonly unknown[] =>
    (JSON.parse(stdout) as { isTaskKnown: unknown }[]).map(({ isTaskKnown }) => isTaskKnown);
  assert.deepEqual([text.code, known(json.stdout), known(elsewhere.stdout)], [0, [false, true], [null, null]]);
});

test('what is no schedule, or no verb, is told with the nearest', async (t) => {
  const at = project(t, `{ nightly: { task: report, args: ['all'], every: '1d' } }`);
  openSpool({ path: at.spool });
  const cases: readonly [line: readonly string[], code: number, message: RegExp][] = [
    [['run', 'nighlty'], 2, /Unknown schedule "nighlty"; did you mean nightly\?/],
    [['pause', 'x'], 2, /Unknown schedule "x"; known are nightly/],
    [['lsit'], 2, /got "lsit"; did you mean list\?/],
    [['run'], 2, /Expected the name of one schedule after `fsq schedule run`, got 0/],
    [['list', 'nightly'], 2, /Expected no name after `fsq schedule list`, got 1/],
    [[], 2, /list\|run\|pause\|resume is missing/],
  ];

  for (const [line, code, message] of cases) {
    const ran = await fsq(at, ['schedule', ...line]);
    assert.equal(ran.code, code, line.join(' '));
    assert.match(ran.stderr, message);
  }
  const none = await fsq(project(t, '{}'), ['schedule', 'pause', 'nightly', '--spool', at.spool]);
  assert.match(none.stderr, /Unknown schedule "nightly"; there are no `schedules` in the configuration/);
});
