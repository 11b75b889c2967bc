/**
 * Two owners and two recoverers on one spool, their steps interleaved at random. An owner may be given up at any moment, also while it
 * still works. After every step: each job is in one place (I1), with one link (I2); an outcome never changes (I3) and is never a
 * fenced owner's (I5); starts are bounded (I7).
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import type { Claim, Consumer } from '../../src/broker/worker-side.ts';
import { FencedError } from '../../src/job/errors.ts';
import { MAX_CRASHES, settlementOf } from '../../src/job/lifecycle.ts';
import { type Files, nodeFiles } from '../../src/spool/disk/files.ts';
import { Promoter } from '../../src/spool/ready/promote.ts';
import { recoverOrphans } from '../../src/spool/recovery/recover.ts';
import { clock } from '../support/clock.ts';
import { until } from '../support/conditions.ts';
import { contextOf, recovererOf } from '../support/context.ts';
import { job, RUN } from '../support/factory.ts';
import { assertSound, namesIn, placesOf } from '../support/invariants.ts';
import { pronounceDead, someOwner } from '../support/owners.ts';
import { forSeeds, type Random } from '../support/random.ts';
import { tempSpool } from '../support/temp.ts';

const JOBS = 3;
const STEPS = 40;

interface World {
  readonly random: Random;
  readonly path: string;
  readonly broker: Broker;
  readonly advance: (ms: number) => void;
  readonly nowMs: () => number;
  readonly ids: readonly string[];
  readonly owners: Owner[];
  /** Settlements and recoveries that are under way. */
  readonly underWay: Set<Promise<void>>;
  readonly starts: Map<string, number>;
  readonly outcomes: Map<string, Buffer>;
}

interface Owner {
  readonly consumer: Consumer;
  claim: Claim | null;
  isGivenUp: boolean;
}

test('whatever the order of their steps, owners and recoverers keep the invariants, and every job ends once', async (t) => {
  await forSeeds(12, async (random) => {
    const world = await newWorld(t, random);
    for (let step = 0; step < STEPS; step++) {
      const act = random.pick([take, take, settle, settle, giveUp, recover, recover, pass]);
      await act(world);
      check(world);
    }
    await finish(world);
  });
});

async function newWorld(t: TestContext, random: Random): Promise<World> {
  const { nowMs, advance } = clock();
  const { path, broker } = tempSpool(t, { fsync: false, nowMs });
  const jobs = Array.from({ length: JOBS }, (_, i) =>
    job({ id: broker.nextId(), options: i === 0 ? {} : { retries: random.below(4) } }),
  );
  await broker.enqueue(jobs);
  const world: World = {
    random,
    path,
    broker,
    nowMs,
    advance,
    ids: jobs.map((sent) => sent.job.id),
    owners: [],
    underWay: new Set(),
    starts: new Map(),
    outcomes: new Map(),
  };
  await newOwner(world);
  await newOwner(world);
  return world;
}

async function newOwner({ broker, owners }: World): Promise<Owner> {
  const owner = { consumer: await broker.consumer({ queues: null, tasks: [] }), claim: null, isGivenUp: false };
  owners.push(owner);
  return owner;
}

/** An owner without a job tries to get one. */
async function take(world: World): Promise<void> {
  const owner = world.random.pick(world.owners);
  if (owner.claim !== null || namesIn(world.path, 'pending').length === 0) return;
  const stop = new AbortController();
  const next = owner.consumer.next(stop.signal);
  // Aborted before it can wait for more than what is there.
  setImmediate(() => setImmediate(() => stop.abort()));
  try {
    owner.claim = await next;
  } catch (error) {
    assert.ok(error instanceof FencedError && owner.isGivenUp, String(error));
    await replace(world, owner);
    return;
  }
  if (owner.claim === null) return;
  const { id } = owner.claim.job;
  world.starts.set(id, (world.starts.get(id) ?? 0) + 1);
  assert.ok(!world.outcomes.has(id), `${id} was started after it had ended`);
}

/** An owner ends its run; whether it waits for the end of that is left to chance. */
async function settle(world: World): Promise<void> {
  const owner = world.random.pick(world.owners);
  const { claim } = owner;
  if (claim === null) return;
  owner.claim = null;
  const ending = world.random.pick([
    { kind: 'returned', value: `${owner.consumer.owner} ${'x'.repeat(world.random.below(200))}` },
    { kind: 'threw', error: { name: 'E', message: owner.consumer.owner } },
    { kind: 'stopped' },
  ] as const);
  const settle = async (): Promise<void> =>
    claim.settle(settlementOf(ending, claim, world.nowMs(), world.random.below(1e6) / 1e6), RUN);
  const settling = settle().catch((error: unknown) => {
    assert.ok(error instanceof FencedError && owner.isGivenUp, String(error));
  });
  await startedOrEnded(world, settling);
}

/** An owner is taken for dead, although it may go on. */
async function giveUp(world: World): Promise<void> {
  if (world.random.below(2) === 0) return;
  const owner = world.random.pick(world.owners);
  if (owner.isGivenUp) return;
  owner.isGivenUp = true;
  pronounceDead(world.path, owner.consumer.owner);
}

async function recover(world: World): Promise<void> {
  const recoverer = recovererOf(someOwner(1 + world.random.below(2)));
  const context = contextOf(world.path, { fsync: false, nowMs: world.nowMs, files: interrupted(world) });
  await startedOrEnded(
    world,
    recoverOrphans(context, recoverer).then(() => undefined),
  );
}

/** A file system in whose calls somebody else's step may come first. */
function interrupted(world: World): Files {
  return new Proxy(nodeFiles, {
    get: (target, key) => {
      const real = target[key as keyof Files] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (world.random.below(6) === 0) world.underWay.add(settle(world));
        return real(...args);
      };
    },
  });
}

/** Time passes, and what is due becomes ready. */
async function pass(world: World): Promise<void> {
  world.advance(20_000);
  await promote(world);
}

/** On a busy machine the listing of what is due takes several turns, and others have theirs in between: so it is left to chance here. */
async function promote({ path, nowMs, random }: World): Promise<void> {
  const promoter = new Promoter(contextOf(path, { files: nodeFiles, nowMs }), (error) => assert.fail(String(error)));
  const real = performance.now;
  let ms = performance.now();
  if (random.below(4) === 0) performance.now = () => (ms += 1_000);
  promoter.promoteDue();
  performance.now = real;
  await until(() => promoter.isSettled(), 'what is due is ready');
  promoter.stop();
}

async function startedOrEnded(world: World, act: Promise<void>): Promise<void> {
  world.underWay.add(act);
  const done = act.finally(() => world.underWay.delete(act));
  if (world.random.below(2) === 0) await done;
  else void done.catch(() => undefined);
}

function check({ path, ids, outcomes, starts }: World): void {
  assertSound(path, ids);
  for (const id of ids) {
    const [place = ''] = placesOf(path).get(id) ?? [];
    const before = outcomes.get(id);
    if (before !== undefined) assert.ok(place.startsWith('results/'), `${id} has left results/`);
    if (!place.startsWith('results/')) continue;
    const bytes = readFileSync(join(path, place));
    if (before !== undefined) assert.deepEqual(bytes, before, `the outcome of ${id} has changed`);
    outcomes.set(id, bytes);
    assert.ok((starts.get(id) ?? 0) > 0, `${id} has an outcome and was never started`);
  }
}

async function replace(world: World, owner: Owner): Promise<void> {
  world.owners.splice(world.owners.indexOf(owner), 1);
  await owner.consumer.close();
  await newOwner(world);
}

/** All who were given up are recovered, all others work until every job has ended. */
async function finish(world: World): Promise<void> {
  for (const act of world.underWay) await act; // Also what begins meanwhile: it may send a job back.
  for (const owner of world.owners) {
    if (owner.claim !== null || owner.isGivenUp) pronounceDead(world.path, owner.consumer.owner);
    owner.claim = null;
    owner.isGivenUp = true;
  }
  await recoverOrphans(contextOf(world.path, { fsync: false, nowMs: world.nowMs }), recovererOf(someOwner(1)));
  await recoverOrphans(contextOf(world.path, { fsync: false, nowMs: world.nowMs }), recovererOf(someOwner(2)));
  world.advance(3_600_000);
  await promote(world);
  check(world);
  const last = await newOwner(world);
  while (namesIn(world.path, 'pending').length > 0) {
    const claim = await last.consumer.next(new AbortController().signal);
    world.starts.set(claim?.job.id ?? '', (world.starts.get(claim?.job.id ?? '') ?? 0) + 1);
    await claim?.settle(settlementOf({ kind: 'returned', value: 'last' }, claim, 0, 0), RUN);
  }
  for (const { consumer } of world.owners) await consumer.close();
  check(world);
  assert.equal(world.outcomes.size, JOBS, 'every job has ended');
  for (const id of world.ids) {
    const record = await world.broker.outcome(id);
    assert.ok((record?.attempts.length ?? 0) <= (world.starts.get(id) ?? 0));
    assert.ok(((await world.broker.find(id))?.standing.crashes ?? 0) <= MAX_CRASHES);
  }
}
