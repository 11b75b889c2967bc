/** What TypeScript lets stand in the `schedules` of a configuration. `npm run typecheck` is the test. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Config, createApp, defineConfig } from '../../src/index.ts';

const { task } = createApp({ spool: '/nowhere', alwaysEager: true });

const report = task('schedules.report', (day: string, pages?: number) => `${day} ${pages}`);
const ping = task('schedules.ping', () => 1);
const prune = task('schedules.prune', (olderThan = '7d') => olderThan);

test('the arguments of a schedule are those of its task, where that is imported', () => {
  const good: readonly Config[] = [
    defineConfig({
      schedules: {
        nightly: { task: report, args: ['all'], cron: '0 3 * * *', timeZone: 'Asia/Tokyo', missed: 'skip' },
        weekly: { task: report, args: ['week', 7], cron: '@weekly', queue: 'slow', priority: 9, expires: '1h' },
        tick: { task: ping, every: '30s' },
        prune: { task: prune, every: 3_600_000, retries: 2, headers: { by: 'the clock' } },
        old: { task: prune, args: ['30d'], cron: '0 4 * * *' },
        other: { task: 'a name only', args: ['anything', 1, { at: null }], every: '1h' },
        bare: { task: 'a name only', every: '1h' },
      },
    }),
    defineConfig({ spool: './jobs' }),
    defineConfig({ schedules: {} }),
    { schedules: { nightly: { task: 'report', args: [1], cron: '0 3 * * *' } } },
  ];

  assert.equal(good.length, 4);
});

test('what does not fit the task, or says two times, does not compile', () => {
  const bad = [
    // @ts-expect-error a number where the task wants a text
    () => defineConfig({ schedules: { nightly: { task: report, args: [1], cron: '0 3 * * *' } } }),
    // @ts-expect-error no arguments where the task wants some
    () => defineConfig({ schedules: { nightly: { task: report, cron: '0 3 * * *' } } }),
    // @ts-expect-error too many arguments
    () => defineConfig({ schedules: { tick: { task: ping, args: [1], every: '30s' } } }),
    // @ts-expect-error neither cron nor every
    () => defineConfig({ schedules: { tick: { task: ping } } }),
    // @ts-expect-error both of them
    () => defineConfig({ schedules: { tick: { task: ping, every: '30s', cron: '* * * * *' } } }),
    // @ts-expect-error a zone without a clock
    () => defineConfig({ schedules: { tick: { task: ping, every: '30s', timeZone: 'UTC' } } }),
    // @ts-expect-error no such word
    () => defineConfig({ schedules: { tick: { task: ping, every: '30s', missed: 'some' } } }),
    // @ts-expect-error an option that is none
    () => defineConfig({ schedules: { tick: { task: ping, every: '30s', priorty: 1 } } }),
    // @ts-expect-error each instant is one job already
    () => defineConfig({ schedules: { tick: { task: ping, every: '30s', key: 'tick' } } }),
    // @ts-expect-error a function that is no task
    () => defineConfig({ schedules: { tick: { task: () => 1, every: '30s' } } }),
    // @ts-expect-error a setting that is none
    () => defineConfig({ schedule: { tick: { task: ping, every: '30s' } } }),
  ];

  assert.equal(bad.length, 11);
});
