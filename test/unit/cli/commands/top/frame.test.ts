import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test, { describe } from 'node:test';
import { frameLines } from '../../../../../src/cli/commands/top/frame.ts';
import { lineWidth } from '../../../../../src/cli/commands/top/screen/line.ts';
import { type Tab, TABS } from '../../../../../src/cli/commands/top/state.ts';
import { owner } from '../../../../support/owner-info.ts';
import {
  after,
  assertScreen,
  busy,
  factsSeen,
  failedJob,
  jobSeen,
  NOW,
  plainScreenOf,
  runningJob,
  screenOf,
  stateOf,
} from '../../../../support/top-screen.ts';

/** Goes to a tab by its number. */
function keyOf(tab: Tab): string {
  return String(TABS.indexOf(tab) + 1);
}

describe('the screen', () => {
  for (const columns of [60, 80, 120, 300])
    for (const hasColours of [false, true])
      test(`${columns} columns wide, ${hasColours ? 'in colours' : 'without colours'}, shows each tab as it is kept`, () => {
        const rows = columns === 60 ? 16 : 24;
        const screens = TABS.map((tab) =>
          screenOf(after(stateOf(busy(), { columns, rows }), keyOf(tab)).state, hasColours),
        );

        const text = screens.map((screen, i) => `──── ${TABS[i]}\n${screen}`).join('');

        assertScreen(`${columns}${hasColours ? '-colours' : ''}`, text);
      });

  test('of a spool that is new says what is missing, and how to go on', () => {
    const facts = factsSeen({ owners: [], running: { jobs: [], isAll: true } });
    const counts = { pending: 0, delayed: 0, running: 0, results: 0, corrupt: 0 };
    const counted = { atMs: NOW, counts, backlog: { oldestAtMs: null, queues: {}, foreign: [] } };
    const nothing = { jobs: [], isAll: true };

    const { state } = after(stateOf({ facts, counted, failed: nothing, pending: nothing, schedules: [] }), '6');

    assertScreen(
      'empty',
      `${screenOf({ ...state, tab: 'home' })}${screenOf(state)}${screenOf(after(state, '7').state)}`,
    );
  });

  test('before anything is known says that it looks', () => {
    assertScreen('looking', screenOf(stateOf()));
  });

  test('shows the help, a job, a question, a filter and marks as they are kept', () => {
    const start = after(stateOf(busy()), '5').state;
    const lines = ['id          0199f3c2-8d01', 'task        send-mail', `error       ${'long '.repeat(30)}`];
    const screens = [
      after(start, '?').state,
      after(start, 'enter', { kind: 'job', id: failedJob(1).id, lines }).state,
      after(start, 'x', 'x', 'R').state,
      after(after(stateOf(busy()), '2').state, 'K').state,
      after(start, '/', ...'image').state,
      after(start, '/', ...'image', 'enter', 'x').state,
      after(start, { kind: 'trouble', text: 'There is no spool at /srv/shop/spool.' }).state,
    ].map((state) => screenOf(state));

    assertScreen('modes', screens.join('────\n'));
  });

  for (const [columns, rows] of [
    [60, 10],
    [20, 5],
    [5, 2],
    [1, 1],
    [300, 100],
  ] as const)
    test(`of ${columns} columns and ${rows} rows is never larger than that, in any tab`, () => {
      for (const tab of TABS)
        for (const keys of [[], ['?'], ['/'], ['enter'], ['G'], ['K'], ['R']]) {
          const { state } = after(stateOf(busy(), { columns, rows }), keyOf(tab), ...keys);

          const screen = plainScreenOf(state).split('\n').slice(0, -1);

          assert.ok(screen.length <= rows, `${screen.length} rows in ${tab} after ${keys.join()}`);
          assert.ok(frameLines(state).length <= rows);
        }
    });

  test('obeys nothing that a job holds: names, errors and progress cannot move the cursor or set the clipboard', () => {
    const evil = '\u001b]52;c;aGk=\u0007\u009b2J\r\n\u202e';
    const known = {
      ...busy(),
      place: `/tmp/${evil}`,
      facts: factsSeen({
        running: { jobs: [runningJob(1, { task: evil, queue: evil, progress: evil })], isAll: true },
      }),
      failed: { jobs: [failedJob(1, { task: evil, error: evil })], isAll: true },
      trouble: evil,
    };

    for (const tab of TABS) {
      const { state } = after(
        stateOf(known),
        keyOf(tab),
        '/',
        ...evil,
        { kind: 'paste', text: evil },
        'escape',
        'enter',
        {
          kind: 'job',
          id: failedJob(1).id,
          lines: [evil],
        },
      );
      for (const shown of [
        state,
        after(state, 'escape', 'R').state,
        after(state, { kind: 'done', text: evil, isBad: true }).state,
      ])
        // eslint-disable-next-line no-control-regex -- control characters are what must not be there
        assert.doesNotMatch(plainScreenOf(shown).replaceAll('\n', ''), /[\u0000-\u001f\u007f-\u009f\u202e]/);
    }
  });

  test('cuts and pads by the cells that Japanese and emoji take', () => {
    const error = '画像が壊れている 🎉'.repeat(20);
    const { state } = after(stateOf({ failed: { jobs: [failedJob(1, { error }), failedJob(2)], isAll: true } }), '5');

    const widths = frameLines(state).map((line) => lineWidth(line));

    assert.ok(Math.max(...widths) <= 82, String(widths)); // Two blanks behind the last column are cut by the terminal's width.
    assert.match(plainScreenOf(state), /ERROR\n> send-mail {2}20 s ago .* 画像が壊れている 🎉画像が壊…\n/);
  });

  test('tells jobs apart whose ids begin alike, by a beginning that commands take', () => {
    const ids = ['7000-8', '7001-8', '7002-8'].map((part) => `0199f3c2-8d1e-${part}000-000000000000`);
    const rowsOf = (of: readonly string[]): readonly string[] => {
      const list = { jobs: of.map((id) => jobSeen(1, { id, state: 'delayed' })), isAll: true };
      const screen = plainScreenOf(after(stateOf({ ...busy(), delayed: list }, { columns: 120 }), '4').state);
      return [...screen.matchAll(/0199f3c2[0-9a-f-]*/g)].map(([id]) => id);
    };

    assert.deepEqual(rowsOf(ids), ['0199f3c2-8d1e-7000', '0199f3c2-8d1e-7001', '0199f3c2-8d1e-7002']);
    const alike = ['8aaa', '8bbb'].map((part) => `0199f3c2-8d1e-7000-${part}-000000000000`);
    assert.deepEqual(rowsOf(alike), ['0199f3c2-8d1e-7000-8aaa', '0199f3c2-8d1e-7000-8bbb']);
    const nearly = ['1', '2'].map((end) => `0199f3c2-8d1e-7000-8aaa-00000000000${end}`);
    assert.deepEqual(rowsOf(nearly), nearly);
  });

  for (const columns of [60, 80, 120])
    test(`of ${columns} columns shows the state of what failed, and counts no revoked job as failed`, () => {
      const failed = [failedJob(1), failedJob(2, { state: 'expired' }), failedJob(3, { state: 'revoked' })];
      const known = { ...busy(), failed: { jobs: failed, isAll: true } };
      const of = (key: string): readonly string[] =>
        plainScreenOf(after(stateOf(known, { columns, rows: 30 }), key).state).split('\n');

      const states = of('5').flatMap((row) => /ago +(failed|expired|revoked)/.exec(row)?.[1] ?? []);
      assert.deepEqual(states, ['failed', 'expired', 'revoked']);
      assert.ok(of('5').some((row) => row.trim() === 'revoked'));
      assert.equal(of('1').join('\n').includes('revoked'), false);
      if (columns > 60) assert.match(of('1')[0] ?? '', /failed 2 /);
    });

  test('counts workers that live, however many children they have', () => {
    const worker = owner({ pid: 100, role: 'supervisor' });
    const children = [101, 102, 103].map((pid) => owner({ pid, parent: worker.owner }));
    const dead = owner({ pid: 200, role: 'supervisor', verdict: 'dead' });
    const facts = factsSeen({ owners: [worker, ...children, dead] });
    const screen = plainScreenOf(after(stateOf({ ...busy(), facts }, { columns: 120 }), '3').state).split('\n');

    assert.match(screen[0] ?? '', /workers 1 /);
    assert.match(screen.find((row) => row.includes('default ')) ?? '', / 1$/);
  });

  test('never loses the keys for help and the way out, however narrow it is', () => {
    for (const columns of [20, 30, 60])
      assert.match(plainScreenOf(after(stateOf(busy(), { columns }), '5').state), /\? help {2}q quit\n$/);
  });
});

test('the picture in docs/cli.md is the home screen', () => {
  const docs = readFileSync(new URL('../../../../../docs/cli.md', import.meta.url), 'utf8');

  const screen = plainScreenOf(stateOf(busy(), { columns: 120, rows: 21 }));

  assert.ok(docs.includes(`\`\`\`text\n${screen}\`\`\``), screen);
});
