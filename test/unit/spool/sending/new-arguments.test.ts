/** A job that gets the arguments of a later call: what becomes of it when the caller dies, stands still, or its disk refuses. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Broker, StandIn } from '../../../../src/broker/broker.ts';
import type { Debounce, JobOptions } from '../../../../src/job/job-options.ts';
import { parseDelayedFileName } from '../../../../src/spool/layout.ts';
import { recoverOrphans } from '../../../../src/spool/recovery/recover.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { until } from '../../../support/conditions.ts';
import { contextOf, recovererOf } from '../../../support/context.ts';
import { job } from '../../../support/factory.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { assertSound, namesIn } from '../../../support/invariants.ts';
import { pronounceDead, someOwner } from '../../../support/owners.ts';
import { tempSpool } from '../../../support/temp.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';

const HOUR: Debounce = { waitMs: 3_600_000, mostMs: null };

for (const [name, options] of [
  ['', {}],
  [' that must not run twice', { onCrash: 'fail' }],
] as const) {
  test(`a caller that dies with a job${name} in its hands costs no attempt`, async (t) => {
    const { path, broker } = tempSpool(t);
    const { id } = await call(broker, 'old', options);
    takeAs(path, someOwner(1));
    pronounceDead(path, someOwner(1));

    await recover(path);

    assert.deepEqual(argsOf(await broker.find(id)), ['old']);
    const [fileName = ''] = namesIn(path, 'pending');
    assert.match(fileName, /\.default\.0\.0\.json$/);
    const consumer = await broker.consumer({ queues: null, tasks: [] });
    t.after(() => consumer.close());
    const stop = new AbortController();
    const next = Promise.resolve(consumer.next(stop.signal));
    await until(() => namesIn(path, 'delayed').length === 1, 'it waits again, because it is not due');
    stop.abort();
    assert.equal(await next, null);
    assertSound(path);
  });
}

test('while another process has the job a call waits for it; one that stands still is left with it', async (t) => {
  const { path, broker } = tempSpool(t);
  const { id } = await call(broker, 'old');
  const back = takeAs(path, someOwner(1));
  const waiting = call(broker, 'newer');

  await new Promise((resolve) => setTimeout(resolve, 100)); // What is tested is that nothing is sent in this time.
  assert.deepEqual(namesIn(path, 'delayed'), []);
  back();

  assert.deepEqual(await waiting, { id, isDuplicate: true });
  takeAs(path, someOwner(2));
  const second = await call(broker, 'newest');
  assert.equal(second.isDuplicate, false);
  // The next one does not wait for that process again.
  const startedAt = performance.now();
  assert.deepEqual((await call(broker, 'last')).id, second.id);
  assert.ok(performance.now() - startedAt < 3_000);
});

test('a job that a worker has parked keeps its arguments', async (t) => {
  const { path, broker } = tempSpool(t);
  const { id } = await call(broker, 'parked');
  const [fileName = ''] = namesIn(path, 'delayed');
  const tail = ',"attempts":[],"parked":{"reason":"no worker here knows task echo","sinceMs":1}}';
  const file = join(path, 'delayed', fileName);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/\}$/, tail));

  const next = await call(broker, 'next');

  assert.equal(next.isDuplicate, false);
  assert.deepEqual((await broker.find(id))?.record?.job.args, ['parked']);
  assert.deepEqual((await broker.find(next.id))?.record?.job.args, ['next']);
});

for (const operation of ['rename', 'sync', 'create', 'write', 'open'] as const) {
  test(`wherever the disk refuses one ${operation}, the job stays, with the arguments of the call or those before`, async (t) => {
    const path = join(tempSpool(t).path);
    const calm = openSpool({ path });
    for (let nth = 1; ; nth++) {
      const key = `${operation} ${nth}`;
      const { id } = await call(calm, 'old', {}, key);
      const faulty = faultyFiles(nodeFiles);
      const broker = openSpool({ path, files: faulty.files });
      faulty.plan({ operation, call: nth, errno: 'EIO', lasts: 'once' });

      const answer = await call(broker, 'new', {}, key).then(
        (standIn) => standIn,
        (error: { readonly uncertain?: readonly string[] }) => error,
      );
      const wasHit = faulty.hasFailed();
      await broker.close();
      await recover(path);

      const found = await calm.find(id);
      const args = argsOf(found);
      if (!('uncertain' in answer)) assert.deepEqual([answer, args], [{ id, isDuplicate: true }, ['new']]);
      else if ((answer.uncertain ?? []).length === 0) assert.deepEqual(args, ['old'], `call ${nth}`);
      else assert.ok(answer.uncertain?.includes(id));
      assertSound(path);
      if (!wasHit) break;
    }
  });
}

test('a process that has sent a burst is no owner any more soon after', async (t) => {
  const { path, broker } = tempSpool(t);
  for (let i = 0; i < 3; i++) await call(broker, i);

  await until(() => readdirSync(join(path, 'workers')).length === 0, 'its record is gone');

  assert.deepEqual(readdirSync(join(path, 'running')), []);
});

function call(broker: Broker, arg: string | number, options: JobOptions = {}, key = 'a'): Promise<StandIn> {
  const sent = job({ id: broker.nextId(), args: [arg], options: { ...options, key } });
  return broker.enqueueUnique(sent, { key, until: 'started', debounce: HOUR });
}

/** What a caller does first. @returns puts it back */
function takeAs(path: string, owner: string): () => void {
  const [fileName = ''] = namesIn(path, 'delayed');
  const { jobFile } = parseDelayedFileName(fileName) ?? assert.fail('no job waits');
  const [from, to] = [join(path, 'delayed', fileName), join(path, 'running', owner, jobFile)];
  mkdirSync(join(path, 'running', owner));
  renameSync(from, to);
  return () => renameSync(to, from);
}

async function recover(path: string): Promise<void> {
  await recoverOrphans(contextOf(path), recovererOf(someOwner(9)));
}

function argsOf(found: Awaited<ReturnType<Broker['find']>>): readonly unknown[] {
  return found?.record?.job.args ?? assert.fail('the job is gone');
}
