/** A child is killed in the middle of a job. */
import { fsq, jobsOf } from './scenario.mjs';

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'killed-child',
  title: 'Killed child: from SIGKILL to the next run of its job, 20 times, 2 children',
  figure: 'medianMs',
  unit: 'ms',
  contestants: (scale) => [fsq('fsq', 'fsq-killed-child', { times: jobsOf(scale, 20, 5), children: 2 })],
  targets: [{ kind: 'value', of: 'fsq', figure: 'medianMs', atMost: 200, unit: 'ms', text: 'median ≤ 200 ms' }],
};
