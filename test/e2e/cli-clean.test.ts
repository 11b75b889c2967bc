/** `fsq gc` and `fsq purge`, by real command lines. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { job, returned, threw } from '../support/factory.ts';
import { namesIn } from '../support/invariants.ts';
import { plantDeadOwner, someOwner } from '../support/owners.ts';
import { fsq, tempProject } from '../support/project.ts';

describe('fsq gc', () => {
  test('forgets what is over by the settings, after a dry run that only counts', async (t) => {
    const project = tempProject(t, {});
    await settledJob(project.spool, {}, returned(1));
    const failed = await settledJob(project.spool, {}, threw('no'));
    const env = { FSQ_RESULT_TTL: 'succeeded=0s,failed=7d' };

    const dry = await fsq(project, ['gc', '--dry-run', '--json'], { env });
    const done = await fsq(project, ['gc'], { env });
    const again = await fsq(project, ['gc'], { env });

    const left = { owners: 0, jobs: 0 };
    const counts = { outcomes: 1, drafts: 0, owners: 0, keys: 0, beside: 0, segments: 0, left };
    assert.deepEqual([dry.code, JSON.parse(dry.stdout)], [0, { dryRun: true, ...counts }]);
    assert.deepEqual([done.code, done.stdout, done.stderr], [0, 'removed 1 outcome whose time is over\n', '']);
    assert.deepEqual([again.code, again.stdout], [0, 'There is nothing to remove.\n']);
    assert.deepEqual(namesIn(project.spool, 'results'), [`${failed}.json`]);
  });

  test('a dry run counts what lies beside outcomes that would go, as the run does', async (t) => {
    const project = tempProject(t, {});
    const id = await settledJob(project.spool, {}, threw('no'));
    for (const [folder, name] of [
      ['progress', `${id}.json`],
      ['checkpoints', `${id}.json`],
      ['logs', `${id}.log`],
    ] as const) {
      mkdirSync(join(project.spool, folder), { recursive: true });
      writeFileSync(join(project.spool, folder, name), '{}', { mode: 0o600 });
    }
    const env = { FSQ_RESULT_TTL: '0s' };

    const dry = await fsq(project, ['gc', '--dry-run'], { env });
    const done = await fsq(project, ['gc'], { env });

    assert.equal(
      dry.stdout,
      'would remove 1 outcome whose time is over\nwould remove 3 files beside jobs that are gone\n',
    );
    assert.equal(done.stdout, dry.stdout.replaceAll('would remove', 'removed'));
    assert.deepEqual(namesIn(project.spool, 'logs'), []);
  });

  test('says which dead processes stay, because they hold jobs, and who sends these back', async (t) => {
    const project = tempProject(t, {});
    await fsq(project, ['init']);
    const { job: held } = job({});
    const name = `5.${held.id}.default.1.0.json`;
    plantDeadOwner(project.spool, someOwner(), { [name]: JSON.stringify({ task: 'echo' }) });

    const { stdout } = await fsq(project, ['gc']);
    const json = await fsq(project, ['gc', '--json']);

    assert.equal(
      stdout,
      'There is nothing to remove.\nleft 1 dead process with 1 job: a worker sends these back, or `fsq doctor --repair`\n',
    );
    assert.deepEqual((JSON.parse(json.stdout) as { left: unknown }).left, { owners: 1, jobs: 1 });
  });

  test('a job that was sent by its name has the time of its task, and is looked into', async (t) => {
    const tasks = `import { task } from 'fsq';\ntask('ping', { ignoreResult: true, resultTtl: '0s' }, () => 'pong');\n`;
    const project = tempProject(t, { 'tasks.mjs': tasks });
    const id = (await fsq(project, ['call', 'ping'])).stdout.trim();
    await fsq(project, ['worker', '--burst', '-c', '1', '-l', 'silent']);

    const text = readFileSync(join(project.spool, 'results', `${id}.json`), 'utf8');
    const done = await fsq(project, ['gc', '--json']);

    assert.match(text, /"ttlMs":0,"state":"succeeded"\}$/);
    assert.equal((JSON.parse(done.stdout) as { outcomes: number }).outcomes, 1);
    assert.equal((await fsq(project, ['get', id])).code, 3);
  });

  test('makes no spool', async (t) => {
    const project = tempProject(t, {});

    assert.match((await fsq(project, ['gc', '--spool', 'none'])).stderr, /FSQ_NO_SPOOL/);
  });
});

describe('fsq purge', () => {
  test('does nothing without a question that can be asked, or --yes', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, {}, {});

    const refused = await fsq(project, ['purge']);
    const dry = await fsq(project, ['purge', '--dry-run']);

    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /Expected --yes to revoke 2 jobs of .*: nobody can be asked here/);
    assert.deepEqual([dry.code, dry.stdout], [0, '2 jobs would be revoked, 0 outcomes would be forgotten\n']);
    assert.equal(namesIn(project.spool, 'pending').length, 2);
  });

  test('revokes what waits, in the queues and of the tasks that are named; whoever waits hears of it', async (t) => {
    const project = tempProject(t, {});
    const [mail = '', late = '', report = '', other = ''] = await pendingJobs(
      project.spool,
      { queue: 'mail', task: 'send' },
      { queue: 'mail', task: 'send', etaMs: Date.now() + 3_600_000 },
      { queue: 'mail', task: 'report' },
      { task: 'send' },
    );
    const ended = await settledJobBeside(project.spool);

    const purged = await fsq(project, ['purge', '-Q', 'mail', '--task', 'send', '--yes', '--json']);

    assert.deepEqual(
      [purged.code, JSON.parse(purged.stdout)],
      [0, { dryRun: false, revoked: 2, forgotten: 0, left: 0 }],
    );
    for (const id of [mail, late]) assert.equal((await fsq(project, ['get', id, '--timeout', '0s'])).code, 4);
    const listed = await fsq(project, ['ls', '-s', 'pending', '--json']);
    assert.deepEqual(
      (JSON.parse(listed.stdout) as { id: string }[]).map(({ id }) => id),
      [report, other],
    );
    assert.equal((await fsq(project, ['get', ended])).stdout, '1\n');
  });

  test('forgets the outcomes of the states that are named', async (t) => {
    const project = tempProject(t, {});
    const good = await settledJob(project.spool, {}, returned(1));
    await settledJob(project.spool, {}, threw('no'));

    const purged = await fsq(project, ['purge', '--state', 'failed', '-y']);
    const again = await fsq(project, ['purge', '--state', 'failed']);

    assert.deepEqual([purged.code, purged.stdout], [0, '0 jobs revoked, 1 outcome forgotten\n']);
    assert.deepEqual([again.code, again.stdout], [0, '0 jobs revoked, 0 outcomes forgotten\n']);
    assert.deepEqual(namesIn(project.spool, 'results'), [`${good}.json`]);
  });

  test('takes several names with commas between', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, { task: 'a' }, { task: 'b' }, { task: 'c' });

    const { stdout } = await fsq(project, ['purge', '--task', 'a,b', '--state', 'pending,delayed', '--dry-run']);

    assert.equal(stdout, '2 jobs would be revoked, 0 outcomes would be forgotten\n');
  });

  for (const [args, error] of [
    [
      ['0199f3c2'],
      /Expected options only, got "0199f3c2": .*`fsq revoke ID` ends one job, `fsq forget ID` removes one outcome/,
    ],
    [['mail', '--yes'], /got "mail"/],
    [['--task', 'a,b c'], /task name.*"b c"/],
    [['--state', 'running'], /jobs that run are not purged, `fsq revoke` ends them/],
    [['--state', 'faild'], /--state.* one of pending, .*did you mean failed/],
    [['--queue', 'A B'], /`queue`/],
    [['--task', ''], /task name/],
  ] as const)
    test(`${args.join(' ')} is refused, and nothing is changed`, async (t) => {
      const project = tempProject(t, {});
      await pendingJobs(project.spool, {});

      const { code, stderr } = await fsq(project, ['purge', '--yes', ...args]);

      assert.equal(code, 2);
      assert.match(stderr, error);
      assert.equal(namesIn(project.spool, 'pending').length, 1);
    });
});

/** An outcome, made in another spool's time: nothing else may be ready while it is. */
async function settledJobBeside(spool: string): Promise<string> {
  return settledJob(spool, { queue: 'other', priority: 0 }, returned(1));
}
