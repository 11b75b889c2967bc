import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JobJson } from 'bullmq';
import { JoinedAdds } from '../../../../../src/bullmq/postgres/wire/joined-adds.ts';

type Entry = { readonly job: JobJson; readonly jobId: string };

function entries(...ids: readonly string[]): Entry[] {
  return ids.map((jobId) => ({ job: { id: jobId } as JobJson, jobId }));
}

/** Statements as they are sent; each ends when it is told to. */
function statements({ refused = '' } = {}): {
  readonly adds: JoinedAdds;
  readonly sent: string[][];
  readonly passing: Error;
  end(error?: Error): Promise<void>;
} {
  const sent: string[][] = [];
  const ends: ((error?: Error) => void)[] = [];
  const passing = new Error('cut');
  const adds = new JoinedAdds(
    (all) =>
      new Promise((resolve, reject) => {
        const ids = all.map(({ jobId }) => jobId);
        sent.push(ids);
        ends.push((error) => {
          if (error !== undefined) reject(error);
          else if (ids.includes(refused)) reject(new Error('refused'));
          else resolve(ids);
        });
      }),
    (error) => error === passing,
  );
  const end = async (error?: Error): Promise<void> => {
    ends.shift()?.(error);
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { adds, sent, passing, end };
}

test('a lone call is sent at once, and those that come meanwhile go together, in their order', async () => {
  const { adds, sent, end } = statements();
  const calls = [adds.add(entries('a')), adds.add(entries('b', 'c')), adds.add(entries('d'))];
  assert.deepEqual(sent, [['a']]);

  await end();
  await end();

  assert.deepEqual(sent, [['a'], ['b', 'c', 'd']]);
  assert.deepEqual(await Promise.all(calls), [['a'], ['b', 'c'], ['d']]);
});

test('what one call has sent fails no other', async () => {
  const { adds, sent, end } = statements({ refused: 'bad' });
  const first = adds.add(entries('a'));
  const calls = Promise.allSettled([adds.add(entries('b')), adds.add(entries('bad')), adds.add(entries('c'))]);
  await end();

  for (let i = 0; i < 4; i++) await end();

  await first;
  assert.deepEqual(sent, [['a'], ['b', 'bad', 'c'], ['b'], ['bad'], ['c']]);
  assert.deepEqual(
    (await calls).map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
});

test('an error of the connection is of all, and nothing is sent again', async () => {
  const { adds, sent, passing, end } = statements();
  const first = adds.add(entries('a'));
  const calls = Promise.allSettled([adds.add(entries('b')), adds.add(entries('c'))]);
  await end();

  await end(passing);

  await first;
  assert.deepEqual(
    (await calls).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(sent.length, 2);
});

test('a statement has a thousand jobs at most, unless one call has more', async () => {
  const { adds, sent, end } = statements();
  const many = Array.from({ length: 600 }, (_, i) => `${i}`);
  const calls = [adds.add(entries('a')), adds.add(entries(...many)), adds.add(entries(...many))];
  calls.push(adds.add(entries(...many, ...many)));

  for (let i = 0; i < 4; i++) await end();

  await Promise.all(calls);
  assert.deepEqual(
    sent.map((ids) => ids.length),
    [1, 600, 600, 1_200],
  );
});
