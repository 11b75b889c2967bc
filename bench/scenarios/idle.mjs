/** A worker that has nothing to do. */
import { fsq, limit } from './scenario.mjs';

const BARE = 'bare forked Node';
const FEW = 'fsq, fsync, 10 jobs a second';
const SECONDS = 600;

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'idle',
  title: 'Idle worker, 4 children, 10 minutes',
  figure: 'corePercent',
  unit: '% of a core',
  isLong: true,
  contestants: ({ seconds }) => {
    const minutes = (seconds ?? SECONDS) / 60;
    const timeoutMs = (minutes + 2) * 60_000;
    return [
      { ...fsq('fsq', 'fsq-idle', { children: 4, minutes }), timeoutMs },
      {
        ...fsq(FEW, 'fsq-idle', { children: 4, minutes: Math.min(minutes, 1), perSecond: 10, fsync: true }),
        timeoutMs,
      },
      { ...limit(BARE, 'bare-idle', { children: 4, minutes: Math.min(minutes, 0.1) }), timeoutMs },
    ];
  },
  targets: [
    { kind: 'value', of: 'fsq', figure: 'corePercent', atMost: 0.2, unit: '% of a core', text: '≤ 0.2 % of a core' },
    {
      kind: 'difference',
      of: 'fsq',
      to: BARE,
      figure: 'childRssMb',
      atMost: 10,
      unit: 'MB',
      text: 'RSS per child within 10 MB of a bare forked Node',
    },
  ],
};
