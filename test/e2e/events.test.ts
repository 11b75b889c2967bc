/** `fsq events`: what happens to all jobs of a spool, told by the real command line while real workers run. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { until, within } from '../support/conditions.ts';
import { fsq, type Project, REPOSITORY, startWorker, tempProject } from '../support/project.ts';
import { sender } from '../support/sender.ts';

const TASKS = `import { currentJob, task } from 'fsq';
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
task('square', async (n) => (await wait(n % 3), n * n));
task('shows', async () => {
  console.log('\\u001b]0;title\\u0007hello');
  currentJob().progress({ done: 1, total: 2 }, 'a secret detail');
  await wait(50);
  if (currentJob().attempt === 1) throw new Error('not \\u001b[2J yet');
  return 'a secret value';
});
task('fails', () => { throw new Error('no'); });
`;
const ENDS = ['succeeded', 'failed', 'revoked', 'expired'];

interface Told {
  readonly atMs: number;
  readonly kind: string;
  readonly id: string;
  readonly task: string;
}

interface Follower {
  readonly process: ChildProcess;
  stdout(): string;
  stderr(): string;
  events(): readonly Told[];
  readonly ended: Promise<number | null>;
}

/** Starts `fsq events -f` and resolves when it follows. */
async function follow(
  t: TestContext,
  at: Project,
  args: readonly string[] = ['--json'],
  env: Readonly<Record<string, string>> = {},
): Promise<Follower> {
  const child = spawn(process.execPath, [join(REPOSITORY, 'bin/fsq.js'), 'events', '-f', ...args], {
    cwd: at.path,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await until(() => stderr.includes('Follows'), 'it follows');
  const whole = (): readonly string[] =>
    stdout
      .slice(0, stdout.lastIndexOf('\n') + 1)
      .split('\n')
      .slice(0, -1);
  const events = (): readonly Told[] => whole().map((line): Told => JSON.parse(line));
  return { process: child, stdout: () => stdout, stderr: () => stderr, events, ended };
}

function idsOf(events: readonly Told[], ...kinds: readonly string[]): readonly string[] {
  return events.filter(({ kind }) => kinds.includes(kind)).map(({ id }) => id);
}

/** All names of the spool with the times of their last change. */
function stateOf(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => `${String(name)} ${statSync(join(folder, String(name))).ctimeMs}`)
    .toSorted();
}

for (const watch of ['1', '0']) {
  test(`of 500 jobs under load each is accepted, started and ended once, ${watch === '1' ? 'with' : 'without'} watches; one that comes in the middle misses no end`, async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const { app } = sender(t, at);
    await fsq(at, ['init']);
    const square = app.task('square', (n: number) => n * n);
    const first = await follow(t, at, ['--json'], { FSQ_WATCH: watch });
    const worker = await startWorker(t, at, ['-c', '2']);
    const sent: string[] = [];
    let middle: Follower | null = null;
    const endedBefore = new Set<string>();

    for (let i = 0; i < 10; i++) {
      sent.push(
        ...(await square.delayMany(Array.from({ length: 50 }, (_, n) => [n] as [number]))).results.map(({ id }) => id),
      );
      if (i !== 5) continue;
      const victim = readdirSync(join(at.spool, 'running'))
        .map((owner) => Number.parseInt(owner, 10))
        .find((pid) => pid !== worker.pid);
      if (victim !== undefined) process.kill(victim, 'SIGKILL');
      for (const name of readdirSync(join(at.spool, 'results'))) endedBefore.add(name.slice(0, -'.json'.length));
      middle = await follow(t, at, ['--json'], { FSQ_WATCH: watch });
    }
    await until(() => idsOf(first.events(), ...ENDS).length >= 500, 'all ends are told', 60_000);

    const all = first.events();
    for (const kinds of [['accepted'], ENDS])
      assert.deepEqual(idsOf(all, ...kinds).toSorted(), sent.toSorted(), kinds.join());
    assert.deepEqual([...new Set(idsOf(all, 'started'))].toSorted(), sent.toSorted());
    const orderOf = (id: string): readonly string[] => all.filter((event) => event.id === id).map(({ kind }) => kind);
    for (const id of sent) assert.match(orderOf(id).join(' '), /^accepted started (recovered started )*succeeded$/);
    const late = middle ?? assert.fail('nobody came in the middle');
    const missed = (): readonly string[] => {
      const told = new Set(idsOf(late.events(), ...ENDS));
      return sent.filter((id) => !told.has(id) && !endedBefore.has(id));
    };
    // Those that ended while it began it may have missed, on a busy machine all of them; it never tells one twice.
    await until(
      () => sent.slice(300).every((id) => !missed().includes(id)),
      'it tells each end that came later',
      30_000,
    );
    const ends = idsOf(late.events(), ...ENDS);
    assert.equal(new Set(ends).size, ends.length);
  });
}

test('without -f it tells what is known of all jobs, by their times, and ends; filters leave out the rest', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const shows = await send('shows', [], { retries: 1, backoff: 0 });
  const fails = await send('fails', ['a secret argument'], { queue: 'other' });
  await fsq(at, ['worker', '--burst', '-c', '1', '-l', 'silent']);
  const before = stateOf(at.spool);
  const told = async (...args: readonly string[]): Promise<readonly Told[]> => {
    const { code, stdout, stderr } = await fsq(at, ['events', '--json', ...args]);
    assert.deepEqual([code, stderr], [0, '']);
    return stdout
      .split('\n')
      .slice(0, -1)
      .map((line): Told => JSON.parse(line));
  };

  const all = await told();
  const kinds = (events: readonly Told[]): readonly string[] => events.map(({ kind }) => kind);
  const text = await fsq(at, ['events']);

  // A claim is dated by the clock of the kernel, which is some milliseconds behind.
  assert.ok(
    all.every(({ atMs }, i) => atMs + 10 >= (all[i - 1]?.atMs ?? 0)),
    JSON.stringify(all),
  );
  assert.deepEqual(kinds(all.filter(({ id }) => id === shows.id)), [
    'accepted',
    'started',
    'log',
    'retried',
    'started',
    'log',
    'log',
    'progress',
    'succeeded',
  ]);
  assert.deepEqual(kinds(all.filter(({ id }) => id === fails.id)), ['accepted', 'started', 'failed']);
  assert.ok(!`${JSON.stringify(all)}${text.stdout}`.includes('secret'));
  assert.deepEqual(kinds(await told('--task', 'fails')), ['accepted', 'started', 'failed']);
  assert.deepEqual(kinds(await told('-Q', 'other,none')), ['accepted', 'started', 'failed']);
  assert.deepEqual(kinds(await told('--kind', 'failed,succeeded')).toSorted(), ['failed', 'succeeded']);
  assert.equal((await told('--since', '1h')).length, all.length);
  assert.deepEqual(stateOf(at.spool), before);
  const lines = text.stdout.split('\n').slice(0, -1);
  assert.equal(lines.length, all.length);
  // eslint-disable-next-line no-control-regex -- what a terminal would obey must not be there
  assert.doesNotMatch(text.stdout, /[\u0000-\u0009\u000b-\u001f]/);
  assert.match(text.stdout, new RegExp(`^\\S+ \\S+ failed    ${fails.id} fails Error: no$`, 'm'));
  assert.match(text.stdout, new RegExp(`^\\S+ \\S+ progress  ${shows.id} shows 50 % \\(1 of 2\\)$`, 'm'));
});

test('with --since a follower is told what was, then what comes, each once', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  const { send } = sender(t, at);
  const [old, waits] = [await send('fails', []), await send('square', [2], { countdown: 2_000 })];
  await fsq(at, ['worker', '--burst', '-c', '1', '-l', 'silent']);
  const follower = await follow(t, at, ['--json', '--since', '1h']);
  await startWorker(t, at, ['-c', '1']);

  await until(() => idsOf(follower.events(), 'succeeded').length === 1, 'the end is told');

  const told = follower
    .events()
    .map(({ id, kind }) => `${id === old.id ? 'old' : id === waits.id ? 'waits' : id} ${kind}`);
  assert.deepEqual(told.toSorted(), [
    'old accepted',
    'old failed',
    'old started',
    'waits accepted',
    'waits started',
    'waits succeeded',
  ]);
});

describe('a reader that stops', () => {
  test('with Ctrl-C ends by that signal, and has left no file', async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    await fsq(at, ['init']);
    const before = stateOf(at.spool);
    const follower = await follow(t, at);

    follower.process.kill('SIGINT');

    await within(follower.ended, 'its end');
    assert.equal(follower.process.signalCode, 'SIGINT');
    assert.deepEqual(stateOf(at.spool), before);
  });

  test('by closing the pipe ends it at the next event, without a word', async (t) => {
    const at = tempProject(t, { 'tasks.js': TASKS });
    const { send } = sender(t, at);
    await send('square', [1]);
    const follower = await follow(t, at);
    const said = follower.stderr();
    follower.process.stdout?.destroy();

    for (const n of [1, 2, 3]) await send('square', [n]);
    const more = setInterval(() => void send('square', [4]), 200);
    t.after(() => clearInterval(more));

    assert.equal(await within(follower.ended, 'its end'), 0);
    assert.equal(follower.stderr(), said);
  });
});

test('a spool that vanishes ends it with 75 and a word', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  await fsq(at, ['init']);
  const follower = await follow(t, at);

  rmSync(at.spool, { recursive: true });

  assert.equal(await within(follower.ended, 'its end'), 75);
  await until(() => follower.stderr().includes('FSQ_SPOOL_GONE'), 'it says why');
});

test('wrong options are refused with what is meant', async (t) => {
  const at = tempProject(t, { 'tasks.js': TASKS });
  await fsq(at, ['init']);
  const cases: readonly [args: readonly string[], message: RegExp][] = [
    [['--kind', 'succeded'], /Expected --kind to be one of accepted, .*"succeded"; did you mean succeeded\?/],
    [['--since', '5'], /Expected --since to be a duration with its unit/],
    [['--since', '0s'], /Expected --since to be more than 0/],
    [['--queue', 'A B'], /Expected .*queue.*"A B"/],
    [['--task', ''], /Expected .*task/],
    [['--follows'], /Unknown option --follows; did you mean --follow\?/],
    [['0199f3c2'], /is one argument too many/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr, stdout } = await fsq(at, ['events', ...args]);
    assert.deepEqual([code, stdout], [2, ''], stderr);
    assert.match(stderr, message);
  }
});

test(
  '20,000 outcomes are told in little memory, the first at once; then a quiet spool costs nearly nothing',
  { timeout: 120_000 },
  async (t) => {
    const at = tempProject(t, {});
    await fsq(at, ['init']);
    const startMs = Date.now() - 3_600_000;
    const value = 'v'.repeat(20_000);
    for (let i = 0; i < 20_000; i++) {
      const hex = startMs.toString(16).padStart(12, '0');
      const id = `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${i.toString(16).padStart(12, '0')}`;
      const attempt = { attempt: 1, startedAtMs: startMs + i, endedAtMs: startMs + i + 5, owner: '1-0123456789abcdef' };
      const base = JSON.stringify({ v: 1, id, task: 'add', args: [], enqueuedAtMs: startMs, options: {}, headers: {} });
      const tail = JSON.stringify({ attempts: [attempt], state: 'succeeded', value });
      writeFileSync(join(at.spool, `results/${id}.json`), `${base.slice(0, -1)}\n,${tail.slice(1)}\n`, { mode: 0o600 });
    }
    // Twenty thousand values of 20 kB do not fit into this heap.
    const follower = await follow(t, at, ['--json', '--since', '1d'], { NODE_OPTIONS: '--max-old-space-size=96' });

    const cpuTicks = (): number => {
      const fields = readFileSync(`/proc/${follower.process.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      return Number(fields[11]) + Number(fields[12]);
    };
    await until(() => idsOf(follower.events(), 'succeeded').length === 20_000, 'all ends are told', 60_000);
    assert.equal(follower.events().length, 60_000);
    const [before, sinceMs] = [cpuTicks(), performance.now()];
    await until(() => performance.now() - sinceMs > 3_000, 'three quiet seconds have passed');
    // A tick is 10 ms: 300 of them have passed. A look at twenty thousand files takes more than the thirty.
    assert.ok(cpuTicks() - before <= 30, `${cpuTicks() - before} ticks`);
  },
);
