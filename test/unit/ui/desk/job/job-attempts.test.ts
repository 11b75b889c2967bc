import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { LogLine } from '../../../../../src/job/values/log-lines.ts';
import { attemptsOf } from '../../../../../src/ui/desk/job/job-attempts.ts';
import { attempt } from '../../../../support/planted.ts';
import { sighting } from '../../../../support/sighting.ts';

function line(atMs: number, text = `at ${atMs}`): LogLine {
  return { atMs, stream: 'stdout', text };
}

/** A broker that gives this as the end of a log. */
function logOf(lines: readonly LogLine[], isWhole = true): Parameters<typeof attemptsOf>[0] {
  return { logEnd: async () => ({ lines, isWhole }) };
}

describe('the attempts of a job', () => {
  test('have what was printed after each began, the one that runs among them', async () => {
    const job = sighting(
      {
        state: 'running',
        owner: '8-0000000000000008',
        startedAtMs: 4_000,
        standing: { queue: 'a', priority: 5, attempt: 2, crashes: 0 },
      },
      { attempts: [attempt({ startedAtMs: 1_000, endedAtMs: 2_000, error: { name: 'Error', message: 'no' } })] },
    );

    const attempts = await attemptsOf(logOf([line(900), line(1_000), line(3_000), line(4_000), line(5_000)]), job);

    assert.deepEqual(
      attempts.map(({ attempt: number, endedAtMs, output }) => [number, endedAtMs, output.map(({ text }) => text)]),
      [
        [1, 2_000, ['at 900', 'at 1000', 'at 3000']],
        [2, null, ['at 4000', 'at 5000']],
      ],
    );
    assert.equal(attempts[0]?.error?.message, 'no');
  });

  test('are there once, also while the file of one that has ended still lies where it ran', async () => {
    const job = sighting(
      {
        state: 'running',
        owner: '8-0000000000000008',
        startedAtMs: 1_001,
        standing: { queue: 'a', priority: 5, attempt: 1, crashes: 0 },
      },
      {
        attempts: [attempt({ startedAtMs: 1_000, endedAtMs: 2_000 })],
        outcome: { state: 'succeeded', value: null },
      },
    );

    const attempts = await attemptsOf(logOf([line(1_500)]), job);

    assert.deepEqual(
      attempts.map(({ endedAtMs, end, output }) => [endedAtMs, end, output.length]),
      [[2_000, 'succeeded', 1]],
    );
  });

  test('show the last lines of much output, and how many are left out', async () => {
    const lines = Array.from({ length: 2_345 }, (_, i) => line(1_000 + i, String(i)));

    const [one] = await attemptsOf(logOf(lines), sighting({}, { attempts: [attempt({ startedAtMs: 1_000 })] }));

    assert.deepEqual([one?.output.length, one?.outputLeftOut], [500, 1_845]);
    assert.deepEqual([one?.output[0]?.text, one?.output.at(-1)?.text], ['1845', '2344']);
  });

  test('tell of which it is not known what they have printed, where only the end of the log was read', async () => {
    const attempts = [1, 2, 3, 4].map((n) => attempt({ attempt: n, startedAtMs: 1_000 * n, endedAtMs: 1_000 * n + 1 }));
    const job = sighting({}, { attempts });
    const end = [line(2_000), line(2_001), ...Array.from({ length: 501 }, () => line(4_000))];

    const shown = await attemptsOf(logOf(end, false), job);
    const nothing = await attemptsOf(logOf([], false), job);

    assert.deepEqual(
      shown.map(({ output, outputLeftOut }) => [output.length, outputLeftOut]),
      [
        [0, null],
        [2, null],
        [0, 0],
        [500, 1],
      ],
    );
    assert.deepEqual(new Set(nothing.map(({ outputLeftOut }) => outputLeftOut)), new Set([null]));
  });

  test('are the latest of thousands', async () => {
    const attempts = Array.from({ length: 5_000 }, (_, i) => attempt({ attempt: i + 1, startedAtMs: 10 * i, endedAtMs: 10 * i + 1 })); // prettier-ignore

    const shown = await attemptsOf(logOf([]), sighting({}, { attempts }));

    assert.deepEqual([shown.length, shown[0]?.attempt, shown.at(-1)?.attempt], [100, 4_901, 5_000]);
  });

  test('are none of a job that has not begun, or that cannot be read', async () => {
    assert.deepEqual(await attemptsOf(logOf([line(1)]), sighting()), []);
    assert.deepEqual(await attemptsOf(logOf([line(1)]), sighting({}, null)), []);
  });
});
