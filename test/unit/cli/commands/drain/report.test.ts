import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Stuck } from '../../../../../src/cli/commands/drain/left.ts';
import { exitCodeOf, placeIn, type RunEnd } from '../../../../../src/cli/commands/drain/report.ts';
import { inline, summaryText } from '../../../../../src/cli/commands/drain/summary.ts';
import type { TaskCounts } from '../../../../../src/cli/commands/drain/tally.ts';
import { report, trouble } from './fixtures.ts';

const counts = (parts: Partial<TaskCounts> = {}): TaskCounts => ({
  task: 'send',
  succeeded: 0,
  failed: 0,
  revoked: 0,
  expired: 0,
  ms: 0,
  ...parts,
});
const stuck = (reason: Stuck['reason'], of = ''): Stuck => ({ reason, of, jobs: 1 });

describe('a drain exits', () => {
  const done: RunEnd = { kind: 'done' };
  for (const [code, why, facts] of [
    [0, 'with nothing to do', {}],
    [0, 'when all succeeded', { tasks: [counts({ succeeded: 3 })] }],
    [0, 'when what is left is meant for later', { stuck: [stuck('waiting')] }],
    [1, 'when a job failed', { tasks: [counts({ succeeded: 3, failed: 1, revoked: 1 })], stuck: [stuck('parked')] }],
    [1, 'when a job failed that only the worker knows', { hasFailedJob: true }],
    [1, 'when a job failed and waits for another attempt', { stuck: [stuck('retrying')] }],
    [3, 'when a task is unknown', { stuck: [stuck('parked', 'x')], tasks: [counts({ revoked: 1 })] }],
    [3, 'when a queue is paused', { stuck: [stuck('paused', 'mail')] }],
    [3, 'when a process may hold jobs for ever', { stuck: [stuck('unproved', '9-z')] }],
    [4, 'when a job was revoked', { tasks: [counts({ succeeded: 1, revoked: 1 })] }],
    [4, 'when a job has expired', { tasks: [counts({ expired: 1 })] }],
    [1, 'when it ended at the first failure', { end: { kind: 'failed-fast' }, tasks: [counts({ failed: 1 })] }],
    [124, 'when the time was over, whatever failed', { end: { kind: 'timeout' }, tasks: [counts({ failed: 1 })] }],
    [130, 'by SIGINT', { end: { kind: 'signal', signal: 'SIGINT' }, tasks: [counts({ failed: 1 })] }],
    [143, 'by SIGTERM', { end: { kind: 'signal', signal: 'SIGTERM' } }],
    [129, 'by SIGHUP', { end: { kind: 'signal', signal: 'SIGHUP' } }],
    [131, 'by SIGQUIT', { end: { kind: 'signal', signal: 'SIGQUIT' } }],
    [
      75,
      'as the worker that could not go on',
      { end: { kind: 'problem', exitCode: 75 }, tasks: [counts({ failed: 1 })] },
    ],
  ] as const)
    test(`${code} ${why}`, () => {
      assert.equal(exitCodeOf({ tasks: [], stuck: [], end: done, hasFailedJob: false, ...facts }), code);
    });
});

test('a place is taken apart at its last colon', () => {
  assert.deepEqual(placeIn('/a:b/tasks.ts:12'), { file: '/a:b/tasks.ts', line: 12 });
  assert.equal(placeIn('an unknown place'), null);
});

describe('the summary', () => {
  const full = report({
    tasks: [counts({ succeeded: 2, failed: 1, ms: 1_500 })],
    retries: 1,
    troubles: [
      trouble({
        error: { name: 'Error', message: 'a `tick` ``` <b>\n::error::x' },
        output: [{ atMs: 0, stream: 'stdout', text: '```' }],
      }),
    ],
    stuck: [stuck('parked', 'x|y')],
    places: new Map([['send', { file: '/p/tasks.ts', line: 3 }]]),
    exitCode: 1,
  });

  test('as text has counts, what is left, and each failure with its output', () => {
    assert.equal(
      summaryText(full, 'text', false),
      [
        '3 jobs: 2 succeeded, 1 failed in 3 s, 1 attempt failed with another to follow',
        '1 job of task x|y is parked: no task module here knows it',
        '',
        'failed send 01a2-1 after 20 ms: Error: a `tick` ``` <b>',
        '  | ```',
        '',
      ].join('\n'),
    );
  });

  test('as text is short where each failure was seen', () => {
    assert.doesNotMatch(summaryText(full, 'text', true), /01a2-1/);
  });

  test('as text names twenty failures at most', () => {
    const many = report({ troubles: Array.from({ length: 25 }, (_, i) => trouble({ id: `id-${i}` })) });

    const text = summaryText(many, 'text', false);

    assert.match(text, /id-19/);
    assert.doesNotMatch(text, /id-20/);
    assert.match(text, /… and 5 others: `fsq ls --state failed`/);
  });

  test('says why it ended before all was done', () => {
    const text = (end: RunEnd): string => summaryText(report({ end, unfinished: 2 }), 'text', false);

    assert.match(text({ kind: 'timeout' }), /the time was over: .*queued again\n2 jobs are not done/);
    assert.match(text({ kind: 'signal', signal: 'SIGINT' }), /ended by SIGINT/);
    assert.match(text({ kind: 'failed-fast' }), /ended at the first failure/);
  });

  test('as JSON is one document that holds all, and nothing that a terminal obeys', () => {
    const evil = report({ ...full, troubles: [trouble({ error: { name: 'E', message: '\u009b2J\u202e' } })] });
    const text = summaryText(evil, 'json', false);

    const document = JSON.parse(text) as Record<string, unknown>;
    assert.doesNotMatch(text, /[\u0080-\u009f\u202e]/);
    assert.deepEqual(
      [document['exitCode'], document['jobs']],
      [1, { succeeded: 2, failed: 1, revoked: 0, expired: 0 }],
    );
    assert.deepEqual(document['troubles'], [
      {
        id: '01a2-1',
        task: 'send',
        state: 'failed',
        attempts: 1,
        ms: 20,
        file: '/p/tasks.ts',
        line: 3,
        error: { name: 'E', message: '\u009b2J\u202e' },
        output: [],
      },
    ]);
  });

  test('as Markdown is a table by task, and code blocks that no text can end', () => {
    assert.equal(
      summaryText(full, 'md', false),
      [
        '### 3 jobs: 2 succeeded, 1 failed in 3 s',
        '',
        '| Task | Succeeded | Failed | Revoked or expired | Time |',
        '| --- | ---: | ---: | ---: | ---: |',
        '| send | 2 | 1 | 0 | 1 s |',
        '',
        '- 1 job of task x&#124;y is parked: no task module here knows it',
        '',
        '**failed** send 01a2-1',
        '',
        '````text',
        'Error: a `tick` ``` <b>',
        '  | ```',
        '````',
        '',
        '',
      ].join('\n'),
    );
  });

  test('inline Markdown obeys nothing', () => {
    assert.equal(
      inline('<b>*a*_|`@x&#\n'),
      '&#60;b&#62;&#42;a&#42;&#95;&#124;&#96;&#64;x&#38;&#35;&#92;u&#123;a&#125;',
    );
  });
});
