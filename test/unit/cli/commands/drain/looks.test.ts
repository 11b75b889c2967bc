import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import type { Sighting, Unended } from '../../../../../src/broker/broker.ts';
import { Looks } from '../../../../../src/cli/commands/drain/looks.ts';
import { type EndedJob, Tally } from '../../../../../src/cli/commands/drain/tally.ts';
import { SpoolError } from '../../../../../src/job/errors.ts';
import type { JobRecord } from '../../../../../src/job/job.ts';
import { jobRecord } from '../../../../support/factory.ts';

const STANDING = { priority: 5, queue: 'default', attempt: 0, crashes: 0 };

function job(id: string, parts: Partial<Unended> = {}): Unended {
  return { id, queue: 'default', priority: 5, attempt: 0, state: 'pending', dueAtMs: null, owner: null, ...parts };
}

function record(id: string, parts: Partial<JobRecord> = {}): JobRecord {
  const base = { ...jobRecord({ task: 'add' }), id };
  return { job: base, attempts: [], outcome: { state: 'succeeded', value: 1 }, parked: null, kept: {}, ...parts };
}

/** Looks at what `scene` holds at the time, with a record of what was told. */
function looksAt(
  scene: {
    unended: readonly Unended[];
    outcomes?: Readonly<Record<string, JobRecord | Error>>;
    delayed?: readonly Sighting[];
    isDown?: boolean;
  },
  known: readonly string[] = [],
): { looks: Looks; ended: EndedJob[]; tally: Tally } {
  const ended: EndedJob[] = [];
  const tally = new Tally();
  const looks = new Looks({
    broker: {
      unended: async () => {
        if (scene.isDown === true) throw new SpoolError('FSQ_SPOOL', 'it is away');
        return scene.unended;
      },
      paused: async () => [],
      owners: async () => [],
      outcome: async (id) => {
        const found = scene.outcomes?.[id] ?? null;
        if (found instanceof Error) throw found;
        return found;
      },
      find: async () => null,
      list: async () => scene.delayed ?? [],
    },
    queues: null,
    waitsForLater: false,
    isKnown: (task) => known.includes(task),
    showsRunning: false,
    tally,
    onEnded: (one) => ended.push(one),
    onLook: () => undefined,
    onTrouble: () => undefined,
  });
  return { looks, ended, tally };
}

describe('a drain is over', () => {
  test('when a look has found nothing, and no run has been told of since', async () => {
    const scene = { unended: [job('a')] };
    const { looks } = looksAt(scene);

    assert.equal(looks.isOver, false, 'nobody has looked');
    await looks.look();
    assert.equal(looks.isOver, false);
    scene.unended = [];
    await looks.look();
    assert.equal(looks.isOver, true);
    looks.stale();
    assert.equal(looks.isOver, false);
  });

  test('never by a look that failed', async () => {
    const scene = { unended: [], isDown: false };
    const { looks } = looksAt(scene);
    await looks.look();
    looks.stale();
    scene.isDown = true;

    await assert.rejects(looks.look(), { code: 'FSQ_SPOOL' });

    assert.equal(looks.isOver, false);
  });

  test('not before parked jobs of a task that is known have been made ready', async () => {
    const parked = record('p', { outcome: null, parked: { reason: 'unknown', sinceMs: 1 } });
    const dueAtMs = Date.now() + 30_000;
    const delayed: Sighting = {
      id: 'p',
      state: 'delayed',
      standing: STANDING,
      dueAtMs,
      owner: null,
      startedAtMs: null,
      endedAtMs: null,
      progress: null,
      location: '',
      record: parked,
    };
    const scene = { unended: [job('p', { state: 'delayed', dueAtMs })], delayed: [delayed] };
    const unknown = looksAt(scene);
    const known = looksAt(scene, ['add']);

    await unknown.looks.look();
    await known.looks.look();

    assert.deepEqual([unknown.looks.isOver, known.looks.isOver], [true, false]);
    assert.deepEqual(unknown.looks.stuck(), [{ reason: 'parked', of: 'add', jobs: 1 }]);
  });
});

describe('a job that is missing at a look', () => {
  test('is counted by its outcome', async () => {
    const scene = { unended: [job('a')], outcomes: {} as Record<string, JobRecord> };
    const { looks, ended } = looksAt(scene);
    await looks.look();
    scene.unended = [];
    scene.outcomes = { a: record('a') };

    await looks.look();

    assert.deepEqual(ended, [{ id: 'a', task: 'add', state: 'succeeded', attempts: 0, ms: null }]);
  });

  test('is asked for again when the store refuses, and others are not forgotten for it', async () => {
    const away = new SpoolError('FSQ_SPOOL', 'too many files are open');
    const corrupt = new SpoolError('FSQ_CORRUPT_JOB', 'no outcome');
    const scene = { unended: [job('a'), job('b'), job('c')], outcomes: {} as Record<string, JobRecord | Error> };
    const { looks, ended } = looksAt(scene);
    await looks.look();
    scene.unended = [];
    scene.outcomes = { a: away, b: corrupt, c: record('c') };

    await assert.rejects(looks.look(), away);
    assert.deepEqual(
      ended.map(({ id }) => id),
      ['c'],
    );
    scene.outcomes = { a: record('a') };
    await looks.look();

    assert.deepEqual(
      ended.map(({ id }) => id),
      ['c', 'a'],
    );
    assert.equal(looks.isOver, true);
  });
});
