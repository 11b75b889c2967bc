/** Schedules by the clock of a test. */
import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { registry } from '../../../src/app/registry.ts';
import { task } from '../../../src/index.ts';
import { type TemporarySpool, temporarySpool } from '../../../src/testing/testing.ts';

test.afterEach(() => registry().tasks.clear());

/** No instant of the schedules below comes by itself: the date stands still, and a test moves it on. */
function standingDate(t: TestContext): void {
  t.mock.timers.enable({ apis: ['Date'], now: Date.UTC(2026, 2, 3, 12, 30) });
}

const instants = async (spool: TemporarySpool): Promise<readonly string[]> =>
  (await spool.jobs()).map(({ record }) => record?.job.headers['fsq-instant'] ?? '').toSorted();

test('to move the clock on over instants has one job for each, as if a worker had run all the while', async (t) => {
  standingDate(t);
  const seen: string[] = [];
  const nightly = task('nightly', { queue: 'slow' }, (scope: string) => void seen.push(scope));
  const spool = await temporarySpool(t, {
    schedules: {
      nightly: { task: nightly, args: ['all'], cron: '0 3 * * *', missed: 'skip' },
      often: { task: 'nightly', args: ['a part'], every: '8h' },
    },
  });

  await spool.clock.advance('1d');
  const { succeeded } = await spool.drain();

  assert.equal(succeeded, 4);
  assert.deepEqual(seen.toSorted(), ['a part', 'a part', 'a part', 'all']);
  assert.ok((await spool.jobs()).every(({ standing }) => standing.queue === 'slow'));
  await spool.clock.advance('1d');
  await spool.drain();
  assert.equal(seen.filter((scope) => scope === 'all').length, 2);
});

test('in a manual spool the jobs are there to be looked at', async (t) => {
  standingDate(t);
  task('nightly', (scope: string) => scope);
  const spool = await temporarySpool(t, {
    manual: true,
    schedules: { hourly: { task: 'nightly', args: ['all'], every: '1h' } },
  });

  assert.deepEqual(await instants(spool), []);
  await spool.clock.advance('1h');

  const [job] = await spool.jobs();
  assert.deepEqual([job?.state, job?.record?.job.args], ['pending', ['all']]);
});

test('a schedule that is wrong, or of a task that is not registered, is refused, and the spool is closed', async (t) => {
  task('nightly', () => 1);
  const cases: readonly [schedule: object, code: string, message: RegExp][] = [
    [{ task: 'nigthly', every: '1h' }, 'FSQ_CONFIG', /did you mean nightly\?/],
    [{ task: 'nightly', cron: '0 0 30 2 *' }, 'FSQ_CONFIG', /never fires/],
  ];

  for (const [schedule, code, message] of cases)
    await assert.rejects(temporarySpool(t, { schedules: { a: schedule as never } }), { code, message });
  await assert.rejects(temporarySpool(t, { fork: true, schedules: {} }), /Expected `schedules` or `fork`, got both/);
  await assert.rejects(temporarySpool(t, { schedules: [] as never }), /Expected `schedules` to be an object/);
  await (await temporarySpool(t)).close();
});
