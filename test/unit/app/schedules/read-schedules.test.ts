import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { jobOf, readSchedules, unknownTaskText } from '../../../../src/app/schedules/read-schedules.ts';
import { createApp } from '../../../../src/index.ts';

const { task } = createApp({ spool: '/nowhere', alwaysEager: true });
const report = task('read-schedules.report', (day: string) => day);
const NOW = Date.parse('2026-11-27T12:00Z');
const ABOUT = { id: '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3', enqueuedAtMs: NOW };

async function read(schedule: unknown): Promise<Awaited<ReturnType<typeof readSchedules>>[0]> {
  const [first] = await readSchedules({ nightly: schedule }, NOW);
  return first ?? assert.fail('nothing was read');
}

test('a schedule names its task, or has the task itself', async () => {
  const byTask = await read({
    task: report,
    args: ['all'],
    cron: ' 0  3 * * * ',
    timeZone: 'Asia/Tokyo',
    missed: 'all',
  });
  const byName = await read({ task: 'report', every: '30s' });

  assert.deepEqual(
    [byTask.task, byTask.pattern],
    ['read-schedules.report', { kind: 'cron', cron: '0 3 * * *', timeZone: 'Asia/Tokyo' }],
  );
  assert.deepEqual([byTask.firing.periodMs, byTask.firing.missed], [24 * 3_600_000, 'all']);
  assert.deepEqual(
    [byName.task, byName.args, byName.pattern, byName.firing.missed],
    ['report', [], { kind: 'every', ms: 30_000 }, 'one'],
  );
});

test('its job has the options of the schedule, then those of the task, and tells its instant', async () => {
  const schedule = await read({
    task: 'report',
    args: [1],
    every: '1h',
    queue: 'slow',
    retries: 2,
    headers: { by: 'me' },
  });

  const { job, queue, priority } = jobOf(schedule, { queue: 'mail', priority: 1, expires: '1h' }, NOW, ABOUT);

  assert.deepEqual([queue, priority, job.args, job.task, job.id], ['slow', 1, [1], 'report', ABOUT.id]);
  assert.equal(job.options.retries, 2);
  assert.ok((job.options.expiresAtMs ?? 0) > Date.now() + 3_590_000, 'it expires an hour after it was sent');
  assert.deepEqual(job.headers, { by: 'me', 'fsq-schedule': 'nightly', 'fsq-instant': '2026-11-27T12:00:00.000Z' });
});

describe('a worker refuses', () => {
  const task = 'report';
  const cases: readonly [what: string, schedule: unknown, message: RegExp][] = [
    ['no object', 'daily', /`schedules\.nightly`: Expected it to be an object such as/],
    ['no task', { every: '1h' }, /Expected `task` to be a task, or the name of one, got undefined/],
    ['a function that is no task', { task: () => 1, every: '1h' }, /Expected `task` to be a task/],
    ['a name that no task can have', { task: 'a b', every: '1h' }, /Expected `task` to be a task/],
    ['no time', { task }, /Expected `cron` or `every`, got neither/],
    ['two times', { task, every: '1h', cron: '@daily' }, /Expected `cron` or `every`, got both/],
    ['every 0', { task, every: 0 }, /Expected `every` to be a second or more, got 0/],
    ['every 999 ms', { task, every: '999ms' }, /Expected `every` to be a second or more/],
    ['every day', { task, every: 'day' }, /Expected `every` to be a number of milliseconds/],
    ['a zone without a clock', { task, every: '1h', timeZone: 'UTC' }, /Expected `timeZone` beside `cron` only/],
    [
      'an unknown zone',
      { task, cron: '@daily', timeZone: 'Europe/Berln' },
      /`timeZone` to be a time zone .* did you mean Europe\/Berlin\?/,
    ],
    ['a zone that is no text', { task, cron: '@daily', timeZone: 2 }, /`timeZone` to be a time zone/],
    ['a pattern that is none', { task, cron: '0 25 * * *' }, /`cron` "0 25 \* \* \*" cannot be read: .*hour/],
    ['three fields', { task, cron: '0 3 *' }, /cannot be read: it is no pattern of five or six fields/],
    ['a date', { task, cron: '2027-01-01T00:00:00' }, /cannot be read/],
    ['a pattern that is no text', { task, cron: 3 }, /Expected `cron` to be a pattern/],
    ['the 30th of February', { task, cron: '0 0 30 2 *' }, /it never fires/],
    ['a year that is over', { task, cron: '0 0 0 1 1 * 2020' }, /it never fires/],
    ['arguments that are no array', { task, args: 'all', every: '1h' }, /Expected `args` to be an array/],
    ['arguments that JSON would change', { task, args: [new Date(0)], every: '1h' }, /report.*\[0\]|args\[0\]/s],
    ['a word that says nothing of missed instants', { task, every: '1h', missed: 'none' }, /'skip', 'one' or 'all'/],
    ['a key', { task, every: '1h', key: 'x' }, /Expected no `key`: each instant has one job/],
    ['a time beside its times', { task, every: '1h', countdown: '1s' }, /Expected no `countdown`/],
    [
      'an option that is none',
      { task, every: '1h', timezone: 'UTC' },
      /Unknown option "timezone"; did you mean timeZone\?/,
    ],
    ['an option with a wrong value', { task, every: '1h', priority: 11 }, /Expected `priority`/],
    [
      'a time limit that kills before it asks',
      { task, every: '1h', timeLimit: '1s', softTimeLimit: '2s' },
      /softTimeLimit/,
    ],
  ];
  for (const [what, schedule, message] of cases)
    test(what, async () => {
      await assert.rejects(read(schedule), (error: Error & { code?: string }) => {
        assert.equal(error.code, 'FSQ_CONFIG');
        assert.match(error.message, /^`schedules\.nightly`: /);
        assert.match(error.message, message);
        return true;
      });
    });

  for (const name of ['', 'a b', '../x', '.x', 'con', 'x'.repeat(65), 'ä'])
    test(`the name ${JSON.stringify(name)}`, async () => {
      await assert.rejects(readSchedules({ [name]: { task, every: '1h' } }, NOW), {
        code: 'FSQ_CONFIG',
        message: /its name/,
      });
    });
});

test('a task that nobody knows is told with the nearest', async () => {
  const schedule = await read({ task: 'reprot', every: '1h' });

  assert.match(
    unknownTaskText(schedule, ['report', 'ping']),
    /^`schedules\.nightly`: .*"reprot"; did you mean report\?$/,
  );
  assert.match(unknownTaskText(schedule, ['ping']), /known are ping$/);
});
