/** Jobs that wait already are run, their results kept. */
import { C_LOOP, fsq, IN_PROCESS_PEERS, jobsOf, limit, NODE_LOOP, peers } from './scenario.mjs';

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'process',
  title: 'Process 20,000 waiting no-op jobs, results kept, 2 children, no fsync',
  figure: 'rate',
  unit: 'jobs/s',
  isQuick: true,
  contestants: (scale) => {
    const jobs = jobsOf(scale, 20_000, 10_000);
    return [
      fsq('fsq', 'fsq-process', { jobs, children: 2, isSynced: !scale.isQuick }),
      limit(NODE_LOOP, 'bare-process', { jobs, isSynced: !scale.isQuick }),
      limit(C_LOOP, 'bare-process', { jobs, language: 'c', isSynced: !scale.isQuick }),
      ...peers(scale, 'process', { jobs }),
    ];
  },
  targets: [
    {
      kind: 'ratio',
      of: 'fsq',
      to: IN_PROCESS_PEERS,
      figure: 'rate',
      atLeast: 1.5,
      text: '≥ 1.5 × the fastest in-process peer',
    },
    {
      kind: 'ratio',
      of: 'fsq',
      to: 'BullMQ (sandboxed)',
      figure: 'rate',
      atLeast: 10,
      text: '≥ 10 × BullMQ sandboxed',
    },
    {
      kind: 'ratio',
      of: 'fsq on BullMQ',
      to: 'BullMQ (sandboxed)',
      figure: 'rate',
      atLeast: 1.5,
      text: 'fsq on BullMQ ≥ 1.5 × BullMQ sandboxed',
    },
    { kind: 'ratio', of: 'fsq', to: NODE_LOOP, figure: 'rate', atLeast: 0.6, text: '≥ 60 % of the bare loop' },
  ],
};
