import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Stretch, Timeline, WaitedFor } from '../../../../../src/app/explaining/timeline.ts';
import { timelineLines } from '../../../../../src/cli/commands/look/timeline-text.ts';
import { textWidth } from '../../../../../src/cli/terminal/width.ts';

const SENT = Date.UTC(2026, 0, 1, 12);
const ran = (attempt: number, fromMs: number, toMs: number | null, error = 'boom'): Stretch => ({
  kind: 'ran',
  attempt,
  owner: `${4_000 + attempt}-0123456789abcdef`,
  fromMs: SENT + fromMs,
  toMs: toMs === null ? null : SENT + toMs,
  end: toMs === null ? 'runs' : 'failed',
  ...(toMs === null ? {} : { error: { name: 'Error', message: error } }),
});
const waited = (fromMs: number, toMs: number | null): Stretch => ({
  kind: 'waited',
  why: 'retry',
  fromMs: SENT + fromMs,
  toMs: toMs === null ? null : SENT + toMs,
});

const LIFE: Timeline = {
  sentAtMs: SENT,
  stretches: [waited(0, 4_000), ran(1, 4_000, 8_000), waited(8_000, 12_000), ran(2, 12_000, 16_000)],
  end: { state: 'failed', atMs: SENT + 16_000 },
};

/** Without the clock, which shows the zone of the machine. */
function lines(timeline: Timeline, columns: number | null, isWhole = false): readonly string[] {
  const text = timelineLines(timeline, SENT + 20_000, { columns, hasColours: false }, isWhole);
  return text.map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3}/, '').trim());
}

test('each stretch has its time, its distance from the sending, what it was, and an error below', () => {
  assert.deepEqual(lines(LIFE, null), [
    '+0 ms  waited 4 s for the retry',
    '+4 s  attempt 1 failed after 4 s (pid 4001)',
    'Error: boom',
    '+8 s  waited 4 s for the retry',
    '+12 s  attempt 2 failed after 4 s (pid 4002)',
    'Error: boom',
    '+16 s  failed',
  ]);
});

test('where there is room, a bar shows when and how long', () => {
  assert.deepEqual(
    lines(LIFE, 100).filter((line) => !line.startsWith('Error')),
    [
      '+0 ms  ░░░░              waited 4 s for the retry',
      '+4 s      ████          attempt 1 failed after 4 s (pid 4001)',
      '+8 s          ░░░░      waited 4 s for the retry',
      '+12 s              ████  attempt 2 failed after 4 s (pid 4002)',
      '+16 s                    failed',
    ],
  );
});

test('what goes on is told so, and a run whose time is not known', () => {
  const lost: Stretch = { kind: 'ran', attempt: 3, owner: '4003-a', fromMs: null, toMs: SENT, end: 'lost' };
  const open = { ...LIFE, stretches: [ran(1, 4_000, null), waited(5_000, null), lost], end: null };

  assert.deepEqual(lines(open, null), [
    '+4 s  attempt 1 has run for 16 s (pid 4001)',
    '+5 s  has waited 15 s for the retry',
    '?                     attempt 3 lost its process (pid 4003)',
  ]);
});

test('what nobody knows is told so: runs that were interrupted, and the waits around them', () => {
  const wait = (why: WaitedFor, fromMs: number | null, toMs: number | null): Stretch => ({
    kind: 'waited',
    why,
    fromMs: fromMs === null ? null : SENT + fromMs,
    toMs: toMs === null ? null : SENT + toMs,
  });
  const told = (...stretches: readonly Stretch[]): readonly string[] => {
    const all = lines({ ...LIFE, stretches, end: null }, null);
    return all.map((line) => line.replace(/^\S+ (ms|s|m) +|^\? +/, ''));
  };

  assert.deepEqual(
    told({ kind: 'untold', from: 1, to: 3 }, { kind: 'untold', from: 5, to: 5 }, wait('turn', null, null)),
    [
      'attempts 1 to 3 were interrupted; when is not kept',
      'attempt 5 was interrupted; when is not kept',
      'waits for its turn',
    ],
  );
  assert.deepEqual(told(wait('move', 5_000, null)), ['has waited 15 s to arrive in the place that it is moved to']);
  assert.deepEqual(
    told(
      wait('sent-back', 1_000, 6_000),
      ran(2, 6_000, 6_001),
      wait('sent-back', 1_000, null),
      wait('sent-back', null, null),
      wait('sent-back', 1_000, 6_000),
      wait('turn', 6_000, null),
    ).filter((line) => !/^(attempt|Error)/.test(line)),
    [
      'had ended; it was sent back, and ran again after 5 s',
      'was sent back, and waits for its turn; it had ended 19 s ago',
      'was sent back, and waits for its turn',
      'had ended; it was sent back after 5 s',
      'has waited 14 s for its turn',
    ],
  );
});

test('nothing is wider than the terminal, nothing moves its cursor, and odd times break nothing', () => {
  const odd = [Number.NaN, Number.POSITIVE_INFINITY, -1e300, 9e15].flatMap((ms) => [
    ran(999_999, ms, ms + 1, `\u001b]52;c;aGk=\u0007${'世'.repeat(200)}\nmore`),
    waited(ms, 5),
  ]);

  for (const columns of [40, 60, 90, 300])
    for (const line of timelineLines({ ...LIFE, stretches: odd }, SENT, { columns, hasColours: false }, false)) {
      assert.ok(textWidth(line) <= columns, `${columns}: ${line}`);
      // eslint-disable-next-line no-control-regex -- a control character is what must not be there
      assert.doesNotMatch(line, /[\u0000-\u001f]/);
    }
});

test('of ten thousand attempts the first and the last are shown, and all when asked', () => {
  const stretches = Array.from({ length: 10_000 }, (_, i) => ran(i + 1, i, i + 1));

  const short = lines({ ...LIFE, stretches }, 60);

  assert.match(short.join('\n'), /attempt 6 .*\nError: boom\n… 9981 more; --full shows all\n.*attempt 9988 /);
  assert.equal(lines({ ...LIFE, stretches }, 60, true).length, 20_001);
});
