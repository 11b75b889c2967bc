import assert from 'node:assert/strict';
import { test } from 'node:test';
import { after } from '../../../src/app/timers.ts';

const DAY_MS = 86_400_000;

test('a wait of a year ends after a year, not at once', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let count = 0;

  after(365 * DAY_MS, () => count++);

  for (let day = 1; day < 365; day++) t.mock.timers.tick(DAY_MS);
  assert.equal(count, 0);
  // Each part begins with the end of the day on which the one before ended: such days are what this clock is made of.
  for (let day = 0; day < 15; day++) t.mock.timers.tick(DAY_MS);
  assert.equal(count, 1);
});

test('a wait can be called off, also in its second month', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let count = 0;
  const short = after(10, () => count++);
  const long = after(90 * DAY_MS, () => count++);

  short.cancel();
  for (let day = 0; day < 40; day++) t.mock.timers.tick(DAY_MS);
  long.cancel();
  for (let day = 0; day < 60; day++) t.mock.timers.tick(DAY_MS);

  assert.equal(count, 0);
});
