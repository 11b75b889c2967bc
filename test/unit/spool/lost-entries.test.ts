/** The entries of a job's earlier runs, which say how often it was retried: what becomes of that when its file is cut. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Broker } from '../../../src/broker/broker.ts';
import type { Claim, Consumer } from '../../../src/broker/worker-side.ts';
import { encodeBase } from '../../../src/job/document.ts';
import { encodeTail } from '../../../src/job/tail.ts';
import { settlementOf } from '../../../src/job/lifecycle.ts';
import { nodeFiles } from '../../../src/spool/disk/files.ts';
import { jobFileName } from '../../../src/spool/layout.ts';
import { recoverOwner } from '../../../src/spool/recovery/recover.ts';
import { within } from '../../support/conditions.ts';
import { contextOf, recovererOf } from '../../support/context.ts';
import { jobRecord, RUN, threw } from '../../support/factory.ts';
import { deathAt, type FaultyFiles, faultyFiles } from '../../support/faulty-files.ts';
import { assertSound, namesIn } from '../../support/invariants.ts';
import { someOwner } from '../../support/owners.ts';
import { tempSpool } from '../../support/temp.ts';

const ERROR = { name: 'Error', message: 'once' };

for (const fsync of [true, false]) {
  test(`stopped at any call while it writes over those entries, a job gets no retry back (fsync ${fsync})`, async (t) => {
    for (let call = 1, isOver = false; !isOver; call++) {
      const { path, broker, faulty } = spoolWith(t, fsync);
      const id = plantRetried(path);
      const consumer = await broker.consumer({ queues: null, tasks: [] });
      const last = await claimOf(consumer);
      faulty.plan(deathAt(call));

      isOver = await died(last);

      faulty.mend();
      await recoverOwner(contextOf(path), recovererOf(someOwner(7)), {
        owner: consumer.owner,
        ending: 'stopped',
        run: null,
      });
      assertSound(path, [id]);
      if ((await broker.outcome(id)) === null) await assertNoRetryIsLeft(path, broker);
    }
  });
}

test('a job that is stopped while it writes of its first run is ready at once, and no crash is counted', async (t) => {
  const { path, broker, faulty } = spoolWith(t, false);
  const record = jobRecord({ options: { retries: 1 } });
  writeFileSync(join(path, 'pending', nameOf(record.id, 0)), encodeBase(record), { mode: 0o600 });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  const claim = await claimOf(consumer);
  faulty.plan({ operation: 'write', call: 1, errno: 'EDEAD', lasts: 'for good', tornBytes: 20 });
  await died(claim);

  faulty.mend();
  await recoverOwner(contextOf(path), recovererOf(someOwner(7)), {
    owner: consumer.owner,
    ending: 'stopped',
    run: null,
  });

  assert.deepEqual(namesIn(path, 'pending'), [nameOf(record.id, 1)]);
});

function spoolWith(t: TestContext, fsync: boolean): { path: string; broker: Broker; faulty: FaultyFiles } {
  const faulty = faultyFiles(nodeFiles);
  return { ...tempSpool(t, { files: faulty.files, fsync }), faulty };
}

/** A job with one retry, whose first run failed. */
function plantRetried(path: string): string {
  const record = jobRecord({ options: { retries: 1 } });
  const tail = encodeTail([{ attempt: 1, ...RUN, owner: someOwner(3), error: ERROR }], null);
  const name = nameOf(record.id, 1);
  writeFileSync(join(path, 'pending', name), encodeBase(record).slice(0, -'\n}'.length) + tail, { mode: 0o600 });
  return record.id;
}

function nameOf(id: string, attempt: number): string {
  return jobFileName({ id, queue: 'default', priority: 5, attempt, crashes: 0 });
}

async function claimOf(consumer: Consumer): Promise<Claim> {
  const claim = await within(consumer.next(new AbortController().signal), 'a claim');
  assert.ok(claim !== null);
  return claim;
}

/** Its run fails for the last time. @returns true when that could be settled, false when the process died first */
async function died(claim: Claim): Promise<boolean> {
  try {
    await claim.settle(threw('twice'), RUN);
    return true;
  } catch {
    return false;
  }
}

async function assertNoRetryIsLeft(path: string, broker: Broker): Promise<void> {
  const keeper = await broker.keeper({ queues: null });
  const next = await broker.consumer({ queues: null, tasks: [] });
  const claim = await claimOf(next);
  const settlement = settlementOf({ kind: 'threw', error: ERROR }, claim, Date.now(), 0.5);

  assert.equal(settlement.kind, 'publish', JSON.stringify(claim.standing));
  await claim.settle(settlement, RUN);
  await next.close();
  await keeper.close();
  assert.deepEqual(namesIn(path, 'running'), []);
}
