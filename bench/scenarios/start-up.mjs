/** How long a command takes from its start to its end. */
import { fsq, limit } from './scenario.mjs';

const BARE = 'node -e 0';

/** @type {import('./scenario.mjs').Scenario} */
export const scenario = {
  name: 'start-up',
  title: 'Start-up: from the start of a command to its end',
  figure: 'ms',
  unit: 'ms',
  isQuick: true,
  contestants: ({ isQuick }) => {
    const times = isQuick ? 3 : 10;
    return [
      limit(BARE, 'start-up', { command: 'node', times }),
      fsq('fsq call add 1 2', 'start-up', { command: 'call', times }),
      fsq('fsq worker --burst', 'start-up', { command: 'burst', times }),
      fsq("import 'fsq'", 'start-up', { command: 'import', times }),
    ];
  },
  targets: [
    {
      kind: 'difference',
      of: 'fsq call add 1 2',
      to: BARE,
      figure: 'ms',
      atMost: 60,
      unit: 'ms',
      text: 'fsq call: ≤ 60 ms over bare node',
    },
    {
      kind: 'difference',
      of: 'fsq worker --burst',
      to: BARE,
      figure: 'ms',
      atMost: 250,
      unit: 'ms',
      text: 'fsq worker --burst with one job: ≤ 250 ms over bare node',
    },
    {
      kind: 'difference',
      of: "import 'fsq'",
      to: BARE,
      figure: 'ms',
      atMost: 15,
      unit: 'ms',
      text: "import 'fsq': ≤ 15 ms over bare node",
    },
    { kind: 'ratio', of: 'fsq call add 1 2', to: BARE, figure: 'ms', atMost: 3, text: 'fsq call: ≤ 3 × bare node' },
  ],
};
