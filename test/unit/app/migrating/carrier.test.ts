/** Jobs that hang together, while workers run at the source and while whoever moves them dies: never is one of them where the others are not. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { migrate, type Migrated } from '../../../../src/app/migrating/migrate.ts';
import type { Broker } from '../../../../src/broker/broker.ts';
import type { Departure } from '../../../../src/broker/moving.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { claimNext, newJob } from '../../../conformance/parts.ts';
import { returned, RUN } from '../../../support/factory.ts';
import { tempDir } from '../../../support/temp.ts';

function spoolNamed(t: TestContext, name: string): Broker {
  const broker = openSpool({ path: join(tempDir(t), name) });
  t.after(() => broker.close());
  return broker;
}

/** Two jobs, the second after the first. */
async function sendTwo(from: Broker): Promise<readonly [first: string, second: string]> {
  const first = newJob(from);
  const second = newJob(from, { options: { after: first.job.id } });
  await from.enqueue([first, second]);
  return [first.job.id, second.job.id];
}

function move(from: Broker, to: Broker, waits = false): Promise<Migrated> {
  return migrate({ from, to, results: false, waits, signal: new AbortController().signal });
}

/** The same place, where something comes in between. */
function whereTakes(
  broker: Broker,
  take: (departure: Departure, ids: readonly string[]) => Promise<readonly string[]>,
): Broker {
  return new Proxy(broker, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (name !== 'departure') return value.bind(target) as unknown;
      return async (to: string): Promise<Departure> => {
        const departure = await target.departure(to);
        return { ...departure, take: (ids) => take(departure, ids) };
      };
    },
  });
}

async function placeOf(broker: Broker, ids: readonly string[]): Promise<readonly (string | undefined)[]> {
  return Promise.all(ids.map(async (id) => (await broker.find(id))?.state));
}

test('a worker gets a job after the look and before it is taken: what comes after it stays with it, and moves later', async (t) => {
  const [from, to] = [spoolNamed(t, 'from'), spoolNamed(t, 'to')];
  const ids = await sendTwo(from);
  const claims: Awaited<ReturnType<typeof claimNext>>[] = [];
  const busy = whereTakes(from, async (departure, taken) => {
    if (claims.length === 0) claims.push(await claimNext(t, from));
    return departure.take(taken);
  });

  const { moved, left } = await move(busy, to);

  assert.deepEqual([moved, left.running, left.held], [0, [ids[0]], [ids[1]]]);
  assert.deepEqual(await placeOf(from, ids), ['running', 'delayed']);
  assert.deepEqual(await placeOf(to, ids), [undefined, undefined]);
  await claims[0]?.settle(returned(5), RUN);
  assert.equal((await move(from, to)).moved, 1);
  assert.deepEqual(await placeOf(to, ids), ['succeeded', 'delayed']);
});

test('the job that a worker got ends at once: what comes after it moves in the next pass', async (t) => {
  const [from, to] = [spoolNamed(t, 'from'), spoolNamed(t, 'to')];
  const ids = await sendTwo(from);
  let [claim, isClaimed]: [Awaited<ReturnType<typeof claimNext>> | null, boolean] = [null, false];
  const busy = whereTakes(from, async (departure, taken) => {
    if (!isClaimed) claim = await claimNext(t, from);
    isClaimed = true;
    return departure.take(taken);
  });
  const settling = new Proxy(busy, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'list') return value;
      return async (...asked: Parameters<Broker['list']>) => {
        await claim?.settle(returned(5), RUN);
        claim = null;
        return target.list(...asked);
      };
    },
  });

  const { moved, left } = await move(settling, to, true);

  assert.deepEqual([moved, left.held], [1, []]);
  assert.deepEqual(await placeOf(to, ids), ['succeeded', 'delayed']);
});

for (const [name, chosen] of [
  ['the first', 0],
  ['the second', 1],
] as const) {
  test(`whoever moves two jobs dies when ${name} of them is taken: they move together`, async (t) => {
    const [from, to] = [spoolNamed(t, 'from'), spoolNamed(t, 'to')];
    const ids = await sendTwo(from);
    await takeOne(from, to, ids[chosen]);

    const { moved, left } = await move(from, to);

    assert.deepEqual([moved, left.held], [2, []]);
    assert.deepEqual(await placeOf(to, ids), ['pending', 'delayed']);
  });
}

test('whoever moves two jobs dies when the second is taken, and a worker gets the first: the second stays with it', async (t) => {
  const [from, to] = [spoolNamed(t, 'from'), spoolNamed(t, 'to')];
  const ids = await sendTwo(from);
  await takeOne(from, to, ids[1]);
  const claim = await claimNext(t, from);

  const { moved, left } = await move(from, to);

  assert.deepEqual([moved, left.running, left.held], [0, [ids[0]], [ids[1]]]);
  await claim.settle(returned(5), RUN);
  assert.equal((await move(from, to)).moved, 1);
});

/** A move that ends, as by death, when so much is taken. */
async function takeOne(from: Broker, to: Broker, id: string): Promise<void> {
  const departure = await from.departure(to.place);
  const arrival = await to.arrival(from.place, departure.id, true);
  assert.deepEqual(await departure.take([id]), [id]);
  await arrival?.close();
  await departure.close();
}
