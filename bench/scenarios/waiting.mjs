/** Many results awaited at once: by one process, and by many processes. */

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'waiting',
  title: 'Waiting for results: 10,000 in one process, 200 in each of 50 processes',
  figure: 'cpuUs',
  unit: 'µs of CPU per result',
  contestants: () => [],
  targets: [],
};
