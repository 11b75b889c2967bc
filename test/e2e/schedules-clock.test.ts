/** A real worker whose clock is set: both changes of clocks in a year, and a year too far. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type ClockShim, clockShim, HAS_COMPILER } from '../support/clock-shim.ts';
import { until } from '../support/conditions.ts';
import { type Project, startWorker, tempProject } from '../support/project.ts';

const skip = HAS_COMPILER ? false : 'needs gcc';

const TASKS = `
import { appendFileSync } from 'node:fs';
import { currentJob, task } from 'fsq';
export const note = task('note', () => {
  const { 'fsq-schedule': name, 'fsq-instant': instant } = currentJob().headers;
  appendFileSync('ran.txt', name + ' ' + instant.slice(5, 16) + '\\n');
});
`;

function project(t: TestContext, schedules: object): { readonly at: Project; readonly shim: ClockShim } {
  const config = `export default { schedules: ${JSON.stringify(schedules)} };`;
  const at = tempProject(t, { 'tasks.mjs': TASKS, 'fsq.config.mjs': config, 'ran.txt': '' });
  return { at, shim: clockShim(at.path) };
}

const ran = ({ path }: Project): readonly string[] => readFileSync(join(path, 'ran.txt'), 'utf8').trim().split('\n');

/** A schedule counts from the moment at which a worker has seen it. */
function begun({ spool }: Project): Promise<unknown> {
  return until(
    () => existsSync(join(spool, 'schedules/halves')) && readdirSync(join(spool, 'schedules/halves')).length > 0,
    'the worker has seen the schedule',
  );
}

/** Has the worker's clock show each of these times in turn, and waits until the half hour that has come then was seen. */
async function walk(at: Project, shim: ClockShim, times: readonly string[]): Promise<void> {
  for (const time of times) {
    // A second late: the clock of the shim has whole seconds.
    shim.move(Date.parse(`${time}Z`) + 1_000 - Date.now());
    await until(() => ran(at).includes(`halves ${time.slice(5)}`), `${time} has come`);
  }
}

for (const { what, before, times, daily } of [
  {
    what: 'in spring, when an hour is left out',
    before: '2026-03-29T00:15',
    times: ['2026-03-29T00:30', '2026-03-29T01:00', '2026-03-29T01:30', '2026-03-29T02:00'],
    daily: ['daily 03-29T01:00'],
  },
  {
    what: 'in autumn, when an hour comes twice',
    before: '2026-10-24T23:45',
    times: ['2026-10-25T00:00', '2026-10-25T00:30', '2026-10-25T01:00', '2026-10-25T01:30', '2026-10-25T02:00'],
    daily: ['daily 10-25T00:30'],
  },
])
  test(`${what}, half past two comes once and each half hour that passes once`, { skip }, async (t) => {
    const { at, shim } = project(t, {
      daily: { task: 'note', cron: '30 2 * * *', timeZone: 'Europe/Berlin' },
      halves: { task: 'note', cron: '*/30 * * * *', timeZone: 'Europe/Berlin' },
    });
    shim.move(Date.parse(`${before}Z`) - Date.now());
    const worker = await startWorker(t, at, ['-c', '1'], { env: shim.env });
    await begun(at);

    await walk(at, shim, times);
    await until(() => ran(at).some((line) => line.startsWith('daily')), 'half past two has come');
    await worker.stop();

    const lines = ran(at);
    assert.deepEqual(
      lines.filter((line) => line.startsWith('halves')),
      times.map((time) => `halves ${time.slice(5)}`),
    );
    assert.deepEqual(
      lines.filter((line) => line.startsWith('daily')),
      daily,
    );
  });

test(
  'a clock that is a year ahead for a while: one job then, and the schedule goes on when it is set back',
  { skip },
  async (t) => {
    const { at, shim } = project(t, { halves: { task: 'note', cron: '*/30 * * * *' } });
    const year = 365 * 86_400_000;
    const start = Date.parse('2026-06-01T12:10Z');
    shim.move(start - Date.now());
    const worker = await startWorker(t, at, ['-c', '1'], { env: shim.env });

    await begun(at);
    shim.move(start + year - Date.now());
    await until(() => ran(at).includes('halves 06-01T12:00'), 'what was missed has run');
    shim.move(start - Date.now());
    await worker.printed(/schedule halves was run up to 2027-06-01T12:00:00.000Z: the clock was set back/);
    await walk(at, shim, ['2026-06-01T12:30', '2026-06-01T13:00']);
    await worker.stop();

    assert.deepEqual(ran(at), ['halves 06-01T12:00', 'halves 06-01T12:30', 'halves 06-01T13:00']);
    assert.match(worker.stderr(), /schedule halves was not run at more than 999 of its times/);
  },
);
