import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBrokerAddress } from '../../../../src/broker/broker-address.ts';
import { openBroker } from '../../../../src/open.ts';
import { openDesk } from '../../../../src/ui/desk/open-desk.ts';
import { until } from '../../../support/conditions.ts';
import { job, returned, RUN, threw } from '../../../support/factory.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { lacksRedis, ownRedisServer } from '../../../support/redis-server.ts';

test('a desk shows jobs of a real Redis, acts on them, and outlives the server', { skip: lacksRedis }, async (t) => {
  const server = await ownRedisServer({ isDurable: true });
  t.after(() => server.stop());
  const address = parseBrokerAddress(server.url('desk'));
  const open = (): ReturnType<typeof openBroker> => openBroker({ address, resultTtlMs: {} });
  const broker = open();
  t.after(() => broker.close());
  const desk = openDesk({ open, settings: { schedules: {} }, hidesArguments: false });
  t.after(() => desk.close());
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  const sent: string[] = [];
  for (const settlement of [returned(1), threw('no answer in 30 s')]) {
    const one = job({ id: broker.nextId(), args: [{ to: 'anna' }] });
    sent.push(one.job.id);
    await broker.enqueue([one]);
    await (await nextWithin(consumer, 30_000))?.settle(settlement, RUN);
  }
  await consumer.close();
  const [good = '', bad = ''] = sent;

  const page = await until(async () => {
    const found = await desk.jobs({}, null);
    return found.isComplete && found;
  }, 'the index is complete');
  assert.deepEqual(
    page.jobs.map(({ id, state }) => [id, state]),
    [
      [bad, 'failed'],
      [good, 'succeeded'],
    ],
  );
  assert.equal((await desk.jobs({ text: 'anna' }, null)).jobs.length, 2);
  assert.equal((await desk.failures({})).groups[0]?.message, 'no answer in … s');
  const summary = await desk.summary();
  assert.deepEqual([summary.trouble, summary.counts.failed, summary.counts.succeeded], [null, 1, 1]);
  const detail = await desk.job(bad);
  assert.match(detail?.location ?? '', /desk/);
  assert.ok(detail?.commands.every(({ command }) => !command.includes('--spool')));
  assert.ok((await desk.store()).parts.length > 10);
  assert.equal((await desk.act({ kind: 'retry', query: { states: ['failed'] }, count: 1 })).text, '1 job sent back.');
  assert.equal((await desk.jobs({ states: ['pending'] }, null)).jobs[0]?.id, bad);
  assert.equal((await desk.act({ kind: 'forget', ids: [good] })).text, '1 job forgotten.');
  assert.equal((await desk.jobs({}, null)).total, 1);

  await server.stop();
  await until(async () => (await desk.summary()).trouble !== null, 'the trouble is seen');
  await assert.rejects(desk.jobs({}, null), (error: { code?: string }) => error.code?.startsWith('FSQ_') === true);
  await server.restart();
  await until(async () => (await desk.summary()).trouble === null, 'the server is seen again');
  await until(async () => (await desk.jobs({}, null)).total === 1, 'its job is seen again');
});
