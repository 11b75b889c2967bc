/** Millions of jobs through one spool: what grows? */
import { fsq } from './scenario.mjs';

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'growth',
  title:
    'Ten million jobs through one spool, scaled down to 20 minutes at full rate: the last third of the time against the first',
  figure: 'jobs',
  unit: 'jobs',
  isLong: true,
  contestants: ({ seconds }) => [
    {
      ...fsq('fsq', 'fsq-balance', {
        seconds: seconds ?? 1_200,
        ttlMs: Math.min(30_000, (seconds ?? 1_200) * 100),
        children: 2,
      }),
      timeoutMs: 2_400_000,
    },
  ],
  targets: [
    { kind: 'value', of: 'fsq', figure: 'rateGrowth', atLeast: 0.9, unit: '×', text: 'rate: ≥ 0.9 ×' },
    { kind: 'value', of: 'fsq', figure: 'memoryGrowth', atMost: 1.1, unit: '×', text: 'memory: ≤ 1.1 ×' },
    { kind: 'value', of: 'fsq', figure: 'descriptorGrowth', atMost: 1.05, unit: '×', text: 'descriptors: ≤ 1.05 ×' },
    {
      kind: 'value',
      of: 'fsq',
      figure: 'directoryGrowth',
      atMost: 1.1,
      unit: '×',
      text: "the directories' own size: ≤ 1.1 ×",
    },
  ],
};
