/** Jobs are accepted, in three ways. */
import { fsq, jobsOf, limit, NODE_LOOP, peers } from './scenario.mjs';

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'enqueue',
  title: 'Enqueue 10,000 jobs in a new spool, no fsync',
  figure: 'rate',
  unit: 'jobs/s',
  isQuick: true,
  contestants: (scale) => {
    const jobs = jobsOf(scale, 10_000, 2_000);
    const modes = /** @type {const} */ (['one', 'parallel', 'bulk']);
    return [
      ...modes.map((mode) => fsq(`fsq, ${WORDS[mode]}`, 'fsq-enqueue', { jobs, mode })),
      limit(NODE_LOOP, 'bare-enqueue', { jobs }),
      ...modes.flatMap((mode) =>
        peers(scale, 'enqueue', { jobs, mode }, ['bee-queue', 'BullMQ', 'plainjob']).map((peer) => ({
          ...peer,
          name: `${peer.name}, ${WORDS[mode]}`,
        })),
      ),
    ];
  },
  targets: [
    {
      kind: 'ratio',
      of: 'fsq, one at a time',
      to: NODE_LOOP,
      figure: 'rate',
      atLeast: 0.5,
      text: 'one at a time: ≥ 50 % of the bare loop',
    },
    {
      kind: 'ratio',
      of: 'fsq, 500 at once',
      to: NODE_LOOP,
      figure: 'rate',
      atLeast: 0.6,
      text: '500 at once: ≥ 60 % of the bare loop',
    },
    {
      kind: 'ratio',
      of: 'fsq, all in one call',
      to: NODE_LOOP,
      figure: 'rate',
      atLeast: 0.75,
      text: 'all in one call: ≥ 75 % of the bare loop',
    },
  ],
};

const WORDS = { one: 'one at a time', parallel: '500 at once', bulk: 'all in one call' };
