/** Outcomes that somebody names, while records of the journal name them too. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { encodeBase } from '../../../../src/job/document.ts';
import type { Journal } from '../../../../src/spool/journal/journal.ts';
import { forgetJobs } from '../../../../src/spool/results/forget-jobs.ts';
import { contextOf } from '../../../support/context.ts';
import { job, nextId } from '../../../support/factory.ts';
import { assertSound, namesIn } from '../../../support/invariants.ts';
import { journalIn, recordedIn, send } from '../../../support/journal.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { tempSpool } from '../../../support/temp.ts';

/** The outcome of a job whose sending a journal records. */
async function recordedOutcome(t: TestContext): Promise<{ path: string; id: string; journal: Journal }> {
  const { path } = tempSpool(t);
  const journal = journalIn(contextOf(path));
  t.after(() => journal.close());
  const sent = job();
  await send(journal, sent);
  const claimed = await import('../../../../src/spool/spool.ts').then(({ openSpool }) => openSpool({ path }));
  t.after(() => claimed.close());
  const consumer = await claimed.consumer({ queues: null, tasks: [] });
  const claim = await nextWithin(consumer, 10_000);
  await claim?.settle({ kind: 'publish', outcome: { state: 'succeeded', value: 1 } }, { startedAtMs: 1, endedAtMs: 2 });
  await consumer.close();
  return { path, id: sent.job.id, journal };
}

test("an outcome that another process's journal names stays, and is forgotten when that is durable", async (t) => {
  const { path, id, journal } = await recordedOutcome(t);
  const context = contextOf(path);

  assert.deepEqual(await forgetJobs(context, [id], 0), new Map([[id, 'recorded']]));
  assert.deepEqual(namesIn(path, 'results'), [`${id}.json`]);
  const forgotten = forgetJobs(context, [id]);
  await journal.checkpoint();

  assert.deepEqual(await forgotten, new Map([[id, 'forgotten']]));
  assert.deepEqual(namesIn(path, 'results'), []);
  assert.deepEqual(recordedIn(path), []);
  assertSound(path);
});

test('what the own journal names is made durable first', async (t) => {
  const { path, id, journal } = await recordedOutcome(t);

  const found = await forgetJobs(contextOf(path, { journal }), [id]);

  assert.deepEqual(found, new Map([[id, 'forgotten']]));
  assert.deepEqual(recordedIn(path), []);
});

test('what lies beside the job goes with its outcome', async (t) => {
  const { path } = tempSpool(t);
  const [id, other] = [nextId(), nextId()];
  for (const each of [id, other]) {
    writeFileSync(join(path, 'results', `${each}.json`), encodeBase(job({ id: each }).job));
    for (const folder of ['progress', 'checkpoints']) {
      mkdirSync(join(path, folder), { recursive: true });
      writeFileSync(join(path, folder, `${each}.json`), '{}');
    }
  }

  assert.deepEqual(await forgetJobs(contextOf(path), [id]), new Map([[id, 'forgotten']]));

  for (const folder of ['results', 'progress', 'checkpoints'])
    assert.deepEqual(namesIn(path, folder), [`${other}.json`]);
});

test('what has the name of an outcome and is a folder stays, and the answer says so', async (t) => {
  const { path } = tempSpool(t);
  const id = nextId();
  mkdirSync(join(path, 'results', `${id}.json`));

  assert.deepEqual(await forgetJobs(contextOf(path), [id], 0), new Map([[id, 'recorded']]));
});
