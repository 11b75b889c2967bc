/** How old files are by two clocks, one of which steps. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { Ages } from '../../../../src/spool/results/ages.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEAR_MS = 365 * DAY_MS;
const START_MS = 40 * YEAR_MS;

/** Two clocks, and ages by them for a time to live of a day. */
function watched(): { readonly ages: Ages; pass(ms: number): void; jump(ms: number): void; nowMs(): number } {
  const ages = new Ages();
  let [wallMs, monotonicMs] = [START_MS, 5_000];
  ages.observe(wallMs, monotonicMs);
  const move = (byWallMs: number, byMonotonicMs: number): void => {
    wallMs += byWallMs;
    monotonicMs += byMonotonicMs;
    ages.observe(wallMs, monotonicMs);
  };
  return { ages, pass: (ms) => move(ms, ms), jump: (ms) => move(ms, 0), nowMs: () => wallMs };
}

describe('whether the time of a file is over', () => {
  test('by the wall clock, to the millisecond', () => {
    const { ages } = watched();

    assert.equal(ages.isOver(START_MS - DAY_MS + 1, DAY_MS), false);
    assert.equal(ages.isOver(START_MS - DAY_MS, DAY_MS), true);
  });

  for (const jumpMs of [HOUR_MS, 2 * DAY_MS, 10 * YEAR_MS]) {
    test(`a step forward of ${jumpMs / HOUR_MS} hours ages nothing`, () => {
      const { ages, pass, jump, nowMs } = watched();
      const before = START_MS - HOUR_MS;
      jump(jumpMs);
      const after = nowMs();

      pass(23 * HOUR_MS - MINUTE_MS);
      const early = [ages.isOver(before, DAY_MS), ages.isOver(after, DAY_MS)];
      pass(2 * MINUTE_MS);
      const onTime = [ages.isOver(before, DAY_MS), ages.isOver(after, DAY_MS)];
      pass(HOUR_MS);

      assert.deepEqual(early, [false, false]);
      assert.deepEqual(onTime, [true, false]);
      assert.equal(ages.isOver(after, DAY_MS), true);
    });
  }

  test('nights of sleep do not count, and do not keep a file for ever', () => {
    const { ages, pass, jump } = watched();
    let days = 0;

    while (!ages.isOver(START_MS, DAY_MS) && days < 10) {
      pass(8 * HOUR_MS);
      jump(16 * HOUR_MS);
      days++;
    }

    assert.equal(days, 3);
  });

  test('a step back keeps everything; once the clock is right again, ages are too', () => {
    const { ages, pass, jump } = watched();
    jump(-10 * YEAR_MS);
    pass(2 * DAY_MS);
    const inThePast = ages.isOver(START_MS, DAY_MS);

    jump(10 * YEAR_MS);
    const back = ages.isOver(START_MS - DAY_MS, DAY_MS);

    assert.equal(inThePast, false);
    assert.equal(back, true);
  });

  test('what seems to be over for more than a year is given one more life', () => {
    const { ages, pass } = watched();
    const old = START_MS - 10 * YEAR_MS;

    const atFirst = ages.isOver(old, DAY_MS);
    pass(DAY_MS);

    assert.equal(atFirst, false);
    assert.equal(ages.isOver(old, DAY_MS), true);
  });
});
