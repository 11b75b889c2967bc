/** What happened to many jobs is told in the order of time, once each, and without what may be secret or long. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type SpoolEvent, spoolEvents, type SpoolEventsOptions } from '../../../../src/app/following/spool-events.ts';
import type { Broker, Look, Looks } from '../../../../src/broker/broker.ts';
import type { Outcome } from '../../../../src/job/job.ts';
import type { LogLine } from '../../../../src/job/values/log-lines.ts';
import { job } from '../../../support/factory.ts';

const FAILED: Outcome = {
  state: 'failed',
  error: {
    name: 'Error',
    message: 'no',
    code: 'E_NO',
    stack: 'Error: no\n at a',
    cause: { name: 'Error', message: 'x' },
  },
};

/** A look at a job that was sent at `sentMs`, ran from `startMs` to `endMs`, and has that outcome. */
function ended(sentMs: number, startMs: number, endMs: number, outcome: Outcome): Look {
  const { job: base, queue } = job({ task: 'add' });
  const attempt = { attempt: 1, startedAtMs: startMs, endedAtMs: endMs, owner: 'a' };
  return {
    atMs: 90_000,
    before: null,
    sighting: {
      id: base.id,
      state: outcome.state,
      standing: { queue, priority: 5, attempt: 1, crashes: 0 },
      dueAtMs: null,
      owner: null,
      startedAtMs: null,
      endedAtMs: endMs,
      progress: null,
      location: 'somewhere',
      record: { job: { ...base, enqueuedAtMs: sentMs }, attempts: [attempt], outcome, parked: null, kept: {} },
    },
  };
}

interface Given {
  readonly there: readonly Look[];
  readonly later?: readonly (readonly Look[])[];
  readonly logs?: Readonly<Record<string, readonly LogLine[]>>;
}

function source({ there, later = [], logs = {} }: Given): {
  readonly broker: Pick<Broker, 'everyJob' | 'log'>;
  readonly read: string[];
} {
  const read: string[] = [];
  const broker: Pick<Broker, 'everyJob' | 'log'> = {
    everyJob: async function* (): AsyncGenerator<Looks, void, undefined> {
      for (const look of there) yield { jobs: [look], isCaughtUp: false };
      yield { jobs: [], isCaughtUp: true };
      for (const jobs of later) yield { jobs, isCaughtUp: true };
    },
    log: async (id, position) => {
      read.push(id);
      const lines = logs[id] ?? [];
      return { lines: lines.slice(position), position: Math.max(position, lines.length) };
    },
  };
  return { broker, read };
}

async function told(given: Given, options: Partial<SpoolEventsOptions> = {}): Promise<readonly SpoolEvent[]> {
  const all: SpoolEvent[] = [];
  const { broker } = source(given);
  for await (const event of spoolEvents(broker, { sinceMs: 0, follow: false, isWanted: () => true, ...options }))
    all.push(event);
  return all;
}

function line(atMs: number, text: string): LogLine {
  return { atMs, stream: 'stdout', text };
}

test('the events of all jobs come in the order of time, with what the runs printed between', async () => {
  const succeeded: Outcome = { state: 'succeeded', value: 'a secret' };
  const [a, b] = [ended(1_000, 3_000, 6_000, succeeded), ended(2_000, 4_000, 5_000, FAILED)];
  const logs = { [a.sighting.id]: [line(3_500, 'one'), line(5_500, 'two')], [b.sighting.id]: [line(4_500, 'b')] };

  const events = await told({ there: [a, b], logs });

  assert.deepEqual(
    events.map(({ atMs, kind, id, text }) => [atMs, id === a.sighting.id ? 'a' : 'b', text ?? kind].join(' ')),
    [
      '1000 a accepted',
      '2000 b accepted',
      '3000 a started',
      '3500 a one',
      '4000 b started',
      '4500 b b',
      '5000 b failed',
      '5500 a two',
      '6000 a succeeded',
    ],
  );
});

test('no event holds a value, a stack or a cause; each names its task and queue', async () => {
  const succeeded: Outcome = { state: 'succeeded', value: 'a secret' };
  const all = await told({ there: [ended(1, 2, 3, succeeded), ended(4, 5, 6, FAILED)] });

  assert.ok(!JSON.stringify(all).includes('secret'));
  assert.ok(all.every(({ task, queue }) => task === 'add' && queue === 'default'));
  assert.deepEqual(all.at(-1)?.error, { name: 'Error', message: 'no', code: 'E_NO' });
});

test('of jobs that are past the log is read when their run is told, and not before', async () => {
  const there = [ended(1_000, 5_000, 6_000, FAILED), ended(2_000, 5_100, 6_000, FAILED)];
  const { broker, read } = source({ there });
  const counts: number[] = [];

  for await (const { kind } of spoolEvents(broker, { sinceMs: 0, follow: false, isWanted: () => true }))
    if (kind === 'accepted') counts.push(read.length);

  assert.deepEqual(counts, [0, 0]);
  assert.equal(read.length, 2);
});

test('from a time on only what happened then is told; what comes later in any case', async () => {
  const [old, late] = [ended(1_000, 3_000, 6_000, FAILED), ended(10, 20, 30, FAILED)];

  const events = await told({ there: [old], later: [[late]] }, { sinceMs: 4_000, follow: true });

  assert.deepEqual(
    events.map(({ atMs, kind }) => `${atMs} ${kind}`),
    ['6000 failed', '10 accepted', '20 started', '30 failed'],
  );
});

test('an outcome that cannot be read is told as an end, with its place', async () => {
  const look = ended(1, 2, 3, FAILED);
  const broken: Look = { ...look, sighting: { ...look.sighting, record: null, endedAtMs: null } };

  const [event, ...more] = await told({ there: [broken] });

  assert.deepEqual([event?.kind, event?.task, event?.error?.code, more], ['failed', null, 'FSQ_CORRUPT_JOB', []]);
  assert.match(event?.error?.message ?? '', /^somewhere holds no outcome that can be read\. `fsq doctor` says why\.$/);
});

test('jobs that nobody asked for are not told', async () => {
  const [a, b] = [ended(1, 2, 3, FAILED), ended(4, 5, 6, FAILED)];

  const events = await told({ there: [a, b] }, { isWanted: ({ id }) => id === b.sighting.id });

  assert.deepEqual([...new Set(events.map(({ id }) => id))], [b.sighting.id]);
});
