/** `fsq call`, with and without a worker. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, test, type TestContext } from 'node:test';
import { openBroker } from '../../src/open.ts';
import { until, within } from '../support/conditions.ts';
import { fsq, type Project, REPOSITORY, run, startWorker, tempProject } from '../support/project.ts';

const TASKS = `
import { currentJob, task } from 'fsq';
task('add', (a, b) => a + b);
task('nothing', () => undefined);
task('headers', () => currentJob().headers);
task('fail', (why) => { throw new RangeError(why); });
`;
const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\n$/;

interface Waiting {
  readonly name: string;
  readonly task: string;
  readonly args: unknown;
  readonly headers: unknown;
  readonly options: unknown;
}

/** Where a call makes no spool, and so has nothing to say of one. */
function projectWithSpool(t: TestContext): Project {
  const project = tempProject(t, {});
  openBroker({ path: project.spool });
  return project;
}

/** What waits in a directory of the spool, in order. */
function waiting(project: Project, directory: string): readonly Waiting[] {
  const names = readdirSync(join(project.spool, directory)).toSorted();
  return names.map((name) => ({
    name,
    ...(JSON.parse(readFileSync(join(project.spool, directory, name), 'utf8')) as Omit<Waiting, 'name'>),
  }));
}

describe('without a worker, fsq call', () => {
  test('prints the id of the job that waits now, with JSON where arguments parse and strings where not', async (t) => {
    const project = projectWithSpool(t);

    const { code, stdout, stderr } = await fsq(project, ['call', 'add', '1', '-2', 'Ada', '{"a":[true]}', '"3"']);

    const [job] = waiting(project, 'pending');
    assert.match(stdout, ID);
    assert.equal(job?.name, `5.${stdout.trim()}.default.0.0.json`);
    assert.deepEqual([job.task, job.args], ['add', [1, -2, 'Ada', { a: [true] }, '3']]);
    assert.deepEqual([code, stderr], [0, '']);
  });

  test('takes queue, priority, headers and all arguments at once', async (t) => {
    const project = tempProject(t, {});

    const line = [
      'call',
      'add',
      '--args',
      '[1,2]',
      '-q',
      'mail',
      '--priority',
      '0',
      '--header',
      'a=b=c',
      '--header',
      'd=',
      '--json',
    ];
    const { stdout } = await fsq(project, line);

    const [job] = waiting(project, 'pending');
    assert.equal(job?.name, `0.${(JSON.parse(stdout) as { id: string }).id}.mail.0.0.json`);
    assert.deepEqual([job.args, job.headers], [[1, 2], { a: 'b=c', d: '' }]);
  });

  test('says what becomes of it in a crash, and how long it may run', async (t) => {
    const project = tempProject(t, {});

    await fsq(project, ['call', 'add', '--on-crash', 'fail', '--time-limit', '5m', '--soft-time-limit', '4m']);

    const [job] = waiting(project, 'pending');
    assert.deepEqual(job?.options, { onCrash: 'fail', timeLimitMs: 300_000, softTimeLimitMs: 240_000 });
  });

  test('says how long its outcome is kept, and that nobody wants it', async (t) => {
    const project = tempProject(t, {});

    await fsq(project, ['call', 'add', '--result-ttl', 'succeeded=1h, failed=7d', '--ignore-result']);

    const [job] = waiting(project, 'pending');
    assert.deepEqual(job?.options, { resultTtlMs: { succeeded: 3_600_000, failed: 604_800_000 }, ignoreResult: true });
  });

  test('--countdown delays it', async (t) => {
    const project = tempProject(t, {});
    const beforeMs = Date.now();

    await fsq(project, ['call', 'add', '--countdown', '1h']);

    const [job] = waiting(project, 'delayed');
    assert.ok(Number(job?.name.slice(0, 13)) >= beforeMs + 3_600_000, job?.name);
  });

  test('--timeout exits 124 with the id, which get takes later; the job goes on', async (t) => {
    const project = projectWithSpool(t);

    const { code, stdout, stderr } = await fsq(project, ['call', 'add', '1', '2', '--timeout', '20ms']);

    const id = waiting(project, 'pending')[0]?.name.split('.')[1];
    assert.match(stderr, /^fsq call: No worker is running on this spool.*\n/);
    assert.ok(stderr.includes(`\`fsq get ${id}\` waits for it. (FSQ_TIMEOUT)`), stderr);
    assert.deepEqual([code, stdout], [124, '']);
  });

  test('--key prints the id of the job that is there, and says that nothing was sent', async (t) => {
    const project = tempProject(t, {});
    const first = await fsq(project, ['call', 'add', '1', '2', '--key', 'sum', '--unique', '1h']);

    const second = await fsq(project, ['call', 'add', '3', '--key', 'sum']);
    const json = await fsq(project, ['call', 'add', '3', '--key', 'sum', '--json']);

    const id = first.stdout.trim();
    assert.deepEqual([second.code, second.stdout], [0, first.stdout]);
    assert.equal(second.stderr, `fsq call: Nothing was sent: job ${id} with this key was there already.\n`);
    assert.deepEqual(JSON.parse(json.stdout), { id, isDuplicate: true });
    assert.deepEqual(
      waiting(project, 'pending').map(({ args }) => args),
      [[1, 2]],
    );
    assert.match((await fsq(project, ['show', id])).stdout, /^key {9}sum$/m);
  });

  test('alwaysEager does not keep it from sending', async (t) => {
    const project = tempProject(t, {});

    await fsq(project, ['call', 'add', '1', '2'], { env: { FSQ_ALWAYS_EAGER: '1' } });

    assert.equal(waiting(project, 'pending').length, 1);
  });

  const mistakes: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['../x'], /Expected a task name.*got "\.\.\/x"/],
    [['add', '12345678901234567890'], /would arrive as 12345678901234567000/],
    [['add', '1e400'], /would arrive as Infinity/],
    [['add', '--args', '[1e999]'], /--args has the number 1e999/],
    [['add', 'caf\u{fffd}'], /Expected UTF-8, got "caf\u{fffd}"/u],
    [['add', '--header', 'name=\u{fffd}'], /Expected UTF-8/],
    [['add', '['.repeat(70) + ']'.repeat(70)], /nested more than 64 levels/],
    [['add', '--args', '{}'], /Expected --args to be a JSON array/],
    [['add', '1', '--args', '[1]'], /Expected arguments or --args, got both/],
    [['add', '--queue', 'Mail'], /Expected `queue` to be/],
    [['add', '--priority', '10'], /Expected --priority to be a whole number from 0 to 9, got "10"/],
    [['add', '--header', 'x'], /Expected --header to be KEY=VALUE, got "x"/],
    [['add', '--on-crash', 'retry'], /Expected --on-crash to be rerun or fail/],
    [['add', '--time-limit', '0'], /Expected --time-limit to be/],
    [
      ['add', '--result-ttl', 'succeded=1d'],
      /Expected --result-ttl to be a time such as 1d, or .*: there is no state "succeded"; did you mean succeeded\?/,
    ],
    [['add', '--result-ttl', '0'], /got "0": a number of what unit\? '0s' would forget an outcome as soon as/],
    [
      ['add', '--time-limit', '4m', '--soft-time-limit', '5m'],
      /Expected --soft-time-limit to be shorter than --time-l/,
    ],
    [['add', '--countdown', 'soon'], /Expected --countdown to be a duration/],
    [['add', '--stdin', '--wait'], /Expected --stdin alone or --wait alone/],
    [['add', '--stdin', '1'], /Expected the arguments on standard input/],
    [['add', '--stdin', '--key', 'x'], /Expected --stdin alone or --key alone/],
    [['add', '--key', ''], /1 to 1024 bytes of UTF-8, got an empty one/],
    [['add', '--key', 'x'.repeat(10_240)], /got 10240 bytes/],
    [['add', '--unique', '1h'], /Expected `key` beside `unique`/],
    [['add', '--key', 'x', '--unique', 'always'], /Expected --unique to be while-pending, while-unfinished or a time/],
  ];
  test('refuses a key whose bytes are not UTF-8, which would be the same as another', async (t) => {
    const project = tempProject(t, {});
    const line = `exec "$0" "$1" call add --key "$(printf 'k\\377')"`;

    const { code, stderr } = await run(project, 'sh', ['-c', line, process.execPath, join(REPOSITORY, 'bin/fsq.js')]);

    assert.match(stderr, /Expected UTF-8/);
    assert.equal(code, 2);
  });

  test('takes limits of the job whatever limits its workers have by a setting', async (t) => {
    const project = projectWithSpool(t);

    const { code, stderr } = await fsq(project, ['call', 'add', '--soft-time-limit', '5m'], {
      env: { FSQ_TIME_LIMIT: '1m' },
    });

    assert.deepEqual([code, stderr], [0, '']);
    const [job] = waiting(project, 'pending');
    assert.deepEqual(job?.options, { softTimeLimitMs: 300_000 });
  });

  for (const [args, message] of mistakes) {
    test(`refuses ${args.join(' ').slice(0, 40)} and sends nothing`, async (t) => {
      const project = tempProject(t, {});

      const { code, stdout, stderr } = await fsq(project, ['call', ...args]);

      assert.match(stderr, message);
      assert.deepEqual([code, stdout], [2, '']);
      assert.equal(existsSync(project.spool) && waiting(project, 'pending').length > 0, false);
    });
  }
});

describe('fsq call --stdin', () => {
  test('sends a job for each of 2,000 lines, in order, and prints an id a line', async (t) => {
    const project = projectWithSpool(t);
    const input = Array.from({ length: 2_000 }, (_, i) => `[${i},"x"]\n`).join('');

    const { code, stdout, stderr } = await fsq(project, ['call', 'add', '--stdin'], { input, env: { FSQ_FSYNC: '0' } });

    const jobs = waiting(project, 'pending');
    assert.deepEqual(
      jobs.map(({ args }) => args),
      Array.from({ length: 2_000 }, (_, i) => [i, 'x']),
    );
    assert.deepEqual(
      stdout.trim().split('\n'),
      jobs.map(({ name }) => name.split('.')[1]),
    );
    assert.deepEqual([code, stderr], [0, '']);
  });

  test('stops at a bad line with its number; the lines before it are sent', async (t) => {
    const bad: readonly (readonly [line: string, message: RegExp, code: string])[] = [
      ['nope', /Expected line 4 to be JSON, such as \[1,2\] for two arguments or .*, got "nope"/, 'FSQ_USAGE'],
      ['[9007199254740993]', /line 4 has the number/, 'FSQ_USAGE'],
      ['[1e999]', /line 4 has the number 1e999/, 'FSQ_USAGE'],
      [`["${'x'.repeat(4 * 1024 * 1024)}"]`, /Line 4: The arguments of add have \d+ bytes/, 'FSQ_TOO_LARGE'],
    ];
    for (const [line, message, code] of bad) {
      const project = tempProject(t, {});

      const ran = await fsq(project, ['call', 'add', '--stdin'], { input: `[1]\n\n[2]\n${line}\n[3]\n` });

      assert.match(ran.stderr, message);
      assert.match(ran.stderr, new RegExp(`2 jobs were sent before this, none after it\\. \\(${code}\\)\n$`));
      assert.deepEqual(
        waiting(project, 'pending').map(({ args }) => args),
        [[1], [2]],
      );
      assert.equal(ran.stdout.trim().split('\n').length, 2);
      assert.equal(ran.code, 2);
    }
  });

  test('takes a line that is no array for the one argument', async (t) => {
    const project = projectWithSpool(t);
    const input = '\u{feff}7\r\n"Ada"\n{"a":[1]}\n[[1,2]]\nnull\n[]';

    const { code } = await fsq(project, ['call', 'add', '--stdin'], { input });

    const args = waiting(project, 'pending').map((job) => job.args);
    assert.deepEqual([code, args], [0, [[7], ['Ada'], [{ a: [1] }], [[1, 2]], [null], []]]);
  });

  test('without a line sends nothing and is content', async (t) => {
    const project = projectWithSpool(t);

    const { code, stdout, stderr } = await fsq(project, ['call', 'add', '--stdin'], { input: '\n' });

    assert.deepEqual([code, stdout, stderr], [0, '', '']);
  });

  test('stops when nobody reads the ids any more, however much input there is', async (t) => {
    const project = projectWithSpool(t);
    const args = [join(REPOSITORY, 'bin/fsq.js'), 'call', 'add', '--stdin'];
    const child = spawn(process.execPath, args, {
      cwd: project.path,
      stdio: 'pipe',
      env: { ...process.env, FSQ_FSYNC: '0' },
    });
    t.after(() => child.kill('SIGKILL'));
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    const closed = once(child, 'close');

    child.stdin.on('error', () => undefined); // It ends without reading on.
    Readable.from(endless('[1]\n')).pipe(child.stdin);
    child.stdout.once('data', () => child.stdout.destroy());

    assert.deepEqual(await within(closed, 'the end of fsq call'), [74, null]);
    assert.match(stderr, /^fsq call: Nobody reads the ids any more: it stopped after \d+ jobs\.\n$/);
  });

  test('sends a line when it comes, without waiting for more', async (t) => {
    const project = tempProject(t, {});
    const args = [join(REPOSITORY, 'bin/fsq.js'), 'call', 'add', '--stdin'];
    const child = spawn(process.execPath, args, { cwd: project.path, stdio: 'pipe' });
    t.after(() => child.kill('SIGKILL'));

    for (const line of ['[1]\n', '[2]\n']) {
      const printed = once(child.stdout, 'data');
      child.stdin.write(line);
      assert.match(String((await within(printed, `the id for ${line}`))[0]), ID);
    }
    child.stdin.end();

    assert.deepEqual(await within(once(child, 'close'), 'the end of fsq call'), [0, null]);
    assert.equal(waiting(project, 'pending').length, 2);
  });
});

test('a call without a queue goes where the task says, as workers tell it; where none runs, a hint names that queue', async (t) => {
  const project = tempProject(t, {
    'tasks.mjs': `import { currentJob, task } from 'fsq';
task('bill', { queue: 'invoices', priority: 2 }, (n) => n + ' ' + currentJob().queue);`,
  });
  const worker = await startWorker(t, project, ['-c', '1', '-Q', 'invoices']);

  const called = await fsq(project, ['call', 'bill', '1', '--timeout', '10s']);
  const lines = await fsq(project, ['call', 'bill', '-'], { input: '2\n' });
  const mapped = await fsq(project, ['map', 'bill', '--timeout', '10s'], { input: '3\n' });
  const named = await fsq(project, ['call', 'bill', '4', '-q', 'other']);
  const read = await fsq(project, ['get', lines.stdout.trim(), '--timeout', '10s']);
  await worker.stop();
  const after = await fsq(project, ['call', 'bill', '5']);
  const paused = await fsq(project, ['pause']);

  assert.deepEqual([called.stdout, called.stderr], ['"1 invoices"\n', '']);
  assert.equal(read.stdout, '"2 invoices"\n');
  assert.match(mapped.stdout, /"value":"3 invoices"/);
  assert.match(named.stderr, /No running worker takes jobs of queue other/);
  assert.match(after.stderr, /Jobs of task bill ran in queue invoices so far; this one waits in default/);
  assert.match(paused.stderr, /QUEUE is missing\. Queues with ready jobs: default, other\. Usage: fsq pause/);
  assert.deepEqual(
    waiting(project, 'pending').map(({ name }) => name.split('.').filter((_, i) => i === 0 || i === 2)),
    [
      ['2', 'other'],
      ['5', 'default'],
    ],
  );
});

test('without a worker, a call says that none runs where no module has the task, or somebody waits or is at a terminal', async (t) => {
  const project = tempProject(t, { 'tasks.mjs': TASKS });
  openBroker({ path: project.spool });
  const nobody =
    'fsq call: No worker is running on this spool: the job waits until one starts. `fsq worker` starts one.\n';
  const line = `'${process.execPath}' node_modules/fsq/bin/fsq.js call add 1 2`;

  const known = await fsq(project, ['call', 'add', '1', '2']);
  const misspelt = await fsq(project, ['call', 'adn', '1', '2']);
  const unknown = await fsq(project, ['call', 'resize-picture']);
  const lines = await fsq(project, ['call', 'resize-picture', '-'], { input: '1\n2\n' });
  const waited = await fsq(project, ['call', 'add', '1', '2', '--timeout', '10ms']);
  const atTerminal = await run(project, 'script', ['-qec', line, '/dev/null'], { env: { SHELL: '/bin/sh' } });

  assert.equal(known.stderr, '');
  assert.ok(misspelt.stderr.startsWith(nobody), misspelt.stderr);
  assert.match(misspelt.stderr, /No task module here seems to have task adn; did you mean add\?/);
  for (const { code, stdout, stderr } of [unknown, lines]) {
    assert.deepEqual([code, stderr], [0, nobody]);
    for (const id of stdout.trim().split('\n')) assert.match(`${id}\n`, ID);
  }
  assert.equal(waited.stderr.split(nobody).length, 2, waited.stderr);
  assert.match(atTerminal.stdout, /No worker is running on this spool/);
});

test('with a worker, fsq call', async (t) => {
  const project = tempProject(t, { 'tasks.mjs': TASKS });
  await startWorker(t, project, ['-c', '1', '-Q', 'default']);

  await t.test('--wait prints the value as JSON, null for nothing', async () => {
    const [sum, nothing, headers] = await Promise.all([
      fsq(project, ['call', 'add', '1', '2', '--wait']),
      fsq(project, ['call', 'nothing', '--timeout', '20s']),
      fsq(project, ['call', 'headers', '--wait', '--header', 'k=v']),
    ]);

    assert.deepEqual([sum.stdout, nothing.stdout, headers.stdout], ['3\n', 'null\n', '{"k":"v"}\n']);
    assert.deepEqual([sum.code, nothing.code, sum.stderr, nothing.stderr], [0, 0, '', '']);
  });

  await t.test('--wait --json has the id and the state, also of a failure', async () => {
    const good = await fsq(project, ['call', 'add', '1', '2', '--wait', '--json']);
    const bad = await fsq(project, ['call', 'fail', 'too far', '--wait', '--json']);

    const { id, ...rest } = JSON.parse(good.stdout) as { id: string };
    assert.match(`${id}\n`, ID);
    assert.deepEqual(rest, { state: 'succeeded', value: 3 });
    const failure = JSON.parse(bad.stdout) as { state: string; error: { name: string; message: string } };
    assert.deepEqual([failure.state, failure.error.name, failure.error.message], ['failed', 'RangeError', 'too far']);
    assert.deepEqual([good.code, bad.code], [0, 1]);
  });

  await t.test('of a task that fails exits 1 with its error', async () => {
    const { code, stdout, stderr } = await fsq(project, ['call', 'fail', 'too far', '--wait']);

    assert.match(stderr, /^fsq call: Job .* failed: RangeError: too far\n.*`fsq show .*\(FSQ_TASK_FAILED\)\n$/);
    assert.deepEqual([code, stdout], [1, '']);
  });

  await t.test('of a task that no worker knows says so and is sent all the same', async () => {
    const { code, stdout, stderr } = await fsq(project, ['call', 'adn', '1', '2']);

    assert.match(stdout, ID);
    assert.match(stderr, /^fsq call: No running worker knows task adn; did you mean add\?.*waits for a worker/);
    assert.equal(code, 0);
  });

  await t.test('to a queue that no worker takes jobs from says so', async () => {
    const { code, stderr } = await fsq(project, ['call', 'add', '1', '2', '--queue', 'mail']);

    assert.match(stderr, /No running worker takes jobs of queue mail/);
    assert.equal(code, 0);
  });

  await t.test('and then status names what is parked, with "did you mean"', async () => {
    // The job is parked soon, and every now and then it is looked at again: for a moment it is not.
    const { stdout, code } = await until(async () => {
      const ran = await fsq(project, ['status']);
      return ran.stdout.includes('parked') && ran;
    }, 'the job is parked');

    assert.match(stdout, /workers +pid \d+, 1 child \(\d+\), queues default, up /);
    assert.match(stdout, /tasks +add, fail, headers, nothing\n/);
    assert.match(stdout, /! No running worker takes jobs of queue mail, where 1 job waits/);
    assert.match(stdout, /! 1 job of task adn is parked: no running worker knows it; did you mean add\?/);
    assert.equal(code, 0);
  });
});

function* endless(line: string): Generator<string> {
  for (;;) yield line;
}
