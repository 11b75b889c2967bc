/** A producer and a worker at the same time. */
import { fsq, IN_PROCESS_PEERS, jobsOf, peers } from './scenario.mjs';

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'end-to-end',
  title: 'End to end: 20,000 jobs, producer and worker together, no fsync',
  figure: 'rate',
  unit: 'jobs/s',
  contestants: (scale) => {
    const jobs = jobsOf(scale, 20_000, 5_000);
    return [fsq('fsq', 'fsq-end-to-end', { jobs, children: 2 }), ...peers(scale, 'end-to-end', { jobs })];
  },
  targets: [
    {
      kind: 'ratio',
      of: 'fsq',
      to: IN_PROCESS_PEERS,
      figure: 'rate',
      atLeast: 1,
      text: '≥ the fastest in-process peer',
    },
  ],
};
