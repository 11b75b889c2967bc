/** Sending back on disk: what a program does by a rename, markers, outcomes that the journal names, files that are no outcome. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Broker, NewJob } from '../../../../src/broker/broker.ts';
import { settlementOf } from '../../../../src/job/lifecycle.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { takeKeyAgain } from '../../../../src/spool/sending/enqueue-unique.ts';
import { keyDirectory } from '../../../../src/spool/keys/key-holders.ts';
import { retry } from '../../../../src/spool/results/retry.ts';
import { contextOf } from '../../../support/context.ts';
import { job, nextId, returned, RUN, threw } from '../../../support/factory.ts';
import { assertSound, namesIn } from '../../../support/invariants.ts';
import { journalIn, recordedIn } from '../../../support/journal.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { tempSpool } from '../../../support/temp.ts';

async function nextClaim(t: TestContext, broker: Broker) {
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const claim = await nextWithin(consumer, 10_000);
  return claim ?? assert.fail('there is a job to claim');
}

async function failed(t: TestContext, broker: Broker, sent: NewJob = job()): Promise<string> {
  await broker.enqueue([sent]);
  await (await nextClaim(t, broker)).settle(threw('no'), RUN);
  return sent.job.id;
}

for (const attempt of [0, 1]) {
  test(`an expired job moved to pending/ under attempt ${attempt} ${attempt === 0 ? 'has ended, as after a power cut' : 'runs'}`, async (t) => {
    const { path, broker } = tempSpool(t);
    const sent = job({ options: { expiresAtMs: Date.now() - 1 } });
    const { id } = sent.job;
    await broker.enqueue([sent]);
    const late = await nextClaim(t, broker);
    await late.settle(settlementOf({ kind: 'expired' }, late, Date.now(), 0), null);
    const outcome = readFileSync(join(path, `results/${id}.json`), 'utf8');
    assert.match(outcome, /"attempt":1,"endedAtMs":/);

    renameSync(join(path, `results/${id}.json`), join(path, `pending/5.${id}.default.${attempt}.0.json`));
    const other = job();
    await broker.enqueue([other]);
    const claim = await nextClaim(t, broker);

    assert.equal(claim.job.id, attempt === 0 ? other.job.id : id);
    if (attempt === 0) assert.equal(readFileSync(join(path, `results/${id}.json`), 'utf8'), outcome);
    else assert.deepEqual([claim.standing.attempt, claim.job.options.expiresAtMs], [2, undefined]);
    await claim.settle(returned(1), RUN);
    assertSound(path, [id, other.job.id]);
  });
}

test('when it resolves, the markers of the job are gone, and all names are synced after the rename', async (t) => {
  const { path, broker } = tempSpool(t);
  const id = await failed(t, broker);
  for (const name of [id, `${id}.terminate`]) writeFileSync(join(path, 'cancel', name), '');
  const calls: string[] = [];
  const files: Files = {
    ...nodeFiles,
    rename: (from, to) => {
      nodeFiles.rename(from, to);
      calls.push('rename');
    },
    openDirectory: (at) => {
      calls.push(at.slice(path.length + 1));
      return nodeFiles.openDirectory(at);
    },
  };

  assert.deepEqual([...(await retry(contextOf(path, { files }), [id]))], [[id, null]]);

  assert.deepEqual(namesIn(path, 'cancel'), []);
  assert.deepEqual(calls.slice(calls.indexOf('rename') + 1).toSorted(), ['cancel', 'delayed', 'pending', 'results']);
  assert.equal(calls.indexOf('results') < calls.indexOf('rename'), true, 'its end was durable before its markers went');
  assertSound(path, [id]);
});

test('a job whose marker cannot be removed is not sent back, for it would be revoked at once; the others are', async (t) => {
  const { path, broker } = tempSpool(t);
  const [immutable, folder, other] = [
    await failed(t, broker, job({ options: { key: 'k' } })),
    await failed(t, broker),
    await failed(t, broker),
  ];
  writeFileSync(join(path, 'cancel', immutable), '');
  mkdirSync(join(path, 'cancel', `${folder}.terminate`));
  const files: Files = {
    ...nodeFiles,
    unlink: (at) => {
      if (at.endsWith(`/cancel/${immutable}`)) throw Object.assign(new Error('EPERM'), { code: 'EPERM' });
      nodeFiles.unlink(at);
    },
  };
  const context = contextOf(path, { files });

  const answers = await retry(context, [immutable, folder, other]);

  assert.deepEqual([answers.get(immutable)?.code, answers.get(folder)?.code], ['FSQ_SPOOL', 'FSQ_SPOOL']);
  assert.match(answers.get(folder)?.message ?? '', new RegExp(`Remove cancel/${folder}\\* and call again`));
  assert.equal(answers.get(other), null);
  for (const id of [immutable, folder]) assert.equal((await broker.outcome(id))?.outcome?.state, 'failed');
  const directory = keyDirectory(context.layout, 'echo', 'k');
  assert.deepEqual(existsSync(directory) ? readdirSync(directory) : [], [], 'its key is free');
});

test('a job that was revoked before its time goes back to wait for that', async (t) => {
  const { path, broker } = tempSpool(t);
  const etaMs = Date.now() + 3_600_000;
  const sent = job({ etaMs });
  await broker.enqueue([sent]);
  await broker.revoke([sent.job.id]);

  await broker.retry([sent.job.id]);

  assert.deepEqual(namesIn(path, 'delayed'), [`${etaMs}.5.${sent.job.id}.default.1.0.json`]);
});

test('while the journal tells of the outcome the job stays, and its record is freed for it', async (t) => {
  const { path, broker } = tempSpool(t);
  const context = contextOf(path);
  context.journal = journalIn(context);
  t.after(() => context.journal?.close());
  const sent = job();
  await broker.enqueue([sent]);
  const { id } = sent.job;
  await (await nextClaim(t, broker)).settle(threw('no'), RUN);
  await context.journal.record(`results/${id}.json`, 1_000, (room) => room.write('{}'));
  assert.deepEqual(recordedIn(path), [id]);
  const seen: (readonly string[])[] = [];
  const files: Files = {
    ...nodeFiles,
    rename: (from, to) => {
      if (from.includes('/results/')) seen.push(recordedIn(path));
      nodeFiles.rename(from, to);
    },
  };

  assert.deepEqual([...(await retry({ ...context, files }, [id]))], [[id, null]]);

  assert.deepEqual(seen, [[]]);
});

test('what is no outcome is refused, and the others are sent back', async (t) => {
  const { path, broker } = tempSpool(t);
  const [broken, garbage] = [nextId(), nextId()];
  writeFileSync(join(path, 'results', `${broken}.json`), '{"task":"echo"}', { mode: 0o600 });
  writeFileSync(join(path, 'pending', `5.${garbage}.default.0.0.json`), 'no job', { mode: 0o600 });
  const id = await failed(t, broker);

  const answers = await broker.retry([broken, garbage, id]);

  assert.deepEqual(
    [broken, garbage, id].map((each) => answers.get(each)?.code ?? null),
    ['FSQ_CORRUPT_JOB', 'FSQ_CORRUPT_JOB', null],
  );
  assert.ok(existsSync(join(path, 'results', `${garbage}.json`)));
});

test('between the key and the rename nobody else gets the key, and what gave up leaves no trace', async (t) => {
  const { path, broker } = tempSpool(t);
  const options = { key: 'k' };
  const id = await failed(t, broker, job({ options }));
  const context = contextOf(path);
  const record = (await broker.outcome(id)) ?? assert.fail('it has ended');
  const asked = { job: record.job, queue: 'default', priority: 5 };

  const holder = await takeKeyAgain(context, asked, 'k');

  assert.ok('path' in holder);
  const rival = await broker.enqueueUnique(job({ id: broker.nextId(), options }), { key: 'k', until: 'ended' });
  assert.deepEqual(rival, { id, isDuplicate: true });
  nodeFiles.unlink(holder.path);
  assert.deepEqual(readdirSync(keyDirectory(context.layout, 'echo', 'k')), []);
  assert.deepEqual(namesIn(path, 'tmp'), []);
});

test('many are sent back in one call', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const jobs = Array.from({ length: 300 }, () => job());
  await broker.enqueue(jobs);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  for (const _ of jobs) await (await nextWithin(consumer, 10_000))?.settle(threw('no'), RUN);
  const ids = jobs.map(({ job: { id } }) => id);

  const answers = await broker.retry(ids);

  assert.equal([...answers.values()].filter((answer) => answer === null).length, ids.length);
  assert.equal(namesIn(path, 'pending').length, ids.length);
  assertSound(path, ids);
});
