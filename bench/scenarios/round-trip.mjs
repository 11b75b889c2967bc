/** How long one job takes from delay() to its value. */
import { fsq, jobsOf, limit, peers } from './scenario.mjs';

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'round-trip',
  title: 'Round trip of one job, idle worker of 4 children, 2,000 in sequence',
  figure: 'medianMs',
  unit: 'ms',
  isQuick: true,
  contestants: (scale) => {
    const jobs = jobsOf(scale, 2_000, 300);
    return [
      fsq('fsq', 'fsq-round-trip', { jobs, children: 4 }),
      limit('two watches', 'bare-round-trip', { jobs }),
      ...peers(scale, 'round-trip', { jobs }, ['bee-queue', 'BullMQ', 'BullMQ (sandboxed)', 'fsq on BullMQ']),
      ...peers(scale, 'round-trip', { jobs: Math.min(jobs, 20) }, ['Celery (files)']),
    ];
  },
  targets: [
    { kind: 'ratio', of: 'fsq', to: 'bee-queue', figure: 'medianMs', atMost: 1, text: "median ≤ bee-queue's" },
    { kind: 'ratio', of: 'fsq', to: 'bee-queue', figure: 'p99Ms', atMost: 1, text: "p99 ≤ bee-queue's" },
    {
      kind: 'ratio',
      of: 'fsq',
      to: 'two watches',
      figure: 'medianMs',
      atMost: 4,
      text: 'median ≤ 4 × two bare watches',
    },
    {
      kind: 'ratio',
      of: 'fsq on BullMQ',
      to: 'BullMQ (sandboxed)',
      figure: 'medianMs',
      atMost: 1.2,
      text: 'fsq on BullMQ ≤ 1.2 × BullMQ sandboxed',
    },
  ],
};
