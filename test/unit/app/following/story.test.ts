/** A job's events are worked out of looks at it, whatever those have missed: each thing is told once, in its order. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type JobEvent, Story } from '../../../../src/app/following/story.ts';
import type { Sighting } from '../../../../src/broker/broker.ts';
import type { JobRecord } from '../../../../src/job/job.ts';
import type { LogLine } from '../../../../src/job/values/log-lines.ts';
import { sighting as looked } from '../../../support/sighting.ts';

const ERROR = { name: 'Error', message: 'no' };
const LOST = { name: 'WorkerLostError', message: 'gone', code: 'FSQ_WORKER_LOST' };
const first = { attempt: 1, startedAtMs: 1_100, endedAtMs: 1_200, owner: 'a' };
const second = { attempt: 2, startedAtMs: 1_300, endedAtMs: 1_400, owner: 'b' };

/** Of a job that waits, unless `parts` say otherwise. */
function sighting(parts: Partial<Omit<Sighting, 'record'>>, record: Partial<Omit<JobRecord, 'job'>> = {}): Sighting {
  return looked({ state: 'pending', ...parts }, { enqueuedAtMs: 1_000, ...record });
}

function running(attempt: number, owner: string, record: Partial<JobRecord> = {}): Sighting {
  const standing = { queue: 'default', priority: 5, attempt, crashes: 0 };
  return sighting({ state: 'running', standing, owner, startedAtMs: 1_000 + attempt * 100 }, record);
}

function shown(events: readonly JobEvent[]): readonly string[] {
  return events.map((event) => `${event.kind}${'attempt' in event ? ` ${event.attempt}` : ''}`);
}

const ENDED = sighting(
  { state: 'succeeded', endedAtMs: 1_400 },
  { attempts: [{ ...first, error: ERROR }, second], outcome: { state: 'succeeded', value: 3 } },
);
const WHOLE = ['accepted', 'started 1', 'retried 1', 'started 2', 'succeeded'];

test('who looks at each moment is told as much as who comes late', () => {
  const each = new Story();
  const looks = [
    sighting({}),
    running(1, 'a'),
    running(1, 'a'),
    sighting({ state: 'delayed' }, { attempts: [{ ...first, error: ERROR }] }),
    running(2, 'b', { attempts: [{ ...first, error: ERROR }] }),
    ENDED,
  ];
  const late = new Story();

  const toldEach = looks.flatMap((look) => shown(each.tell(look, [], 9_000)));
  const toldLate = shown(late.tell(ENDED, [], 9_000));

  assert.deepEqual(toldEach, WHOLE);
  assert.deepEqual(toldLate, WHOLE);
  assert.deepEqual([each.isOver, late.isOver], [true, true]);
});

test('an attempt that died with its process, or was stopped, is recovered', () => {
  const story = new Story();

  const events = story.tell(sighting({}, { attempts: [{ ...first, error: LOST }, second] }), [], 9_000);

  assert.deepEqual(shown(events), ['accepted', 'started 1', 'recovered 1', 'started 2', 'recovered 2']);
});

test('an attempt with which the job had ended before it was sent back is told so, with what it threw', () => {
  const again = sighting(
    {},
    {
      attempts: [
        { ...first, error: ERROR },
        { ...second, error: ERROR },
      ],
      kept: { again: 1 },
    },
  );

  const events = new Story().tell(again, [], 9_000);

  assert.deepEqual(shown(events), ['accepted', 'started 1', 'failed', 'sent-back 1', 'started 2', 'retried 2']);
  assert.deepEqual(events[2], { id: again.id, atMs: first.endedAtMs, kind: 'failed', error: ERROR });
  const { atMs = 0, ...sentBack } = events[3] ?? {};
  assert.deepEqual(sentBack, { id: again.id, attempt: 1, kind: 'sent-back', error: ERROR, isTimeUnknown: true });
  assert.ok(first.endedAtMs < atMs && atMs <= second.startedAtMs, `${atMs} lies between the end and the next start`);
});

test('a follower that has told the end is told that the job was sent back, and no end again', () => {
  const again = sighting(
    { standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 } },
    { attempts: [{ ...first, error: ERROR }], kept: { again: 1 } },
  );

  const heard = new Story({ attempt: 1, isRunning: false, isOver: true }).tell(again, [], 9_000);
  const wasThereSo = new Story({ attempt: 1, isRunning: false }).tell(again, [], 9_000);

  assert.deepEqual([shown(heard), shown(wasThereSo)], [['sent-back 1'], []]);
});

test('the start of a run that nobody knows comes before what the run has said, and gets no time', () => {
  const { startedAtMs: _, ...unknown } = first;
  const line: LogLine = { atMs: 1_150, stream: 'stdout', text: 'a' };
  const progress = { value: 0.5, attempt: 1, atMs: 1_160 };
  const outcome = { state: 'revoked', error: ERROR } as const;
  const killed = sighting({ state: 'revoked', endedAtMs: 1_200, progress }, { attempts: [unknown], outcome });

  const events = new Story().tell(killed, [line], 9_000);

  assert.deepEqual(
    events.map(({ kind, isTimeUnknown = false }) => [kind, isTimeUnknown]),
    [
      ['accepted', false],
      ['started', true],
      ['log', false],
      ['progress', false],
      ['revoked', false],
    ],
  );
});

test('runs that were interrupted and left no record are told, without a time', () => {
  const at = (attempt: number): Partial<Sighting> => ({
    standing: { queue: 'default', priority: 5, attempt, crashes: 0 },
  });
  const waiting = sighting(at(2), {});
  const between = sighting(
    { ...at(3), state: 'succeeded', endedAtMs: 1_400 },
    {
      attempts: [
        { ...first, error: ERROR },
        { ...second, attempt: 3 },
      ],
      outcome: { state: 'succeeded', value: 1 },
    },
  );
  const expired = sighting(at(1), { kept: { again: 1 } });
  const revoked = sighting(
    { ...at(1), state: 'revoked', endedAtMs: 1_400 },
    { outcome: { state: 'revoked', error: ERROR }, kept: { attempt: 2, endedAtMs: 1_400 } },
  );
  const lied = sighting(at(999_999_999), {});
  const tell = (one: Sighting): readonly JobEvent[] => new Story().tell(one, [], 9_000);

  assert.deepEqual(shown(tell(waiting)), ['accepted', 'recovered 1', 'recovered 2']);
  assert.deepEqual(shown(tell(between)), [
    'accepted',
    'started 1',
    'retried 1',
    'recovered 2',
    'started 3',
    'succeeded',
  ]);
  assert.deepEqual(shown(tell(expired)), ['accepted', 'sent-back 1']);
  assert.deepEqual(shown(tell(revoked)), ['accepted', 'recovered 1', 'revoked']);
  assert.equal(tell(lied).length, 101);
  assert.ok(tell(waiting).every(({ kind, isTimeUnknown = false }) => isTimeUnknown === (kind === 'recovered')));
});

test('while what became of its runs is being written, nothing of them is told before its turn', () => {
  const story = new Story();
  const torn = { ...running(2, 'b'), isTorn: true } as const;

  const told = [torn, ENDED].flatMap((one) => shown(story.tell(one, [], 9_000)));

  assert.deepEqual(told, WHOLE);
});

test('nor is what they have said told before them, and none of it is lost', () => {
  const story = new Story();
  const line = (atMs: number): LogLine => ({ atMs, stream: 'stdout', text: 'a' });
  const progress = { value: 0.5, attempt: 2, atMs: 1_320 };
  const torn = { ...running(2, 'b'), progress, isTorn: true } as const;

  const first = shown(story.tell(torn, [line(1_310)], 9_000));
  const rest = shown(story.tell({ ...ENDED, progress }, [line(1_330)], 9_000));

  assert.deepEqual(first, ['accepted']);
  assert.deepEqual(rest, ['started 1', 'retried 1', 'started 2', 'log', 'progress 2', 'log', 'succeeded']);
});

test('an interruption that is seen as it comes is told once, and its run goes on to be told', () => {
  const story = new Story();
  const waiting = sighting({ standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 } });

  const told = [running(1, 'a'), waiting, waiting, running(2, 'b')].flatMap((one) => shown(story.tell(one, [], 9_000)));

  assert.deepEqual(told, ['accepted', 'started 1', 'recovered 1', 'started 2']);
});

test('lines and progress stand where they belong, each once', () => {
  const story = new Story();
  const progress = { value: 0.5, attempt: 1, atMs: 1_150 };
  const line = (atMs: number): { atMs: number; stream: 'stdout'; text: string } => ({
    atMs,
    stream: 'stdout',
    text: 'a',
  });

  const events = story.tell({ ...ENDED, progress }, [line(1_120), line(1_350)], 9_000);
  const again = new Story();
  again.tell({ ...running(1, 'a'), progress }, [], 9_000);

  assert.deepEqual(shown(events), [
    'accepted',
    'started 1',
    'log',
    'progress 1',
    'retried 1',
    'started 2',
    'log',
    'succeeded',
  ]);
  assert.deepEqual(again.tell({ ...running(1, 'a'), progress }, [], 9_000), []);
});

test('a parked job says so, and one that ended before it ran has no run', () => {
  const parked = new Story().tell(sighting({}, { parked: { reason: 'unknown', sinceMs: 1_500 } }), [], 9_000);
  const revoked = new Story().tell(
    sighting({ state: 'revoked', endedAtMs: 1_050 }, { outcome: { state: 'revoked', error: ERROR } }),
    [],
    9_000,
  );

  assert.deepEqual(shown(parked), ['accepted', 'parked']);
  assert.deepEqual(shown(revoked), ['accepted', 'revoked']);
});

test('an outcome that does not say when it came is an end all the same', () => {
  const story = new Story();

  const events = story.tell(sighting({ state: 'failed' }, { outcome: { state: 'failed', error: ERROR } }), [], 9_000);

  assert.deepEqual(events.at(-1), {
    id: events[0]?.id,
    atMs: 9_000,
    isTimeUnknown: true,
    kind: 'failed',
    error: ERROR,
  });
  assert.equal(story.isOver, true);
});

test('what was known before is not told again: an attempt that ran may still end', () => {
  const knownToRun = new Story({ attempt: 1, isRunning: true });
  const knownToWait = new Story({ attempt: 1, isRunning: false });
  const knownToBeThere = new Story({ attempt: 0, isRunning: false });

  assert.deepEqual(shown(knownToRun.tell(ENDED, [], 9_000)), ['retried 1', 'started 2', 'succeeded']);
  assert.deepEqual(shown(knownToWait.tell(ENDED, [], 9_000)), ['started 2', 'succeeded']);
  assert.deepEqual(shown(knownToBeThere.tell(ENDED, [], 9_000)), WHOLE.slice(1));
});

test('what was said before a time is not told', () => {
  const line = (atMs: number, text: string): LogLine => ({ atMs, stream: 'stdout', text });
  const progress = { value: 0.5, attempt: 1, atMs: 1_150 };
  const story = new Story({ attempt: 1, isRunning: true }, 1_160);

  const first = story.tell({ ...running(1, 'a'), progress }, [line(1_155, 'early'), line(1_165, 'late')], 9_000);
  const then = story.tell({ ...running(1, 'a'), progress: { ...progress, atMs: 1_170 } }, [], 9_000);

  assert.deepEqual([first, then].map(shown), [['log'], ['progress 1']]);
});

test('a run that ends in the millisecond before its claim, by another clock, ends when it began', () => {
  const story = new Story();
  story.tell({ ...running(1, 'a'), startedAtMs: 1_101 }, [], 9_000);

  const { record } = ENDED;
  const attempts = record?.attempts.map((one) => (one.attempt === 1 ? { ...one, endedAtMs: 1_100 } : one)) ?? [];
  const events = story.tell({ ...ENDED, record: record === null ? null : { ...record, attempts } }, [], 9_000);

  assert.deepEqual(
    events.filter(({ kind }) => kind === 'retried').map(({ atMs }) => atMs),
    [1_101],
  );
});
