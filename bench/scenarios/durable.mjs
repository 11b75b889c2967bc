/** With `fsync: true`: what a power cut may not lose. */
import { fsq, jobsOf, limit } from './scenario.mjs';

const BARE = '64 bare fsyncs side by side';

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'durable',
  title: 'fsync: true: enqueue 64 at once, delayMany of 10,000, process 5,000',
  figure: 'rate',
  unit: 'jobs/s',
  contestants: (scale) => [
    fsq('fsq, 64 at once', 'fsq-enqueue', {
      jobs: jobsOf(scale, 2_560, 640),
      mode: 'parallel',
      atOnce: 64,
      fsync: true,
    }),
    {
      ...limit(BARE, 'bare-fsync', { jobs: jobsOf(scale, 2_560, 640), atOnce: 64 }),
      env: { UV_THREADPOOL_SIZE: '64' },
    },
    limit('the same, 4 threads', 'bare-fsync', { jobs: jobsOf(scale, 2_560, 640), atOnce: 64 }),
    fsq('fsq, delayMany', 'fsq-enqueue', { jobs: jobsOf(scale, 10_000, 1_000), mode: 'bulk', fsync: true }),
    fsq('fsq, process', 'fsq-process', { jobs: jobsOf(scale, 5_000, 1_000), children: 2, fsync: true }),
  ],
  targets: [
    {
      kind: 'ratio',
      of: 'fsq, 64 at once',
      to: BARE,
      figure: 'rate',
      atLeast: 0.8,
      text: '64 at once: ≥ 80 % of 64 bare fsyncs side by side',
    },
    {
      kind: 'value',
      of: 'fsq, delayMany',
      figure: 'rate',
      atLeast: 3_000,
      unit: 'jobs/s',
      text: 'delayMany: ≥ 3,000 jobs/s',
    },
    {
      kind: 'value',
      of: 'fsq, process',
      figure: 'rate',
      atLeast: 2_000,
      unit: 'jobs/s',
      text: 'process: ≥ 2,000 jobs/s',
    },
  ],
};
