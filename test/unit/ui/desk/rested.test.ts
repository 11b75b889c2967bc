import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Rested } from '../../../../src/ui/desk/rested.ts';
import { deferred, until } from '../../../support/conditions.ts';

describe('a look that rests', () => {
  test('answers all who ask while it is under way, and while it rests, by one look', async () => {
    let looks = 0;
    const answer = deferred<number>();
    const rested = new Rested(() => (looks++, answer.promise), { leastMs: 60_000, factor: 1 });

    const asked = [rested.get(), rested.get()];
    answer.resolve(7);

    assert.deepEqual(await Promise.all([...asked, rested.get()]), [7, 7, 7]);
    assert.equal(looks, 1);
  });

  test('looks again when its rest is over, or somebody spoils it', async () => {
    let looks = 0;
    const rested = new Rested(async () => ++looks, { leastMs: 1, factor: 0 });

    assert.equal(await rested.get(), 1);
    await until(async () => (await rested.get()) > 1, 'it looks again');
    const long = new Rested(async () => ++looks, { leastMs: 60_000, factor: 0 });
    const first = await long.get();
    long.spoil();
    assert.equal(await long.get(), first + 1);
  });

  test('that was under way when somebody spoiled it is not the answer for who asks later', async () => {
    const looks: ReturnType<typeof deferred<string>>[] = [];
    const look = (): Promise<string> => {
      const answer = deferred<string>();
      looks.push(answer);
      return answer.promise;
    };
    const rested = new Rested(look, { leastMs: 60_000, factor: 0 });

    const before = rested.get();
    rested.spoil();
    looks[0]?.resolve('as it was');
    assert.equal(await before, 'as it was');
    const after = rested.get();
    looks[1]?.resolve('as it is');

    assert.equal(await after, 'as it is');
    assert.equal(await rested.get(), 'as it is');
    assert.equal(looks.length, 2);
  });

  test('rests for so many times as long as a processor has worked, and no longer than it may', async () => {
    let looks = 0;
    const work = async (): Promise<number> => {
      const before = process.cpuUsage();
      while (process.cpuUsage(before).user < 5_000);
      return ++looks;
    };
    const dear = new Rested(work, { leastMs: 0, factor: 100_000 });
    const bounded = new Rested(work, { leastMs: 0, factor: 100_000, mostMs: 1 });

    const first = await dear.get();
    assert.equal(await dear.get(), first);
    const second = await bounded.get();
    await until(async () => (await bounded.get()) > second, 'it looks again');
  });

  test('keeps no failure', async () => {
    let looks = 0;
    const rested = new Rested(
      async () => {
        if (looks++ === 0) throw new Error('no');
        return looks;
      },
      { leastMs: 60_000, factor: 1 },
    );

    await assert.rejects(rested.get(), /no/);
    assert.equal(await rested.get(), 2);
  });
});
