/** As many outcomes expire as jobs arrive, for minutes. */
import { fsq } from './scenario.mjs';

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'balance',
  title: 'In balance: as many outcomes expire as jobs arrive, 5 minutes at full rate, 2 children, no fsync',
  figure: 'balancedRate',
  unit: 'jobs/s',
  isLong: true,
  contestants: ({ seconds }) => [
    {
      ...fsq('fsq', 'fsq-balance', {
        seconds: seconds ?? 300,
        ttlMs: Math.min(30_000, (seconds ?? 300) * 250),
        children: 2,
      }),
      timeoutMs: 1_200_000,
    },
  ],
  targets: [
    {
      kind: 'ratio',
      of: 'fsq',
      to: 'fsq',
      figure: 'enqueueRate',
      toFigure: 'freshEnqueueRate',
      atLeast: 0.8,
      text: 'enqueue: ≥ 80 % of the fresh spool',
    },
    {
      kind: 'ratio',
      of: 'fsq',
      to: 'fsq',
      figure: 'balancedRate',
      toFigure: 'freshRate',
      atLeast: 0.8,
      text: 'enqueue and process together: ≥ 80 % of the fresh spool',
    },
    {
      kind: 'value',
      of: 'fsq',
      figure: 'rateGrowth',
      atLeast: 0.9,
      unit: '×',
      text: 'flat: the last third ≥ 0.9 × the first',
    },
  ],
};
