import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { annotations } from '../../../../../src/cli/commands/drain/github.ts';
import { report, trouble } from './fixtures.ts';

const failed = (i: number, message = `no ${i}`): ReturnType<typeof trouble> =>
  trouble({ id: `id-${i}`, error: { name: 'Error', message } });

describe('annotations for GitHub', () => {
  test('are one for each task and error, at the place of the task in the repository', () => {
    const lines = annotations(
      report({
        troubles: [failed(1, 'same'), failed(2, 'same'), failed(3, 'other')],
        places: new Map([['send', { file: '/home/r/src/a,b:c.ts', line: 7 }]]),
      }),
      '/home/r',
    );

    assert.deepEqual(lines, [
      '::error file=src/a%2Cb%3Ac.ts,line=7,title=task send::Error: same%0A2 jobs: id-1, id-2',
      '::error file=src/a%2Cb%3Ac.ts,line=7,title=task send::Error: other%0Ajob id-3',
    ]);
  });

  test('hold no text that the runner obeys', () => {
    const [line = ''] = annotations(
      report({
        troubles: [trouble({ task: 'a:b,c%\r\n::x', error: { name: 'E', message: '50%\r::error::\u001b[2J' } })],
      }),
      null,
    );

    assert.ok(!/[\r\n]/.test(line) && !line.includes('\u001b'));
    assert.equal(
      line,
      '::error title=task a%3Ab%2Cc%25\\u{d}%0A%3A%3Ax::E: 50%25\\u{d}::error::\\u{1b}[2J%0Ajob 01a2-1',
    );
  });

  for (const [count, shown, last] of [
    [10, 10, /no 9/],
    [11, 10, /title=fsq::2 other kinds of failure, in the log/],
    [500, 10, /title=fsq::491 other kinds of failure/],
  ] as const)
    test(`of ${count} kinds ${shown} lines are shown`, () => {
      const lines = annotations(report({ troubles: Array.from({ length: count }, (_, i) => failed(i)) }), null);

      assert.equal(lines.length, shown);
      assert.match(lines.at(-1) ?? '', last);
    });

  test('tell of jobs that are left, not of those that were revoked or are meant for later', () => {
    const lines = annotations(
      report({
        troubles: [trouble({ state: 'revoked' })],
        stuck: [
          { reason: 'parked', of: 'x', jobs: 2 },
          { reason: 'waiting', of: '', jobs: 1 },
        ],
      }),
      null,
    );

    assert.deepEqual(lines, ['::error title=fsq::2 jobs of task x are parked: no task module here knows it']);
  });

  test('a file outside of the repository keeps its path', () => {
    const [line] = annotations(
      report({ troubles: [failed(1)], places: new Map([['send', { file: '/opt/tasks.ts', line: 1 }]]) }),
      '/home/r',
    );

    assert.match(line ?? '', /file=\/opt\/tasks\.ts,/);
  });
});
