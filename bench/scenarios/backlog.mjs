/** How much a long queue slows the worker down. */
import { fsq, limit } from './scenario.mjs';

const SIZES = [1_000, 10_000, 100_000, 1_000_000];
/** Of a long backlog only the first are run: what counts is how many wait behind them. */
const MOST = 20_000;

const nameOf = (backlog) => `fsq, ${backlog.toLocaleString('en-US')}`;
const bareOf = (backlog) => `bare loop, ${backlog.toLocaleString('en-US')}`;

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'backlog',
  title:
    'Backlog of 1,000 to 1,000,000 waiting jobs, synced to disk first: the first 20,000 at most, 2 children, no fsync',
  figure: 'rate',
  unit: 'jobs/s',
  contestants: (scale) =>
    SIZES.filter((backlog) => backlog <= (scale.jobs ?? Infinity)).flatMap((backlog) => {
      const options = { backlog, jobs: Math.min(backlog, MOST), children: 2 };
      const isOnce = backlog > 100_000; // Making the files takes minutes.
      return [
        { ...fsq(nameOf(backlog), 'fsq-backlog', options), isOnce, timeoutMs: 1_800_000 },
        { ...limit(bareOf(backlog), 'bare-process', options), isOnce, timeoutMs: 1_800_000 },
      ];
    }),
  targets: [
    ...SIZES.map((backlog) => ({
      kind: /** @type {const} */ ('ratio'),
      of: nameOf(backlog),
      to: bareOf(backlog),
      figure: 'rate',
      atLeast: 0.6,
      text: `${backlog.toLocaleString('en-US')} waiting: ≥ 60 % of the bare loop`,
    })),
    {
      kind: 'ratio',
      of: nameOf(100_000),
      to: nameOf(1_000),
      figure: 'rate',
      atLeast: 0.8,
      text: '100,000 waiting: ≥ 80 % of the rate with 1,000',
    },
    {
      kind: 'value',
      of: nameOf(1_000_000),
      figure: 'grownMb',
      atMost: 200,
      unit: 'MB',
      text: "1,000,000 waiting: the worker's memory ≤ 200 MB over its idle size",
    },
  ],
};
