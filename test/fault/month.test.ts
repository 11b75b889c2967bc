/** A spool in use for days does not grow: the short form of `npm run month`. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { monthChart } from '../../scripts/month/chart.mjs';
import { type Day, simulate, unevenness } from '../../scripts/month/simulate.mjs';
import { assertSound } from '../support/invariants.ts';
import { tempDir } from '../support/temp.ts';

test('a spool holds as much on its twelfth day as on its ninth, and what it holds is sound', async (t) => {
  const path = join(tempDir(t), 'spool');

  const days = await simulate({ path, days: 12, jobsPerDay: 400, stepsPerDay: 4 });

  assert.equal(unevenness(days), null);
  const [first, last] = [days[0], days.at(-1)];
  // A day of successes, a week of failures, spare files and the reserve: not twelve days of jobs.
  assert.ok(last !== undefined && last.files < 2_500, `${last?.files} files`);
  assert.ok(first !== undefined && first.files > 300, `${first?.files} files`);
  assertSound(path);
});

test('days that grow are told, and so is a measure that is missing', () => {
  const days = (grow: number): readonly Day[] =>
    Array.from({ length: 12 }, (_, i) => ({ day: i + 1, files: 1_000 + grow * i, bytes: 5_000 }));

  assert.equal(unevenness(days(0)), null);
  assert.match(unevenness(days(30)) ?? '', /from day 9 on there are 1240 to 1330 files/);
  assert.notEqual(unevenness(days(Number.NaN)), null);
  assert.notEqual(unevenness([]), null);
});

test('the chart has a line for files and one for bytes, within its frame', () => {
  const svg = monthChart(
    [
      { day: 1, files: 10, bytes: 2e6 },
      { day: 2, files: 20, bytes: 1e6 },
    ],
    'a title',
  );

  assert.match(svg, /files: 20 on day 2/);
  assert.match(svg, /MB: 1\.0 on day 2/);
  const points = [...svg.matchAll(/points="([^"]+)"/g)].flatMap(([, all = '']) =>
    all.split(' ').map((one) => one.split(',').map(Number)),
  );
  assert.equal(points.length, 6);
  for (const [x = -1, y = -1] of points) assert.ok(x >= 70 && x <= 790 && y >= 44 && y <= 220, `${x},${y}`);
});
