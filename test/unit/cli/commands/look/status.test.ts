import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Sighting } from '../../../../../src/broker/broker.ts';
import { type Counted, NO_HISTORY, withCounted } from '../../../../../src/broker/figures/history.ts';
import type { TaskFigures } from '../../../../../src/broker/statistics.ts';
import { emptyHistogram } from '../../../../../src/broker/figures/histogram.ts';
import { reportOf, type StatusFacts } from '../../../../../src/app/telling/status-report.ts';
import { statusText } from '../../../../../src/cli/commands/look/status-text.ts';
import { jobRecord } from '../../../../support/factory.ts';
import { owner } from '../../../../support/owner-info.ts';

const NONE = { pending: 0, delayed: 0, running: 0, results: 0, corrupt: 0 };

function facts(parts: Partial<StatusFacts> = {}): StatusFacts {
  return {
    place: '/spool',
    nowMs: 61_000,
    restoring: null,
    counts: NONE,
    backlog: { oldestAtMs: null, queues: {}, foreign: [] },
    longestWaitMs: 0,
    statistics: { sinceMs: null, history: NO_HISTORY, tasks: [], crashes: {}, restarts: 0 },
    failed: { jobs: 0, withinMs: 600_000, most: null },
    room: null,
    move: null,
    owners: [owner({})],
    paused: [],
    running: [],
    delayed: [],
    parkedReady: [],
    isAllRead: true,
    ...parts,
  };
}

function parked(task: string): Sighting {
  const job = jobRecord({ task });
  const record = {
    job,
    attempts: [],
    outcome: null,
    parked: { reason: 'no worker here knows it', sinceMs: 0 },
    kept: {},
  };
  return {
    id: job.id,
    state: 'delayed',
    standing: { priority: 5, queue: 'default', attempt: 0, crashes: 0 },
    dueAtMs: 1,
    startedAtMs: null,
    endedAtMs: null,
    owner: null,
    progress: null,
    location: '',
    record,
  };
}

describe('advice', () => {
  const adviceOf = (parts: Partial<StatusFacts>): string => reportOf(facts(parts)).advice.join('\n');

  test('names a process whose event loop does not turn, and none that was busy for a moment', () => {
    const blockedFor = (delayMs: number): string =>
      adviceOf({ owners: [owner({ pulse: { delayMs, isBlocked: true } })] });

    assert.match(blockedFor(7_900), /^Process 100 has not answered for 7 s or longer: .*`timeLimit`/);
    assert.equal(blockedFor(900), '');
  });

  test('is none where all is well', () => {
    assert.deepEqual(reportOf(facts({ counts: { ...NONE, pending: 5 } })).advice, []);
  });

  test('says how to start a worker when none runs, and how many jobs wait', () => {
    assert.equal(adviceOf({ owners: [] }), 'No worker is running. `fsq worker` starts one.');
    assert.match(adviceOf({ owners: [], counts: { ...NONE, pending: 1 } }), /^No worker is running and 1 job waits\./);
    assert.match(adviceOf({ owners: [], counts: { ...NONE, delayed: 2 } }), /and 2 jobs wait\./);
  });

  test('says which jobs are on their way to another place, and what goes on with it: no worker takes them', () => {
    const counts = { ...NONE, delayed: 2 };
    const stopped = { from: '/spool', to: '/a b', isGoing: false, ids: ['1', '2'] };
    const going = { from: '/other', to: '/spool', isGoing: true, ids: ['1'] };

    const { verdict, moving, advice } = reportOf(facts({ owners: [], counts, move: stopped }));

    assert.deepEqual(
      [verdict.code, verdict.text],
      ['unfinished-move', '2 jobs are on the way from /spool to /a b, and no process goes on with that'],
    );
    assert.deepEqual(moving, { from: '/spool', to: '/a b', isGoing: false, jobs: 2 });
    assert.deepEqual(advice, [
      "2 jobs are on the way to /a b: no process goes on with that, and nobody takes them before they have arrived: `fsq migrate --from /spool --to '/a b'` goes on.",
      'No worker is running. `fsq worker` starts one.',
    ]);
    assert.equal(reportOf(facts({ counts, move: going })).verdict.status, 'ok');
    assert.equal(
      adviceOf({ owners: [], counts, move: going }),
      '1 job is on the way here from /other: a process moves jobs at this moment.\nNo worker is running and 1 job waits. `fsq worker` starts one.',
    );
    assert.equal(adviceOf({ move: { ...stopped, ids: [] } }), '');
  });

  test('a job on its way is not late, however long ago it was due', () => {
    const late = { ...parked('add'), record: null };
    const move = { from: '/spool', to: '/other', isGoing: true, ids: [late.id] };

    assert.equal(reportOf(facts({ delayed: [late] })).verdict.code, 'late');
    assert.equal(reportOf(facts({ delayed: [late], move })).verdict.code, null);
  });

  test('sends to the log of a worker none of whose children is ready', () => {
    const [first, second] = [owner({ pid: 7, role: 'supervisor' }), owner({ pid: 9, role: 'supervisor' })];
    const orphan = owner({ pid: 10, parent: '3-0123456789abcdef' });
    const counts = { ...NONE, pending: 1 };

    assert.equal(
      adviceOf({ owners: [first], counts }),
      'A worker (pid 7) runs but none of its children is ready: see its log.',
    );
    assert.match(
      adviceOf({ owners: [first, second, orphan], counts }),
      /^2 workers \(pid 7, 9\) run but none of their children is ready: see their logs\.\n1 child of a worker that died/,
    );
    assert.equal(adviceOf({ owners: [first, owner({ pid: 8, parent: first.owner })], counts }), '');
  });

  test('names parked tasks with the nearest task that a worker knows', () => {
    const advice = adviceOf({
      owners: [owner({ tasks: ['add'] })],
      delayed: [parked('adn'), parked('adn'), parked('resize')],
    });

    assert.match(advice, /2 jobs of task adn are parked: no running worker knows it; did you mean add\?/);
    assert.match(advice, /1 job of task resize is parked: no running worker knows it\. Start one that does/);
  });

  test('is calm about a parked task that a worker knows by now', () => {
    assert.match(
      adviceOf({ owners: [owner({ tasks: ['add'] })], delayed: [parked('add')] }),
      /takes them within a minute/,
    );
  });

  test('names queues that no worker takes jobs from', () => {
    const backlog = { oldestAtMs: null, queues: { default: 1, mail: 3 }, foreign: [] };

    assert.match(
      adviceOf({ backlog, owners: [owner({ queues: ['default'] })] }),
      /^No running worker takes jobs of queue mail, where 3 jobs wait/,
    );
    assert.equal(adviceOf({ backlog, owners: [owner({ queues: ['default'] }), owner({ queues: null })] }), '');
  });

  test('tells dead processes from those that cannot be told', () => {
    const lost = [owner({ pid: 7, verdict: 'dead' }), owner({ pid: 8, verdict: 'unknown' })];

    assert.match(
      adviceOf({ owners: lost }),
      /1 process died; the next worker recovers what they held\.\nIt cannot be told whether 8-0123456789abcdef lives/,
    );
    assert.match(adviceOf({ owners: [...lost, owner({})] }), /a worker is recovering/);
  });

  test('names foreign files, escaped, and counts corrupt ones', () => {
    const foreign = ['hello\u001b[2J', 'b', 'c', 'd', 'e', 'f'];

    const advice = adviceOf({ backlog: { oldestAtMs: null, queues: {}, foreign }, counts: { ...NONE, corrupt: 2 } });

    assert.match(advice, /never runs: "hello\\u001b\[2J", "b", "c", "d", "e", …\./);
    assert.match(advice, /\/spool\/corrupt holds 2 files/);
  });
});

test('children are told with their supervisor; a runner without one stands for itself', () => {
  const { workers } = reportOf(
    facts({
      owners: [
        owner({ pid: 1, role: 'supervisor', queues: ['mail'] }),
        owner({ pid: 2, parent: '1-0123456789abcdef' }),
        owner({ pid: 3, parent: '1-0123456789abcdef', verdict: 'dead' }),
        owner({ pid: 4, role: 'consumer' }),
        owner({ pid: 5, parent: '99-0123456789abcdef' }),
      ],
    }),
  );

  assert.deepEqual(
    workers.map(({ pid, children }) => [pid, children]),
    [
      [1, [2]],
      [4, []],
    ],
  );
});

test('workers of several containers, each process 1 there, are told apart with their children', () => {
  const [one, two] = ['1-00000000000000aa', '1-00000000000000bb'];
  const { workers } = reportOf(
    facts({
      owners: [
        owner({ owner: one, pid: 1, role: 'supervisor' }),
        owner({ owner: two, pid: 1, role: 'supervisor' }),
        owner({ pid: 8, parent: one }),
        owner({ pid: 9, parent: two }),
      ],
    }),
  );

  assert.deepEqual(
    workers.map(({ children }) => children),
    [[8], [9]],
  );
});

test('a child that outlived its worker is no worker: it recovers nothing, and jobs that wait need one', () => {
  const { workers, orphans, advice, tasks } = reportOf(
    facts({
      counts: { ...NONE, pending: 1 },
      owners: [
        owner({ pid: 1, role: 'supervisor', verdict: 'dead' }),
        owner({ pid: 2, parent: '1-0123456789abcdef', tasks: ['add'] }),
        owner({ pid: 5, parent: '99-0123456789abcdef' }),
      ],
    }),
  );

  assert.deepEqual([workers, orphans, tasks], [[], [2, 5], []]);
  assert.deepEqual(advice, [
    'No worker is running and 1 job waits. `fsq worker` starts one.',
    '1 process died; the next worker recovers what they held.',
    '2 children of a worker that died (pid 2, 5) finish the jobs at hand and take no more.',
  ]);
});

test('what such a child runs does not wait for a worker, and what a dead process held does', () => {
  const [dead, orphan] = [owner({ pid: 4, verdict: 'dead' }), owner({ pid: 2, parent: '1-0123456789abcdef' })];
  const { advice } = reportOf(
    facts({
      counts: { ...NONE, running: 2, delayed: 1 },
      owners: [orphan, dead],
      running: [orphan, dead].map((holder) => ({ ...parked('add'), state: 'running', owner: holder.owner })),
    }),
  );

  assert.equal(advice[0], 'No worker is running and 2 jobs wait. `fsq worker` starts one.');
  assert.equal(advice.at(-1), '1 child of a worker that died (pid 2) finishes the jobs at hand and takes no more.');
});

test('a child is not taken for one without a worker where that cannot be told', () => {
  const { orphans } = reportOf(
    facts({
      owners: [
        owner({ pid: 1, role: 'supervisor', verdict: 'unknown' }),
        owner({ pid: 2, parent: '1-0123456789abcdef' }),
        owner({ pid: 3 }),
      ],
    }),
  );

  assert.deepEqual(orphans, []);
});

test('the text shows counts in one column, the oldest age, workers, tasks and advice', () => {
  const report = reportOf(
    facts({
      counts: { ...NONE, pending: 3, results: 1200 },
      backlog: { oldestAtMs: 1_000, queues: { default: 1, mail: 2 }, foreign: [] },
      longestWaitMs: 45_000,
      statistics: {
        sinceMs: 0,
        history: withCounted(NO_HISTORY, { ended: 12, failed: 2, wait: [], run: [] }, 30_000),
        tasks: [counts('add', 2)],
        crashes: {},
        restarts: 0,
      },
      owners: [
        owner({ pid: 1, role: 'supervisor', startedAtMs: 1_000 }),
        owner({ pid: 2, parent: '1-0123456789abcdef', tasks: ['add'] }),
      ],
      isAllRead: false,
    }),
  );

  assert.equal(
    statusText(report, 61_000),
    [
      'OK',
      'spool     /spool',
      '',
      'pending      3   the oldest waits 45 s',
      'delayed      0',
      'running      0',
      'results   1200',
      'corrupt      0',
      'failures  2 within the last hour, 2 within a day, 2 in all, as workers have counted',
      'queues    default 1, mail 2',
      'rate      12 jobs ended within the last minute, 2 failed',
      '',
      'workers   pid 1, 1 child (2), all queues, up 1 m',
      'tasks     add',
      'parked    only the first delayed jobs were read to find parked ones',
      '',
    ].join('\n'),
  );
});

test('the verdict is of all that was found: what waits, in queues that are not paused, late jobs, failures, deaths', () => {
  const late = { ...parked('add'), dueAtMs: 1_000, standing: { priority: 5, queue: 'b', attempt: 0, crashes: 0 } };
  const crashed = { ...late, state: 'running', standing: { ...late.standing, crashes: 1 } } as const;
  const codesOf = (parts: Partial<StatusFacts>): readonly string[] =>
    reportOf(facts({ nowMs: 70_000, ...parts })).verdict.problems.map(({ code }) => code);
  const backlog = { oldestAtMs: 1_000, queues: { a: 1, b: 2 }, foreign: [] };

  assert.deepEqual(codesOf({}), []);
  assert.deepEqual(codesOf({ backlog, owners: [] }), ['no-worker']);
  assert.deepEqual(codesOf({ backlog, longestWaitMs: 61_000 }), ['age']);
  assert.deepEqual(codesOf({ backlog, paused: ['a', 'b'], owners: [] }), ['paused']);
  assert.deepEqual(codesOf({ backlog, owners: [owner({ queues: ['a'] })] }), ['not-served']);
  assert.deepEqual(codesOf({ delayed: [late] }), ['late', 'parked']);
  assert.deepEqual(codesOf({ delayed: [late], paused: ['b'] }), ['parked']);
  assert.deepEqual(codesOf({ running: [crashed] }), ['crashes']);
  assert.deepEqual(codesOf({ failed: { jobs: 1, withinMs: 1, most: null } }), ['failed']);
});

test('of ready jobs that are all paused no waiting time is told: nobody looked for it', () => {
  const backlog = { oldestAtMs: 1_000, queues: { mail: 1 }, foreign: [] };
  const waits = { counts: { ...NONE, pending: 1 }, backlog };

  const paused = reportOf(facts({ ...waits, paused: ['mail'] }));
  assert.equal(paused.longestWaitMs, null);
  assert.match(statusText(paused, 61_000), /^pending +1$/m);
  assert.equal(reportOf(facts({ ...waits, longestWaitMs: 5 })).longestWaitMs, 5);
});

test('failures are told as workers have counted them, of the last hour, the last day and in all', () => {
  const nowMs = 1_000 * 86_400_000;
  const failed = (jobs: number): Counted => ({ ended: jobs, failed: jobs, wait: [], run: [] });
  let history = withCounted(NO_HISTORY, failed(2), nowMs - 7_200_000);
  history = withCounted(history, failed(3), nowMs - 60_000);
  const statistics = {
    sinceMs: 5,
    history,
    tasks: [counts('mail', 4), counts('resize', 52)],
    crashes: {},
    restarts: 0,
  };
  const report = reportOf(facts({ nowMs, statistics }));

  assert.deepEqual(report.failures, { lastHour: 3, lastDay: 5, ever: 56, sinceMs: 5 });
  assert.match(
    statusText(report, nowMs),
    /^failures +3 within the last hour, 5 within a day, 56 in all, as workers have counted$/m,
  );
  const well = reportOf(facts({ nowMs, statistics: { ...statistics, history: NO_HISTORY, tasks: [counts('x', 0)] } }));
  assert.match(statusText(well, nowMs), /^failures +none, as workers have counted$/m);
  assert.equal(reportOf(facts()).failures, null);
  assert.doesNotMatch(statusText(reportOf(facts()), nowMs), /^failures/m);
});

/** What workers have counted of a task. */
test('no longer time has fewer failures than a shorter one, whoever has counted them', () => {
  const failed = { jobs: 27, withinMs: 600_000, most: null };
  const statistics = { sinceMs: 1, history: NO_HISTORY, tasks: [counts('mail', 22)], crashes: {}, restarts: 0 };

  const { failures } = reportOf(facts({ failed, statistics }));

  assert.deepEqual(failures, { lastHour: 27, lastDay: 27, ever: 27, sinceMs: 1 });
});

function counts(task: string, failed: number): TaskFigures {
  const ended = { succeeded: 1, failed, revoked: 0, expired: 0 };
  return { queue: 'default', task, ended, retried: 0, wait: emptyHistogram(), run: emptyHistogram() };
}

test('a verdict holds nothing that a terminal obeys', () => {
  const most = { task: 'a\u001b]52;c;x', error: 'E\nWARNING' };
  const report = reportOf(facts({ failed: { jobs: 1, withinMs: 1, most } }));

  assert.match(statusText(report, 61_000), /^WARNING 1 failure within 1 ms: a\\u\{1b\}\]52;c;x E\\u\{a\}WARNING\n/);
});
