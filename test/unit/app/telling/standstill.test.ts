import assert from 'node:assert/strict';
import test from 'node:test';
import { AsyncResult } from '../../../../src/app/async-result.ts';
import { orphanText, standstillAt, standstillText, tellOfStandstill } from '../../../../src/app/telling/standstill.ts';
import type { OwnerInfo, Sighting } from '../../../../src/broker/broker.ts';
import { job, nextId } from '../../../support/factory.ts';
import { owner } from '../../../support/owner-info.ts';
import { tempSpool } from '../../../support/temp.ts';

const GONE = '1-0123456789abcdef';
const orphan = owner({ pid: 2, parent: GONE });
const NOBODY = 'No worker is running on /spool: the job waits until `fsq worker` starts one';
const LEFT = 'The job runs in process 2, whose worker is gone';

test('a child that outlived its worker takes no jobs, whether the record of that worker is there or not', () => {
  const supervisor = owner({ pid: 1, role: 'supervisor', verdict: 'dead' });

  assert.equal(standstillText([], '/spool'), NOBODY);
  assert.equal(standstillText([supervisor, orphan], '/spool'), NOBODY);
  assert.equal(standstillText([orphan], '/spool'), NOBODY);
  assert.equal(standstillText([orphan, owner({ pid: 3 })], '/spool'), null);
  assert.equal(standstillText([orphan, owner({ pid: 4, verdict: 'unknown' })], '/spool'), null);
  assert.equal(standstillText([{ ...supervisor, verdict: 'unknown' }, orphan], '/spool'), null);
});

test('of the job that such a child runs that is told, also beside a worker none of whose children is ready', async () => {
  const unready = owner({ pid: 7, role: 'supervisor' });

  assert.equal(orphanText([orphan], { owner: orphan.owner }), LEFT);
  assert.equal(orphanText([orphan], { owner: null }), null);
  assert.equal(orphanText([orphan], null), null);
  assert.equal(await standstillAt(placeOf([orphan], orphan.owner), nextId()), LEFT);
  assert.equal(await standstillAt(placeOf([unready, orphan], orphan.owner), nextId()), LEFT);
  assert.equal(await standstillAt(placeOf([orphan], null), nextId()), NOBODY);
  assert.match(
    (await standstillAt(placeOf([unready, orphan], null), nextId())) ?? '',
    /^A worker \(pid 7\) runs but none/,
  );
});

test('only who waits for a job that does not run is warned', async (t) => {
  const warned: string[] = [];
  t.mock.method(process, 'emitWarning', (text: string) => warned.push(text));
  const place = { ...placeOf([orphan], orphan.owner), place: '/warned' };

  await tellOfStandstill(place, nextId());
  assert.deepEqual(warned, []);
  await tellOfStandstill({ ...placeOf([orphan], null), place: '/warned' }, nextId());

  assert.deepEqual(warned, ['No worker is running on /warned: the job waits until `fsq worker` starts one.']);
});

for (const [what, follow] of [
  ['events()', (handle: AsyncResult, signal: AbortSignal) => handle.events({ signal })],
  ['logs({ follow })', (handle: AsyncResult, signal: AbortSignal) => handle.logs({ follow: true, signal })],
] as const)
  test(`${what} of a job that nobody begins warns after three seconds, and no more when it has ended`, async (t) => {
    const { path, broker } = tempSpool(t, { fsync: false });
    const sent = job();
    await broker.enqueue([sent]);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const warned: string[] = [];
    const stop = new AbortController();
    t.mock.method(process, 'emitWarning', (text: string) => {
      warned.push(text);
      stop.abort();
    });
    const handle = new AsyncResult(sent.job.id, async () => broker, true);
    const gone = new AbortController();
    const isLeft = drained(follow(handle, gone.signal));
    const isFollowed = drained(follow(handle, stop.signal));
    await new Promise(setImmediate);
    gone.abort();
    t.mock.timers.tick(100);
    await isLeft;

    t.mock.timers.tick(2_899);
    await new Promise(setImmediate);
    assert.deepEqual(warned, []);
    t.mock.timers.tick(1_000);
    await isFollowed;

    assert.deepEqual(warned, [`No worker is running on ${path}: the job waits until \`fsq worker\` starts one.`]);
  });

async function drained(all: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of all);
  } catch (error) {
    assert.equal((error as Error).name, 'AbortError');
  }
}

/** @param holder the process that holds the job; null: it waits */
function placeOf(owners: readonly OwnerInfo[], holder: string | null): Parameters<typeof standstillAt>[0] {
  const sighting: Sighting = {
    id: nextId(),
    state: holder === null ? 'pending' : 'running',
    standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
    dueAtMs: null,
    owner: holder,
    startedAtMs: null,
    endedAtMs: null,
    progress: null,
    location: '',
    record: null,
  };
  return { place: '/spool', owners: async () => owners, find: async () => sighting };
}
