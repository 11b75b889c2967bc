import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import test, { describe, type TestContext } from 'node:test';
import type { Broker, Sighting } from '../../../../../../src/broker/broker.ts';
import { Looker } from '../../../../../../src/cli/commands/top/looker/looker.ts';
import type { Report } from '../../../../../../src/cli/commands/top/looker/reports.ts';
import { openSpool } from '../../../../../../src/spool/spool.ts';
import { until } from '../../../../../support/conditions.ts';
import { pendingJobs, settledJob } from '../../../../../support/ended-jobs.ts';
import { threw } from '../../../../../support/factory.ts';
import { sighting } from '../../../../../support/sighting.ts';
import { tempSpool } from '../../../../../support/temp.ts';

/** Looks until the end of the test. @returns the reports so far */
function looking(
  t: TestContext,
  open: () => Broker,
  onReport: (report: Report) => void = () => undefined,
): { looker: Looker; reports: Report[] } {
  const reports: Report[] = [];
  const looker = new Looker({
    open,
    jobLines: async (broker, id) => ((await broker.find(id)) === null ? null : [`all of ${id}`]),
    verdict: async () => ({ status: 'ok', text: 'OK', advice: [] }),
    report: (report) => {
      reports.push(report);
      onReport(report);
    },
  });
  t.after(() => looker.close());
  return { looker, reports };
}

function last<K extends Report['kind']>(reports: readonly Report[], kind: K): Extract<Report, { kind: K }> | undefined {
  return reports.findLast((report): report is Extract<Report, { kind: K }> => report.kind === kind);
}

describe('looking', () => {
  test('tells what is cheap and the counts without being asked, and only the lists that somebody sees', async (t) => {
    const { path } = tempSpool(t);
    const failed = await settledJob(path, { task: 'bad' }, threw('no way'));
    await pendingJobs(path, { task: 'one' }, { task: 'two', queue: 'mail' });
    const { looker, reports } = looking(t, () => openSpool({ path, mustExist: true }));

    looker.hear({ kind: 'want', wanted: { lists: [], job: null } });
    const counted = await until(() => last(reports, 'counted'), 'the jobs are counted');
    assert.deepEqual([counted.counted.counts.pending, counted.counted.backlog.queues], [2, { default: 1, mail: 1 }]);
    assert.equal(
      reports.some(({ kind }) => kind === 'list'),
      false,
    );
    assert.equal(reports.find(({ kind }) => kind !== 'trouble')?.kind, 'facts');

    looker.hear({ kind: 'want', wanted: { lists: ['failed', 'pending'], job: failed } });
    const job = await until(() => last(reports, 'job'), 'the job is told');
    assert.deepEqual(job.lines, [`all of ${failed}`]);
    const jobsOf = (name: 'failed' | 'pending'): readonly unknown[] | undefined =>
      reports
        .flatMap((report) => (report.kind === 'list' && report.name === name ? [report.list.jobs] : []))[0]
        ?.map(({ task, error }) => [task, error]);
    await until(() => jobsOf('failed') !== undefined && jobsOf('pending') !== undefined, 'the lists are told');
    assert.deepEqual(jobsOf('failed'), [['bad', 'Error: no way']]);
    assert.deepEqual(jobsOf('pending'), [
      ['one', null],
      ['two', null],
    ]);
  });

  test('tells of a spool that vanishes, and goes on when one is there again', async (t) => {
    const { path } = tempSpool(t);
    const { looker, reports } = looking(t, () => openSpool({ path, mustExist: true }));
    looker.hear({ kind: 'want', wanted: { lists: [], job: null } });
    await until(() => last(reports, 'counted'), 'the jobs are counted');

    renameSync(path, `${path}.away`);
    await until(() => /spool/.test(last(reports, 'trouble')?.text ?? ''), 'the trouble is told');
    renameSync(`${path}.away`, path);
    await until(() => last(reports, 'trouble')?.text === null, 'the trouble is over');
    reports.length = 0;

    await until(() => last(reports, 'facts'), 'it looks again');
  });

  test('reads only the latest outcomes for those that failed, however many have succeeded', async (t) => {
    let read = 0;
    const list: Broker['list'] = async (states, limit, isWanted = () => true) => {
      const found: Sighting[] = [];
      if (states[0] !== 'results') return found;
      for (; read < 1_000_000 && found.length < limit; read++) {
        const one = sighting({ state: read === 7 ? 'failed' : 'succeeded' });
        if (isWanted(one)) found.push(one);
      }
      return found;
    };
    const { path } = tempSpool(t);
    const { looker, reports } = looking(t, () => proxied(openSpool({ path }), { list }));

    looker.hear({ kind: 'want', wanted: { lists: ['failed'], job: null } });
    const { list: failed } = await until(() => last(reports, 'list'), 'the failures are told');

    assert.deepEqual([failed.jobs.length, failed.isAll], [1, false]);
    assert.ok(read <= 3_000, `${read} were read`);
  });

  test('jobs that were revoked take no room of those that failed', async (t) => {
    const { path } = tempSpool(t);
    const states = [...Array.from({ length: 700 }, () => 'revoked' as const), 'failed' as const, 'expired' as const];
    const list: Broker['list'] = async (kinds, limit, isWanted = () => true) =>
      kinds.includes('results')
        ? states
            .map((state) => sighting({ state }))
            .filter(isWanted)
            .slice(0, limit)
        : [];
    const { looker, reports } = looking(t, () => proxied(openSpool({ path }), { list }));

    looker.hear({ kind: 'want', wanted: { lists: ['failed'], job: null } });
    const { list: failed } = await until(() => last(reports, 'list'), 'the failures are told');

    const count = (wanted: string): number => failed.jobs.filter(({ state }) => state === wanted).length;
    assert.deepEqual(['revoked', 'failed', 'expired'].map(count), [100, 1, 1]);
    assert.equal(failed.isAll, false);
  });

  test('a look that costs much comes seldom, and holds up none that costs little', async (t) => {
    const { path } = tempSpool(t);
    const backlog: Broker['backlog'] = async () => {
      const before = process.cpuUsage();
      while (process.cpuUsage(before).user < 200_000);
      return { oldestAtMs: null, queues: {}, foreign: [] };
    };
    const counted: number[] = [];
    let facts = 0;
    const { looker, reports } = looking(
      t,
      () => proxied(openSpool({ path }), { backlog }),
      ({ kind }) => {
        if (kind === 'facts') facts++;
        if (kind === 'counted') counted.push(facts);
      },
    );

    looker.hear({ kind: 'want', wanted: { lists: [], job: null } });
    await until(() => facts >= 3, 'what costs little is looked at three times');

    assert.deepEqual(counted, [1], JSON.stringify(reports.map(({ kind }) => kind)));
  });
});

/** The broker with some of its answers made up. */
function proxied(broker: Broker, parts: Partial<Broker>): Broker {
  return new Proxy(broker, {
    get: (target, name) => {
      const own: unknown = Reflect.get(parts, name) ?? Reflect.get(target, name, target);
      return typeof own === 'function' && !(name in parts) ? own.bind(target) : own;
    },
  });
}
