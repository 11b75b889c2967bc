/** What a worker does when times come, by a clock that the test sets. */
import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import { readSchedules } from '../../../../src/app/schedules/read-schedules.ts';
import { type ScheduleEvent, Ticker } from '../../../../src/app/schedules/ticker.ts';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { ScheduleStore } from '../../../../src/broker/schedules.ts';
import { clock } from '../../../support/clock.ts';
import { until } from '../../../support/conditions.ts';
import { tempSpool } from '../../../support/temp.ts';

const NOON = Date.parse('2026-11-27T12:00:00.500Z');
const HOUR = 3_600_000;
const YEAR = 365 * 24 * HOUR;
const HOURLY = { task: 'report', args: ['all'], every: '1h' };

interface Scene {
  readonly broker: Broker;
  readonly ticker: Ticker;
  readonly events: readonly ScheduleEvent[];
  /** Moves the clock, and has it look. */
  readonly move: (ms: number) => Promise<void>;
  /** The instants that have jobs. */
  readonly sent: () => Promise<readonly string[]>;
}

async function scene(
  t: TestContext,
  schedules: Readonly<Record<string, unknown>>,
  wrap: (store: ScheduleStore) => ScheduleStore = (store) => store,
): Promise<Scene> {
  const time = clock(NOON);
  const { broker } = tempSpool(t, { fsync: false, nowMs: time.nowMs });
  const events: ScheduleEvent[] = [];
  const ticker = new Ticker({
    broker: { nextId: broker.nextId, schedules: wrap(broker.schedules) },
    schedules: await readSchedules(schedules, NOON),
    nowMs: time.nowMs,
    onEvent: (event) => events.push(event),
  });
  t.after(() => ticker.close());
  ticker.know(new Map([['report', { queue: 'reports' }]]));
  await ticker.look();
  return {
    broker,
    ticker,
    events,
    move: async (ms) => {
      time.advance(ms);
      await ticker.look();
    },
    sent: async () =>
      (await broker.list(['pending'], 5_000)).map(({ record }) => record?.job.headers['fsq-instant'] ?? '').toSorted(),
  };
}

const instant = (ms: number): string => new Date(Math.floor(ms / HOUR) * HOUR).toISOString();

test('a schedule that is new sends with its next instant, in the queue of its task', async (t) => {
  const { broker, move, sent } = await scene(t, { hourly: HOURLY });

  assert.deepEqual(await sent(), []);
  await move(HOUR - 600);
  assert.deepEqual(await sent(), []);
  await move(100);

  const [job] = await broker.list(['pending'], 2);
  assert.deepEqual(await sent(), [instant(NOON + HOUR)]);
  assert.deepEqual([job?.standing.queue, job?.record?.job.args], ['reports', ['all']]);
  assert.deepEqual(job?.record?.job.headers['fsq-schedule'], 'hourly');
});

test('its own timer sends what comes, and it sends nothing once it is closed', async (t) => {
  const time = clock(NOON);
  const { broker } = tempSpool(t, { fsync: false });
  const schedules = await readSchedules({ tick: { ...HOURLY, every: '1s' } }, Date.now());
  const ticker = new Ticker({ broker, schedules, nowMs: Date.now, onEvent: () => time.advance(1) });
  t.after(() => ticker.close());
  ticker.know(new Map([['report', {}]]));
  await ticker.look();

  await until(async () => (await broker.counts()).pending >= 2, 'two seconds have come');
  await ticker.close();

  const { pending } = await broker.counts();
  await ticker.look();
  assert.equal((await broker.counts()).pending, pending);
});

describe('a clock that jumps a year', () => {
  test('ahead: one job for all that was missed, and the rest is told', async (t) => {
    const { events, move, sent } = await scene(t, { hourly: HOURLY });

    await move(YEAR + HOUR / 2);

    assert.deepEqual(await sent(), [instant(NOON + YEAR)]);
    const [skipped] = events.filter(({ kind }) => kind === 'skipped');
    assert.deepEqual(skipped?.kind === 'skipped' && [skipped.instants.length, skipped.hasMore], [999, true]);
  });

  test("ahead, with 'all': the newest thousand", async (t) => {
    const { move, sent } = await scene(t, { hourly: { ...HOURLY, missed: 'all' } });

    await move(YEAR);

    const all = await sent();
    assert.deepEqual([all.length, all.at(-1)], [1_000, instant(NOON + YEAR)]);
  });

  test('back: the schedule goes on, and says why', async (t) => {
    const { events, move, sent } = await scene(t, { hourly: HOURLY });
    await move(HOUR);

    await move(-YEAR);
    await move(HOUR);

    assert.deepEqual(await sent(), [instant(NOON + 2 * HOUR - YEAR), instant(NOON + HOUR)]);
    assert.deepEqual(
      events.filter(({ kind }) => kind === 'turned-back'),
      [{ kind: 'turned-back', schedule: 'hourly', doneMs: Date.parse(instant(NOON + HOUR)) }],
    );
  });

  test('ahead and back again: no instant of now is lost', async (t) => {
    const { move, sent } = await scene(t, { hourly: HOURLY });
    await move(YEAR);
    await move(-YEAR);

    await move(HOUR);

    assert.deepEqual(await sent(), [instant(NOON + HOUR), instant(NOON + YEAR)]);
  });
});

test('back by less than an hour: no instant has a second job', async (t) => {
  const { move, sent } = await scene(t, { hourly: HOURLY });
  await move(HOUR);

  await move(-HOUR / 2);
  await move(HOUR / 2);
  await move(HOUR);

  assert.deepEqual(await sent(), [instant(NOON + HOUR), instant(NOON + 2 * HOUR)]);
});

test('a schedule that is paused sends nothing, and catches up nothing', async (t) => {
  const { broker, move, sent } = await scene(t, { hourly: { ...HOURLY, missed: 'all' } });
  await broker.schedules.pause('hourly');
  await move(3 * HOUR);

  await broker.schedules.resume('hourly');
  await move(HOUR);

  assert.deepEqual(await sent(), [instant(NOON + 4 * HOUR)]);
});

test('what the store refuses is told once, tried again, and holds up no other schedule', async (t) => {
  let isRefused = true;
  const { events, move, sent } = await scene(t, { hourly: HOURLY, other: { ...HOURLY, every: '2h' } }, (store) => ({
    ...store,
    send: (of, job) =>
      isRefused && of.schedule === 'hourly' ? Promise.reject(new Error('full')) : store.send(of, job),
  }));
  await move(2 * HOUR);
  await move(1_000);
  assert.deepEqual(await sent(), [instant(NOON + 2 * HOUR)]);

  isRefused = false;
  await move(1_000);

  assert.equal((await sent()).length, 2);
  assert.equal(events.filter(({ kind }) => kind === 'refused').length, 1);
});

test('a schedule whose task is not known is left alone until it is', async (t) => {
  const { broker, ticker, move, sent } = await scene(t, { other: { task: 'other', every: '1h' } });
  await move(2 * HOUR);
  assert.deepEqual(await broker.schedules.list(), []);

  ticker.know(new Map([['other', {}]]));
  await move(HOUR);
  await move(HOUR);

  assert.deepEqual(await sent(), [instant(NOON + 4 * HOUR)]);
});
