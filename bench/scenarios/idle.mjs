/** A worker that has nothing to do. */

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'idle',
  title: 'Idle worker, 4 children',
  figure: 'corePercent',
  unit: '% of a core',
  isLong: true,
  contestants: () => [],
  targets: [],
};
