/** What other jobs may still take stays, however old it is, and costs little. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Claim } from '../../../../src/broker/worker-side.ts';
import { encodeBase } from '../../../../src/job/document.ts';
import type { Settlement } from '../../../../src/job/lifecycle.ts';
import { encodeTail } from '../../../../src/job/tail.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { Forgetter } from '../../../../src/spool/results/forget.ts';
import { clock } from '../../../support/clock.ts';
import { within } from '../../../support/conditions.ts';
import { contextOf } from '../../../support/context.ts';
import { job, jobRecord, nextId, returned, RUN, threw } from '../../../support/factory.ts';
import { namesIn } from '../../../support/invariants.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { tempSpool } from '../../../support/temp.ts';

const TTL_MS = 1_000;
const MANY = 2_000;
/** The end of a job with a time of its own. */
const BRIEFLY: Settlement = { kind: 'publish', outcome: { state: 'succeeded', value: 7 }, ttlMs: 10 };

for (const how of ['has a time of its own', 'has that of the settings', 'is ignored'] as const) {
  test(`an outcome that a job after it may take stays until that has ended, also one that ${how}`, async (t) => {
    const { path, broker } = tempSpool(t, { fsync: false });
    const [id, next, last] = [broker.nextId(true), broker.nextId(), broker.nextId()];
    const own =
      how === 'has that of the settings' ? {} : how === 'is ignored' ? { ignoreResult: true } : { resultTtlMs: 10 };
    await broker.enqueue([
      job({ id, options: { ...own, next: [next, last] } }),
      job({ id: next, options: { after: id, takes: 'value' } }),
      job({ id: last, options: { after: [id, next], takes: 'values' } }),
    ]);
    const consumer = await broker.consumer({ queues: null, tasks: [] });
    t.after(() => consumer.close());
    await (await nextWithin(consumer, 10_000))?.settle(BRIEFLY, RUN);
    const time = clock();
    const context = contextOf(path, { nowMs: time.nowMs, fsync: false });
    const forgetter = new Forgetter(context, TTL_MS, time.nowMs);
    await forgetter.forget();
    time.advance(3_600_000);

    for (let round = 0; round < 3; round++) assert.equal(await forgetter.forget(), 0);
    assert.equal(await new Forgetter(context, TTL_MS).forget(), 0);

    assert.equal((await broker.forget([id])).get(id), 'forgotten', 'what somebody asks for goes');
    assert.deepEqual(namesIn(path, 'results'), []);
  });
}

test('an outcome goes in the next round when all jobs that might have taken it have ended, or have been nowhere for minutes', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const [id, next, last] = [broker.nextId(true), broker.nextId(), broker.nextId()];
  await broker.enqueue([
    job({ id, options: { resultTtlMs: 10, next: [next, last, nextId()] } }),
    job({ id: next, options: { after: id } }),
    job({ id: last, options: { after: id } }),
  ]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const keeper = await broker.keeper({ queues: null });
  t.after(() => keeper.close());
  const claimed = (what: string): Promise<Claim | null> =>
    within(Promise.resolve(consumer.next(new AbortController().signal)), what);
  await (await claimed('the first'))?.settle(BRIEFLY, RUN);
  const claims = [await claimed('one of the two'), await claimed('the other')];
  const time = clock();
  const forgetter = new Forgetter(contextOf(path, { nowMs: time.nowMs, fsync: false }), 86_400_000, time.nowMs);
  await forgetter.forget();
  time.advance(60_000);

  await claims[0]?.settle(threw('no'), RUN);
  assert.equal(await forgetter.forget(), 0);
  await claims[1]?.settle(returned(1), RUN);
  assert.equal(await forgetter.forget(), 0, 'the third may be on its way');
  time.advance(600_000);

  assert.equal(await forgetter.forget(), 1);
  assert.equal(await broker.outcome(id), null);
});

test('2,000 outcomes that others need cost one search a round, and are read once', async (t) => {
  let reads = 0;
  let searches = 0;
  const { path, broker } = tempSpool(t, { fsync: false });
  const callback = broker.nextId();
  const files: Files = {
    ...nodeFiles,
    open: (...args) => {
      if (args[0].includes('/results/')) reads++;
      return nodeFiles.open(...args);
    },
    walk: (at) => {
      if (at.endsWith('/pending')) searches++;
      return nodeFiles.walk(at);
    },
  };
  await broker.enqueue([job({ id: callback, options: { after: nextId(), takes: 'value' } })]);
  const outcome = { state: 'succeeded', value: 1 } as const;
  const standing = { priority: 5, queue: 'default', attempt: 1, crashes: 0 };
  for (let i = 0; i < MANY; i++) {
    const record = jobRecord({ id: broker.nextId(true), options: { next: [callback] } });
    const text = encodeBase(record).slice(0, -2) + encodeTail([], { outcome, standing, endedAtMs: Date.now() });
    writeFileSync(join(path, 'results', `${record.id}.json`), text, { mode: 0o600 });
  }
  const time = clock();
  const forgetter = new Forgetter(contextOf(path, { files, nowMs: time.nowMs, fsync: false }), TTL_MS, time.nowMs);
  await forgetter.forget();
  time.advance(60_000);

  for (let round = 0; round < 3; round++) assert.equal(await forgetter.forget(), 0);

  assert.equal(reads, MANY);
  assert.ok(searches <= 6, `${searches} searches`);
});
