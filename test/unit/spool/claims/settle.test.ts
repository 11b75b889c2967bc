/** Ending a claim while the disk refuses: what was done is kept, and nothing runs twice for it. */
import assert from 'node:assert/strict';
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import type { BrokerEvent, Claim } from '../../../../src/broker/worker-side.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { elapsedTime } from '../../../support/clock.ts';
import { until } from '../../../support/conditions.ts';
import { job, returned, RUN } from '../../../support/factory.ts';
import { faultyFiles, type FaultyFiles, type Operation } from '../../../support/faulty-files.ts';
import { assertSound, namesIn, placesOf } from '../../../support/invariants.ts';
import { tempSpool } from '../../../support/temp.ts';

describe('a finish that the disk refuses is kept and done when it can be:', () => {
  for (const operation of ['open', 'write', 'sync', 'rename'] as const satisfies Operation[]) {
    for (const errno of ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE']) {
      test(`${errno} from ${operation}`, async (t) => {
        const { path, id, claim, faulty, events, outcomeOf } = await claimedJob(t);
        faulty.plan({ operation, call: 1, errno, lasts: 'for good' });

        const settling = claim.settle(returned('kept'), RUN);
        await until(() => events.length > 0, 'a person is told');
        const whileWaiting = placesOf(path).get(id)?.[0] ?? '';
        faulty.mend();
        await settling;

        assert.match(whileWaiting, /^running\//);
        assert.deepEqual(
          events.map(({ kind }) => kind),
          ['disk-wait', 'disk-wait-over'],
        );
        const record = await outcomeOf(id);
        assert.deepEqual(record?.outcome, { state: 'succeeded', value: 'kept' });
        assert.equal(record?.attempts.length, 1);
        assertSound(path, [id]);
        assert.deepEqual(namesIn(path, 'tmp'), []);
      });
    }
  }
});

test('after a failed write or fsync the outcome goes into a new file: the old one may lie about what is on disk', async (t) => {
  for (const operation of ['write', 'sync'] as const) {
    const { path, id, claim, faulty, outcomeOf } = await claimedJob(t);
    const before = lstatSync(join(path, placesOf(path).get(id)?.[0] ?? '')).ino;
    faulty.plan({ operation, call: 1, errno: 'EIO', lasts: 'once' });

    await claim.settle(returned('new'), RUN);

    assert.notEqual(lstatSync(join(path, 'results', `${id}.json`)).ino, before, operation);
    assert.deepEqual((await outcomeOf(id))?.outcome, { state: 'succeeded', value: 'new' });
  }
});

test('what does not pass is thrown, and the job stays held for recovery', async (t) => {
  const { path, id, claim, faulty } = await claimedJob(t);
  faulty.plan({ operation: 'rename', call: 1, errno: 'EROFS', lasts: 'once' });

  await assert.rejects(async () => claim.settle(returned(1), RUN), { code: 'EROFS' });

  assert.match(placesOf(path).get(id)?.[0] ?? '', /^running\//);
});

test('a name that the disk refuses to keep after the commit costs no outcome, and is told once', async (t) => {
  const { id, claim, faulty, events, outcomeOf } = await claimedJob(t);
  faulty.plan({ operation: 'openDirectory', call: 2, errno: 'EIO', lasts: 'once' });

  await claim.settle(returned('shown'), RUN);
  await until(() => events.length > 0, 'a person is told');

  assert.deepEqual(
    events.map(({ kind }) => kind),
    ['undurable'],
  );
  assert.deepEqual((await outcomeOf(id))?.outcome, { state: 'succeeded', value: 'shown' });
});

async function claimedJob(t: TestContext): Promise<{
  readonly path: string;
  readonly id: string;
  readonly claim: Claim;
  readonly faulty: FaultyFiles;
  readonly events: readonly BrokerEvent[];
  readonly outcomeOf: ReturnType<typeof tempSpool>['broker']['outcome'];
}> {
  const faulty = faultyFiles(nodeFiles);
  const { path, broker } = tempSpool(t, { files: faulty.files });
  const sent = job();
  await broker.enqueue([sent]);
  const events: BrokerEvent[] = [];
  const consumer = await broker.consumer({ queues: null, tasks: [], onEvent: (event) => events.push(event) });
  t.after(() => consumer.close());
  const claim = await consumer.next(new AbortController().signal);
  assert.ok(claim !== null);
  return { path, id: sent.job.id, claim, faulty, events, outcomeOf: (id) => broker.outcome(id) };
}

for (const errno of ['EMFILE', 'ENOMEM']) {
  test(`${errno} is waited for as long as somebody else may be to blame: then the process gives up, and the job stays held`, async (t) => {
    const { path, id, claim, faulty, events } = await claimedJob(t);
    const time = elapsedTime(t);
    faulty.plan({ operation: 'open', call: 1, errno, lasts: 'for good' });

    const settling = Promise.resolve(claim.settle(returned('lost'), RUN));
    await until(() => events.length > 0, 'a person is told');
    time.skip(31_000);

    await assert.rejects(settling, { code: errno });
    faulty.mend();
    assert.match(placesOf(path).get(id)?.[0] ?? '', /^running\//);
  });
}

test('a job whose file is read-only gets a new one', async (t) => {
  for (const errno of ['EACCES', 'EPERM']) {
    const { path, id, claim, faulty, outcomeOf } = await claimedJob(t);
    faulty.plan({ operation: 'open', call: 1, errno, lasts: 'once' });

    await claim.settle(returned('kept'), RUN);

    assert.deepEqual((await outcomeOf(id))?.outcome, { state: 'succeeded', value: 'kept' }, errno);
    assertSound(path, [id]);
  }
});
