import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { addTime, emptyHistogram } from '../../../../../src/broker/figures/histogram.ts';
import { NO_HISTORY, withCounted } from '../../../../../src/broker/figures/history.ts';
import { curveLines, sparkline } from '../../../../../src/cli/commands/top/curves.ts';
import { factsSeen, NOW, stateOf, statistics } from '../../../../support/top-screen.ts';

/** The curves as text, with the bars left out. */
function figures(parts: Parameters<typeof stateOf>[0], columns = 80): readonly string[] {
  return curveLines(stateOf(parts), columns).map(({ pieces }) =>
    pieces
      .map(({ text }) => text)
      .join('')
      .replaceAll(/[▁-█]+/g, '')
      .trim()
      .replaceAll(/ +/g, ' '),
  );
}

describe('a curve', () => {
  for (const [values, bars] of [
    [[], ''],
    [[0, 0], '▁▁'],
    [[1, 2, 3, 4, 5, 6, 7], '▂▃▄▅▆▇█'],
    [[0.001, 1_000_000], '▂█'],
    [[null, 5, null], ' █ '],
  ] as const)
    test(`of ${JSON.stringify(values)} is ${JSON.stringify(bars)}`, () => {
      assert.equal(sparkline(values), bars);
    });

  test('has the rate and the times of the last ten seconds where many jobs ended, else of all that it shows', () => {
    const few = statistics().history.seconds.slice(0, 1);
    const rare = { ...statistics(), history: { ...statistics().history, seconds: few } };

    assert.deepEqual(figures({ facts: factsSeen() }), [
      'ended /s 4.9 last minute',
      'failed /s 0',
      '95 % wait < 94 ms',
      '95 % run < 485 ms',
    ]);
    assert.deepEqual(figures({ facts: factsSeen({ statistics: rare }) }).slice(0, 2), [
      'ended /s 0.02 last minute',
      'failed /s 0.02',
    ]);
    assert.deepEqual(figures({}), ['ended /s 0 last minute', 'failed /s 0', '95 % wait -', '95 % run -']);
  });

  test('tells no time that no job can have taken', () => {
    const run = emptyHistogram();
    for (const ms of [62_000, 62_000]) addTime(run, ms);
    const slot = { ended: 2, failed: 0, wait: [], run: run.buckets };
    const history = withCounted(NO_HISTORY, slot, NOW - 10_000);
    const ended = { succeeded: 2, failed: 0, revoked: 0, expired: 0 };
    const tasks = [{ queue: 'default', task: 'long', ended, retried: 0, wait: emptyHistogram(), run }];
    const counted = { ...statistics(), tasks, history };

    assert.equal(figures({ facts: factsSeen({ statistics: counted }) }).at(-1), '95 % run < 1 m');
  });

  test('is never wider than there is room for, and goes back further by one key', () => {
    for (const columns of [40, 60, 79, 300])
      for (const ring of ['seconds', 'quarterMinutes', 'fiveMinutes'] as const)
        for (const { pieces } of curveLines({ ...stateOf({ facts: factsSeen() }), ring, nowMs: NOW }, columns))
          assert.ok(pieces.reduce((sum, { text }) => sum + text.length, 0) <= columns, `${columns} ${ring}`);
  });
});
