/** Retries, crashes and stops in any order: a job runs at most 1 + retries + crashes times, stops aside, and ends (I7). */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Attempt } from '../../src/job/job.ts';
import type { JobOptions } from '../../src/job/job-options.ts';
import { type Ending, MAX_CRASHES, settlementOf } from '../../src/job/lifecycle.ts';
import { jobRecord } from '../support/factory.ts';
import { forSeeds, type Random } from '../support/random.ts';

const ERROR = { name: 'E', message: 'm' };

test('whatever ends its runs, a job runs no more often than retries and crashes explain, and waits as its backoff says', async () => {
  await forSeeds(2_000, (random) => {
    const retries = random.below(5);
    const backoff = { initialMs: random.below(100), factor: 1 + random.below(3), maxMs: 200, jitter: true };
    const options: JobOptions = {
      ...(random.below(4) === 0 ? {} : { retries, backoff }),
      ...(random.below(4) === 0 ? { onCrash: 'fail' } : {}),
    };
    const life = live(random, options);

    const { retries: allowed = 0 } = options;
    assert.ok(
      life.runs <= 1 + allowed + life.crashes + life.stops + life.interruptions,
      JSON.stringify({ options, life }),
    );
    assert.ok(life.retried <= allowed, JSON.stringify({ options, life }));
    assert.ok(life.crashes <= (options.onCrash === 'fail' ? 1 : MAX_CRASHES + 1));
    if (options.onCrash === 'fail') assert.equal(life.runs, 1 + life.retried);
    for (const entries of life.entries) assert.ok(entries.length <= 1 + allowed + life.crashes + life.interruptions);
  });
});

interface Life {
  runs: number;
  crashes: number;
  stops: number;
  interruptions: number;
  retried: number;
  entries: (readonly Attempt[])[];
}

/** A job's life, as its file tells it to whoever runs it next: a process that dies may tear the entries off. */
function live(random: Random, options: JobOptions): Life {
  const life: Life = { runs: 0, crashes: 0, stops: 0, interruptions: 0, retried: 0, entries: [] };
  const job = jobRecord({ options });
  let attempts: readonly Attempt[] = [];
  let standing = { queue: 'default', priority: 5, attempt: 0, crashes: 0 };
  for (let nowMs = 0; nowMs < 1_000_000;) {
    standing = { ...standing, attempt: standing.attempt + 1 };
    life.runs++;
    const ending = endingOf(random);
    if (ending.kind === 'stopped') life.stops++;
    if (ending.kind === 'interrupted') life.interruptions++;
    if (ending.kind === 'crashed') {
      life.crashes++;
      if (random.below(2) === 0) attempts = [];
    }
    const settlement = settlementOf(ending, { job, standing, attempts }, nowMs, random.below(1_001) / 1_000);
    if (settlement.kind === 'requeue') continue;
    if (settlement.kind === 'park') assert.fail('nothing parks it');
    const uncounted = ending.kind === 'interrupted' ? ({ uncounted: true } as const) : {};
    attempts = [...attempts, { attempt: standing.attempt, endedAtMs: nowMs, owner: 'o', error: ERROR, ...uncounted }];
    life.entries.push(attempts);
    if (settlement.kind === 'publish') return life;
    if (ending.kind !== 'crashed' && ending.kind !== 'interrupted') {
      life.retried++;
      const mostMs = ending.kind === 'retry-asked' ? 7 : 1_000;
      assert.ok(settlement.delayMs >= 0 && settlement.delayMs <= mostMs, `${settlement.delayMs} ms`);
    }
    standing = { ...standing, crashes: settlement.crashes };
    nowMs += settlement.delayMs;
  }
  return assert.fail('the job does not end');
}

function endingOf(random: Random): Ending {
  return random.pick<Ending>([
    { kind: 'threw', error: ERROR },
    { kind: 'threw', error: ERROR },
    { kind: 'threw', error: ERROR, isFinal: random.below(8) === 0 },
    { kind: 'retry-asked', error: ERROR, delayMs: 7 },
    { kind: 'crashed' },
    { kind: 'stopped' },
    { kind: 'interrupted' },
  ]);
}
