import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { Broker, NewJob } from '../../../../src/broker/broker.ts';
import type { Claim } from '../../../../src/broker/worker-side.ts';
import { encodeBase } from '../../../../src/job/document.ts';
import { revoked } from '../../../../src/job/lifecycle.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { delayedFileName, jobFileName } from '../../../../src/spool/layout.ts';
import { locate } from '../../../../src/spool/locate.ts';
import { recoverOrphans } from '../../../../src/spool/recovery/recover.ts';
import { withdraw } from '../../../../src/spool/revoking/revoke-jobs.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { deferred, until } from '../../../support/conditions.ts';
import { contextOf, recovererOf } from '../../../support/context.ts';
import { job, nextId, jobRecord } from '../../../support/factory.ts';
import { assertSound, placesOf } from '../../../support/invariants.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { plantDeadOwner, someOwner } from '../../../support/owners.ts';
import { tempSpool } from '../../../support/temp.ts';

const fileNameOf = ({ job: { id }, queue, priority }: NewJob, attempt = 0): string =>
  jobFileName({ id, queue, priority, attempt, crashes: 0 });

async function workOn(t: test.TestContext, broker: Broker): Promise<void> {
  const keeper = await broker.keeper({ queues: null });
  t.after(() => keeper.close());
}

const stateOf = async (broker: Broker, id: string): Promise<string | undefined> => (await broker.find(id))?.state;

test('a revoker that died right after its marker is finished by the next worker', async (t) => {
  const { path } = tempSpool(t);
  const broker = openSpool({ path });
  const [waiting, later] = [job(), job({ etaMs: Date.now() + 60_000 })];
  await broker.enqueue([waiting, later]);
  for (const { job: record } of [waiting, later]) writeFileSync(join(path, 'cancel', record.id), '');

  await workOn(t, broker);

  await until(() => readdirSync(join(path, 'cancel')).length === 0, 'the markers are gone');
  assert.equal(await stateOf(broker, waiting.job.id), 'revoked');
  assert.equal(await stateOf(broker, later.job.id), 'revoked');
});

test('a revoker that died with the job in its hands: the next call finishes it, without a worker', async (t) => {
  const { path } = tempSpool(t);
  const broker = openSpool({ path });
  const sent = job();
  plantDeadOwner(path, someOwner(1), { [fileNameOf(sent, 1)]: encodeBase(sent.job) });
  writeFileSync(join(path, 'cancel', sent.job.id), '');

  const found = await broker.revoke([sent.job.id]);

  assert.equal(found.get(sent.job.id), 'revoked');
  assert.equal(await stateOf(broker, sent.job.id), 'revoked');
  assert.deepEqual(readdirSync(join(path, 'running')), []);
});

test('a run that died with its process is revoked by recovery, and the run is in the record', async (t) => {
  const { path } = tempSpool(t);
  const broker = openSpool({ path });
  const sent = job();
  plantDeadOwner(path, someOwner(1), { [fileNameOf(sent, 1)]: encodeBase(sent.job) });
  writeFileSync(join(path, 'cancel', `${sent.job.id}.terminate`), '');

  await workOn(t, broker);

  await until(async () => (await stateOf(broker, sent.job.id)) === 'revoked', 'the job is revoked');
  const attempts = (await broker.find(sent.job.id))?.record?.attempts;
  assert.deepEqual(
    attempts?.map(({ attempt, owner }) => [attempt, owner]),
    [[1, someOwner(1)]],
  );
});

for (const marker of ['', '.terminate']) {
  test(`recovery itself ends what is marked by <id>${marker}: it is not ready again for a moment`, async (t) => {
    const { path, broker } = tempSpool(t);
    const sent = job();
    const { id } = sent.job;
    plantDeadOwner(path, someOwner(1), { [fileNameOf(sent, 1)]: encodeBase(sent.job) });
    writeFileSync(join(path, 'cancel', `${id}${marker}`), '');

    await recoverOrphans(contextOf(path), recovererOf(someOwner(2)));

    assert.equal(await stateOf(broker, id), 'revoked');
    assert.equal((await broker.find(id))?.standing.crashes, 0);
  });
}

test('a job in the hands of a recoverer that died is revoked', async (t) => {
  const { path } = tempSpool(t);
  const broker = openSpool({ path });
  const sent = job();
  plantDeadOwner(path, someOwner(1), { [fileNameOf(sent, 1)]: encodeBase(sent.job) }, someOwner(2));

  const found = await broker.revoke([sent.job.id]);

  assert.equal(found.get(sent.job.id), 'revoked');
});

test('a delayed job that is due while it is revoked is revoked wherever it is', async (t) => {
  const { path } = tempSpool(t);
  const broker = openSpool({ path });
  await workOn(t, broker);
  const jobs = Array.from({ length: 50 }, () => job());
  for (const [i, sent] of jobs.entries()) {
    const { id } = sent.job;
    const name = { id, queue: 'default', priority: 5, attempt: 0, crashes: 0 };
    const draft = join(path, 'tmp', `planted-${i}`);
    writeFileSync(draft, encodeBase(sent.job), { mode: 0o600 });
    // Due within the next milliseconds: the keeper promotes some while the others are withdrawn.
    renameSync(draft, join(path, 'delayed', delayedFileName(Date.now() + 5, name)));
  }

  const found = await broker.revoke(jobs.map(({ job: { id } }) => id));

  assert.deepEqual([...new Set(found.values())], ['revoked']);
  assert.equal((await broker.counts()).results, 50);
});

test('a job that waited and that a child ends unrun, because it heard of it, is told as revoked', async (t) => {
  const { path } = tempSpool(t);
  const child = await openSpool({ path }).consumer({ queues: null, tasks: [] });
  t.after(() => child.close());
  const sent = job();
  let looks = 0;
  let claim: Claim | null = null;
  const settled = deferred<void>();
  const files: Files = {
    ...nodeFiles,
    create: (name) => {
      // In the moment between the first look at the job and the marker a child takes it.
      if (name.includes('/cancel/')) void nextWithin(child, 5_000).then((got) => (claim = got));
      return nodeFiles.create(name);
    },
    list: (name) => {
      if (claim !== null && name.endsWith('/running') && ++looks === 3) {
        const decided = revoked({ job: claim.job, standing: claim.standing }, false);
        void Promise.resolve(claim.settle(decided, null)).then(settled.resolve);
      }
      return nodeFiles.list(name);
    },
  };
  const broker = openSpool({ path, files });
  await broker.enqueue([sent]);

  const found = await broker.revoke([sent.job.id]);

  await settled.promise;
  assert.deepEqual([found.get(sent.job.id), looks >= 3], ['revoked', true]);
});

test('markers whose job has ended, or is nowhere, are swept', async (t) => {
  const { path } = tempSpool(t);
  const broker = openSpool({ path });
  const sent = job();
  await broker.enqueue([sent]);
  await broker.revoke([sent.job.id]);
  for (const id of [sent.job.id, nextId()]) writeFileSync(join(path, 'cancel', id), '');

  await workOn(t, broker);

  await until(() => readdirSync(join(path, 'cancel')).length === 0, 'the markers are gone');
});

test('the marker of a job that runs stays while others are swept', async (t) => {
  const { path } = tempSpool(t);
  const broker = openSpool({ path });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const sent = job();
  const { id } = sent.job;
  await broker.enqueue([sent]);
  assert.equal((await consumer.next(new AbortController().signal))?.job.id, id);
  assert.equal((await broker.revoke([id])).get(id), 'requested');
  const nowhere = nextId();
  writeFileSync(join(path, 'cancel', nowhere), '');

  await workOn(t, broker);

  await until(() => !readdirSync(join(path, 'cancel')).includes(nowhere), 'the other marker is gone');
  assert.deepEqual(readdirSync(join(path, 'cancel')), [id]);
});

test('what lies in cancel/ and is no marker is left alone', async (t) => {
  const { path } = tempSpool(t);
  const broker = openSpool({ path });
  writeFileSync(join(path, 'cancel', 'README'), '');
  mkdirSync(join(path, 'cancel', nextId()));
  const sent = job();
  await broker.enqueue([sent]);

  await workOn(t, broker);
  const found = await broker.revoke([sent.job.id]);

  assert.equal(found.get(sent.job.id), 'revoked');
  assert(existsSync(join(path, 'cancel', 'README')));
});

test('what is no job is set aside rather than revoked', async (t) => {
  const { path } = tempSpool(t);
  const broker = openSpool({ path });
  const sent = job();
  writeFileSync(join(path, 'pending', fileNameOf(sent)), 'no JSON', { mode: 0o600 });

  const found = await broker.revoke([sent.job.id]);

  assert.equal(found.get(sent.job.id), 'ended');
  assert.equal(await stateOf(broker, sent.job.id), 'failed');
});

test('a worker takes what was revoked while none ran before it gives anybody a job, however long it looks', async (t) => {
  const { path, broker: sender } = tempSpool(t);
  const [first, marked] = [job(), job()];
  await sender.enqueue([first, marked]);
  writeFileSync(join(path, 'cancel', marked.job.id), '');
  // Longer than a slice: whoever looks lets others have their turn in between.
  const files: Files = {
    ...nodeFiles,
    *walk(directory) {
      for (const name of nodeFiles.walk(directory)) {
        const endsAt = performance.now() + 15;
        while (directory.endsWith('pending') && performance.now() < endsAt);
        yield name;
      }
    },
  };
  const broker = openSpool({ path, fsync: false, files });

  const keeper = await broker.keeper({ queues: null });

  t.after(() => broker.close());
  t.after(() => keeper.close());
  assert.deepEqual(readdirSync(join(path, 'pending')), [fileNameOf(first)]);
  assert.equal(await stateOf(sender, marked.job.id), 'revoked');
});

const ME = someOwner(1);
const OTHER = someOwner(2);

for (const place of ['pending', 'delayed'] as const) {
  test(`a job in ${place}/ that is taken between any two steps of its withdrawal is whole, and one of the two has it`, async (t) => {
    const whoHadIt = new Set<string>();
    for (let call = 1, isOver = false; !isOver; call++) {
      const { path, id, text, steal } = spoolWith(t, place);
      const { files, count } = interrupted(call, steal);
      const spots = await locate(contextOf(path), new Set([id]));

      const { missed } = await withdraw(contextOf(path, { files, fsync: false }), withdrawerOf(path), spots);

      isOver = count() < call;
      assertSound(path, [id]);
      const isStolen = existsSync(join(path, 'running', OTHER, nameOf(id, 1)));
      whoHadIt.add(isStolen ? 'other' : 'me');
      assert.equal(missed.has(id), isStolen, `call ${call}`);
      if (isStolen) assert.equal(readFileSync(join(path, 'running', OTHER, nameOf(id, 1)), 'utf8'), text);
      else assert.deepEqual(placesOf(path).get(id), [`results/${id}.json`]);
    }
    assert.equal(whoHadIt.size, 2);
  });
}

/** One job, and somebody who takes it if it still waits. */
function spoolWith(
  t: TestContext,
  place: 'pending' | 'delayed',
): { readonly path: string; readonly id: string; readonly text: string; readonly steal: () => void } {
  const { path } = tempSpool(t, { fsync: false });
  const record = jobRecord();
  const { id } = record;
  const name = nameOf(id, 0);
  const parsed = { id, queue: 'default', priority: 5, attempt: 0, crashes: 0 };
  const waiting = join(path, place, place === 'pending' ? name : delayedFileName(Date.now() + 60_000, parsed));
  const text = encodeBase(record);
  writeFileSync(waiting, text, { mode: 0o600 });
  for (const owner of [ME, OTHER]) mkdirSync(join(path, 'running', owner));
  const steal = (): void => {
    if (existsSync(waiting)) renameSync(waiting, join(path, 'running', OTHER, nameOf(id, 1)));
  };
  return { path, id, text, steal };
}

function nameOf(id: string, attempt: number): string {
  return jobFileName({ id, queue: 'default', priority: 5, attempt, crashes: 0 });
}

function withdrawerOf(path: string): Parameters<typeof withdraw>[1] {
  return {
    owner: ME,
    directory: join(path, 'running', ME),
    giveUp: AbortSignal.abort(),
  };
}

/** Files before whose call of that number `act` happens. */
function interrupted(call: number, act: () => void): { readonly files: Files; readonly count: () => number } {
  let calls = 0;
  const files = new Proxy(nodeFiles, {
    get: (target, key: keyof Files) => {
      const real = target[key] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (++calls === call) act();
        return real(...args);
      };
    },
  });
  return { files, count: () => calls };
}
