import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import { openBullBroker } from '../../../../src/bullmq/bull-broker.ts';
import { MOVING, NOTE, NOTES } from '../../../../src/bullmq/moving/move-store.ts';
import { arrivingJob } from '../../../../src/bullmq/moving/moved-jobs.ts';
import { openEngine } from '../../../../src/bullmq/open-engine.ts';
import { job } from '../../../support/factory.ts';
import { toldOf } from '../../../support/movable-jobs.ts';
import { lacksPostgres, postgresServer } from '../../../support/postgres-server.ts';
import { lacksRedis, redisServer } from '../../../support/redis-server.ts';

/** The note of a process that stood still, and that of the one which has taken the move over. */
const [LATE, NOW] = ['{"by":"late"}', '{"by":"now"}'];

for (const [name, skip, addressOf] of [
  ['Redis', lacksRedis, async (place: string) => (await redisServer()).url(place)],
  ['PostgreSQL', lacksPostgres, async (place: string) => (await postgresServer()).url(place)],
] as const) {
  test(
    `${name}: a step under a note that is not the move's any more changes nothing, and says so`,
    { skip },
    async (t) => {
      const { engine, broker, steps } = await opened(t, await addressOf('fence'));
      const [taken, waiting, coming] = [job(), job(), job()];
      const ids = [taken, waiting, coming].map((each) => each.job.id);
      await broker.enqueue([taken, waiting]);
      assert.equal(await steps(NOW).take(placeOf(taken)), true);
      const before = await toldOf(broker, ids);

      const answers = [
        await steps(LATE).take(placeOf(waiting)),
        await steps(LATE).drop(placeOf(taken)),
        await steps(LATE).sendToWait(placeOf(taken), 0),
        await steps(LATE).accept(arriving(coming)),
      ];

      assert.deepEqual(answers, [null, null, null, null]);
      assert.deepEqual(await toldOf(broker, ids), before);
      assert.deepEqual([...(await engine.store.fields(MOVING)).keys()], [taken.job.id]);
      await engine.store.removeFields(NOTES, [NOTE]);
      assert.equal(await steps(NOW).accept(arriving(coming)), null);
      assert.equal(await broker.find(coming.job.id), null);
    },
  );

  test(`${name}: each step can be done twice`, { skip }, async (t) => {
    const { broker, steps } = await opened(t, await addressOf('twice'));
    const [leaves, comes] = [job(), job()];
    await broker.enqueue([leaves]);
    const { take, drop, accept, sendToWait } = steps(NOW);

    assert.deepEqual([await take(placeOf(leaves)), await take(placeOf(leaves))], [true, true]);
    assert.deepEqual([await drop(placeOf(leaves)), await drop(placeOf(leaves))].includes(null), false);
    assert.deepEqual([await accept(arriving(comes)), await accept(arriving(comes))], [true, true]);
    await sendToWait(placeOf(comes), 0);
    await sendToWait(placeOf(comes), 0);

    assert.deepEqual([await broker.find(leaves.job.id), (await broker.find(comes.job.id))?.state], [null, 'pending']);
    const { pending, delayed } = await broker.counts();
    assert.deepEqual([pending, delayed], [1, 0]);
    // It runs there by now, or waits: neither takes it away.
    assert.equal(await drop(placeOf(comes)), false);
    assert.equal((await broker.find(comes.job.id))?.state, 'pending');
  });
}

type NewJob = ReturnType<typeof job>;

async function opened(t: TestContext, text: string) {
  const address = parseBrokerAddress(text);
  const [engine, broker] = [await openEngine({ address }), await openBullBroker({ address })];
  const release = engine.use();
  t.after(() => Promise.all([release(), broker.close()]));
  await engine.store.setField(NOTES, NOTE, NOW);
  const { moves } = engine.store;
  assert.ok(moves !== undefined);
  return { engine, broker, steps: moves.under };
}

function placeOf({ job: { id }, queue }: NewJob): { readonly queue: string; readonly id: string } {
  return { queue, id };
}

function arriving({ job: sent, queue, priority }: NewJob): ReturnType<typeof arrivingJob> {
  const record = { job: sent, attempts: [], outcome: null, parked: null, kept: {} };
  const standing = { queue, priority, attempt: 0, crashes: 0 };
  const beside = { progress: null, checkpoint: null, log: [] };
  return arrivingJob(
    { record, standing, dueAtMs: null, isFollower: false, key: null, isRevoked: false, ...beside },
    Date.now(),
  );
}
