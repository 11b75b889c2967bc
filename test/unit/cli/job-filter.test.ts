import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Sighting } from '../../../src/broker/broker.ts';
import { parseLine } from '../../../src/cli/command.ts';
import { filterOf, STATE_WORDS } from '../../../src/app/acting/job-conditions.ts';
import { filterOptions, type JobFilter, readFilter, type StateChoice } from '../../../src/cli/job-filter.ts';
import type { JobRecord, Outcome } from '../../../src/job/job.ts';
import { type JobParts, jobRecord } from '../../support/factory.ts';

const NOW_MS = 1_800_000_000_000;
const HOUR_MS = 3_600_000;
const ALL: StateChoice = { known: STATE_WORDS, byDefault: ['running', 'pending', 'delayed', 'results'] };

const FAILED: Outcome = { state: 'failed', error: { name: 'TimeoutError', message: 'no answer' } };

function sighting(
  parts: Partial<Sighting> = {},
  jobParts: JobParts = {},
  recordParts: Partial<JobRecord> = {},
): Sighting {
  const job = jobRecord({ enqueuedAtMs: NOW_MS - 2 * HOUR_MS, ...jobParts });
  return {
    id: job.id,
    state: 'pending',
    standing: { priority: 5, queue: jobParts.queue ?? 'default', attempt: 0, crashes: 0 },
    dueAtMs: null,
    startedAtMs: null,
    endedAtMs: null,
    owner: null,
    progress: null,
    location: '',
    record: { job, attempts: [], outcome: null, parked: null, kept: {}, ...recordParts },
    ...parts,
  };
}

function ofLine(...line: readonly string[]): JobFilter {
  return readFilter(parseLine(line, filterOptions(ALL)).values, ALL, NOW_MS);
}

const ended = (state: 'failed' | 'succeeded', outcome: Outcome = FAILED): Sighting =>
  sighting({ state, endedAtMs: NOW_MS - HOUR_MS / 2 }, {}, { outcome });

test('without an option every job is wanted, wherever it lies, and nothing was given', () => {
  const { places, isWanted, given } = ofLine();

  assert.deepEqual(places, ['running', 'pending', 'delayed', 'results']);
  assert.deepEqual(given, []);
  for (const job of [sighting(), sighting({ state: 'running' }), ended('failed'), sighting({ record: null })])
    assert.ok(isWanted(job));
});

describe('a state', () => {
  test('leads to where such jobs lie, each place once', () => {
    assert.deepEqual(ofLine('--state', 'failed,succeeded', '-s', 'delayed').places, ['results', 'delayed']);
  });

  test('chooses among those that lie there', () => {
    const parked = sighting({ state: 'delayed' }, {}, { parked: { reason: 'unknown', sinceMs: 0 } });
    const delayed = sighting({ state: 'delayed', dueAtMs: NOW_MS });
    const wanted = (word: string, job: Sighting): boolean => ofLine('-s', word).isWanted(job);

    assert.deepEqual([wanted('parked', parked), wanted('parked', delayed)], [true, false]);
    assert.deepEqual([wanted('delayed', parked), wanted('delayed', delayed)], [true, true]);
    assert.deepEqual([wanted('failed', ended('failed')), wanted('succeeded', ended('failed'))], [true, false]);
    assert.deepEqual([wanted('results', ended('failed')), wanted('pending', ended('failed'))], [true, false]);
  });
});

test('of the names of tasks and queues one has to be that of the job', () => {
  const { isWanted } = ofLine('--task', 'mail,report', '-Q', 'slow');

  assert.ok(isWanted(sighting({}, { task: 'report', queue: 'slow' })));
  assert.ok(!isWanted(sighting({}, { task: 'report' })));
  assert.ok(!isWanted(sighting({}, { task: 'other', queue: 'slow' })));
  assert.ok(!isWanted(sighting({ record: null }, { queue: 'slow' })), 'the task of an unreadable job is not known');
});

describe('the time of a job is that of its end, else of its start, else of its sending', () => {
  const since = ofLine('--since', '1h');
  const until = ofLine('--until', '1h');
  const cases: readonly (readonly [string, Sighting, boolean])[] = [
    ['ended half an hour ago', ended('failed'), true],
    ['started half an hour ago', sighting({ state: 'running', startedAtMs: NOW_MS - HOUR_MS / 2 }), true],
    ['sent two hours ago', sighting(), false],
    ['unreadable, and its id tells that it was sent long ago', unreadable(NOW_MS - 9 * HOUR_MS), false],
    ['unreadable, and its id tells that it was sent just now', unreadable(NOW_MS), true],
  ];
  for (const [name, job, isRecent] of cases)
    test(name, () => assert.deepEqual([since.isWanted(job), until.isWanted(job)], [isRecent, !isRecent]));

  test('one that no time is known of is in no span of time', () => {
    const job = sighting({ record: null, id: '00000000-0000-4000-8000-000000000000' });

    assert.deepEqual([since.isWanted(job), until.isWanted(job)], [false, false]);
  });

  test('both bounds are within', () => {
    const { isWanted } = filterOf({ states: ['pending'], sinceMs: 5, untilMs: 5 });
    const sentAt = (enqueuedAtMs: number): Sighting => sighting({}, { enqueuedAtMs });

    assert.deepEqual([4, 5, 6].map(sentAt).map(isWanted), [false, true, false]);
  });
});

function unreadable(sentAtMs: number): Sighting {
  const time = sentAtMs.toString(16).padStart(12, '0');
  return sighting({ record: null, id: `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000` });
}

test('an error is looked for in its name and message, of a job that waits in those of its last attempt', () => {
  const attempt = {
    attempt: 1,
    owner: 'somebody',
    startedAtMs: 1,
    endedAtMs: 2,
    error: { name: 'Error', message: 'ECONNREFUSED' },
  };
  const waiting = sighting({ state: 'delayed' }, {}, { attempts: [attempt] });
  const succeeded = sighting(
    { state: 'succeeded' },
    {},
    { attempts: [attempt], outcome: { state: 'succeeded', value: 1 } },
  );

  assert.ok(ofLine('--error', 'TimeoutError: no').isWanted(ended('failed')));
  assert.ok(!ofLine('--error', 'ECONNREFUSED').isWanted(ended('failed')));
  assert.ok(ofLine('--error', 'ECONNREFUSED').isWanted(waiting));
  assert.ok(!ofLine('--error', 'ECONNREFUSED').isWanted(succeeded), 'its error is history');
  assert.ok(!ofLine('--error', 'E').isWanted(sighting()));
});

test('a text is looked for in the JSON of the arguments', () => {
  const job = sighting({}, { args: [{ to: 'ada@例え.jp' }, 17] });

  for (const text of ['ada@例え.jp', '"to":"ada', '17']) assert.ok(ofLine('--text', text).isWanted(job), text);
  for (const text of ['ADA', '.*', '18']) assert.ok(!ofLine('--text', text).isWanted(job), text);
  assert.ok(!ofLine('--text', 'a').isWanted(sighting({ record: null })));
});

test('the options that were given are told', () => {
  assert.deepEqual(ofLine('-s', 'failed', '--text', 'x').given, ['--state', '--text']);
});

describe('is refused:', () => {
  const some: StateChoice = { known: ['failed', 'revoked'], byDefault: [], others: 'only these may be' };
  for (const [line, message] of [
    [['--state', 'faild'], /one of failed, revoked, got "faild"; did you mean failed\?/],
    [['--state', 'pending'], /got "pending": only these may be/],
    [['--state', 'failed,'], /got ""/],
    [['--state', '\u001b]52;c;x'], /got "\\u001b\]52;c;x"/],
    [['--task', 'a b'], /Expected a task name/],
    [['--queue', 'Mail'], /Expected `queue`/],
    [['--since', '5'], /a duration with its unit/],
    [['--until', '0s'], /more than 0/],
    [['--since', '1h', '--until', '2h'], /nothing lies between/],
    [['--error', ''], /Expected --error to be some text/],
    [['--text', ''], /Expected --text to be some text/],
  ] as const)
    test(JSON.stringify(line), () => {
      const { values } = parseLine(line, filterOptions(some));

      assert.throws(() => readFilter(values, some, NOW_MS), { code: 'FSQ_USAGE', message });
    });
});
