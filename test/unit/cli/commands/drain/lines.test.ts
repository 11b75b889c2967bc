import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  countsText,
  type Live,
  liveText,
  troubleBlock,
  troubleLine,
} from '../../../../../src/cli/commands/drain/lines.ts';
import { Screen } from '../../../../../src/cli/commands/drain/view.ts';
import { trouble } from './fixtures.ts';

const live: Live = { done: 0, failed: 0, total: 0, running: 0, rate: null, task: null, ending: null };

describe('the line of a drain', () => {
  for (const [parts, text] of [
    [{}, '[0/0, 0 failed, 0 running]'],
    [{ total: 3, running: 2, task: 'send-mail' }, '[0/3, 0 failed, 2 running] send-mail'],
    [
      { done: 12, total: 340, failed: 1, running: 4, rate: 35.2, task: 'send-mail' },
      '[12/340, 1 failed, 4 running] 35/s, 9 s left, send-mail',
    ],
    [{ done: 10, total: 10, rate: 0.25 }, '[10/10, 0 failed, 0 running] 0.3/s'],
    [
      { total: 1, running: 1, task: 'a\u001b]52;c;x\u0007', ending: 'ending' },
      '[0/1, 0 failed, 1 running] a\\u{1b}]52;c;x\\u{7}, ending',
    ],
  ] as const)
    test(text, () => assert.equal(liveText({ ...live, ...parts }), text));
});

describe('a job that did not end well', () => {
  test('is one line, whatever its texts are', () => {
    const line = troubleLine(
      trouble({ attempts: 3, ms: 1_234, error: { name: 'Err\u001b[2J', message: 'one\ntwo\u0007' } }),
    );

    assert.equal(line, 'failed send 01a2-1 in attempt 3 after 1 s: Err\\u{1b}[2J: one');
  });

  test('that never ran has neither a time nor an attempt', () => {
    const expired = trouble({
      state: 'expired',
      attempts: 0,
      ms: null,
      error: { name: 'ExpiredError', message: 'too late' },
    });

    assert.equal(troubleLine(expired), 'expired send 01a2-1: ExpiredError: too late');
    assert.equal(troubleLine({ ...expired, error: null }), 'expired send 01a2-1');
  });

  test('has no time where nobody saw its run end', () => {
    assert.equal(troubleLine(trouble({ attempts: 2, ms: null })), 'failed send 01a2-1 in attempt 2');
  });

  test('has below it where it was thrown, and what it printed', () => {
    const block = troubleBlock(
      trouble({
        error: { name: 'E', message: 'm', stack: 'E: m\n at-first\n    at f (/a/b.ts:1:2)\n    at g' },
        output: [
          { atMs: 0, stream: 'stdout', text: 'a\tb' },
          { atMs: 0, stream: 'stderr', text: `\u009b2J${'x'.repeat(600)}` },
        ],
      }),
    );

    assert.equal(block[1], '  at f (/a/b.ts:1:2)');
    assert.equal(block[2], '  | a    b');
    assert.match(block[3] ?? '', /^ {2}\| \\u\{9b\}2Jx{491}…$/);
  });
});

test('counts leave out what did not happen', () => {
  assert.equal(countsText({ succeeded: 0, failed: 0, revoked: 0, expired: 0 }), '0 jobs');
  assert.equal(countsText({ succeeded: 1, failed: 0, revoked: 0, expired: 0 }), '1 job: 1 succeeded');
  assert.equal(
    countsText({ succeeded: 2, failed: 1, revoked: 3, expired: 0 }),
    '6 jobs: 2 succeeded, 1 failed, 3 revoked',
  );
});

describe('a screen', () => {
  const screenOf = (
    columns: number,
  ): { screen: Screen; written: string[]; terminal: { columns: number; isBehind: boolean } } => {
    const written: string[] = [];
    const terminal = { columns, isBehind: false, write: (text: string) => void written.push(text) };
    return { screen: new Screen(terminal), written, terminal };
  };

  test('draws by one write, and the same line not again', () => {
    const { screen, written } = screenOf(80);

    screen.draw('one');
    screen.draw('one');
    screen.draw('two');

    assert.deepEqual(written, ['\rone\u001b[K', '\rtwo\u001b[K']);
  });

  test('puts lines above it by one write', () => {
    const { screen, written } = screenOf(80);
    screen.above(['first']);
    screen.draw('one');

    screen.above(['a', 'b']);

    assert.deepEqual(written, ['first\n', '\rone\u001b[K', '\r\u001b[Ka\nb\none']);
  });

  test('draws anew at another size, and skips a line while nobody reads', () => {
    const { screen, written, terminal } = screenOf(80);
    screen.draw('a long line');
    terminal.columns = 7;
    screen.redraw();
    terminal.isBehind = true;
    screen.draw('other');

    assert.deepEqual(written.slice(1), ['\ra lon…\u001b[K']);
  });

  test('leaves the last cell of the row free: some terminals break the line there', () => {
    const { screen, written } = screenOf(6);

    screen.draw('12345');
    screen.draw('日本');
    screen.draw('日本語');

    assert.deepEqual(written, ['\r12345\u001b[K', '\r日本\u001b[K', '\r日本…\u001b[K']);
  });

  test('leaves nothing of the line', () => {
    const { screen, written } = screenOf(80);
    screen.clear();
    screen.draw('one');
    screen.clear();
    screen.clear();

    assert.deepEqual(written, ['\rone\u001b[K', '\r\u001b[K']);
  });
});
