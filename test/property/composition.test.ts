/**
 * Random compositions, however nested: the jobs that they become, run in any order that their edges allow, give each call the arguments that
 * the composition means.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { Answers } from '../../src/app/canvas/call-options.ts';
import { type Call, type Part, type PartSender, several } from '../../src/app/canvas/part.ts';
import { planOf } from '../../src/app/canvas/plan.ts';
import { toNewJobs } from '../../src/app/canvas/planned-jobs.ts';
import type { NewJob } from '../../src/broker/broker.ts';
import { idsAfter } from '../../src/job/edges.ts';
import { Predecessors } from '../../src/job/ended/predecessors.ts';
import type { Outcome } from '../../src/job/job.ts';
import type { JsonValue } from '../../src/job/values/json.ts';
import { nextId } from '../support/factory.ts';
import { forSeeds, type Random } from '../support/random.ts';

const SENDER: PartSender = {
  settings: () => Promise.reject(new Error('no settings are asked for')),
  broker: () => Promise.reject(new Error('no broker is asked for')),
};

test('each call of a random composition gets what the composition means, in any order that the edges allow', async () => {
  await forSeeds(400, (random) => {
    const part = randomPart(random, 4, true);
    const meant: string[] = [];
    const value = meaning(part, null, meant);
    const jobs = jobsOf(part, null);

    const ran = run(jobs, random, () => false);

    assert.deepEqual(ran.calls.toSorted(), meant.toSorted(), show(part));
    assert.equal(ran.calls.length, jobs.length);
    assertNextIsInverse(jobs);
    assert.deepEqual(finalValue(part, jobs, ran.outcomes), value, show(part));
  });
});

test('when one call fails, what follows it fails with that cause, all else runs, and the handler gets that failure once', async () => {
  await forSeeds(400, (random) => {
    const part = randomPart(random, 4, true);
    const handler = call('handler', false);
    const jobs = jobsOf(part, handler);
    const victim = random.below(jobs.length);
    const bad = jobs[victim]?.job.id;

    const { outcomes, handled } = run(jobs, random, (id) => id === bad && victim < jobs.length - 1);

    const behind = followersOf(jobs, victim);
    for (const [i, { job }] of jobs.slice(0, -1).entries()) {
      const outcome = outcomes.get(job.id);
      if (i !== victim && !behind.has(i)) assert.equal(outcome?.state, 'succeeded', show(part));
      else assert.equal(causeOf(outcome), 'victim', `${i} of ${show(part)}`);
    }
    const isFailed = victim < jobs.length - 1;
    assert.deepEqual(
      handled.map((failed) => Object(failed).id),
      isFailed ? [bad] : [],
    );
  });
});

function call(task: string, isComplete: boolean, args: readonly JsonValue[] = []): Call {
  return { kind: 'call', sender: SENDER, task, args, isComplete, defaults: {}, own: null };
}

let calls = 0;

function randomPart(random: Random, depth: number, mayBeEmpty: boolean): Part {
  const kind = depth === 0 ? 'call' : random.pick(['call', 'call', 'chain', 'group', 'chord'] as const);
  if (kind === 'call')
    return call(`t${calls++}`, random.below(4) === 0, random.below(2) === 0 ? [] : [random.below(9)]);
  if (kind === 'chord')
    return several('chord', [randomGroup(random, depth, mayBeEmpty), randomPart(random, depth - 1, true)]);
  if (kind === 'group') return randomGroup(random, depth, mayBeEmpty);
  return several(
    'chain',
    Array.from({ length: 1 + random.below(4) }, () => randomPart(random, depth - 1, true)),
  );
}

function randomGroup(random: Random, depth: number, mayBeEmpty: boolean): Part {
  const length = random.below(4) + (mayBeEmpty ? 0 : 1);
  return several(
    'group',
    Array.from({ length }, () => randomPart(random, depth - 1, true)),
  );
}

/** What the part gives when it is given `before`; each call is noted with its arguments. The definition that all else is held against. */
function meaning(part: Part, before: { readonly value: JsonValue } | null, meant: string[]): JsonValue {
  if (part.kind === 'call') {
    const args = before === null || part.isComplete ? part.args : [before.value, ...part.args];
    const noted = callText(part.task, args);
    meant.push(noted);
    return noted;
  }
  if (part.kind === 'group') return part.parts.map((member) => meaning(member, before, meant));
  let value = before;
  for (const step of part.parts) value = { value: meaning(step, value, meant) };
  return value?.value ?? null;
}

/** A call with its arguments as a short text, which is its value too. */
function callText(task: string, args: readonly unknown[]): string {
  return `${task}#${createHash('sha256').update(JSON.stringify(args)).digest('hex').slice(0, 12)}`;
}

function jobsOf(part: Part, onError: Call | null): readonly NewJob[] {
  const plan = planOf(part, new Answers({}), { after: null, onError });
  return toNewJobs(
    plan.jobs,
    plan.jobs.map(() => nextId()),
    () => ({}),
    0,
  );
}

interface Ran {
  readonly calls: readonly string[];
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** What the error handler was given. */
  readonly handled: readonly unknown[];
}

/** Runs all jobs, each time any of those that may run. */
function run(jobs: readonly NewJob[], random: Random, fails: (id: string) => boolean): Ran {
  const outcomes = new Map<string, Outcome>();
  const tasks = new Map(jobs.map(({ job }) => [job.id, job.task]));
  const seen: string[] = [];
  const handled: unknown[] = [];
  const left = new Set(jobs);
  while (left.size > 0) {
    const ready = [...left].filter(({ job }) => idsAfter(job.options).every((id) => outcomes.has(id)));
    const { job } = random.pick(ready);
    left.delete(jobs.find((one) => one.job === job) ?? assert.fail('a job'));
    const before = new Predecessors(job);
    for (const id of idsAfter(job.options)) {
      const outcome = outcomes.get(id);
      before.add(id, outcome === undefined ? null : { outcome, task: tasks.get(id) ?? null });
    }
    const verdict = before.verdict();
    if ('settlement' in verdict) {
      assert.equal(verdict.settlement.kind, 'publish');
      if (verdict.settlement.kind === 'publish') outcomes.set(job.id, verdict.settlement.outcome);
    } else if (fails(job.id)) {
      outcomes.set(job.id, { state: 'failed', error: { name: 'E', message: 'victim' } });
    } else {
      if (job.options.takes === 'error') handled.push(verdict.job.args[0]);
      const noted = callText(job.task, verdict.job.args);
      seen.push(noted);
      outcomes.set(job.id, { state: 'succeeded', value: noted });
    }
  }
  return { calls: seen, outcomes, handled };
}

/** A job's `next` are those that wait for it, so that its value is kept for them. */
function assertNextIsInverse(jobs: readonly NewJob[]): void {
  for (const { job } of jobs) {
    const waiting = jobs.filter((other) => idsAfter(other.job.options).includes(job.id)).map((other) => other.job.id);
    assert.deepEqual([...(job.options.next ?? [])].toSorted(), waiting.toSorted());
  }
}

/** The value of the whole, put together of the outcomes as its handle would. */
function finalValue(part: Part, jobs: readonly NewJob[], outcomes: ReadonlyMap<string, Outcome>): JsonValue {
  const { handle } = planOf(part, new Answers({}), { after: null, onError: null });
  const read = (plan: typeof handle): JsonValue => {
    if (plan.kind === 'group') return plan.parts.map(read);
    if (plan.kind !== 'job') return read(plan.parts.at(-1) ?? assert.fail('a chain of nothing'));
    const outcome = outcomes.get(jobs[plan.at]?.job.id ?? '');
    return outcome?.state === 'succeeded' ? (outcome.value ?? null) : assert.fail('no value');
  };
  return read(handle);
}

/** All jobs that wait, directly or not, for the one with that number. */
function followersOf(jobs: readonly NewJob[], at: number): ReadonlySet<number> {
  const found = new Set<number>();
  const ids = new Set([jobs[at]?.job.id ?? '']);
  for (const [i, { job }] of jobs.entries()) {
    if (!idsAfter(job.options).some((id) => ids.has(id))) continue;
    found.add(i);
    ids.add(job.id);
  }
  return found;
}

function causeOf(outcome: Outcome | undefined): string | undefined {
  if (outcome?.state !== 'failed') return undefined;
  return (outcome.error.cause ?? outcome.error).message;
}

function show(part: Part): string {
  if (part.kind === 'call') return `${part.task}${part.isComplete ? '!' : ''}(${part.args.join()})`;
  return `${part.kind}(${part.parts.map(show).join(', ')})`;
}
