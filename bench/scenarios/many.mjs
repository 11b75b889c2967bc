/** Jobs that wait for something else most of their time, many at once. */
import { fsq, jobsOf, peers } from './scenario.mjs';

const FSQ = 'fsq, 2 children of 32 slots';

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'many',
  title: 'Run 10,000 waiting jobs that wait 10 ms each, 64 at once, results kept, no fsync',
  figure: 'rate',
  unit: 'jobs/s',
  contestants: (scale) => {
    const options = { jobs: jobsOf(scale, 10_000, 2_000), waitMs: 10 };
    return [
      fsq(FSQ, 'fsq-many', { ...options, children: 2, slots: 32, isSynced: !scale.isQuick }),
      ...peers(scale, 'process', { ...options, concurrency: 64 }, ['BullMQ']),
    ];
  },
  targets: [
    { kind: 'ratio', of: FSQ, to: 'BullMQ', figure: 'rate', atLeast: 0.8, text: '≥ 80 % of BullMQ with 64 at once' },
  ],
};
