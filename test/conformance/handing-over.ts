/** Both ends of a move (src/broker/moving.ts), as every broker promises them. The other end is a spool. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { migrate, type Migrated, type MigrateOptions } from '../../src/app/migrating/migrate.ts';
import type { Broker } from '../../src/broker/broker.ts';
import type { Arrival, Departure, MovedJob } from '../../src/broker/moving.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { returned, RUN } from '../support/factory.ts';
import { sendMovableJobs, toldOf } from '../support/movable-jobs.ts';
import { nextWithin } from '../support/next-claim.ts';
import { tempDir } from '../support/temp.ts';
import {
  claimAll,
  claimNext,
  consumer,
  enqueueOne,
  keeper,
  newJob,
  nextOf,
  type OpenBroker,
  valueOf,
} from './parts.ts';

const OTHER = 'another place';
const MOVE = '01a2025d-adaa-7000-bfac-dd787a748d6d';

export function handingOver(open: OpenBroker): void {
  leaving(open);
  arriving(open);
  wholeMoves('from a spool', async (t) => [otherSpool(t), await open(t)], false);
}

/** The same of jobs with keys, of schedules, and in both directions. */
export function movingAll(open: OpenBroker): void {
  keys(open);
  const ways: readonly (readonly [string, OpenBoth])[] = [
    ['to a spool', async (t) => [await open(t), otherSpool(t)]],
    ['from a spool', async (t) => [otherSpool(t), await open(t)]],
  ];
  for (const [way, openBoth] of ways) {
    wholeMoves(way, openBoth, true);
    besideJobs(way, openBoth);
  }
}

type OpenBoth = (t: TestContext) => Promise<readonly [Broker, Broker]>;

function leaving(open: OpenBroker): void {
  test('a job that leaves is found delayed, whole, and nobody gets it', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    const before = await broker.find(job.id);
    const departure = await departureOf(t, broker);

    assert.deepEqual(await departure.take([job.id]), [job.id]);

    const sighting = (await broker.find(job.id)) ?? assert.fail('nowhere');
    assert.deepEqual([sighting.state, sighting.dueAtMs, sighting.record], ['delayed', null, before?.record]);
    assert.equal(sighting.isOnItsWay, true);
    assert.deepEqual(await departure.underway(), [job.id]);
    assert.deepEqual(
      (await broker.unended()).map(({ id, state }) => [id, state]),
      [[job.id, 'delayed']],
    );
    assert.equal((await broker.counts()).delayed, 1);
    assert.equal(await nextWithin(await consumer(t, broker), 100), null);
    assert.deepEqual(
      [...(await broker.retry([job.id])).values()].map((error) => error?.code),
      ['FSQ_NOT_ENDED'],
    );
    assert.equal((await broker.forget([job.id])).get(job.id), 'unfinished');
  });

  test('what runs, has ended or is nowhere is not taken', async (t) => {
    const broker = await open(t);
    const ended = await enqueueOne(broker);
    await (await claimNext(t, broker)).settle(returned(1), RUN);
    const running = await enqueueOne(broker);
    const claim = await claimNext(t, broker);
    const departure = await departureOf(t, broker);

    assert.deepEqual(await departure.take([ended.job.id, running.job.id, broker.nextId()]), []);

    await claim.settle(returned(2), RUN);
    assert.equal(valueOf(await broker.outcome(running.job.id)), 2);
  });

  test('a job that is given back waits as before, and runs', async (t) => {
    const broker = await open(t);
    const soon = newJob(broker, { etaMs: Date.now() + 3_600_000 });
    await broker.enqueue([soon]);
    const ready = await enqueueOne(broker);
    const ids = [soon.job.id, ready.job.id];
    const before = await toldOf(broker, ids);
    const departure = await departureOf(t, broker);
    await departure.take(ids);

    await departure.giveBack(ids);

    assert.deepEqual(await toldOf(broker, ids), before);
    assert.equal((await broker.find(ready.job.id))?.isOnItsWay, undefined);
    assert.equal((await claimNext(t, broker)).job.id, ready.job.id);
    assert.deepEqual(await departure.underway(), []);
    await departure.finish();
  });

  test('a job that is let go is nowhere; whoever has revoked it meanwhile is heard, also the second time', async (t) => {
    const broker = await open(t);
    const [one, two] = [await enqueueOne(broker), await enqueueOne(broker)];
    const ids = [one.job.id, two.job.id];
    const departure = await departureOf(t, broker);
    await departure.take(ids);
    assert.equal((await broker.revoke([two.job.id])).get(two.job.id), 'requested');

    assert.deepEqual(await departure.letGo(ids), [two.job.id]);

    assert.deepEqual(await toldOf(broker, ids), [null, null]);
    assert.deepEqual(await departure.letGo(ids), [two.job.id]);
  });

  test('that a job was revoked on its way stays known until the move is over, whatever workers sweep', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    const departure = await departureOf(t, broker);
    await departure.take([job.id]);
    await broker.revoke([job.id]);
    await departure.letGo([job.id]);

    // Its first look and its last one find that the job is nowhere.
    await (await broker.keeper({ queues: null })).close();

    assert.deepEqual(await departure.letGo([job.id]), [job.id]);
  });

  test('an unfinished move is told by both of its ends, with the jobs that lie there', async (t) => {
    const broker = await open(t);
    assert.equal(await broker.unfinishedMove(), null);
    const { job } = await enqueueOne(broker);
    const departure = await broker.departure(OTHER);
    await departure.take([job.id]);

    const way = { from: broker.place, to: OTHER, ids: [job.id] };
    assert.deepEqual(await broker.unfinishedMove(), { ...way, isGoing: true });
    await departure.close();
    assert.deepEqual(await broker.unfinishedMove(), { ...way, isGoing: false });
    await (await departureOf(t, broker)).giveBack([job.id]);
    assert.deepEqual((await broker.unfinishedMove())?.ids, []);
  });

  test('one process works at a move, and the next one goes on with what is there', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    const departure = await broker.departure(OTHER);
    await departure.take([job.id]);
    await assert.rejects(broker.departure(OTHER), { code: 'FSQ_MOVING' });
    await assert.rejects(broker.arrival(OTHER, MOVE, true), { code: 'FSQ_MOVING' });
    await departure.close();
    await assert.rejects(broker.arrival(OTHER, departure.id, true), { code: 'FSQ_MOVING' });

    const next = await departureOf(t, broker, 'a third place');

    assert.deepEqual([next.id, next.isResumed, next.to], [departure.id, true, OTHER]);
    assert.deepEqual(await next.underway(), [job.id]);
    await assert.rejects(next.finish(), { code: 'FSQ_MOVING' });
  });

  test('a move that is finished leaves nothing behind', async (t) => {
    const broker = await open(t);
    const departure = await broker.departure(OTHER);
    await departure.finish();
    await departure.close();

    const next = await departureOf(t, broker, 'a third place');

    assert.deepEqual([next.isResumed, next.to], [false, 'a third place']);
  });
}

function arriving(open: OpenBroker): void {
  test('a job that arrives is found delayed, and runs when it is released, with its attempt counted on', async (t) => {
    const broker = await open(t);
    const arrival = await arrivalOf(t, broker);
    const moved = movedJob(broker, { attempt: 2, crashes: 1 });
    const { id } = moved.record.job;

    assert.deepEqual(await arrival.accept([moved]), new Map());

    assert.deepEqual([(await broker.find(id))?.state, await arrival.underway()], ['delayed', [id]]);
    const each = await consumer(t, broker);
    assert.equal(await nextWithin(each, 100), null);
    assert.deepEqual(await arrival.accept([moved]), new Map());
    assert.deepEqual(await arrival.underway(), [id]);
    await arrival.release([id]);
    const { job, standing } = await nextOf(each);
    assert.deepEqual(job, moved.record.job);
    assert.deepEqual(standing, { ...standing, ...moved.standing, attempt: 3 });
    assert.deepEqual(await arrival.underway(), []);
  });

  test('a job of an id that is here already is refused, and the one that is here goes on, whatever became of the other', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    const arrival = await arrivalOf(t, broker);
    const moved = movedJob(broker, {});
    const same = { ...moved, record: { ...moved.record, job }, isRevoked: true };

    assert.deepEqual(
      [...(await arrival.accept([same])).values()].map(({ code }) => code),
      ['FSQ_MOVING'],
    );
    assert.equal((await broker.find(job.id))?.isRevoked, undefined);
    await (await claimNext(t, broker)).settle(returned(1), RUN);
    assert.deepEqual([...(await arrival.accept([same])).keys()], [job.id]);

    assert.deepEqual([await arrival.underway(), valueOf(await broker.outcome(job.id))], [[], 1]);
  });

  test('a job that was revoked on its way ends so', async (t) => {
    const broker = await open(t);
    const arrival = await arrivalOf(t, broker);
    const moved = { ...movedJob(broker, {}), isRevoked: true };
    const { id } = moved.record.job;
    await arrival.accept([moved]);
    assert.equal((await broker.find(id))?.isRevoked, true);
    await arrival.release([id]);

    assert.equal((await broker.revoke([id])).get(id), 'revoked');
    assert.equal((await broker.outcome(id))?.outcome?.state, 'revoked');
  });

  test('the note of an arrival whose move is over makes way for the next move from there, unless jobs lie under it', async (t) => {
    const broker = await open(t);
    await (await broker.arrival(OTHER, MOVE, true))?.close();
    const id = broker.nextId();

    await assert.rejects(broker.arrival('a third place', id, true), { code: 'FSQ_MOVING' });
    const next = await broker.arrival(OTHER, id, true);
    await next?.accept([movedJob(broker, {})]);
    await next?.close();

    assert.deepEqual([next?.id, next?.isResumed], [id, false]);
    await assert.rejects(broker.arrival(OTHER, broker.nextId(), true), { code: 'FSQ_MOVING' });
  });

  test('an arrival that has not begun is none, and one of another move is refused', async (t) => {
    const broker = await open(t);
    assert.equal(await broker.arrival(OTHER, MOVE, false), null);
    const arrival = await broker.arrival(OTHER, MOVE, true);
    assert.ok(arrival !== null);
    await arrival.close();

    await assert.rejects(broker.arrival('a third place', broker.nextId(), true), { code: 'FSQ_MOVING' });
    await assert.rejects(broker.departure(OTHER), { code: 'FSQ_MOVING' });
    const again = await broker.arrival(OTHER, MOVE, false);
    assert.equal(again?.isResumed, true);
    await again?.close();
  });
}

function keys(open: OpenBroker): void {
  test('a job that leaves keeps others of its key out', async (t) => {
    const broker = await open(t);
    const first = newJob(broker, { options: { key: 'K' } });
    await broker.enqueueUnique(first, { key: 'K', until: 'ended' });
    const departure = await departureOf(t, broker);
    await departure.take([first.job.id]);

    const second = await broker.enqueueUnique(newJob(broker, { options: { key: 'K' } }), {
      key: 'K',
      until: 'started',
    });

    assert.deepEqual(second, { id: first.job.id, isDuplicate: true });
  });

  test('of two jobs of one key the one that is here stays, and the other is refused', async (t) => {
    const broker = await open(t);
    const here = newJob(broker, { options: { key: 'K' } });
    await broker.enqueueUnique(here, { key: 'K', until: 'ended' });
    const arrival = await arrivalOf(t, broker);
    const moved = movedJob(broker, {}, { untilMs: null });

    const [error] = (await arrival.accept([moved])).values();

    assert.equal(error?.code, 'FSQ_KEY_TAKEN');
    assert.match(error?.message ?? '', new RegExp(here.job.id));
    await arrival.discard([moved.record.job.id]);
    assert.equal(await broker.find(moved.record.job.id), null);
    const next = await broker.enqueueUnique(newJob(broker, { options: { key: 'K' } }), { key: 'K', until: 'ended' });
    assert.deepEqual(next, { id: here.job.id, isDuplicate: true });
  });

  test('a job that arrives keeps others of its key out, and one that is discarded does not', async (t) => {
    const broker = await open(t);
    const arrival = await arrivalOf(t, broker);
    const moved = movedJob(broker, {}, { untilMs: null });
    const { id } = moved.record.job;
    await arrival.accept([moved]);
    const send = (): Promise<unknown> =>
      broker.enqueueUnique(newJob(broker, { options: { key: 'K' } }), { key: 'K', until: 'ended' });

    assert.deepEqual(await send(), { id, isDuplicate: true });
    await arrival.discard([id]);

    assert.equal((await broker.find(id)) ?? (await arrival.underway()).length, 0);
    assert.equal(((await send()) as { isDuplicate: boolean }).isDuplicate, false);
  });
}

function wholeMoves(way: string, openBoth: OpenBoth, keyed: boolean): void {
  test(`jobs of every kind move ${way}, with all that is known of them`, async (t) => {
    const [from, to] = await openBoth(t);
    const { waiting, ended } = await sendMovableJobs(from, keyed);
    const ids = Object.values(waiting);
    const before = await toldOf(from, ids);
    const needed = await toldOf(from, ended);

    const migrated = await move(from, to);

    assert.deepEqual(migrated, { ...NOTHING_MOVED, moved: ids.length, left: { ...NOTHING_LEFT, results: 2 } });
    assert.deepEqual(await toldOf(to, ids), before);
    assert.deepEqual(
      await toldOf(from, ids),
      before.map(() => null),
    );
    assert.deepEqual(await toldOf(to, ended), [needed[0], null]);
    assert.deepEqual(await toldOf(from, ended), needed);
    for (const task of keyed ? ['unique', 'timed'] : []) {
      const options = { key: 'K' };
      const rival = await to.enqueueUnique(newJob(to, { task, options }), { key: 'K', until: 'ended' });
      assert.deepEqual(rival, { id: waiting[task], isDuplicate: true });
    }
    assert.deepEqual(await move(from, to), { ...NOTHING_MOVED, left: { ...NOTHING_LEFT, results: 2 } });
  });

  test(`jobs that moved ${way} run there, those behind others behind them`, async (t) => {
    const [from, to] = await openBoth(t);
    const { waiting } = await sendMovableJobs(from, keyed);
    await move(from, to);
    await keeper(t, to);
    const each = await consumer(t, to);

    const ran: string[] = [];
    while (ran.length < (keyed ? 9 : 7)) {
      const { job, settle } = await nextOf(each).then((claim) => ({
        job: claim.job,
        settle: claim.settle.bind(claim),
      }));
      ran.push(job.id);
      if (job.id === waiting['taking']) assert.deepEqual(job.args, [{ rows: [1, 2] }]);
      await settle(returned(job.id), RUN);
    }

    const places = ['first', 'second', 'third'].map((name) => ran.indexOf(waiting[name] ?? ''));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    assert.equal(await nextWithin(each, 50), null);
  });

  test(`all outcomes move ${way} where that is wanted, but for those that jobs need which stay`, async (t) => {
    const [from, to] = await openBoth(t);
    const { waiting, ended } = await sendMovableJobs(from, keyed);
    const told = await toldOf(from, ended);

    const { results, left } = await move(from, to, { results: true });

    assert.deepEqual([results, left], [2, NOTHING_LEFT]);
    assert.deepEqual(await toldOf(to, ended), told);
    assert.deepEqual(await toldOf(from, ended), [null, null]);
    assert.equal((await to.unended()).length, Object.keys(waiting).length);
  });

  test(`what runs stays when others move ${way}, and so does what hangs together with it`, async (t) => {
    const [from, to] = await openBoth(t);
    const first = newJob(from);
    const second = newJob(from, { options: { after: first.job.id } });
    await from.enqueue([first, second]);
    const claim = await claimNext(t, from);
    const free = await enqueueOne(from);

    const { moved, left } = await move(from, to);

    assert.deepEqual([moved, left.running, left.held], [1, [first.job.id], [second.job.id]]);
    assert.notEqual(await to.find(free.job.id), null);
    await claim.settle(returned(5), RUN);
    assert.equal((await move(from, to)).moved, 1);
    await keeper(t, to);
    const ran = await claimAll(await consumer(t, to), 2);
    assert.deepEqual(new Set(ran), new Set([second.job.id, free.job.id]));
  });
}

function besideJobs(way: string, openBoth: OpenBoth): void {
  test(`paused queues and schedules move ${way}; what is further there stays`, async (t) => {
    const [from, to] = await openBoth(t);
    await from.pause('mails');
    await from.schedules.pass({ schedule: 'nightly', atMs: 2_000, pattern: '0 3 * * *' });
    await from.schedules.pass({ schedule: 'hourly', atMs: 2_000, pattern: '0 * * * *' });
    await from.schedules.pause('hourly');
    await to.schedules.pass({ schedule: 'nightly', atMs: 3_000, pattern: '0 4 * * *' });

    assert.deepEqual(await move(from, to), { ...NOTHING_MOVED, schedules: 2, pausedQueues: 1 });

    assert.deepEqual(await to.paused(), ['mails']);
    const [hourly, nightly] = await to.schedules.list();
    assert.deepEqual([hourly?.doneMs, hourly?.pattern, hourly?.isPaused], [2_000, '0 * * * *', true]);
    assert.deepEqual([nightly?.doneMs, nightly?.pattern, nightly?.isPaused], [3_000, '0 4 * * *', false]);
  });

  test(`a job whose key is taken stays when others move ${way}, with those behind it`, async (t) => {
    const [from, to] = await openBoth(t);
    const here = newJob(to, { options: { key: 'K' } });
    await to.enqueueUnique(here, { key: 'K', until: 'ended' });
    const there = newJob(from, { options: { key: 'K' } });
    await from.enqueueUnique(there, { key: 'K', until: 'ended' });
    const behind = newJob(from, { options: { after: there.job.id } });
    await from.enqueue([behind]);
    const before = await toldOf(from, [there.job.id, behind.job.id]);

    const { moved, left } = await move(from, to);

    assert.deepEqual([moved, [...left.refused.keys()], left.held], [0, [there.job.id], [behind.job.id]]);
    assert.equal(left.refused.get(there.job.id)?.code, 'FSQ_KEY_TAKEN');
    assert.deepEqual(await toldOf(from, [there.job.id, behind.job.id]), before);
    assert.deepEqual(await toldOf(to, [there.job.id, behind.job.id]), [null, null]);
  });
}

const NOTHING_LEFT: Migrated['left'] = { running: [], held: [], refused: new Map(), results: 0 };
const NOTHING_MOVED: Migrated = {
  moved: 0,
  results: 0,
  schedules: 0,
  pausedQueues: 0,
  left: NOTHING_LEFT,
  isInterrupted: false,
};

function move(from: Broker, to: Broker, options: Partial<MigrateOptions> = {}): Promise<Migrated> {
  return migrate({ from, to, results: false, waits: false, signal: new AbortController().signal, ...options });
}

function otherSpool(t: TestContext): Broker {
  const broker = openSpool({ path: join(tempDir(t), 'other') });
  t.after(() => broker.close());
  return broker;
}

async function departureOf(t: TestContext, broker: Broker, to = OTHER): Promise<Departure> {
  const departure = await broker.departure(to);
  t.after(() => departure.close());
  return departure;
}

async function arrivalOf(t: TestContext, broker: Broker): Promise<Arrival> {
  const arrival = (await broker.arrival(OTHER, MOVE, true)) ?? assert.fail('no arrival');
  t.after(() => arrival.close());
  return arrival;
}

/** A job as another place tells of it. */
function movedJob(broker: Broker, standing: Partial<MovedJob['standing']>, key: MovedJob['key'] = null): MovedJob {
  const { job, queue, priority } = newJob(broker, { args: [1], options: key === null ? {} : { key: 'K' } });
  return {
    record: { job, attempts: [], outcome: null, parked: null, kept: {} },
    standing: { queue, priority, attempt: 0, crashes: 0, ...standing },
    dueAtMs: null,
    isFollower: false,
    key,
    isRevoked: false,
    progress: null,
    checkpoint: null,
    log: [],
  };
}
