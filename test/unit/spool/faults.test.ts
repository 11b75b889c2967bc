/** Every call of the file system fails once, and for good, with each errno that matters; and the process ends at each call. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import type { Broker, NewJob } from '../../../src/broker/broker.ts';
import type { BrokerEvent, Claim, EndedRun } from '../../../src/broker/worker-side.ts';
import type { Soon } from '../../../src/broker/soon.ts';
import { encodeBase } from '../../../src/job/document.ts';
import { encodeTail, TAIL_MARK } from '../../../src/job/tail.ts';
import { SpoolError } from '../../../src/job/errors.ts';
import { createContext, type SpoolContext } from '../../../src/spool/disk/context.ts';
import { type Files, nodeFiles } from '../../../src/spool/disk/files.ts';
import { jobFileName, layoutOf, parseJobFileName } from '../../../src/spool/layout.ts';
import { recoverOrphans, recoverOwner } from '../../../src/spool/recovery/recover.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import type { Recoverer } from '../../../src/spool/recovery/take-back.ts';
import { elapsedTime } from '../../support/clock.ts';
import { until, within } from '../../support/conditions.ts';
import { job, jobRecord, nextId, returned, RUN } from '../../support/factory.ts';
import { deathAt, faultyFiles, type FaultyFiles, type Operation, type Plan } from '../../support/faulty-files.ts';
import { assertSound, namesIn, placesOf } from '../../support/invariants.ts';
import { plantDeadOwner, pronounceDead, someOwner, tornInCharacter } from '../../support/owners.ts';
import { tempSpool } from '../../support/temp.ts';

const PASSING = ['EIO', 'ENOSPC', 'EMFILE'];
/** Faults tried at a time: most of a try is spent waiting. */
const AT_ONCE = 16;

describe('enqueue', () => {
  const jobs = (): NewJob[] => [job(), job({ etaMs: Date.now() + 60_000 }), job({ queue: 'other' })];

  test('whatever fails: an accepted job is in one place, a rejected one in none unless the error names it', async (t) => {
    const plans = await plansFor(t, async ({ faulty }, broker) => {
      faulty.mend();
      await broker.enqueue(jobs());
    });

    await forEach(plans, async (plan) => {
      const { path, broker, faulty } = faultySpool(t);
      const sent = jobs();
      faulty.plan(plan);

      const error = await failureOf(broker.enqueue(sent));

      faulty.mend();
      assertAcceptedOrRejected(path, sent, error);
      if (error !== null && !['unlink', 'close'].includes(plan.operation)) {
        const left = namesIn(path, 'tmp');
        assert.ok(left.length === 0, `tmp/ holds ${left.join(', ')}`);
      }
      const next = job();
      await broker.enqueue([next]);
      assertSound(path, [next.job.id]);
    });
  });

  test('if the process ends at any call, each job is in one place or in none, and whole', async (t) => {
    const calls = await countCalls(t, ({ broker }) => broker.enqueue(jobs()));

    await forEach(range(1, calls), async (call) => {
      const { path, broker, faulty } = faultySpool(t);
      const sent = jobs();
      faulty.plan(deathAt(call));

      const error = await failureOf(broker.enqueue(sent));

      assert.ok(error instanceof SpoolError);
      assertAcceptedOrRejected(path, sent, error);
    });
  });

  test('an error before the first rename leaves the file descriptors as they were', async (t) => {
    for (const operation of ['create', 'write', 'sync'] as const) {
      const { broker, faulty } = faultySpool(t);
      const before = openDescriptors();
      faulty.plan({ operation, call: 2, errno: 'EIO', lasts: 'once' });

      await assert.rejects(broker.enqueue(jobs()), SpoolError);

      await until(() => openDescriptors() <= before, `no descriptor is left open after a failed ${operation}`);
    }
  });
});

describe('claim and settle', () => {
  test('whatever fails once: the job is published once, by this process or after its end by another', async (t) => {
    const plans = await plansFor(t, async (spool) => {
      const { run } = await waitingConsumer(spool);
      spool.faulty.mend();
      await run();
    });
    const time = elapsedTime(t);

    await forEach(
      plans.filter(({ lasts }) => lasts === 'once'),
      async (plan) => assertPublishedOnce(t, plan, time),
    );
  });

  test('whatever fails for good: once it is mended the job is published once', async (t) => {
    const plans = await plansFor(t, async (spool) => {
      const { run } = await waitingConsumer(spool);
      spool.faulty.mend();
      await run();
    });
    const time = elapsedTime(t);

    await forEach(
      plans.filter(({ lasts }) => lasts === 'for good'),
      async (plan) => assertPublishedOnce(t, plan, time),
    );
  });

  test('if the process ends at any call, recovery leads to one outcome', async (t) => {
    const calls = await countCalls(t, async (spool) => {
      const { run } = await waitingConsumer(spool);
      spool.faulty.mend();
      await run();
    });

    await forEach(range(1, calls), async (call) => {
      const spool = faultySpool(t);
      const { id, owner, run } = await waitingConsumer(spool);
      spool.faulty.plan(deathAt(call));

      const stop = new AbortController();
      const ending = failureOf(run(stop.signal));
      await until(() => spool.faulty.hasFailed(), 'the process ends');
      stop.abort();
      await ending;

      assertSound(spool.path, [id]);
      await assertEndsOnce(t, spool.path, id, owner);
    });
  });

  test('a write torn at any byte, over an older tail, never makes an outcome', async (t) => {
    // The old tail ends in such a way that a careless mixture of both would be valid JSON.
    const first = { attempt: 1, endedAtMs: 1, owner: 'o', error: { name: 'E', message: 'x世é👋'.repeat(30) } };
    const old = encodeTail([first], {
      outcome: { state: 'failed', error: { name: 'E', message: 'm', stack: '世é👋y'.repeat(30) } },
      standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
    });
    const value = { a: 'é世z👋'.repeat(20) };
    const whole = Buffer.byteLength(
      encodeTail([first, { attempt: 2, ...RUN, owner: someOwner() }], {
        outcome: { state: 'succeeded', value },
        standing: { queue: 'default', priority: 5, attempt: 2, crashes: 0 },
      }),
    );

    // The first write cuts the old tail off, the second is the new one.
    const tears = [
      ...range(0, Buffer.byteLength(TAIL_MARK)).map((tornBytes) => ({ call: 1, tornBytes })),
      ...range(0, whole).map((tornBytes) => ({ call: 2, tornBytes })),
    ];
    await forEach(tears, async ({ call, tornBytes }) => {
      const spool = faultySpool(t, { fsync: false });
      const record = jobRecord();
      const name = { id: record.id, queue: 'default', priority: 5, attempt: 1, crashes: 0 };
      writeFileSync(join(spool.path, 'pending', jobFileName(name)), encodeBase(record).slice(0, -1) + old, {
        mode: 0o600,
      });
      const consumer = await spool.broker.consumer({ queues: null, tasks: [] });
      t.after(() => consumer.close());
      const claim = await claimFrom(consumer.next(new AbortController().signal));
      spool.faulty.plan({ operation: 'write', call, errno: 'EDEAD', lasts: 'for good', tornBytes });

      await assert.rejects(async () => claim.settle(returned(value), RUN), { code: 'EDEAD' });

      spool.faulty.mend();
      pronounceDead(spool.path, consumer.owner);
      await recoverOrphans(contextOf(spool.path), recovererOf(someOwner(7)));
      const outcome = (await spool.broker.outcome(record.id))?.outcome ?? null;
      if (call === 1 || tornBytes < whole) assert.equal(outcome, null);
      if (outcome !== null) assert.deepEqual(outcome, { state: 'succeeded', value });
      assertSound(spool.path, [record.id]);
    });
  });
});

describe('recover', () => {
  test('whatever fails, once or for good: each job ends in its one place after a later round', async (t) => {
    const plans = await plansFor(t, async ({ path, faulty }) => {
      plant(path);
      faulty.mend();
      await recoverOrphans(contextOf(path, faulty.files), recovererOf(someOwner(2)));
    });

    await forEach(plans, async (plan) => {
      const { path, faulty } = faultySpool(t);
      const planted = plant(path);
      const context = contextOf(path, faulty.files);
      faulty.plan(plan);

      const first = failureOf(recoverOrphans(context, recovererOf(someOwner(2))));
      if (plan.lasts === 'for good') {
        await until(() => faulty.hasFailed(), 'the fault comes');
        faulty.mend();
      }
      await within(first, `a recovery with ${describePlan(plan)}`);
      faulty.mend();
      // Anew, because what was an entry's own trouble is left alone for a second.
      await recoverOrphans(contextOf(path, faulty.files), recovererOf(someOwner(2)));

      assertRecovered(path, planted);
    });
  });

  test('if the recoverer ends at any call, the next one finishes', async (t) => {
    const calls = await countCalls(t, async ({ path, faulty }) => {
      plant(path);
      faulty.mend();
      await recoverOrphans(contextOf(path, faulty.files), recovererOf(someOwner(2)));
    });

    await forEach(range(1, calls), async (call) => {
      const { path, faulty } = faultySpool(t);
      const planted = plant(path);
      pronounceDead(path, someOwner(2));
      faulty.plan(deathAt(call));
      await recoverOrphans(contextOf(path, faulty.files), recovererOf(someOwner(2))).catch(() => undefined);

      await recoverOrphans(contextOf(path), recovererOf(someOwner(3)));

      assertRecovered(path, planted);
    });
  });
});

describe('recover one whose end is known', () => {
  const LATE: EndedRun['ending'] = { kind: 'timed-out', limitMs: 1_000 };
  const recoverLate = async (path: string, files: Files): Promise<string> => {
    const { fresh } = plant(path);
    const run: EndedRun = { id: fresh, startedAtMs: 1, ending: LATE, defaults: {} };
    await recoverOwner(contextOf(path, files), recovererOf(someOwner(2)), {
      owner: someOwner(),
      ending: 'stopped',
      run,
    });
    return fresh;
  };

  test('whatever passes: the run that had its time is not taken for one that crashed', async (t) => {
    const plans = await plansFor(t, async ({ path, faulty }) => {
      faulty.mend();
      await recoverLate(path, faulty.files);
    });

    await forEach(
      plans.filter(({ lasts, errno }) => lasts === 'once' && PASSING.includes(errno)),
      async (plan) => {
        const { path, broker, faulty } = faultySpool(t);
        faulty.plan(plan);

        const id = await within(recoverLate(path, faulty.files), `a recovery with ${describePlan(plan)}`);

        const outcome = (await broker.outcome(id))?.outcome;
        assert.equal(outcome?.state === 'failed' && outcome.error.name, 'TimeLimitError', describePlan(plan));
        assert.deepEqual(namesIn(path, 'running'), []);
      },
    );
  });
});

interface FaultySpool {
  readonly path: string;
  readonly broker: Broker;
  readonly faulty: FaultyFiles;
}

function faultySpool(t: TestContext, options: { fsync?: boolean } = {}): FaultySpool {
  const faulty = faultyFiles(nodeFiles);
  const { path, broker } = tempSpool(t, { files: faulty.files, ...options });
  return { path, broker, faulty };
}

/** One job in pending/, a consumer beside it, and the life of a worker: claim it and settle it. */
async function waitingConsumer(spool: FaultySpool): Promise<{
  readonly id: string;
  readonly owner: string;
  readonly events: readonly BrokerEvent[];
  readonly run: (stop?: AbortSignal) => Promise<void>;
}> {
  const sent = job({ args: ['x'] });
  await spool.broker.enqueue([sent]);
  const events: BrokerEvent[] = [];
  const consumer = await spool.broker.consumer({ queues: null, tasks: [], onEvent: (event) => events.push(event) });
  return {
    id: sent.job.id,
    owner: consumer.owner,
    events,
    run: async (stop = new AbortController().signal) => {
      const claim = await consumer.next(stop);
      assert.ok(claim !== null, 'stopped');
      await claim.settle(returned(claim.standing.attempt), RUN);
    },
  };
}

async function claimFrom(next: Soon<Claim | null>): Promise<Claim> {
  const claim = await within(next, 'a claim');
  assert.ok(claim !== null);
  return claim;
}

async function assertPublishedOnce(t: TestContext, plan: Plan, time: { skip(ms: number): void }): Promise<void> {
  const spool = faultySpool(t);
  const { id, owner, events, run } = await waitingConsumer(spool);
  spool.faulty.plan(plan);

  let hasEnded = false;
  const ending = failureOf(run()).finally(() => (hasEnded = true));
  if (plan.lasts === 'for good') {
    await until(() => hasEnded || events.length > 0, `a person hears of ${describePlan(plan)}`);
    spool.faulty.mend();
  }
  // A job that could not be claimed is tried again in a minute.
  const minutes = setInterval(() => time.skip(61_000), 20);
  const error = await within(ending, `the job to end in spite of ${describePlan(plan)}`).finally(() =>
    clearInterval(minutes),
  );

  spool.faulty.mend();
  assertSound(spool.path, [id]);
  if (error === null) assert.ok(placesOf(spool.path).get(id)?.[0]?.startsWith('results/'));
  else await assertEndsOnce(t, spool.path, id, owner);
}

/** The owner has died: recovery and another run, if one is needed, publish exactly one outcome. */
async function assertEndsOnce(t: TestContext, path: string, id: string, owner: string): Promise<void> {
  pronounceDead(path, owner);
  await recoverOrphans(contextOf(path), recovererOf(someOwner(9)));
  assertSound(path, [id]);
  const broker = openSpool({ path });
  t.after(() => broker.close());
  if ((await broker.outcome(id)) === null) {
    const keeper = await broker.keeper({ queues: null });
    const consumer = await broker.consumer({ queues: null, tasks: [] });
    const claim = await claimFrom(consumer.next(new AbortController().signal));
    assert.equal(claim.job.id, id);
    await claim.settle(returned('again'), RUN);
    await consumer.close();
    await keeper.close();
  }
  assert.ok(await broker.outcome(id));
  assertSound(path, [id]);
  assert.equal(placesOf(path).size, 1);
}

interface Planted {
  readonly fresh: string;
  readonly torn: string;
  readonly complete: string;
  readonly poison: string;
  readonly corrupt: string;
}

/** What a dead owner may hold. */
function plant(path: string): Planted {
  const planted = { fresh: nextId(), torn: nextId(), complete: nextId(), poison: nextId(), corrupt: nextId() };
  const name = (id: string, crashes = 0): string =>
    jobFileName({ id, queue: 'default', priority: 5, attempt: crashes + 1, crashes });
  const base = (id: string): string => encodeBase(jobRecord({ id }));
  const standing = { queue: 'default', priority: 5, attempt: 1, crashes: 0 };
  const tail = encodeTail([{ attempt: 1, endedAtMs: 2, owner: someOwner() }], {
    outcome: { state: 'succeeded', value: 'done 世' },
    standing,
  });
  plantDeadOwner(path, someOwner(), {
    [name(planted.fresh)]: base(planted.fresh),
    [name(planted.torn)]: tornInCharacter(base(planted.torn).slice(0, -1) + tail),
    [name(planted.complete)]: base(planted.complete).slice(0, -1) + tail,
    [name(planted.poison, 3)]: base(planted.poison),
    [name(planted.corrupt)]: 'garbage',
  });
  return planted;
}

function assertRecovered(path: string, { fresh, torn, complete, poison, corrupt }: Planted): void {
  assertSound(path, [fresh, torn, complete, poison, corrupt]);
  const places = placesOf(path);
  const nameOf = (id: string): string => places.get(id)?.[0] ?? '';
  for (const id of [fresh, torn]) {
    assert.match(nameOf(id), /^delayed\//);
    assert.equal(parseJobFileName(nameOf(id).replace(/^delayed\/\d+\./, ''))?.crashes, 1);
  }
  for (const id of [complete, poison, corrupt]) assert.equal(nameOf(id), `results/${id}.json`);
  assert.deepEqual(namesIn(path, 'running'), []);
  assert.equal(namesIn(path, 'corrupt').length, 1);
}

function contextOf(path: string, files: Files = nodeFiles): SpoolContext {
  return createContext({
    layout: layoutOf(path),
    files,
    fsync: true,
    nowMs: Date.now,
    randomBytes,
  });
}

function recovererOf(owner: string): Recoverer {
  return { owner, isKnownAlive: () => false };
}

/** All faults of the calls that `act` makes after its own `mend()`. */
async function plansFor(t: TestContext, act: (spool: FaultySpool, broker: Broker) => Promise<void>): Promise<Plan[]> {
  const spool = faultySpool(t);
  await act(spool, spool.broker);
  return [...spool.faulty.calls].flatMap(([operation, count]) =>
    range(1, count).flatMap((call) =>
      errnosOf(operation, call).flatMap((errno) =>
        (['once', 'for good'] as const).map((lasts) => ({ operation, call, errno, lasts })),
      ),
    ),
  );
}

/** One that passes, in turn, and one that does not. A job's file that may not be opened is moved aside: see corrupt.test.ts. */
function errnosOf(operation: Operation, call: number): readonly string[] {
  const passing = PASSING[call % PASSING.length] ?? 'EIO';
  return operation === 'open' ? [passing] : [passing, 'EACCES'];
}

async function countCalls(t: TestContext, act: (spool: FaultySpool) => Promise<void>): Promise<number> {
  const spool = faultySpool(t);
  spool.faulty.mend();
  await act(spool);
  return [...spool.faulty.calls.values()].reduce((sum, count) => sum + count, 0);
}

function assertAcceptedOrRejected(path: string, sent: readonly NewJob[], error: unknown): void {
  assertSound(path);
  const places = placesOf(path);
  if (error === null)
    return assertSound(
      path,
      sent.map(({ job: { id } }) => id),
    );
  assert.ok(error instanceof SpoolError, String(error));
  for (const {
    job: { id },
  } of sent) {
    if (!error.uncertain.includes(id))
      assert.equal(places.get(id), undefined, `${id} was surely not queued, but it is there`);
  }
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return null;
  } catch (error) {
    return error;
  }
}

async function forEach<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  assert.ok(left.length > 0, 'nothing to try');
  const work = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      try {
        await act(item);
      } catch (error) {
        throw new Error(`With ${typeof item === 'object' ? JSON.stringify(item) : String(item)}`, { cause: error });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

function range(first: number, last: number, step = 1): number[] {
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step);
}

function describePlan({ operation, call, errno, lasts }: Plan): string {
  return `${errno} from ${operation} ${call}, ${lasts}`;
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}
