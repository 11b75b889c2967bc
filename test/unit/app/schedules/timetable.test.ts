import assert from 'node:assert/strict';
import test from 'node:test';
import { instantsBetween, patternText, timesOf } from '../../../../src/app/schedules/timetable.ts';

test('`every` fires at multiples of its interval, whoever counts them', async () => {
  const times = await timesOf({ kind: 'every', ms: 30_000 });

  assert.equal(times.next(0), 30_000);
  assert.equal(times.next(29_999), 30_000);
  assert.equal(times.next(30_000), 60_000);
  assert.equal(
    (await timesOf({ kind: 'every', ms: 86_400_000 })).next(Date.parse('2026-11-27T12:00Z')),
    Date.parse('2026-11-28T00:00Z'),
  );
});

test('the instants of a span are those after its beginning, up to its end', async () => {
  const times = await timesOf({ kind: 'every', ms: 10_000 });

  assert.deepEqual(instantsBetween(times, 10_000, 30_000, 10), { instants: [20_000, 30_000], hasMore: false });
  assert.deepEqual(instantsBetween(times, 30_000, 30_000, 10), { instants: [], hasMore: false });
  assert.deepEqual(instantsBetween(times, 30_000, 10_000, 10), { instants: [], hasMore: false });
});

test('of a long span the newest are found, in few steps', async () => {
  let steps = 0;
  const every = await timesOf({ kind: 'every', ms: 1_000 });
  const times = { next: (afterMs: number) => (steps++, every.next(afterMs)) };
  const toMs = Date.parse('2026-11-27T00:00Z');

  const { instants, hasMore } = instantsBetween(times, 0, toMs, 1_000);

  assert.equal(instants.length, 1_000);
  assert.deepEqual([instants[0], instants.at(-1), hasMore], [toMs - 999_000, toMs, true]);
  assert.ok(steps < 4_000, `${steps} steps`);
});

test('of a pattern that fires seldom all are found', async () => {
  const times = await timesOf({ kind: 'cron', cron: '0 3 1 1 *', timeZone: 'Asia/Tokyo' });

  const found = instantsBetween(times, Date.parse('2020-06-01T00:00Z'), Date.parse('2026-06-01T00:00Z'), 1_000);

  assert.deepEqual(
    found.instants.map((ms) => new Date(ms).getUTCFullYear()),
    [2020, 2021, 2022, 2023, 2024, 2025],
  );
  assert.equal(found.hasMore, false);
});

test('a pattern is told as it is written', () => {
  assert.equal(patternText({ kind: 'every', ms: 90_000 }), 'every 90s');
  assert.equal(patternText({ kind: 'every', ms: 1_500 }), 'every 1500ms');
  assert.equal(patternText({ kind: 'every', ms: 86_400_000 }), 'every 1d');
  assert.equal(patternText({ kind: 'cron', cron: '0 3 * * *', timeZone: 'Asia/Tokyo' }), '0 3 * * * Asia/Tokyo');
});
