import assert from 'node:assert/strict';
import test from 'node:test';
import { CorruptJobError, encodeBase, parseDocument } from '../../src/job/document.ts';
import { encodeTail } from '../../src/job/tail.ts';
import type { Attempt, Job, Outcome, Standing } from '../../src/job/job.ts';
import { nextId } from '../support/factory.ts';
import { forSeeds, jsonValue, type Random, text } from '../support/random.ts';

test('any job, and any outcome behind it, comes back as it was written', async () => {
  await forSeeds(500, (random) => {
    const job = anyJob(random);
    const base = encodeBase(job);
    const attempts = Array.from({ length: random.below(3) }, (_, i) => anyAttempt(random, i + 1));
    const outcome = anyOutcome(random);
    const standing = anyStanding(random);
    const tail = encodeTail(attempts, { outcome, standing });
    const whole = base.slice(0, parseDocument(base, job.id).baseEnd) + tail;

    const { record, torn } = parseDocument(whole, job.id);

    assert.deepEqual(record.job, job);
    assert.deepEqual(record.attempts, attempts);
    assert.deepEqual(record.outcome, outcome);
    assert.deepEqual(
      { queue: 'default', priority: 5, crashes: 0, ...record.kept },
      { queue: standing.queue, priority: standing.priority, crashes: standing.crashes },
    );
    assert.equal(torn, false);
  });
});

test('a tail torn at a random byte gives the job back, and no outcome', async () => {
  await forSeeds(500, (random) => {
    const job = anyJob(random);
    const base = encodeBase(job);
    const tail = encodeTail([anyAttempt(random, 1)], { outcome: anyOutcome(random), standing: anyStanding(random) });
    const { baseEnd } = parseDocument(base, job.id);
    const cut = random.below(tail.length - 1) + 1;

    const { record } = parseDocument(base.slice(0, baseEnd) + tail.slice(0, cut), job.id);

    assert.deepEqual(record.job, job);
    assert.equal(record.outcome, null);
  });
});

test('a file with random damage is the job, or another valid one, or corrupt: never another kind of error', async () => {
  await forSeeds(2_000, (random) => {
    const job = anyJob(random);
    const tail = encodeTail([anyAttempt(random, 1)], { outcome: anyOutcome(random), standing: anyStanding(random) });
    let damaged = encodeBase(job).slice(0, -1) + tail;
    for (let i = random.below(4); i >= 0; i--) {
      const at = random.below(damaged.length);
      const end = at + random.below(20);
      damaged =
        damaged.slice(0, at) + random.pick(['', '\0', '{', '}', '"', '\n', ',', '[[[[', 'x']) + damaged.slice(end);
    }
    try {
      const { record, baseEnd } = parseDocument(damaged, job.id);
      assert.equal(record.job.id, job.id);
      assert.ok(baseEnd >= 0 && baseEnd <= damaged.length);
    } catch (error) {
      assert.ok(error instanceof CorruptJobError, String(error));
    }
  });
});

function anyJob(random: Random): Job {
  return {
    id: nextId(),
    task: random.pick(['a', 'mail.send', 'x/y:z', '__proto__', 't'.repeat(128)]),
    args: Array.from({ length: random.below(4) }, () => jsonValue(random)),
    enqueuedAtMs: random.below(2e12 / 1e3) * 1e3,
    options: random.below(2) === 0 ? {} : { etaMs: random.below(1e9), retries: random.below(1_001), onCrash: 'fail' },
    headers: Object.fromEntries(Array.from({ length: random.below(3) }, () => [text(random), text(random)])),
  };
}

function anyOutcome(random: Random): Outcome {
  if (random.below(2) === 0)
    return { state: 'succeeded', value: random.below(5) === 0 ? undefined : jsonValue(random) };
  const cause = { name: text(random), message: text(random) };
  const error = { name: text(random), message: text(random), stack: text(random), code: text(random), cause };
  return { state: random.pick(['failed', 'revoked', 'expired'] as const), error };
}

function anyAttempt(random: Random, attempt: number): Attempt {
  const times = random.below(2) === 0 ? {} : { startedAtMs: random.below(1e9) };
  const error = random.below(2) === 0 ? {} : { error: { name: text(random), message: text(random) } };
  return { attempt, ...times, endedAtMs: random.below(1e9), owner: text(random), ...error };
}

function anyStanding(random: Random): Standing {
  return {
    queue: random.pick(['default', 'q', 'a_b-c']),
    priority: random.below(10),
    attempt: 1,
    crashes: random.below(4),
  };
}
