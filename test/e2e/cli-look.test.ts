/** The commands that look at jobs: `fsq get`, `show`, `ls` and `status`. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { timeText } from '../../src/cli/display.ts';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { nextId, returned, threw } from '../support/factory.ts';
import { plantDeadOwner, someOwner } from '../support/owners.ts';
import { fsq, type Project, startWorker, tempProject } from '../support/project.ts';

const SECRET = 'hunter2';
/** A look at it comes within the first minute, however busy the machine is. */
const HALF_AN_HOUR_MS = 1_800_000;

function revoked(state: 'revoked' | 'expired'): Parameters<typeof settledJob>[2] {
  return { kind: 'publish', outcome: { state, error: { name: 'Error', message: `it was ${state}` } } };
}

describe('fsq get', () => {
  test('prints the value of a job named by the beginning of its id', async (t) => {
    const project = tempProject(t, {});
    const id = await settledJob(project.spool, {}, returned({ a: ['é\u009b31m'] }));

    const { code, stdout, stderr } = await fsq(project, ['get', id.slice(0, 30)]);

    assert.equal(stdout, '{"a":["é\\u009b31m"]}\n');
    assert.deepEqual([code, stderr], [0, '']);
  });

  test('waits for a job that has not ended, and says that nobody works on it', async (t) => {
    const project = tempProject(t, {});
    const [id = ''] = await pendingJobs(project.spool, {});

    const { code, stdout, stderr } = await fsq(project, ['get', id, '--timeout', '30ms']);

    assert.match(stderr, /^fsq get: No worker is running.*\nfsq get: Job .* has no outcome yet.*\(FSQ_TIMEOUT\)\n$/);
    assert.deepEqual([code, stdout], [124, '']);
  });

  test('without a limit prints the value once it is there', async (t) => {
    const project = tempProject(t, { 'tasks.mjs': `import { task } from 'fsq';\ntask('echo', (value) => value);\n` });
    const [id = ''] = await pendingJobs(project.spool, { task: 'echo', args: [7] });

    const [got, worked] = await Promise.all([
      fsq(project, ['get', id]),
      fsq(project, ['worker', '--burst', '-c', '1']),
    ]);

    assert.deepEqual([got.stdout, got.code, worked.code], ['7\n', 0, 0]);
  });

  const ends: readonly (readonly [string, Parameters<typeof settledJob>[2], number, RegExp])[] = [
    ['failed', threw('boom'), 1, /failed: Error: boom\n.*\(FSQ_TASK_FAILED\)/],
    ['revoked', revoked('revoked'), 4, /it was revoked \(FSQ_REVOKED\)/],
    ['expired', revoked('expired'), 4, /it was expired \(FSQ_EXPIRED\)/],
  ];
  for (const [state, settlement, exitCode, message] of ends) {
    test(`of a ${state} job exits ${exitCode}, and with --json says it on stdout too`, async (t) => {
      const project = tempProject(t, {});
      const id = await settledJob(project.spool, {}, settlement);

      const [plain, json] = await Promise.all([fsq(project, ['get', id]), fsq(project, ['get', id, '--json'])]);

      assert.match(plain.stderr, message);
      assert.deepEqual([plain.code, plain.stdout, json.code], [exitCode, '', exitCode]);
      assert.deepEqual([(JSON.parse(json.stdout) as { state: string }).state, json.stderr], [state, plain.stderr]);
    });
  }

  test('of no such job exits 3, of an ambiguous beginning 2 with the candidates', async (t) => {
    const project = tempProject(t, {});
    const ids = await pendingJobs(project.spool, {}, {});

    const unknown = await fsq(project, ['get', '00000000-0000-7000-8000-000000000000']);
    const none = await fsq(project, ['get', 'ffff']);
    const ambiguous = await fsq(project, ['show', '0']);

    assert.match(unknown.stderr, /There is no job 00000000-.*\(FSQ_UNKNOWN_JOB\)/);
    assert.match(none.stderr, /There is no job that begins with ffff/);
    assert.match(
      ambiguous.stderr,
      new RegExp(`0 is the beginning of 2 jobs.*\n  ${ids[0]}\n  ${ids[1]} \\(FSQ_USAGE\\)`),
    );
    assert.deepEqual([unknown.code, none.code, ambiguous.code], [3, 3, 2]);
  });
});

describe('fsq show', () => {
  test('tells everything of a failed job, with nothing that a terminal obeys', async (t) => {
    const project = tempProject(t, {});
    const parts = { task: 'mail', args: [SECRET, { a: '\u001b[2J' }], headers: { tenant: 'x' }, queue: 'slow' };
    const id = await settledJob(project.spool, parts, threw('boom\u001b[2J'));

    const { code, stdout } = await fsq(project, ['show', id]);

    assert.match(
      stdout,
      new RegExp(
        `^id +${id}\ntask +mail\nstate +failed\nended +\\S+ \\S+:\\d\\d\nqueue +slow, priority 5\nattempts +1\nfile +.*results/${id}\\.json\n`,
      ),
    );
    assert.match(stdout, /args\[0\] +"hunter2"\nargs\[1\] +\{"a":"\\u001b\[2J"\}\n/);
    assert.match(stdout, /header +tenant=x\n/);
    assert.match(
      stdout,
      /^timeline +sent .*\n(?:.* waited .*\n)?.* attempt 1 failed after .*\n +Error: boom\\u\{1b\}\[2J\n.* failed\n/m,
    );
    assert.match(stdout, /^error +Error: boom\\u\{1b\}\[2J\n/m);
    assert.ok(!stdout.includes('\u001b'));
    assert.equal(code, 0);
  });

  test('--json has the arguments, the attempts and the outcome', async (t) => {
    const project = tempProject(t, {});
    const id = await settledJob(project.spool, { args: [1] }, returned(2));

    const shown = JSON.parse((await fsq(project, ['show', id, '--json'])).stdout) as Record<string, unknown>;

    assert.deepEqual(
      [shown['id'], shown['state'], shown['args'], shown['outcome']],
      [id, 'succeeded', [1], { state: 'succeeded', value: 2 }],
    );
    assert.equal((shown['attempts'] as unknown[]).length, 1);
  });

  test('of a delayed job says when it is due, of a broken one that it cannot be read', async (t) => {
    const project = tempProject(t, {});
    const [delayed = '', broken = ''] = await pendingJobs(project.spool, { etaMs: Date.now() + 3_600_000 }, {});
    writeFileSync(join(project.spool, 'pending', `5.${broken}.default.0.0.json`), 'garbage');

    const shown = await fsq(project, ['show', delayed]);
    const unreadable = await fsq(project, ['show', broken]);

    assert.match(shown.stdout, /state +delayed\ndue +\d{4}-/);
    assert.match(unreadable.stdout, /task +\(it cannot be read\)\nstate +pending/);
    assert.deepEqual([shown.code, unreadable.code], [0, 0]);
  });

  test('of a file whose fields lie shows what fits, and all of it with --full', async (t) => {
    const project = tempProject(t, {});
    const [id = ''] = await pendingJobs(project.spool, {});
    const path = join(project.spool, 'pending', `5.${id}.default.0.0.json`);
    const attempts = Array.from({ length: 10_000 }, (_, i) => ({
      attempt: i + 1,
      startedAtMs: i % 2 === 0 ? -1e300 : 1e18,
      endedAtMs: i,
      owner: '\u001b]0;x\u0007',
      ...(i < 9_999
        ? {}
        : { error: { name: 'E', message: 'm', stack: `E: \u001b]52;c;aGk=\u0007${'x'.repeat(400_000)}` } }),
    }));
    writeFileSync(path, readFileSync(path, 'utf8').replace(/\}\s*$/, `\n,"attempts":${JSON.stringify(attempts)}}`));

    const [short, full, why] = [
      await fsq(project, ['show', id]),
      await fsq(project, ['show', id, '--full']),
      await fsq(project, ['explain', id]),
    ];

    assert.ok(short.stdout.length < 10_000, `${short.stdout.length} characters`);
    assert.match(short.stdout, /\n… \d+ more; --full shows all\n/);
    assert.match(
      short.stdout,
      /attempt 10000 +E: \\u\{1b\}\]52;c;aGk=\\u\{7\}xxx+… \(\d+ characters; --full shows all\)\n/,
    );
    assert.ok(full.stdout.length > 1_000_000, `${full.stdout.length} characters`);
    for (const { stdout, code } of [short, full, why]) assert.deepEqual([stdout.includes('\u001b'), code], [false, 0]);
  });

  test('of a job that was not run names the task that failed at first, and the row that both are in', async (t) => {
    const project = tempProject(t, { 'tasks.js': `import { task } from 'fsq';\ntask('other', () => 1);\n` });
    const [a, b] = [nextId(), nextId()];
    await settledJob(project.spool, { id: a, task: 'import', options: { next: [b] } }, threw('bad row'));
    const [c] = await pendingJobs(project.spool, { id: b, task: 'resize', options: { after: a, next: [nextId()] } });
    await fsq(project, ['worker', '--burst', '-c', '1', '-l', 'silent']);

    const { stdout } = await fsq(project, ['show', c ?? '']);
    const json = JSON.parse((await fsq(project, ['show', c ?? '', '--json'])).stdout) as {
      neighbours: { root: { task: string } };
    };

    assert.match(stdout, new RegExp(`^after +${a} \\(import\\), failed$`, 'm'));
    assert.match(stdout, /^row +import failed → resize \(this job\) failed → \S+ unknown$/m);
    assert.match(stdout, new RegExp(`^because +job ${a} \\(import\\) failed: Error: bad row$`, 'm'));
    assert.equal(json.neighbours.root.task, 'import');
  });
});

describe('fsq ls', () => {
  async function mixed(t: TestContext): Promise<Project> {
    const project = tempProject(t, {});
    await settledJob(project.spool, { task: 'good', args: [SECRET] }, returned(SECRET));
    await settledJob(project.spool, { task: 'bad', args: [SECRET] }, threw(SECRET));
    await settledJob(
      project.spool,
      { task: 'lost', args: [SECRET] },
      { kind: 'park', delayMs: HALF_AN_HOUR_MS, parked: { reason: 'nobody knows it', sinceMs: 0 } },
    );
    await pendingJobs(project.spool, { task: 'later', etaMs: Date.now() + 3_600_000 }, { task: 'next', queue: 'mail' });
    return project;
  }

  test('is a table of all jobs, without arguments or values', async (t) => {
    const { code, stdout, stderr } = await fsq(await mixed(t), ['ls']);

    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    assert.deepEqual(rows[0], ['ID', 'TASK', 'STATE', 'QUEUE', 'ATTEMPT', 'WHEN']);
    assert.deepEqual(
      rows.slice(1).map((row) => row.slice(1, 5)),
      [
        ['next', 'pending', 'mail', '0'],
        ['lost', 'parked', 'default', '0'],
        ['later', 'delayed', 'default', '0'],
        ['bad', 'failed', 'default', '1'],
        ['good', 'succeeded', 'default', '1'],
      ],
    );
    assert.match(stdout, /  tried again in 29 m$/m);
    assert.match(stdout, /  due in 59 m$/m);
    assert.ok(!stdout.includes(SECRET));
    assert.deepEqual([code, stderr], [0, '']);
  });

  test('--state picks, --limit cuts and says so, --json is one document', async (t) => {
    const project = await mixed(t);
    const tasksOf = async (...args: readonly string[]): Promise<readonly unknown[]> => {
      const { stdout } = await fsq(project, ['ls', '--json', ...args]);
      assert.ok(!stdout.includes(SECRET));
      return (JSON.parse(stdout) as { task: string }[]).map(({ task }) => task);
    };

    assert.deepEqual(await tasksOf('--state', 'failed'), ['bad']);
    assert.deepEqual(await tasksOf('--state', 'parked'), ['lost']);
    assert.deepEqual(await tasksOf('-s', 'pending', '-s', 'succeeded'), ['next', 'good']);
    assert.deepEqual(await tasksOf('--state', 'revoked'), []);
    assert.deepEqual(await tasksOf('--limit', '2'), ['next', 'lost']);
    assert.deepEqual(await tasksOf('--state', 'pending, succeeded'), ['next', 'good']);
    assert.deepEqual(await tasksOf('--task', 'bad'), ['bad']);
    assert.deepEqual(await tasksOf('--task', 'later,good', '--task', 'bad', '--state', 'results'), ['bad', 'good']);
    assert.equal((await tasksOf('--since', '1h')).length, 5);
    assert.deepEqual(await tasksOf('--since', '1ms'), []);
    assert.match((await fsq(project, ['ls', '--limit', '2'])).stderr, /2 are shown of 5 jobs/);
    assert.match((await fsq(project, ['ls', '-s', 'running'])).stderr, /There is no such job/);
  });
});

test('fsq ls --ids prints ids alone, all of them unless a limit is given', async (t) => {
  const project = tempProject(t, {});
  const ids = await pendingJobs(project.spool, ...Array.from({ length: 300 }, () => ({})));

  const all = await fsq(project, ['ls', '--ids', '-s', 'pending']);
  const two = await fsq(project, ['ls', '--ids', '-n', '2']);
  const none = await fsq(project, ['ls', '--ids', '-s', 'failed']);
  const both = await fsq(project, ['ls', '--ids', '--json']);

  assert.equal(all.stdout, ids.map((id) => `${id}\n`).join(''));
  assert.deepEqual([all.code, all.stderr], [0, '']);
  assert.equal(two.stdout, `${ids[0]}\n${ids[1]}\n`);
  assert.deepEqual([none.code, none.stdout], [0, '']);
  assert.deepEqual([both.code, both.stdout], [2, '']);
});

test('fsq ls --json tells which jobs a job waits for, --task and --since refuse what is none', async (t) => {
  const project = tempProject(t, {});
  const [first = ''] = await pendingJobs(project.spool, {});
  await pendingJobs(project.spool, { options: { after: first } });

  const { stdout } = await fsq(project, ['ls', '--json']);
  const wrong = await Promise.all(
    [
      ['--task', 'a b'],
      ['--task', 'a,'],
      ['--since', '5'],
      ['--since', '0s'],
    ].map((args) => fsq(project, ['ls', ...args])),
  );

  assert.deepEqual(
    (JSON.parse(stdout) as { after: unknown }[]).map(({ after }) => after),
    [[], [first]],
  );
  assert.deepEqual(
    wrong.map(({ code }) => code),
    [2, 2, 2, 2],
  );
  assert.match(wrong[0]?.stderr ?? '', /Expected a task name.*got "a b"/);
  assert.match(wrong[2]?.stderr ?? '', /Expected --since to be a duration with its unit/);
});

describe('fsq status', () => {
  test('of an idle spool says how to start a worker', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, {});

    const { code, stdout, stderr } = await fsq(project, ['status']);

    assert.match(
      stdout,
      /^CRITICAL 1 job is ready and no worker runs\nspool +\/.*\n\npending +1 +the oldest waits \d+ m?s\ndelayed +0\nrunning +0\nresults +0\ncorrupt +0\n\nworkers +none\n/,
    );
    assert.match(stdout, /! No worker is running and 1 job waits\. `fsq worker` starts one\.\n$/);
    assert.deepEqual([code, stderr], [0, '']);
  });

  test('tells how long the oldest job runs, as ls and show do', async (t) => {
    const project = tempProject(t, {
      'tasks.mjs': `import { currentJob, task } from 'fsq';\nimport { once } from 'node:events';\ntask('long', () => once(currentJob().signal, 'abort'));\n`,
    });
    const before = Date.now();
    const [id = ''] = await pendingJobs(project.spool, { task: 'long' });
    const worker = await startWorker(t, project, ['-c', '1', '-l', 'debug']);
    await worker.printed(/long .* started/);

    const looks = await Promise.all(
      [['status'], ['ls'], ['show', id], ['ls', '--json'], ['status', '--json']].map((args) => fsq(project, args)),
    );
    await fsq(project, ['revoke', id]);
    await worker.stop();

    const [status, ls, show, listed, report] = looks.map(({ stdout }) => stdout);
    assert.match(status ?? '', /^running +1 +the oldest began .* ago$/m);
    assert.match(ls ?? '', /running +default +1 +started .* ago$/m);
    assert.match(show ?? '', /^started +\d{4}-.*\d\d:\d\d, .* ago$/m);
    const [{ startedAtMs }] = JSON.parse(listed ?? '') as [{ startedAtMs: number }];
    assert.ok(startedAtMs >= before - 1_000 && startedAtMs <= Date.now(), String(startedAtMs));
    assert.equal((JSON.parse(report ?? '') as { oldestRunningAtMs: number }).oldestRunningAtMs, startedAtMs);
  });

  test('of what was revoked before it ran, ls, show and info() tell when it ended', async (t) => {
    const project = tempProject(t, {});
    const [id = ''] = await pendingJobs(project.spool, { enqueuedAtMs: 1_000 });
    const before = Date.now();
    await fsq(project, ['revoke', id]);

    const [ls, show, json] = await Promise.all(
      [['ls'], ['show', id], ['ls', '--json']].map((args) => fsq(project, args)),
    );

    const [{ endedAtMs }] = JSON.parse(json?.stdout ?? '') as [{ endedAtMs: number }];
    assert.ok(endedAtMs >= before && endedAtMs <= Date.now(), String(endedAtMs));
    assert.match(ls?.stdout ?? '', /revoked +default +1? *\d? *ended .* ago$/m);
    assert.match(show?.stdout ?? '', new RegExp(`^ended +${timeText(endedAtMs).replace('+', '\\+')}$`, 'm'));
  });

  test('--json is one document with all of it', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, {}, { queue: 'mail' });
    writeFileSync(join(project.spool, 'pending', 'read\u001b[2Jme.txt'), '');
    mkdirSync(join(project.spool, 'corrupt', 'x'));
    plantDeadOwner(project.spool, someOwner(), {});

    const report = JSON.parse((await fsq(project, ['status', '--json'])).stdout) as Record<string, unknown>;

    assert.deepEqual(report['jobs'], { pending: 2, delayed: 0, running: 0, results: 0, corrupt: 1 });
    assert.deepEqual(report['queues'], { default: 1, mail: 1 });
    assert.deepEqual(
      [report['workers'], report['tasks'], report['parked'], report['isParkedComplete']],
      [[], [], [], true],
    );
    assert.deepEqual(report['lost'], [{ owner: someOwner(), pid: 1, role: 'child', verdict: 'dead' }]);
    const { status, code } = report['verdict'] as Record<string, unknown>;
    assert.deepEqual([status, code], ['critical', 'no-worker']);
    assert.deepEqual(report['foreign'], ['read\u001b[2Jme.txt']);
    assert.equal((report['advice'] as unknown[]).length, 4);
  });

  test('with a thousand jobs that are due within a minute says that not all were read', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, ...Array.from({ length: 1_001 }, () => ({ etaMs: Date.now() + 30_000 })));

    const { stdout } = await fsq(project, ['status']);

    assert.match(stdout, /delayed +1001\n(.|\n)*parked +only the first delayed jobs were read/);
  });
});
