import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { deferred } from '../../../support/conditions.ts';
import { LockAge, type LockHolder, LockRounds } from '../../../../src/bullmq/crew/lock-rounds.ts';

const LOCK_MS = 1_000;
const TICK_MS = LOCK_MS / 10;

class Holder implements LockHolder {
  readonly lockAge = new LockAge();
  readonly fenced: string[] = [];
  fence(why: string): void {
    this.fenced.push(why);
  }
}

/** Lets as many ticks pass, and what they have begun. */
async function ticks(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    mock.timers.tick(TICK_MS);
    await new Promise(setImmediate);
  }
}

function rounds(
  t: TestContext,
  holders: readonly Holder[],
  renew: () => Promise<void>,
  onRenewed?: (ticksAgo: number) => void,
): void {
  mock.timers.enable({ apis: ['setInterval'] });
  const begun = new LockRounds({ lockMs: LOCK_MS, holders: () => holders, renew, ...(onRenewed && { onRenewed }) });
  t.after(() => {
    begun.close();
    mock.timers.reset();
  });
}

test('locks are renewed three times in their life, and nobody is cut off', async (t) => {
  const holder = new Holder();
  let renewals = 0;
  rounds(t, [holder], async () => void renewals++);

  await ticks(30);

  assert.equal(renewals, 10);
  assert.deepEqual(holder.fenced, []);
});

test('without a renewal a holder is cut off after four fifths of a lock, and told so until there is one', async (t) => {
  const holder = new Holder();
  let refuses = true;
  rounds(t, [holder], async () => {
    if (refuses) throw new Error('away');
  });

  await ticks(7);
  assert.deepEqual(holder.fenced, []);
  await ticks(2);
  assert.deepEqual(holder.fenced, [
    'its locks could not be renewed for 0.8 s',
    'its locks could not be renewed for 0.9 s',
  ]);
  refuses = false;
  await ticks(10);
  assert.equal(holder.fenced.length, 3); // The tick that renewed told it once more.
});

test('a holder that has just begun is not cut off for what failed before it', async (t) => {
  const holders = [new Holder()];
  rounds(t, holders, () => Promise.reject(new Error('away')));
  await ticks(8);
  const young = new Holder();
  holders.push(young);

  await ticks(7);
  assert.deepEqual(young.fenced, []);
  assert.equal(holders[0]?.fenced.length, 8);
  await ticks(1);
  assert.equal(young.fenced.length, 1);
});

test('a renewal counts from when it was begun, and takes nothing from a lock that was taken since', async (t) => {
  const [old, young] = [new Holder(), new Holder()];
  const holders = [old];
  const told: number[] = [];
  const answer = deferred<void>();
  rounds(
    t,
    holders,
    () => answer.promise,
    (ticksAgo) => told.push(ticksAgo),
  );
  await ticks(3 + 4); // It is begun with the third tick.
  holders.push(young);
  await ticks(1);

  answer.resolve();
  await new Promise(setImmediate);

  assert.deepEqual(told, [5]);
  assert.deepEqual([old.lockAge.ticks, young.lockAge.ticks], [5, 1]);
});

test('a holder that tells of a renewal of its own is not cut off', async (t) => {
  const holder = new Holder();
  rounds(t, [holder], () => Promise.reject(new Error('away')));

  for (let i = 0; i < 5; i++) {
    await ticks(4);
    holder.lockAge.renewed(1);
  }

  assert.deepEqual(holder.fenced, []);
});
