import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { decide, type Done, type Firing, type Missed, MOST_MISSED } from '../../../../src/app/schedules/due.ts';
import { timesOf } from '../../../../src/app/schedules/timetable.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NOW = Date.parse('2026-11-27T12:00:00.200Z');
const LAST_HOUR = Date.parse('2026-11-27T12:00Z');

async function firing(ms: number, missed: Missed = 'one'): Promise<Firing> {
  return { times: await timesOf({ kind: 'every', ms }), periodMs: ms, missed, patternText: 'mine' };
}

const done = (doneMs: number | null, other: Partial<Done> = {}): Done => ({
  doneMs,
  pattern: 'mine',
  isPaused: false,
  ...other,
});

test('a schedule that is new begins now, and catches up nothing', async () => {
  const { send, passMs, skipped } = decide(await firing(HOUR, 'all'), done(null), NOW);

  assert.deepEqual([send, passMs, skipped], [[], NOW, []]);
});

test('an instant that has come is sent; before it comes nothing is done', async () => {
  const hourly = await firing(HOUR);

  assert.deepEqual(decide(hourly, done(LAST_HOUR - HOUR), NOW).send, [LAST_HOUR]);
  assert.deepEqual(decide(hourly, done(LAST_HOUR), NOW), {
    send: [],
    passMs: null,
    turnedBackFromMs: null,
    skipped: [],
    moreSkipped: false,
  });
});

describe('of instants that were missed', () => {
  const at = LAST_HOUR + 20 * MINUTE; // The last three hours are late.
  const late = [2, 1, 0].map((hours) => LAST_HOUR - hours * HOUR);
  const cases: readonly [Missed, send: readonly number[], skipped: readonly number[], passMs: number | null][] = [
    ['skip', [], late, LAST_HOUR],
    ['one', late.slice(2), late.slice(0, 2), null],
    ['all', late, [], null],
  ];
  for (const [missed, send, skipped, passMs] of cases)
    test(`'${missed}' sends ${send.length}`, async () => {
      const decision = decide(await firing(HOUR, missed), done(LAST_HOUR - 3 * HOUR), at);

      assert.deepEqual([decision.send, decision.skipped, decision.passMs], [send, skipped, passMs]);
    });

  test("'one' is the instant that comes just now, where one does", async () => {
    const { send, skipped } = decide(await firing(HOUR, 'one'), done(LAST_HOUR - 3 * HOUR), NOW);

    assert.deepEqual([send, skipped], [[LAST_HOUR], late.slice(0, 2)]);
  });

  test("none was missed within a minute: a restart takes less, also with 'skip'", async () => {
    const hourly = await firing(HOUR, 'skip');

    assert.deepEqual(decide(hourly, done(LAST_HOUR - HOUR), LAST_HOUR + MINUTE).send, [LAST_HOUR]);
    assert.deepEqual(decide(hourly, done(LAST_HOUR - HOUR), LAST_HOUR + MINUTE + 1).send, []);
  });

  test('of a schedule that fires each second the last ten are on time', async () => {
    const { send, skipped, moreSkipped } = decide(await firing(1_000, 'one'), done(LAST_HOUR - MINUTE), LAST_HOUR);

    assert.deepEqual([send.length, send[0], skipped.length, moreSkipped], [11, LAST_HOUR - 10_000, 49, false]);
  });

  test(`'all' is the newest ${MOST_MISSED}`, async () => {
    const { send, moreSkipped } = decide(await firing(MINUTE, 'all'), done(LAST_HOUR - 365 * 24 * HOUR), NOW);

    assert.deepEqual([send.length, send.at(-1), moreSkipped], [MOST_MISSED, LAST_HOUR, true]);
  });

  test('none is caught up by another pattern than the one by which they were done; what comes now is sent', async () => {
    const other = done(LAST_HOUR - 3 * HOUR, { pattern: 'another' });

    assert.deepEqual(decide(await firing(HOUR, 'all'), other, NOW).send, [LAST_HOUR]);
    assert.deepEqual(decide(await firing(HOUR, 'all'), other, at).send, []);
    assert.deepEqual(decide(await firing(HOUR, 'all'), { ...other, pattern: null }, at).send, late);
  });
});

test('while it is paused instants pass', async () => {
  const paused = done(LAST_HOUR - 3 * HOUR, { isPaused: true });

  const { send, passMs } = decide(await firing(HOUR, 'all'), paused, NOW);

  assert.deepEqual([send, passMs], [[], LAST_HOUR]);
});

describe('where the clock was set back', () => {
  test('by less than a period and an hour, what was done is not done again', async () => {
    const { send, passMs } = decide(await firing(24 * HOUR), done(NOW + 25 * HOUR), NOW);

    assert.deepEqual([send, passMs], [[], null]);
  });

  test('by more, it counts anew from now on', async () => {
    const doneMs = NOW + 2 * HOUR + 1;

    const { send, passMs, turnedBackFromMs } = decide(await firing(HOUR), done(doneMs), NOW);

    assert.deepEqual([send, passMs, turnedBackFromMs], [[], NOW, doneMs]);
  });

  test('by a year, that also holds for what comes once a year', async () => {
    assert.equal(decide(await firing(365 * 24 * HOUR), done(NOW + 365 * 24 * HOUR), NOW).passMs, NOW);
  });
});

test('where the clock jumps a year ahead, it is as if no worker had run for a year', async () => {
  const ahead = NOW + 365 * 24 * HOUR;

  const { send, skipped, moreSkipped } = decide(await firing(HOUR), done(LAST_HOUR), ahead);

  assert.deepEqual([send.length, skipped.length, moreSkipped], [1, MOST_MISSED - 1, true]);
});
