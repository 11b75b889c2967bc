import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { chosenRows } from '../../../../../src/cli/commands/top/actions.ts';
import { wantedBy } from '../../../../../src/cli/commands/top/model.ts';
import type { State } from '../../../../../src/cli/commands/top/state.ts';
import {
  after,
  busy,
  factsSeen,
  failedJob,
  idOf,
  jobSeen,
  plainScreenOf,
  runningJob,
  stateOf,
} from '../../../../support/top-screen.ts';

/** Many failed jobs, on their tab. */
function manyFailed(count = 100, size = {}): State {
  const jobs = Array.from({ length: count }, (_, i) =>
    failedJob(i, { task: `task-${i}`, id: `0199f3c2-${String(i).padStart(4, '0')}-7000-8000-000000000000` }),
  );
  return after(stateOf({ ...busy(), failed: { jobs, isAll: true } }, size), '5').state;
}

/** The task of the row under the cursor. */
function current(state: State): string | undefined {
  return /^>.?(\S+)/m.exec(plainScreenOf(state))?.[1];
}

describe('moving', () => {
  for (const [keys, task] of [
    [['j'], 'task-1'],
    [['down', 'down', 'up'], 'task-1'],
    [['k'], 'task-0'],
    [['G'], 'task-99'],
    [['G', 'j'], 'task-99'],
    [['end', 'home'], 'task-0'],
    [['pagedown'], 'task-20'],
    [['pagedown', 'pagedown', 'pageup'], 'task-20'],
    [['G', 'pageup'], 'task-79'],
    [['pageup'], 'task-0'],
  ] as const)
    test(`${keys.join(' ')} leads to ${task}, which is in view`, () => {
      assert.equal(current(after(manyFailed(), ...keys).state), task);
    });

  test('the cursor stays in view at every step down and up, on any size, below the headings', () => {
    for (const rows of [4, 5, 10, 24]) {
      let state = manyFailed(30, { rows });
      for (const key of [...Array.from({ length: 30 }, () => 'j'), ...Array.from({ length: 30 }, () => 'k')]) {
        state = after(state, key).state;
        assert.notEqual(current(state), undefined, `${rows} rows:\n${plainScreenOf(state)}`);
        if (rows > 4) assert.match(plainScreenOf(state), /^ {2}TASK/m);
      }
    }
  });

  test('the cursor stays on its job when others come before it, and where it was when its job goes', () => {
    const state = after(manyFailed(5), 'j', 'j').state;
    const jobs = state.known.failed?.jobs ?? [];
    const list = (now: typeof jobs): { kind: 'list'; name: 'failed'; list: { jobs: typeof jobs; isAll: boolean } } => ({
      kind: 'list',
      name: 'failed',
      list: { jobs: now, isAll: true },
    });

    assert.equal(current(after(state, list([failedJob(90), ...jobs])).state), 'task-2');
    assert.equal(current(after(state, list(jobs.filter(({ task }) => task !== 'task-2'))).state), 'task-3');
    assert.equal(current(after(state, list([])).state), undefined);
  });

  test('tabs go round, by number, letter, arrow and Tab, and only what they show is looked at', () => {
    const tabOf = (...keys: readonly string[]): string => after(stateOf(busy()), ...keys).state.tab;

    assert.deepEqual(
      [tabOf('3'), tabOf('l'), tabOf('h'), tabOf('tab', 'right'), tabOf('backtab'), tabOf('7', 'tab'), tabOf('9')],
      ['queues', 'running', 'schedules', 'queues', 'schedules', 'home', 'home'],
    );
    assert.deepEqual(wantedBy(after(stateOf(), '2').state), { lists: [], job: null });
    assert.deepEqual(wantedBy(after(stateOf(), '5').state), { lists: ['failed'], job: null });
    assert.deepEqual(wantedBy(after(stateOf(busy()), '5', 'enter').state), { lists: ['failed'], job: idOf(1) });
  });
});

describe('a filter', () => {
  test('narrows at each letter, by id, task, queue, state and error, whatever the case', () => {
    for (const [text, tasks] of [
      ['RESIZE', ['resize-image']],
      ['no picture', ['resize-image']],
      ['8d03', ['send-mail']],
      ['expired', ['send-mail']],
      ['nothing like it', []],
    ] as const) {
      const { state } = after(stateOf(busy()), '5', '/', ...text);
      const shown = [...plainScreenOf(state).matchAll(/^[> ] (send-mail|resize-image)/gm)].map(([, task]) => task);

      assert.deepEqual(shown, tasks, text);
    }
  });

  test('is kept by Enter, as before after Esc, shorter after a backspace, and gone after Esc on the rows', () => {
    const filterOf = (...keys: readonly string[]): string =>
      after(stateOf(busy()), '5', '/', ...keys).state.places.failed.filter;

    assert.equal(filterOf('a', 'b', 'enter'), 'ab');
    assert.equal(filterOf('a', 'enter', '/', 'b', 'escape'), 'a');
    assert.equal(filterOf('a', 'b', 'backspace'), 'a');
    assert.equal(filterOf('日', '🎉', 'backspace'), '日');
    assert.equal(filterOf('a', 'b', 'ctrl-u', 'c'), 'c');
    assert.equal(filterOf('q', '?', '1', 'enter', 'escape'), '');
  });

  test('takes what is pasted; elsewhere that does nothing', () => {
    const paste = { kind: 'paste', text: 'Ry\nx' } as const;

    assert.equal(after(stateOf(busy()), '5', '/', paste).state.places.failed.filter, 'Ry x');
    const elsewhere = after(stateOf(busy()), '5', paste);
    assert.deepEqual(
      [elsewhere.state.places.failed.filter, elsewhere.state.mode.kind, elsewhere.effects],
      ['', 'rows', []],
    );
  });
});

describe('changing', () => {
  const act = (kind: string, ...ids: readonly number[]): object => ({ kind: 'act', act: { kind, ids: ids.map(idOf) } });

  for (const [name, keys, effects] of [
    ['R and y retry the job under the cursor', ['5', 'R', 'y'], [act('retry', 1)]],
    ['marked jobs are retried together', ['5', 'x', 'x', 'R', 'y'], [act('retry', 1, 2)]],
    ['a mark goes when it is set again', ['5', 'x', 'k', 'x', 'j', 'R', 'y'], [act('retry', 3)]],
    [
      'all that a filter shows are marked, and no other',
      ['5', '/', ...'send', 'enter', 'a', 'R', 'y'],
      [act('retry', 1, 3)],
    ],
    ['marks behind a filter are not acted on', ['5', 'a', '/', ...'resize', 'enter', 'R', 'y'], [act('retry', 2)]],
    ['any other key changes nothing', ['5', 'R', 'n'], []],
    ['nor does Enter, which a finger presses of itself', ['5', 'R', 'enter'], []],
    ['D forgets', ['5', 'D', 'y'], [act('forget', 1)]],
    ['K asks a running job to end', ['2', 'K', 'y'], [act('revoke', 2)]],
    ['or kills it', ['2', 'K', 'k'], [act('kill', 2)]],
    ['a waiting job can only be revoked', ['4', 'K', 'k'], []],
    ['K revokes a delayed job', ['4', 'K', 'y'], [act('revoke', 5)]],
    ['an ended job is not revoked', ['5', 'K', 'y'], []],
    ['a running job is neither retried nor forgotten', ['2', 'R', 'y', 'D', 'y'], []],
    ['P pauses a queue', ['3', 'P', 'y'], [{ kind: 'act', act: { kind: 'pause', queues: ['default'] } }]],
    [
      'and resumes one that is paused',
      ['3', 'j', 'P', 'y'],
      [{ kind: 'act', act: { kind: 'resume', queues: ['mail'] } }],
    ],
    [
      'of several, those that go on are paused',
      ['3', 'x', 'x', 'P', 'y'],
      [{ kind: 'act', act: { kind: 'pause', queues: ['default'] } }],
    ],
    [
      'P pauses a schedule',
      ['7', 'P', 'y'],
      [{ kind: 'act', act: { kind: 'pause-schedules', schedules: [{ name: 'nightly', pattern: '0 3 * * * UTC' }] } }],
    ],
    ['N sends a job of a schedule', ['7', 'N', 'y'], [{ kind: 'send', schedules: ['nightly'] }]],
    ['but not of one that is not configured here', ['7', 'j', 'N', 'y'], []],
    ['the open job is the one that is meant, whatever is marked', ['5', 'x', 'enter', 'R', 'y'], [act('retry', 2)]],
    ['q quits', ['q'], [{ kind: 'quit', code: 0 }]],
    ['and Ctrl-C, also in the middle of a filter', ['5', '/', 'ctrl-c'], [{ kind: 'quit', code: 130 }]],
    ['Ctrl-Z suspends', ['ctrl-z'], [{ kind: 'suspend' }]],
  ] as const)
    test(name, () => {
      assert.deepEqual(after(stateOf(busy()), ...keys).effects, effects);
    });

  test('lower-case keys change nothing, on any tab', () => {
    for (const tab of '1234567')
      for (const key of 'abcdefghijklmnoprstuvwxyz')
        assert.deepEqual(after(stateOf(busy()), tab, key).effects, [], `${tab} ${key}`);
  });

  test('each question says what and how many, and what came of it stands there until the next key', () => {
    const question = (...keys: readonly string[]): string | undefined =>
      plainScreenOf(after(stateOf(busy()), ...keys).state)
        .trimEnd()
        .split('\n')
        .at(-1);

    assert.equal(question('5', 'R'), ' Send send-mail 0199f3c2-8d01-7000 back, to run again?  y yes  other keys no');
    assert.equal(question('5', 'a', 'D'), ' Forget 3 jobs, with outcome and log?  y yes  other keys no');
    assert.equal(question('3', 'P'), ' Pause queue default, until it is resumed?  y yes  other keys no');
    assert.equal(question('3', 'j', 'P'), ' Resume queue mail?  y yes  other keys no');
    assert.equal(question('7', 'N'), ' Send a job of schedule nightly now?  y yes  other keys no');
    assert.equal(question('5', 'R', 'n'), ' Nothing was changed.');
    assert.equal(question('5', 'K'), ' K does nothing here; R retry, D forget');
    const { state } = after(stateOf(busy()), '5', 'R', 'y', { kind: 'done', text: '1 job sent back', isBad: false });
    assert.match(plainScreenOf(state), / 1 job sent back\n$/);
    assert.match(plainScreenOf(after(state, 'j').state), /q quit\n$/);
  });

  test('marks are of one tab, and gone after they were acted on', () => {
    assert.equal(after(stateOf(busy()), '5', 'a', '4', '5').state.marked.size, 0);
    assert.equal(after(stateOf(busy()), '5', 'a', 'R', 'y').state.marked.size, 0);
    assert.equal(after(stateOf(busy()), '5', 'a', 'R', 'n').state.marked.size, 3);
  });
});

describe('opening', () => {
  test('a queue or a worker shows what runs of it', () => {
    const running = [runningJob(1), runningJob(2, { queue: 'mail', owner: '999-0123456789abcdef' })];
    const state = stateOf({ ...busy(), facts: factsSeen({ running: { jobs: running, isAll: true } }) });
    const shown = (...keys: readonly string[]): readonly (string | undefined)[] =>
      chosenRows(after(state, ...keys, 'a').state).map(({ key }) => key);

    assert.deepEqual(shown('3', 'j', 'enter'), [`job:${idOf(2)}`]);
    assert.deepEqual(shown('6', 'enter'), [`job:${idOf(1)}`]);
  });

  test('a job scrolls to its end and not further, and Esc leads back to its row', () => {
    const lines = Array.from({ length: 60 }, (_, i) => `line ${i}`);
    const open = after(stateOf(busy()), '5', 'j', 'enter', { kind: 'job', id: idOf(2), lines }).state;

    assert.match(plainScreenOf(after(open, 'G', 'j').state), /line 39\n[^]* line 59\n Enter|line 39\n[^]* line 59\n /);
    assert.match(plainScreenOf(after(open, 'G', 'k').state), / line 38\n[^]* line 58\n/);
    assert.match(plainScreenOf(after(open, 'pagedown').state), / line 20\n/);
    assert.equal(current(after(open, 'G', 'escape').state), 'resize-image');
  });

  test('what is told of another job than the open one is not shown', () => {
    const open = after(stateOf(busy()), '5', 'enter', { kind: 'job', id: idOf(2), lines: ['of another'] }).state;

    assert.match(plainScreenOf(open), /Looking …/);
    assert.match(
      plainScreenOf(after(open, { kind: 'job', id: idOf(1), lines: null }).state),
      /There is no such job any more/,
    );
  });

  test('a schedule opens its last job, and one without any stays where it is', () => {
    assert.deepEqual(after(stateOf(busy()), '7', 'enter').state.mode, {
      kind: 'job',
      id: idOf(9),
      lines: undefined,
      top: 0,
    });
    assert.deepEqual(after(stateOf(busy()), '7', 'j', 'enter').state.mode, { kind: 'rows' });
  });
});

test('a spool that vanishes is told above all, and what was seen stays, until it is back', () => {
  const gone = after(stateOf(busy()), '5', { kind: 'trouble', text: 'There is no spool at /srv/shop/spool.' }).state;

  assert.match(plainScreenOf(gone), /As of \d+ ms ago\. There is no spool[^]*resize-image/);
  assert.doesNotMatch(plainScreenOf(after(gone, { kind: 'facts', facts: factsSeen() }).state), /no spool/);
  assert.doesNotMatch(plainScreenOf(after(gone, { kind: 'trouble', text: null }).state), /no spool/);
});

test('no order of keys throws, or loses a row of the screen', () => {
  const keys = [
    'j',
    'k',
    'G',
    'g',
    'x',
    'a',
    '/',
    'enter',
    'escape',
    '?',
    'R',
    'K',
    'P',
    'y',
    'tab',
    '3',
    '7',
    'pagedown',
    't',
  ];
  let state = stateOf({ ...busy(), pending: { jobs: [jobSeen(3, { attempt: 0 })], isAll: true } }, { rows: 10 });
  let seed = 20_260_301;
  for (let i = 0; i < 2_000; i++) {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    const key = keys[seed % keys.length] ?? 'j';
    state = after(state, key).state;
    assert.equal(plainScreenOf(state).split('\n').length, 11, `after ${i} keys, the last ${key}`);
  }
});
