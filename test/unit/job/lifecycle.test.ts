import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import type { JobOptions } from '../../../src/job/job-options.ts';
import type { Attempt, Standing } from '../../../src/job/job.ts';
import {
  crashBackoffMs,
  isSuspect,
  MAX_CRASHES,
  parkBackoffMs,
  retriesUsed,
  type AttemptedJob,
  type Ending,
  type Settlement,
  settlementOf,
} from '../../../src/job/lifecycle.ts';
import { jobRecord } from '../../support/factory.ts';

const STANDING = { queue: 'default', priority: 5, attempt: 2, crashes: 0 };
const RUN = runWith({});

/** The second attempt of a job. */
function runWith(
  options: JobOptions,
  standing: Partial<Standing> = {},
  attempts: readonly number[] = [1],
): AttemptedJob {
  const job = jobRecord({ task: 'ad', enqueuedAtMs: 1_000_000, options });
  return {
    job,
    standing: { ...STANDING, ...standing },
    attempts: attempts.map((attempt) => ({ attempt, endedAtMs: 1, owner: 'o' })),
  };
}

test('a run that returned is published with its value', () => {
  assert.deepEqual(settlementOf({ kind: 'returned', value: [1] }, RUN, 0, 0), {
    kind: 'publish',
    outcome: { state: 'succeeded', value: [1] },
  });
});

describe('how long an outcome is kept', () => {
  const error = { name: 'Error', message: 'no' };
  const ttlOf = (options: JobOptions, ending: Ending): number | undefined => {
    const settlement = settlementOf(ending, runWith(options), 0, 0);
    return settlement.kind === 'publish' ? settlement.ttlMs : assert.fail(settlement.kind);
  };

  test('the job says it, by how it ended', () => {
    const options = { resultTtlMs: { succeeded: 1, failed: 2, revoked: 3, expired: 4 } };

    assert.equal(ttlOf(options, { kind: 'returned', value: 1 }), 1);
    assert.equal(ttlOf(options, { kind: 'threw', error }), 2);
    assert.equal(ttlOf(options, { kind: 'timed-out', limitMs: 1 }), 2);
    assert.equal(ttlOf({ ...options, onCrash: 'fail' }, { kind: 'crashed' }), 2);
    assert.equal(ttlOf(options, { kind: 'revoked', hadBegun: false }), 3);
    assert.equal(ttlOf({ ...options, expiresAtMs: 1 }, { kind: 'expired' }), 4);
  });

  test('where it does not say, the settlement does not', () => {
    assert.equal(ttlOf({}, { kind: 'returned', value: 1 }), undefined);
    assert.equal(ttlOf({ resultTtlMs: { failed: 2 } }, { kind: 'returned', value: 1 }), undefined);
  });

  test('an ignored result is not kept, and that it is there only for a minute; a failure is', () => {
    const run = runWith({ ignoreResult: true });

    assert.deepEqual(settlementOf({ kind: 'returned', value: [1] }, run, 0, 0), {
      kind: 'publish',
      outcome: { state: 'succeeded', value: undefined },
      ttlMs: 60_000,
    });
    assert.deepEqual(settlementOf({ kind: 'threw', error }, run, 0, 0), {
      kind: 'publish',
      outcome: { state: 'failed', error },
    });
  });
});

test('a run that threw is published as failed', () => {
  const error = { name: 'E', message: 'm' };

  assert.deepEqual(settlementOf({ kind: 'threw', error }, RUN, 0, 0), {
    kind: 'publish',
    outcome: { state: 'failed', error },
  });
});

test('a job whose task is unknown is parked, with the nearest name', () => {
  const settlement = settlementOf({ kind: 'unknown-task', suggestion: 'add' }, RUN, 1_005_000, 0);

  assert.deepEqual(settlement, {
    kind: 'park',
    delayMs: 5_000,
    parked: { reason: 'no worker here knows task ad; did you mean add?', sinceMs: 1_005_000 },
  });
});

test('without a near name the reason ends earlier', () => {
  const settlement = settlementOf({ kind: 'unknown-task', suggestion: null }, RUN, 1_000_000, 0);

  assert.ok(settlement.kind === 'park');
  assert.equal(settlement.parked.reason, 'no worker here knows task ad');
});

test('a run that was stopped is ready again at once', () => {
  assert.deepEqual(settlementOf({ kind: 'stopped' }, RUN, 0, 0), { kind: 'requeue' });
});

describe('a run that was ended because of another job', () => {
  test('goes back at once, with an entry that does not count', () => {
    const settlement = settlementOf({ kind: 'interrupted' }, runWith({}, { crashes: 2 }), 0, 0);

    assert.ok(settlement.kind === 'rerun');
    const { delayMs, crashes, uncounted, error } = settlement;
    assert.deepEqual([delayMs, crashes, uncounted, error.code], [0, 2, true, 'FSQ_WORKER_LOST']);
    assert.match(error.message, /attempt 2 was ended because of another job that it ran; the attempt does not count/);
  });

  test('fails where the job must not run twice', () => {
    const settlement = settlementOf({ kind: 'interrupted' }, runWith({ onCrash: 'fail' }), 0, 0);

    assert.ok(settlement.kind === 'publish' && settlement.outcome.state === 'failed');
  });

  for (const crashes of [0, 1, 3])
    test(`takes no retry away, also beside ${crashes} crashes`, () => {
      const entry = (attempt: number, rest: object): Attempt => ({ attempt, endedAtMs: 1, owner: 'o', ...rest });
      const lost = Array.from({ length: crashes }, (_, i) => entry(i + 1, {}));
      const spared = [1, 2, 3, 4].map((i) => entry(crashes + i, { uncounted: true }));
      const failed = entry(crashes + 5, {});
      const attempts = [...lost, ...spared, failed];
      const run = { ...runWith({}, { crashes, attempt: attempts.length + 1 }), attempts };

      assert.equal(retriesUsed(run), 1);
    });
});

test('from the second crash on a job is a suspect, which runs alone', () => {
  assert.deepEqual(
    [0, 1, 2, 3].map((crashes) => isSuspect({ crashes })),
    [false, false, true, true],
  );
});

test('a crash is counted, and the job runs again', () => {
  for (let crashes = 0; crashes < MAX_CRASHES; crashes++) {
    const settlement = settlementOf({ kind: 'crashed' }, runWith({}, { crashes }), 0, 0);

    assert.ok(settlement.kind === 'rerun');
    assert.equal(settlement.crashes, crashes + 1);
    assert.equal(settlement.error.code, 'FSQ_WORKER_LOST');
    assert.match(settlement.error.message, /attempt 2/);
  }
});

test('after the last crash allowed it is given up', () => {
  const settlement = settlementOf({ kind: 'crashed' }, runWith({}, { crashes: MAX_CRASHES }), 0, 0);

  assert.ok(settlement.kind === 'publish' && settlement.outcome.state === 'failed');
  assert.equal(settlement.outcome.error.name, 'WorkerLostError');
  assert.match(settlement.outcome.error.message, /lost its process 4 times; it is not started again/);
  assert.equal(settlement.crashes, 4);
});

describe('a run that failed', () => {
  const error = { name: 'E', message: 'm', code: 'C' };
  const threw = (run: AttemptedJob, nowMs = 0, random = 1): Settlement =>
    settlementOf({ kind: 'threw', error }, run, nowMs, random);

  test('is tried again as long as retries are left', () => {
    assert.equal(threw(runWith({ retries: 1 })).kind, 'publish');
    assert.deepEqual(threw(runWith({ retries: 2, backoff: STEADY })), {
      kind: 'rerun',
      delayMs: 500,
      crashes: 0,
      error,
    });
  });

  test('waits longer each time, and a random part of that', () => {
    const backoff = { initialMs: 100, factor: 3, maxMs: 1_000, jitter: true };
    const delays = [1, 2, 3, 4].flatMap((attempt) => {
      const before = Array.from({ length: attempt - 1 }, (_, i) => i + 1);
      const run = runWith({ retries: 9, backoff }, { attempt }, before);
      return [0, 0.5, 1].map((random) => delayOf(threw(run, 0, random)));
    });

    assert.deepEqual(delays, [0, 50, 100, 0, 150, 300, 0, 450, 900, 0, 500, 1_000]);
  });

  test('waits a second at first, unless told otherwise', () => {
    assert.equal(delayOf(threw(runWith({ retries: 9 }, { attempt: 1 }, []))), 1_000);
  });

  test('is not tried again when that is of no use, or would be too late', () => {
    const final = settlementOf({ kind: 'threw', error, isFinal: true }, runWith({ retries: 9 }), 0, 0);

    assert.deepEqual(final, { kind: 'publish', outcome: { state: 'failed', error } });
    assert.equal(threw(runWith({ retries: 9, backoff: STEADY, expiresAtMs: 1_499 }), 1_000).kind, 'publish');
    assert.equal(threw(runWith({ retries: 9, backoff: STEADY, expiresAtMs: 1_500 }), 1_000).kind, 'rerun');
  });

  test('keeps its crashes: they are counted apart', () => {
    const settlement = threw(runWith({ retries: 1, backoff: STEADY }, { attempt: 3, crashes: 2 }));

    assert.deepEqual(settlement, { kind: 'rerun', delayMs: 500, crashes: 2, error });
    assert.equal(threw(runWith({ retries: 1 }, { attempt: 4, crashes: 2 })).kind, 'publish');
  });

  test('and asked for another waits as it asked, and fails when none is left', () => {
    const ask = (run: AttemptedJob, delayMs: number | null): Settlement =>
      settlementOf({ kind: 'retry-asked', error, delayMs }, run, 0, 1);

    assert.equal(delayOf(ask(runWith({ retries: 2, backoff: STEADY }), 7)), 7);
    assert.equal(delayOf(ask(runWith({ retries: 2, backoff: STEADY }), null)), 500);
    assert.match(messageOf(ask(runWith({ retries: 1 }), 7)), /^m, but its retries \(1\) are used up$/);
    assert.match(messageOf(ask(runWith({}), 7)), /^m, but its task allows none: set `retries`$/);
    assert.match(messageOf(ask(runWith({ retries: 2, expiresAtMs: 1 }), 7)), /^m, but it would expire before that$/);
  });
});

test('a run that was stopped by force uses up no retry, as long as nothing has torn the entries off', () => {
  assert.equal(retriesUsed(runWith({}, { attempt: 4 }, [2])), 1);
  assert.equal(retriesUsed(runWith({}, { attempt: 4, crashes: 1 }, [3])), 2);
  assert.equal(retriesUsed(runWith({}, { attempt: 1, crashes: 3 }, [])), 0);
  // Sent back after attempt 3: what ran up to then does not count.
  assert.equal(retriesUsed({ ...runWith({}, { attempt: 4 }, [1, 2, 3]), again: 3 }), 0);
  assert.equal(retriesUsed({ ...runWith({}, { attempt: 5 }, [1, 2, 3, 4]), again: 3 }), 1);
  assert.equal(retriesUsed({ ...runWith({}, { attempt: 6, crashes: 1 }, [5]), again: 3 }), 1);
  assert.equal(retriesUsed(runWith({}, { attempt: 2 }, [1, 2])), 1);
});

test('a job that must not run twice fails when its process dies or is stopped', () => {
  for (const kind of ['crashed', 'stopped'] as const) {
    const settlement = settlementOf({ kind }, runWith({ onCrash: 'fail', retries: 9 }), 0, 0);

    assert.match(messageOf(settlement), /attempt 2 of job .* \(ad\) (died|was stopped by force); .*onCrash is 'fail'/);
    assert.ok(settlement.kind === 'publish' && settlement.outcome.state === 'failed');
    assert.equal(settlement.outcome.error.code, 'FSQ_WORKER_LOST');
  }
});

test('a run that was killed at its limit is tried again while retries are left', () => {
  const timedOut = { kind: 'timed-out', limitMs: 1_500 } as const;

  const again = settlementOf(timedOut, runWith({ retries: 2, backoff: STEADY, onCrash: 'fail' }), 0, 0);
  const ended = settlementOf(timedOut, runWith({ retries: 1 }), 0, 0);

  assert.ok(again.kind === 'rerun');
  assert.deepEqual([again.delayMs, again.crashes, again.error.code], [500, 0, 'FSQ_TIME_LIMIT']);
  assert.match(messageOf(ended), /longer than its timeLimit of 1.5 s/);
});

test('a job that was too late is published as expired, whatever its time was', () => {
  for (const expiresAtMs of [0, -1e300]) {
    const settlement = settlementOf({ kind: 'expired' }, runWith({ expiresAtMs }), 5, 0);

    assert.ok(settlement.kind === 'publish' && settlement.outcome.state === 'expired');
    assert.equal(settlement.outcome.error.code, 'FSQ_EXPIRED');
  }
});

const STEADY = { initialMs: 500, factor: 1, maxMs: 500, jitter: false };

function delayOf(settlement: Settlement): number {
  assert.ok(settlement.kind === 'rerun', settlement.kind);
  return settlement.delayMs;
}

function messageOf(settlement: Settlement): string {
  assert.ok(settlement.kind === 'publish' && settlement.outcome.state !== 'succeeded', settlement.kind);
  return settlement.outcome.error.message;
}

test('the first crash costs no wait, later ones more and more, up to a limit', () => {
  assert.deepEqual([1, 2, 3, 4].map(crashBackoffMs), [0, 500, 2_000, 8_000]);
  assert.equal(crashBackoffMs(1_000_000), crashBackoffMs(8));
});

test('a parked job waits as long again as it has waited, from a second to a minute', () => {
  assert.deepEqual(
    [-5_000, 0, 999, 1_500, 59_000, 61_000, 1e12].map(parkBackoffMs),
    [1_000, 1_000, 1_000, 1_500, 59_000, 60_000, 60_000],
  );
});
