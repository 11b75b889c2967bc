/** Arguments and results that are not small. */
import { fsq, limit } from './scenario.mjs';

const SIZES = [
  { words: '10 KB', bytes: 10_000, jobs: 2_000 },
  { words: '1 MB', bytes: 1_000_000, jobs: 100 },
];

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'payloads',
  title: 'Arguments and results of 10 KB and of 1 MB, no fsync',
  figure: 'rate',
  unit: 'jobs/s',
  contestants: (scale) =>
    SIZES.flatMap(({ words, bytes, jobs: full }) => {
      const jobs = Math.min(full, scale.jobs ?? full);
      return [
        fsq(`fsq, enqueue ${words}`, 'fsq-enqueue', { jobs, bytes, mode: 'one' }),
        limit(`bare loop, enqueue ${words}`, 'bare-enqueue', { jobs, bytes }),
        limit(`the same with JSON, enqueue ${words}`, 'bare-enqueue', { jobs, bytes, isJson: true }),
        fsq(`fsq, process ${words}`, 'fsq-process', { jobs, bytes, children: 2 }),
        limit(`bare loop, process ${words}`, 'bare-process', { jobs, bytes }),
        limit(`the same with JSON, process ${words}`, 'bare-process', { jobs, bytes, isJson: true }),
      ];
    }),
  targets: SIZES.flatMap(({ words }) =>
    ['enqueue', 'process'].map((what) => ({
      kind: /** @type {const} */ ('ratio'),
      of: `fsq, ${what} ${words}`,
      to: `bare loop, ${what} ${words}`,
      figure: 'rate',
      atLeast: 1 / 1.3,
      text: `${what} ${words}: at most 1.3 × the time of the bare loop (≥ 0.77 × its rate)`,
    })),
  ),
};
