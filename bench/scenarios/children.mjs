/** More children than processors: what a job costs, and whether one waits for a busy child. */
import { fsq, jobsOf, limit } from './scenario.mjs';

const COUNTS = [1, 2, 4, 8, 16];
/** Of these counts also the bare loop: it warms up in each process too, and its renames wait for one another. */
const BARE_COUNTS = [2, 16];

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'children',
  title: 'Children 1, 2, 4, 8, 16: CPU of the whole worker for each of 10,000 no-op jobs',
  figure: 'cpuUs',
  unit: 'µs',
  contestants: (scale) => [
    ...COUNTS.map((children) =>
      fsq(`${children} children`, 'fsq-process', { jobs: jobsOf(scale, 10_000, 2_000), children }),
    ),
    ...BARE_COUNTS.map((children) =>
      limit(`bare loop in ${children}`, 'bare-process', { jobs: jobsOf(scale, 10_000, 2_000), children }),
    ),
    { ...fsq('behind a busy child', 'fsq-behind', { children: 4, busyMs: 3_000 }), figure: 'waitedMs', unit: 'ms' },
  ],
  targets: [
    {
      kind: 'ratio',
      of: '16 children',
      to: '2 children',
      figure: 'cpuUs',
      atMost: 1.5,
      text: 'CPU per job with 16 children ≤ 1.5 × that with 2',
    },
    {
      kind: 'value',
      of: 'behind a busy child',
      figure: 'waitedMs',
      atMost: 500,
      unit: 'ms',
      text: 'the longest that one of 200 short jobs waited beside a job of 3 s: ≤ 500 ms',
    },
  ],
};
