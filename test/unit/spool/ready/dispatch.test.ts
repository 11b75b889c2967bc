/** Which child is given names, how many, and which one looks out: decided without a spool. */
import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import type { Member } from '../../../../src/broker/worker-side.ts';
import { Dispatch, nextBatchSize } from '../../../../src/spool/ready/dispatch.ts';
import { parseTold } from '../../../../src/spool/ready/hints.ts';

interface Scene {
  readonly dispatch: Dispatch;
  /** The names that are ready. */
  readonly ready: string[];
  /** Whether a lookout is posted, as the source was told each time. */
  readonly posts: boolean[];
  /** A child whose consumer is told what the list then holds. */
  readonly join: () => { readonly owner: string; readonly seat: Member; readonly told: string[] };
}

function sceneOf(mayPost = true): Scene {
  const ready: string[] = [];
  const posts: boolean[] = [];
  const source = {
    get isEmpty(): boolean {
      return ready.length === 0;
    },
    take: (max: number) => ready.splice(0, max),
    setLookout: (isPosted: boolean) => void posts.push(isPosted),
  };
  const dispatch = new Dispatch(source, mayPost);
  let joined = 0;
  const join: Scene['join'] = () => {
    const told: string[] = [];
    const owner = `${++joined}-0123456789abcdef`;
    const say = (word: unknown): void => {
      const { type, ...rest } = parseTold(word) ?? assert.fail();
      told.push(`${type} ${Object.values(rest).flat().join()}`);
    };
    const seat = dispatch.join(owner, { say, terminate: (id) => told.push(`terminate ${id}`), fence: () => undefined });
    return { owner, seat, told };
  };
  return { dispatch, ready, posts, join };
}

function want(seat: Member, isIdle = true): void {
  seat.hear({ type: 'want', isIdle });
}

test('an idle child comes before a busy one, and the one that asked last before the others', () => {
  const { dispatch, ready, join } = sceneOf(false);
  const [first, last, busy] = [join(), join(), join()];
  want(first.seat);
  want(last.seat);
  want(busy.seat, false);

  ready.push('a', 'b', 'c');
  dispatch.run();

  assert.deepEqual([first.told, last.told, busy.told], [['names b'], ['names a'], ['names c']]);
});

test('of idle children one is the lookout; names go to the others first, and relieve it', () => {
  const { dispatch, ready, posts, join } = sceneOf();
  const [other, lookout] = [join(), join()];
  want(lookout.seat);
  want(other.seat);
  assert.deepEqual(lookout.told, ['lookout true']);

  ready.push('a');
  dispatch.run();

  assert.deepEqual(other.told, ['names a']);
  assert.deepEqual(lookout.told, ['lookout true', 'lookout false']);
  assert.deepEqual(posts, [true, false]);
});

test('a lookout that has left a job lying is given none until it asks: it may be busy', () => {
  const { dispatch, ready, posts, join } = sceneOf();
  const lookout = join();
  want(lookout.seat);

  dispatch.run();
  ready.push('a');
  dispatch.run();
  ready.push('b');
  dispatch.run();
  assert.deepEqual(lookout.told, ['lookout true', 'lookout false']);
  ready.unshift('more urgent');
  want(lookout.seat);

  assert.deepEqual(lookout.told, ['lookout true', 'lookout false', 'names more urgent']);
  assert.deepEqual(posts, [true, false]);
});

test('when the lookout leaves another is posted; when all leave in one turn none is', async () => {
  const { posts, join } = sceneOf();
  const [first, second, third] = [join(), join(), join()];
  for (const { seat } of [first, second, third]) want(seat);

  first.seat.leave();
  await Promise.resolve();
  assert.deepEqual([second.told, third.told], [[], ['lookout true']]);
  second.seat.leave();
  third.seat.leave();
  await Promise.resolve();

  assert.deepEqual(second.told, []);
  assert.deepEqual(posts, [true, false, true, false]);
});

test('a child that has left is given no names, and is idle as far as it says', () => {
  const { dispatch, ready, join } = sceneOf();
  const { seat, told } = join();
  want(seat, false);
  seat.leave();
  want(seat);

  ready.push('a');
  dispatch.run();

  assert.deepEqual([told, ready, seat.isIdle], [[], ['a'], true]);
});

test('a child with names is not idle', () => {
  const { dispatch, ready, join } = sceneOf(false);
  const { seat } = join();
  want(seat);
  const before = seat.isIdle;

  ready.push('a');
  dispatch.run();

  assert.deepEqual([before, seat.isIdle], [true, false]);
});

test('each child is told the last instruction of each kind, also one that joins later or has left, until it has ended', () => {
  const { dispatch, join } = sceneOf();
  const [first, gone] = [join(), join()];
  first.seat.leave();
  dispatch.end(gone.owner);

  dispatch.instruct({ type: 'paused', queues: ['a'] });
  dispatch.instruct({ type: 'revoked', ids: ['1'] });
  dispatch.instruct({ type: 'paused', queues: ['b'] });
  const late = join();

  assert.deepEqual(first.told, ['paused a', 'revoked 1', 'paused b']);
  assert.deepEqual(late.told, ['paused b', 'revoked 1']);
  assert.deepEqual(gone.told, []);
});

test('the child that is to be killed for a job is told so, and is known until it has ended', () => {
  const { dispatch, join } = sceneOf();
  const [first, second] = [join(), join()];

  dispatch.terminate(second.owner, 'job');
  dispatch.end(second.owner);
  dispatch.terminate(second.owner, 'job');

  assert.deepEqual([first.told, second.told], [[], ['terminate job']]);
  assert.deepEqual([dispatch.has(first.owner), dispatch.has(second.owner)], [true, false]);
});

test('what is no hint changes nothing', () => {
  const { dispatch, ready, join } = sceneOf();
  const { seat, told } = join();

  for (const word of [null, 7, 'want', [], {}, { type: 'want' }, { type: 'want', isIdle: 1 }, { type: 'names' }])
    seat.hear(word);
  ready.push('a');
  dispatch.run();

  assert.deepEqual([told, seat.isIdle], [[], false]);
});

describe('the size of a batch', () => {
  test('it doubles while jobs are quick, up to 128', () => {
    assert.equal(nextBatchSize(1, 0), 2);
    assert.equal(nextBatchSize(32, 5), 64);
    assert.equal(nextBatchSize(128, 5), 128);
  });

  test('a child with slow jobs gets one name at a time', () => {
    assert.equal(nextBatchSize(64, 5_000), 1);
    assert.equal(nextBatchSize(1, 60_000), 1);
  });

  test('it falls in proportion to the time that was needed', () => {
    assert.equal(nextBatchSize(64, 40), 32);
  });
});
