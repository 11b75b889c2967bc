/** Many results awaited at once: by one process, and by many processes. */
import { fsq } from './scenario.mjs';

const FEW = 'one process, 1,000 results';
const ONE = 'one process, 10,000 results';
const MANY = '50 processes, 200 results each';

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'waiting',
  title: 'Waiting for results: 10,000 in one process, 200 in each of 50 processes',
  figure: 'cpuUs',
  unit: 'µs of CPU per result, of the callers',
  contestants: ({ jobs }) => [
    fsq(FEW, 'fsq-waiting', { processes: 1, results: Math.min(jobs ?? Infinity, 1_000) }),
    fsq(ONE, 'fsq-waiting', { processes: 1, results: jobs ?? 10_000 }),
    fsq(MANY, 'fsq-waiting', { processes: 50, results: Math.ceil((jobs ?? 10_000) / 50) }),
  ],
  targets: [
    {
      kind: 'ratio',
      of: ONE,
      to: FEW,
      figure: 'cpuUs',
      atMost: 1.5,
      text: '10,000: CPU per result ≤ 1.5 × that of 1,000',
    },
    { kind: 'value', of: ONE, figure: 'watches', atMost: 4, unit: 'watches', text: '10,000: no watch per result' },
    {
      kind: 'ratio',
      of: MANY,
      to: ONE,
      figure: 'cpuUs',
      atMost: 1.5,
      text: '50 processes: CPU per result ≤ 1.5 × that of one process',
    },
    {
      kind: 'value',
      of: MANY,
      figure: 'watches',
      atMost: 4,
      unit: 'watches',
      text: '50 processes: no watch per result',
    },
    {
      kind: 'value',
      of: ONE,
      figure: 'idlePercent',
      atMost: 1,
      unit: '% of a core',
      text: '10,000: waiting costs nothing until something comes',
    },
  ],
};
