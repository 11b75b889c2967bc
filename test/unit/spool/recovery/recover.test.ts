import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { BrokerEvent, Keeper } from '../../../../src/broker/worker-side.ts';
import { encodeBase } from '../../../../src/job/document.ts';
import { encodeTail } from '../../../../src/job/tail.ts';
import { FencedError } from '../../../../src/job/errors.ts';
import type { JobOptions } from '../../../../src/job/job-options.ts';
import type { Attempt, Outcome } from '../../../../src/job/job.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { delayedFileName, jobFileName } from '../../../../src/spool/layout.ts';
import { recoverOrphans, recoverOwner } from '../../../../src/spool/recovery/recover.ts';
import { sweepOwners } from '../../../../src/spool/recovery/sweep.ts';
import { until } from '../../../support/conditions.ts';
import { contextOf, recovererOf } from '../../../support/context.ts';
import { job, jobRecord, nextId, returned, RUN } from '../../../support/factory.ts';
import { assertSound, namesIn, placesOf } from '../../../support/invariants.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { plantDeadOwner, plantRefusedSocket, pronounceDead, someOwner } from '../../../support/owners.ts';
import { CHILD_SIDE } from '../../../support/child-side.ts';
import { tempSpool } from '../../../support/temp.ts';

const DEAD = someOwner(1);
const ME = someOwner(2);

test('several recoverers at once: each job is recovered once', async (t) => {
  const { path } = tempSpool(t);
  const ids = Array.from({ length: 20 }, nextId);
  plantDeadOwner(path, DEAD, Object.fromEntries(ids.map((id) => [nameOf(id), baseOf(id)])));
  const events: BrokerEvent[] = [];
  const onEvent = (event: BrokerEvent): void => void events.push(event);

  await Promise.all([2, 3, 4].map((n) => recoverOrphans(contextOf(path), recovererOf(someOwner(n), { onEvent }))));

  assertSound(path, ids);
  assert.equal(events.filter(({ kind }) => kind === 'recovered').length, ids.length);
  assert.deepEqual(namesIn(path, 'running'), []);
});

test('the jobs of the dead are recovered also where the record of one of them is broken on the disk', async (t) => {
  const { path } = tempSpool(t);
  const [first, second] = [nextId(), nextId()];
  const broken = someOwner(7);
  plantDeadOwner(path, broken, { [nameOf(first)]: baseOf(first) });
  await plantRefusedSocket(path, broken);
  plantDeadOwner(path, DEAD, { [nameOf(second)]: baseOf(second) });
  const open: typeof nodeFiles.open = (at, how) => {
    if (at.endsWith(`${broken}.json`)) throw systemError('EUCLEAN', 'open');
    return nodeFiles.open(at, how);
  };

  await recoverOrphans(contextOf(path, { files: { ...nodeFiles, open } }), recovererOf(ME));

  assertSound(path, [first, second]);
  assert.deepEqual(namesIn(path, 'running'), []);
});

test('the run of a process that died keeps when it began, by its claim', async (t) => {
  const { path, broker } = tempSpool(t);
  const [whole, torn] = [nextId(), nextId()];
  const fromMs = Date.now() - 10;
  plantDeadOwner(path, DEAD, { [nameOf(whole)]: baseOf(whole), [nameOf(torn)]: tornOf(torn) });
  const toMs = Date.now() + 10;

  await recoverOrphans(contextOf(path, { nowMs: () => toMs + 60_000 }), recovererOf(ME));

  const [kept, lost] = [await attemptsOf(broker, whole), await attemptsOf(broker, torn)];
  assert.equal(kept.length, 1);
  const { startedAtMs = 0, endedAtMs = 0 } = kept[0] ?? {};
  assert.ok(fromMs <= startedAtMs && startedAtMs <= toMs, `began at ${startedAtMs}, claimed ${fromMs} to ${toMs}`);
  assert.equal(endedAtMs, toMs + 60_000);
  // Its file was written to since.
  assert.deepEqual(lost.map(Object.keys), [['attempt', 'endedAtMs', 'owner', 'error']]);
});

test('a claim before the job is due, or after it expired, is no start: the kernel dates claims a tick too early', async (t) => {
  const { path, broker } = tempSpool(t);
  const nowMs = Date.now();
  const [tick, early, late] = [nextId(), nextId(), nextId()];
  const dueMs = nowMs + 3_600_000;
  const held = (id: string, options: JobOptions): [string, string] => [
    nameOf(id),
    encodeBase(jobRecord({ id, options })),
  ];
  const files = [held(early, { etaMs: dueMs }), held(late, { expiresAtMs: nowMs - 60_000 }), held(tick, {})];
  plantDeadOwner(path, DEAD, Object.fromEntries(files));
  let opened = '';
  const open: typeof nodeFiles.open = (at, how) => nodeFiles.open((opened = at), how);
  const info: typeof nodeFiles.info = (fd) => {
    const found = nodeFiles.info(fd);
    return opened.includes(tick) ? { ...found, changedAtMs: 4_995.6 } : found;
  };
  writeFileSync(
    join(path, 'running', DEAD, nameOf(tick)),
    encodeBase(jobRecord({ id: tick, options: { etaMs: 5_000 } })),
  );

  await recoverOrphans(contextOf(path, { files: { ...nodeFiles, open, info } }), recovererOf(ME));

  const starts = await Promise.all(
    [tick, early, late].map(async (id) => (await attemptsOf(broker, id))[0]?.startedAtMs),
  );
  assert.deepEqual(starts, [5_000, undefined, undefined]);
});

test('a run whose job was taken back by a move of its own file has no known start', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = nextId();
  plantDeadOwner(path, DEAD, { [nameOf(id)]: baseOf(id) });
  const rename: typeof nodeFiles.rename = (from, to) => {
    if (nodeFiles.entry(from)?.kind === 'directory') throw systemError('EXDEV', 'rename');
    nodeFiles.rename(from, to);
  };

  await recoverOrphans(contextOf(path, { files: { ...nodeFiles, rename } }), recovererOf(ME));

  assert.deepEqual((await attemptsOf(broker, id)).map(Object.keys), [['attempt', 'endedAtMs', 'owner', 'error']]);
});

test('a job in a broken place of the disk does not hold up the jobs behind it', async (t) => {
  const { path } = tempSpool(t);
  const [first, second, third] = [nextId(), nextId(), nextId()];
  plantDeadOwner(path, DEAD, { [nameOf(first)]: baseOf(first), [nameOf(second)]: baseOf(second) });
  plantDeadOwner(path, someOwner(7), { [nameOf(third)]: baseOf(third) });
  const open: typeof nodeFiles.open = (at, how) => {
    if (at.includes(first)) throw systemError('EIO', 'open');
    return nodeFiles.open(at, how);
  };
  const context = contextOf(path, { files: { ...nodeFiles, open } });

  for (let round = 0; round < 4; round++) await recoverOrphans(context, recovererOf(ME)).catch(() => undefined);

  assert.deepEqual(
    [second, third].map((id) => placesOf(path).get(id)?.[0]?.split('/')[0]),
    ['delayed', 'delayed'],
  );
  assert.match(placesOf(path).get(first)?.[0] ?? '', /^running\//);
});

test('what a recoverer that died half-way had fenced is taken from it by the next', async (t) => {
  const { path, broker } = tempSpool(t);
  const [first, second] = [nextId(), nextId()];
  plantDeadOwner(path, DEAD, { [nameOf(first)]: baseOf(first), [nameOf(second)]: baseOf(second) }, someOwner(3));

  await recoverOrphans(contextOf(path), recovererOf(ME));

  assertSound(path, [first, second]);
  assert.equal((await broker.find(first))?.standing.crashes, 1);
  assert.deepEqual(namesIn(path, 'running'), []);
});

test('a recoverer that died is forgotten only when nothing that it had fenced is left', async (t) => {
  const { path } = tempSpool(t);
  const [first, second] = [nextId(), nextId()];
  const dead = someOwner(4); // Its own directory lies between those that it had fenced.
  plantDeadOwner(path, DEAD, { [nameOf(first)]: baseOf(first) }, dead);
  plantDeadOwner(path, someOwner(8), { [nameOf(second)]: baseOf(second) }, dead);
  plantDeadOwner(path, dead, {});

  await recoverOrphans(contextOf(path), recovererOf(ME));

  assertSound(path, [first, second]);
  assert.deepEqual(namesIn(path, 'running'), []);
  assert.deepEqual(namesIn(path, 'workers'), []);
});

test('an owner that ends in order and leaves something is seen as dead by the next', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = nextId();
  const keeper = await broker.keeper({ queues: null });
  const [left] = await broker.owners();
  const directory = join(path, 'running', `${DEAD}~${left?.owner}`);
  mkdirSync(directory);
  writeFileSync(join(directory, nameOf(id)), baseOf(id), { mode: 0o600 });

  await keeper.close();
  await recoverOrphans(contextOf(path), recovererOf(ME));

  assertSound(path, [id]);
  assert.deepEqual(namesIn(path, 'running'), []);
  assert.deepEqual(namesIn(path, 'workers'), []);
});

test('what a live recoverer has fenced is left to it', async (t) => {
  const { path, broker } = tempSpool(t);
  const keeper = await broker.keeper({ queues: null });
  t.after(() => keeper.close());
  const [live] = await broker.owners();
  const id = nextId();
  const directory = join(path, 'running', `${DEAD}~${live?.owner}`);
  const other = contextOf(path);
  mkdirSync(directory);
  writeFileSync(join(directory, nameOf(id)), baseOf(id), { mode: 0o600 });

  await recoverOrphans(other, recovererOf(ME));

  // It may only have been the one that fenced it who has dealt with it meanwhile.
  assert.ok(!existsSync(join(path, 'running', `${DEAD}~${ME}`)));
  await until(async () => (await broker.find(id))?.state !== 'running', 'the live recoverer finishes what it began');
});

test('what this recoverer had fenced before and not finished is finished', async (t) => {
  const { path } = tempSpool(t);
  const id = nextId();
  plantDeadOwner(path, DEAD, { [nameOf(id)]: baseOf(id) }, ME);

  await recoverOrphans(contextOf(path), recovererOf(ME));

  assert.match(placesOf(path).get(id)?.[0] ?? '', /^delayed/);
});

test('a job that crashed too often is given up; its outcome counts every attempt', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = nextId();
  const attempts = [1, 2, 3].map((attempt) => ({ attempt, endedAtMs: attempt, owner: DEAD }));
  plantDeadOwner(path, DEAD, { [nameOf(id, 4, 3)]: baseOf(id).slice(0, -1) + encodeTail(attempts, null) });

  await recoverOrphans(contextOf(path), recovererOf(ME));

  const record = await broker.outcome(id);
  assert.ok(record?.outcome?.state === 'failed');
  assert.equal(record.outcome.error.code, 'FSQ_WORKER_LOST');
  assert.deepEqual(
    record.attempts.map(({ attempt }) => attempt),
    [1, 2, 3, 4],
  );
});

test('an outcome that was complete is published without a second run, byte for byte', async (t) => {
  const { path, broker } = tempSpool(t);
  const outcomes: Outcome[] = [
    { state: 'succeeded', value: { a: 'ü' } },
    { state: 'failed', error: { name: 'E', message: 'm' } },
  ];
  for (const outcome of outcomes) {
    const id = nextId();
    plantDeadOwner(path, `${id.slice(-3).replace(/\D/g, '7')}-${id.slice(-12)}0000`, {
      [nameOf(id)]: withOutcome(id, 1, outcome),
    });

    await recoverOrphans(contextOf(path), recovererOf(ME));

    const record = await broker.outcome(id);
    assert.deepEqual(record?.outcome, outcome);
    assert.equal(record?.attempts.length, 1);
  }
});

test('an outcome of an earlier attempt is history: the job runs again', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = nextId();
  const failed: Outcome = { state: 'failed', error: { name: 'E', message: 'm' } };
  plantDeadOwner(path, DEAD, { [nameOf(id, 2)]: withOutcome(id, 1, failed) });

  await recoverOrphans(contextOf(path), recovererOf(ME));

  const sighting = await broker.find(id);
  assert.equal(sighting?.state, 'delayed');
  assert.equal(sighting?.record?.outcome, null);
  assert.deepEqual(
    sighting?.record?.attempts.map(({ attempt }) => attempt),
    [1, 2],
  );
});

test('a waiting job that holds the outcome of a run which a power cut un-claimed is published, not run', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = nextId();
  writeFileSync(join(path, 'pending', nameOf(id, 0)), withOutcome(id, 1, { state: 'succeeded', value: 7 }), {
    mode: 0o600,
  });
  const other = job();
  await broker.enqueue([other]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  const claim = await consumer.next(new AbortController().signal);

  assert.equal(claim?.job.id, other.job.id);
  assert.deepEqual((await broker.outcome(id))?.outcome, { state: 'succeeded', value: 7 });
  await claim?.settle(returned(1), RUN);
});

test('a failed job that was sent back with its history runs again', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = nextId();
  const failed: Outcome = { state: 'failed', error: { name: 'E', message: 'm'.repeat(500) } };
  writeFileSync(join(path, 'pending', nameOf(id, 1)), withOutcome(id, 1, failed), { mode: 0o600 });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  const claim = await consumer.next(new AbortController().signal);
  assert.equal(claim?.standing.attempt, 2);
  await claim?.settle(returned(1), RUN);

  const record = await broker.outcome(id);
  assert.deepEqual(record?.outcome, { state: 'succeeded', value: 1 });
  assert.deepEqual(
    record?.attempts.map(({ attempt }) => attempt),
    [1, 2],
  );
  assertSound(path, [id]);
});

test('the fence comes before anything else: a late settlement in the middle of a recovery fails', async (t) => {
  const { path, broker } = tempSpool(t);
  await broker.enqueue([job()]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const claim = await consumer.next(new AbortController().signal);
  const late: Promise<unknown>[] = [];
  const files = {
    ...nodeFiles,
    // The old owner acts whenever the recoverer has just done something.
    open: (at: string, access: 'read' | 'write' | 'read-write') => {
      late.push(
        Promise.resolve(claim?.settle(returned('late'), RUN)).then(
          () => 'published',
          (error: unknown) => error,
        ),
      );
      return nodeFiles.open(at, access);
    },
  };

  await recoverOwner(contextOf(path, { files }), recovererOf(ME), {
    owner: consumer.owner,
    ending: 'crashed',
    run: null,
  });

  assert.ok(late.length > 0);
  for (const each of late) assert.ok((await each) instanceof FencedError);
  assert.deepEqual(namesIn(path, 'results'), []);
});

test("what is no job in a dead owner's directory is moved aside, and the directory goes", async (t) => {
  const { path } = tempSpool(t);
  const id = nextId();
  plantDeadOwner(path, DEAD, { 'not a job': 'x', [nameOf(id)]: baseOf(id) });
  const events: BrokerEvent[] = [];

  await recoverOrphans(contextOf(path), recovererOf(ME, { onEvent: (event) => events.push(event) }));

  assert.deepEqual(namesIn(path, 'running'), []);
  assert.equal(namesIn(path, 'corrupt').length, 1);
  assert.ok(events.some((event) => event.kind === 'foreign' && event.name === 'not a job'));
  assertSound(path, [id]);
});

test("names in running/ that are no owner's are left alone", async (t) => {
  const { path } = tempSpool(t);
  writeFileSync(join(path, 'running', 'README'), '');
  writeFileSync(join(path, 'running', `${DEAD}~..`), '');

  await recoverOrphans(contextOf(path), recovererOf(ME));

  assert.deepEqual(namesIn(path, 'running'), [`${DEAD}~..`, 'README'].toSorted());
});

/** A dead child that holds a job, and the keeper of its worker, which lives. */
async function deadChild(
  t: TestContext,
): Promise<ReturnType<typeof tempSpool> & { readonly parent: Keeper; readonly id: string }> {
  const spool = tempSpool(t);
  const id = nextId();
  const parent = await spool.broker.keeper({ queues: null });
  parent.join(DEAD, CHILD_SIDE);
  t.after(() => parent.close());
  plantDeadOwner(spool.path, DEAD, { [nameOf(id)]: baseOf(id) });
  plantParent(spool.path, DEAD, parent.owner);
  return { ...spool, parent, id };
}

test('a dead child is left to its parent for a moment, which knows how it ended', async (t) => {
  const { path, broker, parent, id } = await deadChild(t);

  const other = recoverOrphans(contextOf(path), recovererOf(ME));
  await parent.recover(DEAD, 'stopped');
  await other;

  assertSound(path, [id]);
  assert.equal((await broker.find(id))?.standing.crashes, 0);
});

test('a dead child whose parent does not see to it is recovered by another', async (t) => {
  const { path, broker, id } = await deadChild(t);

  await recoverOrphans(contextOf(path), recovererOf(ME));

  assert.equal((await broker.find(id))?.standing.crashes, 1);
  assert.equal(existsSync(join(path, 'running', DEAD)), false);
});

test('owners that are known to live are not asked', async (t) => {
  const { path } = tempSpool(t);
  const id = nextId();
  plantDeadOwner(path, DEAD, { [nameOf(id)]: baseOf(id) });

  await recoverOrphans(contextOf(path), recovererOf(ME, { isKnownAlive: (owner) => owner === DEAD }));

  assert.match(placesOf(path).get(id)?.[0] ?? '', /^running/);
});

test('a keeper recovers a dead owner by itself, within a second', async (t) => {
  const { path, broker } = tempSpool(t);
  const keeper = await broker.keeper({ queues: null });
  t.after(() => keeper.close());
  const id = nextId();
  plantDeadOwner(path, DEAD, { [nameOf(id)]: baseOf(id) });

  // A look comes 5 ms after the one before, and none while the machine stands still.
  let looks = 0;
  await until(async () => {
    looks++;
    return (await broker.find(id))?.state !== 'running';
  }, 'the job is recovered');
  assert.ok(looks <= 200, `${looks} looks`);
});

test('records of dead owners that hold nothing are swept, those of others are not', async (t) => {
  const { path, broker } = tempSpool(t);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  pronounceDead(path, DEAD);
  const id = nextId();
  plantDeadOwner(path, someOwner(5), { [nameOf(id)]: baseOf(id) });

  await sweepOwners(contextOf(path), () => false);

  const left = namesIn(path, 'workers').map((name) => name.replace(/\.\w+$/, ''));
  assert.deepEqual([...new Set(left)].toSorted(), [consumer.owner, someOwner(5)].toSorted());
});

test('an owner without a socket is told of, and not one that has ended since it was listed', async (t) => {
  const { path } = tempSpool(t);
  const [left, ended] = [someOwner(6), someOwner(7)];
  for (const owner of [left, ended]) mkdirSync(join(path, 'running', owner));
  const files = {
    ...nodeFiles,
    list: (directory: string) => {
      const names = nodeFiles.list(directory);
      if (names.includes(ended)) rmdirSync(join(directory, ended));
      return names;
    },
  };
  const told: BrokerEvent[] = [];

  await recoverOrphans(contextOf(path, { files }), recovererOf(ME, { onEvent: (event) => told.push(event) }));

  assert.deepEqual(told, [{ kind: 'unproved', owner: left, reason: 'its socket is missing' }]);
});

test('due jobs are promoted in the order of their time, others stay', async (t) => {
  const { path, broker } = tempSpool(t);
  const ids = [nextId(), nextId(), nextId()] as const;
  const soon = Date.now() - 10;
  [soon - 5, soon, Date.now() + 60_000].forEach((dueAtMs, i) => {
    const id = ids[i] ?? '';
    const name = delayedFileName(dueAtMs, { id, queue: 'default', priority: 5, attempt: 0, crashes: 0 });
    writeFileSync(join(path, 'delayed', name), baseOf(id), { mode: 0o600 });
  });
  writeFileSync(join(path, 'delayed', 'README'), '');
  const keeper = await broker.keeper({ queues: null });
  t.after(() => keeper.close());

  await until(() => namesIn(path, 'pending').length === 2, 'both due jobs are promoted');

  assert.deepEqual(namesIn(path, 'pending'), [nameOf(ids[0], 0), nameOf(ids[1], 0)]);
  assert.equal(namesIn(path, 'delayed').length, 2);
  assertSound(path, ids);
});

/** Whose child `owner` was, beside what makes it dead. */
function plantParent(path: string, owner: string, parent: string): void {
  const file = join(path, 'workers', `${owner}.json`);
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), parent }));
}

function nameOf(id: string, attempt = 1, crashes = 0): string {
  return jobFileName({ id, queue: 'default', priority: 5, attempt, crashes });
}

function baseOf(id: string): string {
  return encodeBase(jobRecord({ id }));
}

function tornOf(id: string): string {
  return `${baseOf(id).slice(0, -1)}${encodeTail([{ attempt: 1, endedAtMs: 1, owner: DEAD }], null).slice(0, 30)}`;
}

async function attemptsOf(broker: Pick<Broker, 'find'>, id: string): Promise<readonly Attempt[]> {
  return (await broker.find(id))?.record?.attempts ?? [];
}

function withOutcome(id: string, attempt: number, outcome: Outcome): string {
  const standing = { queue: 'default', priority: 5, attempt, crashes: 0 };
  return baseOf(id).slice(0, -1) + encodeTail([{ attempt, endedAtMs: 1, owner: DEAD }], { outcome, standing });
}
