/** `fsq migrate`, by real command lines. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openSpool } from '../../src/spool/spool.ts';
import { pendingJobs, settledJob } from '../support/ended-jobs.ts';
import { returned } from '../support/factory.ts';
import { nextWithin } from '../support/next-claim.ts';
import { fsq, tempProject } from '../support/project.ts';

const NOTHING_LEFT = { running: [], held: [], refused: [], results: 0 };

describe('fsq migrate', () => {
  test('moves what waits, and back, and says what stays', async (t) => {
    const project = tempProject(t, {});
    await settledJob(project.spool, {}, returned(1));
    const ids = await pendingJobs(project.spool, {}, {}, {});
    const other = join(project.path, 'other');

    const dry = await fsq(project, ['migrate', '--from', 'spool', '--to', 'other', '--dry-run']);
    const done = await fsq(project, ['migrate', '--from', 'spool', '--to', 'other']);
    const shown = await fsq(project, ['ls', '--ids', '--spool', 'other']);
    const back = await fsq(project, ['migrate', '--from', 'other', '--to', 'spool', '--json']);

    const stays = '1 outcome stays: --results takes all along\n';
    assert.deepEqual(
      [dry.code, dry.stdout, dry.stderr],
      [0, `would move from ${project.spool} to a new place: 3 jobs\n${stays.replace('stays', 'would stay')}`, ''],
    );
    assert.deepEqual([done.code, done.stdout], [0, `moved from ${project.spool} to ${other}: 3 jobs\n${stays}`]);
    assert.deepEqual(shown.stdout.trim().split('\n').toSorted(), [...ids].toSorted());
    const told = { from: other, to: project.spool, dryRun: false, interrupted: false, moved: 3, results: 0 };
    assert.deepEqual(
      [back.code, JSON.parse(back.stdout)],
      [0, { ...told, schedules: 0, pausedQueues: 0, left: NOTHING_LEFT }],
    );
  });

  test('exits with 1 where jobs stay, and names them', async (t) => {
    const project = tempProject(t, {});
    const [id = ''] = await pendingJobs(project.spool, {});
    const broker = openSpool({ path: project.spool });
    const consumer = await broker.consumer({ queues: null, tasks: [] });
    const claim = await nextWithin(consumer, 10_000);

    const ran = await fsq(project, ['migrate', '--from', 'spool', '--to', 'other']);

    assert.equal(ran.code, 1);
    assert.match(ran.stdout, /^1 job stays, because a worker runs or holds it: stop the workers, or use --wait/);
    const json = await fsq(project, ['migrate', '--from', 'spool', '--to', 'other', '--json']);
    assert.deepEqual(JSON.parse(json.stdout).left.running, [id]);
    await claim?.settle(returned(null), null);
    await consumer.close();
    await broker.close();
  });

  test('takes a place from a variable, or from the settings, and refuses two of the same', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, {});
    const env = { OTHER: join(project.path, 'other') };

    const byVariable = await fsq(project, ['migrate', '--from', 'spool', '--to', 'env:OTHER'], { env });
    const bySettings = await fsq(project, ['migrate', '--from', 'env:OTHER'], { env });
    const same = await fsq(project, ['migrate', '--from', 'spool', '--to', './spool/']);
    const neither = await fsq(project, ['migrate']);
    const unset = await fsq(project, ['migrate', '--from', 'env:NOTHING']);

    assert.match(byVariable.stdout, /other: 1 job$/m);
    assert.equal(bySettings.stdout, `moved from ${env.OTHER} to ${project.spool}: 1 job\n`);
    assert.deepEqual([same.code, neither.code, unset.code], [2, 2, 2]);
    assert.match(same.stderr, /Expected two places/);
    assert.match(neither.stderr, /Expected --from and --to/);
    assert.match(unset.stderr, /variable "NOTHING" of --from to hold a place, and it is not set/);
  });

  test('an address with a password is never shown, whatever is wrong with it', async (t) => {
    const project = tempProject(t, {});
    await pendingJobs(project.spool, {});
    const env = { GOOD: 'bullmq+redis://:pass%2Fword@127.0.0.1:1/0', BAD: 'bullmq+redis://:pass%2Fword@/x' };

    const ends = await Promise.all(
      ['env:GOOD', 'env:BAD'].map((to) => fsq(project, ['migrate', '--from', 'spool', '--to', to], { env })),
    );

    for (const { code, stdout, stderr } of ends) {
      assert.notEqual(code, 0);
      assert.doesNotMatch(stdout + stderr, /pass/);
    }
  });

  test('a move that has stopped is told wherever one looks, and the same command goes on with it', async (t) => {
    const project = tempProject(t, {});
    const ids = await pendingJobs(project.spool, {}, {});
    const broker = openSpool({ path: project.spool });
    const other = join(project.path, 'other');
    const departure = await broker.departure(other);
    await departure.take(ids);
    await departure.close();
    await broker.close();

    const doctor = await fsq(project, ['doctor', '--json']);
    const elsewhere = await fsq(project, ['migrate', '--from', 'spool', '--to', 'third']);
    const shown = await fsq(project, ['show', ids[0] ?? '']);

    const findings: readonly { readonly code: string; readonly message: string }[] = JSON.parse(doctor.stdout).findings;
    const found = findings.find(({ code }) => code === 'unfinished-move');
    assert.match(found?.message ?? '', /2 jobs are on the way/);
    assert.equal(elsewhere.code, 75);
    assert.match(elsewhere.stderr, /fsq migrate --from \S+ --to \S+other/);
    assert.match(shown.stdout, /has waited \d+ m?s to arrive in the place that it is moved to/);
    const goesOn = `\`fsq migrate --from ${project.spool} --to ${other}\``;
    const at = ['--spool', project.spool];
    const status = await fsq(project, ['status', ...at]);
    assert.match(status.stdout, /^WARNING 2 jobs are on the way from /);
    assert.ok(status.stdout.includes(goesOn), status.stdout);
    assert.match(status.stdout, /! No worker is running\. /);
    const checked = await fsq(project, ['check', ...at]);
    assert.deepEqual([checked.code, /2 jobs are on the way/.test(checked.stdout)], [1, true], checked.stdout);
    const otherQueue = await fsq(project, ['check', '-Q', 'mail', ...at]);
    assert.doesNotMatch(otherQueue.stdout, /on the way/);
    const got = await fsq(project, ['get', ids[0] ?? '', '--timeout', '100ms', ...at]);
    assert.match(got.stderr, /It is on its way to /);
    assert.ok(got.stderr.includes(goesOn), got.stderr);
    assert.doesNotMatch(got.stderr, /No worker/);
    // It was never begun there: whoever began it died right after the first step.
    const begun = await openSpool({ path: other }).arrival(project.spool, departure.id, true);
    await begun?.close();
    const done = await fsq(project, ['migrate', '--from', 'spool', '--to', 'other']);
    assert.deepEqual([done.code, done.stdout], [0, `moved from ${project.spool} to ${other}: 2 jobs\n`]);
  });
});
