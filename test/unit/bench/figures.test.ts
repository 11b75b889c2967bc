import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { judge, median, quantile, ratiosOf, regressions, summary } from '../../../bench/figures.mjs';

test('the median of an even number of values lies between the two in the middle, whatever their order', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([10, 1, 9, 2]), 5.5);
  assert.equal(Number.isNaN(median([])), true);
});

test('a quantile is a value that occurred', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);

  assert.equal(quantile(hundred, 0.5), 50);
  assert.equal(quantile(hundred, 0.99), 99);
  assert.equal(quantile([7], 0.99), 7);
});

test('a summary of nothing is null', () => {
  assert.equal(summary([]), null);
  assert.deepEqual(summary([3, 1, 2]), { median: 2, min: 1, max: 3, count: 3 });
});

const target = { kind: 'ratio', of: 'fsq', to: 'loop', figure: 'rate', atLeast: 0.6, text: '' } as const;

describe('a verdict', () => {
  test('is on the median of the ratios of each round, not on the ratio of the medians', () => {
    // The machine was ten times slower in the second round: 0.7, 0.7 and 0.5.
    const [judgement] = judge('process', [target], [runs('fsq', [700, 70, 500]), runs('loop', [1_000, 100, 1_000])]);

    assert.equal(judgement?.summary?.median, 0.7);
    assert.equal(judgement?.verdict, 'met');
  });

  test('is "missed" below `atLeast` and above `atMost`', () => {
    const results = [runs('fsq', [50]), runs('loop', [100])];

    const verdicts = judge('x', [target, { ...target, atLeast: 0.5 }, limited(0.4), limited(0.5)], results);

    assert.deepEqual(
      verdicts.map(({ verdict }) => verdict),
      ['missed', 'met', 'missed', 'met'],
    );
  });

  test('leaves out rounds in which one of the two is missing', () => {
    const [judgement] = judge('x', [target], [runs('fsq', [60, null, 90]), runs('loop', [100, 100, null])]);

    assert.deepEqual(judgement?.summary, { median: 0.6, min: 0.6, max: 0.6, count: 1 });
  });

  test('compares with the fastest of several, and with the quickest where less is better', () => {
    const results = [runs('fsq', [100]), runs('slow', [40]), runs('fast', [80]), missing('gone')];
    const to = ['gone', 'slow', 'fast'];

    const [rate, time] = judge(
      'x',
      [
        { ...target, to },
        { ...limited(9), to },
      ],
      results,
    );

    assert.deepEqual([rate?.against, rate?.summary?.median], ['fast', 1.25]);
    assert.deepEqual([time?.against, time?.summary?.median], ['slow', 2.5]);
  });

  test('is "unknown", with the reason, where the one to compare with is missing', () => {
    const [judgement] = judge('x', [target], [runs('fsq', [1]), missing('loop')]);

    assert.deepEqual([judgement?.verdict, judgement?.reason], ['unknown', 'loop: no compiler']);
  });

  test('may be on a difference or on a figure alone', () => {
    const results = [runs('fsq', [120, 110, 100]), runs('loop', [50, 60, 40])];
    const difference = { ...target, kind: 'difference', atMost: 60 } as const;
    const value = { kind: 'value', of: 'fsq', figure: 'rate', atLeast: 110, text: '' } as const;

    const judgements = judge('x', [difference, value], results);

    assert.deepEqual(
      judgements.map((judgement) => judgement.summary?.median),
      [60, 110],
    );
  });
});

describe('a regression', () => {
  const judged = (mine: number, over = {}) =>
    judge('x', [{ ...target, ...over }], [runs('fsq', [mine]), runs('loop', [100])]);
  const KEY = 'x: fsq rate / loop';

  test('is a ratio below half of the recorded one, not one that is a little worse', () => {
    assert.deepEqual(regressions(judged(31), { [KEY]: 0.6 }), []);
    assert.match(
      regressions(judged(29), { [KEY]: 0.6 }).join(),
      /^x: fsq rate \/ loop is 0\.29 at best, recorded was 0\.6$/,
    );
  });

  test('is a ratio above twice the recorded one where less is better', () => {
    const over = { atLeast: undefined, atMost: 1 };

    assert.equal(regressions(judged(119, over), { [KEY]: 0.6 }).length, 0);
    assert.equal(regressions(judged(121, over), { [KEY]: 0.6 }).length, 1);
  });

  test('is none while one round is as good as before', () => {
    const judgements = judge('x', [target], [runs('fsq', [20, 21, 31]), runs('loop', [100, 100, 100])]);

    assert.deepEqual(regressions(judgements, { [KEY]: 0.6 }), []);
  });

  test('is never a time, nor what was not recorded', () => {
    assert.deepEqual(regressions(judged(1, { kind: 'difference' }), { [KEY]: 1_000 }), []);
    assert.deepEqual(regressions(judged(1), {}), []);
  });

  test('is found again in what was recorded', () => {
    assert.deepEqual(ratiosOf(judged(61.234)), { [KEY]: 0.612 });
  });
});

function limited(atMost: number) {
  return { kind: 'ratio', of: 'fsq', to: 'loop', figure: 'rate', atMost, text: '' } as const;
}

function runs(name: string, rates: readonly (number | null)[]) {
  return { name, missing: null, rounds: rates.map((rate) => (rate === null ? null : { rate })) };
}

function missing(name: string) {
  return { name, missing: 'no compiler', rounds: [null] };
}
