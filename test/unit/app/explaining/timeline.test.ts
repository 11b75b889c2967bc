import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Stretch, type Timeline, timelineOf } from '../../../../src/app/explaining/timeline.ts';
import type { Sighting } from '../../../../src/broker/broker.ts';
import type { Attempt } from '../../../../src/job/job.ts';
import { nextId } from '../../../support/factory.ts';
import { sighting } from '../../../support/sighting.ts';

const ERROR = { name: 'Error', message: 'no' };
const LOST = { name: 'WorkerLostError', message: 'gone', code: 'FSQ_WORKER_LOST' };
const OK = { state: 'succeeded', value: 1 } as const;
const AT = { priority: 5, queue: 'default', crashes: 0 };

function run(attempt: number, fromMs: number | null, toMs: number, error?: Attempt['error']): Attempt {
  const started = fromMs === null ? {} : { startedAtMs: fromMs };
  return { attempt, ...started, endedAtMs: toMs, owner: `${attempt}-0123456789abcdef`, ...(error && { error }) };
}

/** `waited turn 0-100`, `ran 1 failed 100-200`. */
function shown(timeline: Timeline | null): readonly string[] {
  const what = (one: Stretch): string => {
    if (one.kind === 'untold') return `untold ${one.from}-${one.to}`;
    return `${one.kind === 'waited' ? `waited ${one.why}` : `ran ${one.attempt} ${one.end}`} ${one.fromMs}-${one.toMs}`;
  };
  const stretches = timeline?.stretches ?? [];
  const end = timeline?.end ?? null;
  return [...stretches.map(what), ...(end === null ? [] : [`${end.state} ${end.atMs}`])];
}

function job(parts: Parameters<typeof sighting>[0], of: Parameters<typeof sighting>[1]): Sighting {
  return sighting(parts, { enqueuedAtMs: 0, ...of });
}

const ROWS: readonly (readonly [what: string, job: Sighting, timeline: readonly string[]])[] = [
  ['was just sent', job({}, {}), ['waited turn 0-null']],
  ['waits for its time', job({ state: 'delayed' }, { etaMs: 500 }), ['waited time 0-null']],
  ['waits for another', job({ state: 'delayed' }, { options: { after: nextId() } }), ['waited others 0-null']],
  ['is parked', job({ state: 'delayed' }, { parked: { reason: 'r', sinceMs: 5 } }), ['waited task 0-null']],
  ['is on its way to another place', job({ state: 'delayed', isOnItsWay: true }, {}), ['waited move 0-null']],
  [
    'was parked when it left',
    job({ state: 'delayed', isOnItsWay: true }, { parked: { reason: 'r', sinceMs: 5 } }),
    ['waited move 0-null'],
  ],
  [
    'runs',
    job({ state: 'running', owner: '7-a', startedAtMs: 100, standing: { ...AT, attempt: 1 } }, {}),
    ['waited turn 0-100', 'ran 1 runs 100-null'],
  ],
  [
    'runs since a time that nobody knows',
    job({ state: 'running', owner: '7-a', standing: { ...AT, attempt: 1 } }, {}),
    ['ran 1 runs null-null'],
  ],
  [
    'has just failed, and lies where it ran',
    job(
      { state: 'running', owner: '7-a', startedAtMs: 100, standing: { ...AT, attempt: 1 } },
      { attempts: [run(1, 100, 200, ERROR)] },
    ),
    ['waited turn 0-100', 'ran 1 failed 100-200', 'waited retry 200-null'],
  ],
  [
    'has succeeded at the second try',
    job({ endedAtMs: 400 }, { attempts: [run(1, 100, 200, ERROR), run(2, 300, 400)], outcome: OK }),
    ['waited turn 0-100', 'ran 1 failed 100-200', 'waited retry 200-300', 'ran 2 succeeded 300-400', 'succeeded 400'],
  ],
  [
    'has failed',
    job({ endedAtMs: 200 }, { attempts: [run(1, 100, 200, ERROR)], outcome: { state: 'failed', error: ERROR } }),
    ['waited turn 0-100', 'ran 1 failed 100-200', 'failed 200'],
  ],
  [
    'lost its process, was stopped, and waits',
    job({ state: 'delayed' }, { attempts: [run(1, 100, 200, LOST), run(2, 200, 300), run(3, null, 400, LOST)] }),
    ['waited turn 0-100', 'ran 1 lost 100-200', 'ran 2 lost 200-300', 'ran 3 lost null-400', 'waited process 400-null'],
  ],
  [
    'was sent back after its end',
    job({}, { attempts: [run(1, 100, 200, ERROR), run(2, 900, 950, ERROR)], kept: { again: 1 } }),
    [
      'waited turn 0-100',
      'ran 1 failed 100-200',
      'waited sent-back 200-900',
      'ran 2 failed 900-950',
      'waited retry 950-null',
    ],
  ],
  [
    'was sent back after its end, and waits since it is known when',
    job({ readySinceMs: 900 }, { attempts: [run(1, 100, 200, ERROR)], kept: { again: 1 } }),
    ['waited turn 0-100', 'ran 1 failed 100-200', 'waited sent-back 200-900', 'waited turn 900-null'],
  ],
  [
    'was revoked while it waited for a retry',
    job(
      { endedAtMs: 700 },
      {
        attempts: [run(1, 100, 200, ERROR)],
        outcome: { state: 'revoked', error: ERROR },
        kept: { endedAtMs: 700, attempt: 2 },
      },
    ),
    ['waited turn 0-100', 'ran 1 failed 100-200', 'waited retry 200-700', 'revoked 700'],
  ],
  [
    'was interrupted three times, and waits',
    job({ standing: { ...AT, attempt: 3 } }, {}),
    ['untold 1-3', 'waited turn null-null'],
  ],
  [
    'was interrupted between runs that are kept, and once more before the run that goes on',
    job(
      { state: 'running', owner: '7-a', startedAtMs: 900, standing: { ...AT, attempt: 5 } },
      { attempts: [run(1, 100, 200, ERROR), run(3, 400, 500, ERROR)] },
    ),
    [
      'waited turn 0-100',
      'ran 1 failed 100-200',
      'untold 2-2',
      'ran 3 failed 400-500',
      'untold 4-4',
      'ran 5 runs 900-null',
    ],
  ],
  [
    'was interrupted, and then succeeded',
    job({ endedAtMs: 500 }, { attempts: [run(2, 400, 500)], outcome: OK }),
    ['untold 1-1', 'ran 2 succeeded 400-500', 'succeeded 500'],
  ],
  [
    'had expired under its first attempt, and was sent back',
    job({ standing: { ...AT, attempt: 1 } }, { kept: { again: 1 } }),
    ['waited sent-back null-null'],
  ],
  [
    'expired',
    job({ endedAtMs: 700 }, { outcome: { state: 'expired', error: ERROR }, kept: { endedAtMs: 700 } }),
    ['waited turn 0-700', 'expired 700'],
  ],
  [
    'has a clock that was set back',
    job({ endedAtMs: -50 }, { attempts: [run(1, -100, -50)], outcome: OK }),
    ['ran 1 succeeded -100--50', 'succeeded -50'],
  ],
];

for (const [what, one, timeline] of ROWS)
  test(`the timeline of a job that ${what}`, () => {
    assert.deepEqual(shown(timelineOf(one)), timeline);
  });

test('a job whose file cannot be read has none', () => {
  assert.equal(timelineOf(sighting({}, null)), null);
});
