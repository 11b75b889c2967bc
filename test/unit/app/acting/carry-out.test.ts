import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import test, { describe } from 'node:test';
import { carryOut, inParts } from '../../../../src/app/acting/carry-out.ts';
import type { Broker } from '../../../../src/broker/broker.ts';
import { SpoolError } from '../../../../src/job/errors.ts';
import type { Settlement } from '../../../../src/job/lifecycle.ts';
import { pendingJobs, settledJob } from '../../../support/ended-jobs.ts';
import { nextId, returned, threw } from '../../../support/factory.ts';
import { owner } from '../../../support/owner-info.ts';
import { jobText, plant } from '../../../support/planted.ts';
import { sighting } from '../../../support/sighting.ts';
import { tempSpool } from '../../../support/temp.ts';

const NOW = Date.now();
const PREDECESSOR = { name: 'PredecessorError', message: 'It was not run.', code: 'FSQ_PREDECESSOR' };
const FOR_ANOTHER: Settlement = { kind: 'publish', outcome: { state: 'failed', error: PREDECESSOR } };

describe('acting', () => {
  test('sends failed jobs back, and says of the others why not', async (t) => {
    const { path, broker } = tempSpool(t);
    const bad = await settledJob(path, {}, threw('no'));
    const good = await settledJob(path, {}, returned(1));

    assert.deepEqual(await carryOut(broker, { kind: 'retry', ids: [bad] }, NOW), {
      text: '1 job sent back',
      isBad: false,
      code: null,
    });
    const done = await carryOut(broker, { kind: 'retry', ids: [good, nextId()] }, NOW);

    assert.match(done.text, /^0 jobs sent back, 1 refused: .*succeeded.*, 1 job is there no more$/);
    assert.equal(done.isBad, true);
    assert.equal((await broker.find(bad))?.state, 'pending');
  });

  test('sends back with a step of a chain those after it that failed for it, and no other', async (t) => {
    const { path, broker } = tempSpool(t);
    const [first, second, third, fourth, other] = [nextId(), nextId(), nextId(), nextId(), nextId()];
    await settledJob(path, { id: first, options: { next: [second, other] } }, threw('no'));
    await settledJob(path, { id: second, options: { next: [third] } }, FOR_ANOTHER);
    await settledJob(path, { id: third, options: { next: [fourth] } }, FOR_ANOTHER);
    await settledJob(path, { id: fourth }, returned(1));
    await settledJob(path, { id: other }, threw('for a reason of its own'));

    const done = await carryOut(broker, { kind: 'retry', ids: [first] }, NOW);

    const text = '1 job sent back, and 2 after it that had failed for that';
    assert.deepEqual(done, { text, isBad: false, code: null });
    const states = [first, second, third, fourth, other].map(async (id) => (await broker.find(id))?.state);
    assert.deepEqual(await Promise.all(states), ['pending', 'pending', 'pending', 'succeeded', 'failed']);
  });

  test('says of a step that is sent back alone which one before it lets it fail again', async (t) => {
    const { path, broker } = tempSpool(t);
    const first = await settledJob(path, {}, threw('no'));
    const after = { options: { after: first } };
    const [second = '', third = ''] = await pendingJobs(path, after, after);
    await broker.revoke([second, third]);

    const one = await carryOut(broker, { kind: 'retry', ids: [second] }, NOW);
    await broker.revoke([second]);
    const both = await carryOut(broker, { kind: 'retry', ids: [second, third] }, NOW);

    const which = `Job ${second} runs after job ${first}, which is failed: send that back first, \`fsq retry ${first}\`, or it fails again.`;
    assert.deepEqual(one, { text: `1 job sent back. ${which}`, isBad: true, code: 'FSQ_PREDECESSOR' });
    assert.equal(both.text, `2 jobs sent back. ${which} So it is with 1 other job.`);
  });

  test('says of the last step of a chain that is sent back alone which one has failed at first', async (t) => {
    const { path, broker } = tempSpool(t);
    const first = await settledJob(path, {}, threw('no'));
    const [second, third, last] = [nextId(), nextId(), nextId()];
    const failed = (id: string, after: string): string =>
      plant(path, `results/${id}.json`, jobText({ id, options: { after } }, { outcome: { state: 'failed', error: PREDECESSOR } })); // prettier-ignore
    failed(second, first);
    failed(third, second);
    failed(last, third);

    const { text } = await carryOut(broker, { kind: 'retry', ids: [last] }, NOW);

    assert.ok(text.includes(`Job ${last} runs after job ${first}, which is failed: send that back first`), text);
  });

  test('revokes what waits, and leaves what has ended', async (t) => {
    const { path, broker } = tempSpool(t);
    const ended = await settledJob(path, {}, returned(1));
    const [waiting = ''] = await pendingJobs(path, {});

    const done = await carryOut(broker, { kind: 'revoke', ids: [waiting, ended] }, NOW);

    assert.deepEqual(done, { text: '1 job revoked, 1 job had ended before', isBad: true, code: null });
    assert.equal((await broker.find(waiting))?.state, 'revoked');
  });

  test('a job that nobody can kill is not told as being killed', async (t) => {
    const { broker } = tempSpool(t);
    const [id, other] = [nextId(), nextId()];
    const holder = owner({ pid: 7, parent: '1-0123456789abcdef', pulse: { delayMs: 5_000, isBlocked: true } });
    const held = sighting({ id, state: 'running', owner: holder.owner });
    const requested = new Map([id, other].map((one) => [one, 'requested'] as const));
    const part = {
      revoke: async () => requested,
      owners: async () => [holder],
      find: async (one: string) => (one === id ? held : null),
    };

    const kill = await carryOut(Object.assign(broker, part), { kind: 'kill', ids: [id, other] }, NOW);
    const asked = await carryOut(broker, { kind: 'revoke', ids: [id, other] }, NOW);

    assert.match(kill.text, /^1 job being killed, 1 job not killed\. No process is there to kill it: .*`kill -9 7`/);
    assert.equal(kill.isBad, true);
    assert.deepEqual(asked, { text: '2 jobs told to end', isBad: false, code: null });
  });

  test('forgets outcomes, and leaves what has not ended', async (t) => {
    const { path, broker } = tempSpool(t);
    const ended = await settledJob(path, {}, returned(1));
    const [waiting = ''] = await pendingJobs(path, {});

    const done = await carryOut(broker, { kind: 'forget', ids: [ended, waiting] }, NOW);

    assert.deepEqual(done, {
      text: '1 job forgotten, 1 job has not ended',
      isBad: true,
      code: 'FSQ_NOT_ENDED',
      gone: [ended],
    });
    assert.equal(await broker.find(ended), null);
  });

  test('pauses and resumes queues and schedules; what was due meanwhile is passed over', async (t) => {
    const { broker } = tempSpool(t);
    const schedules = [{ name: 'nightly', pattern: '0 3 * * * UTC' }];

    const texts = [];
    texts.push((await carryOut(broker, { kind: 'pause', queues: ['a', 'b'] }, NOW)).text);
    assert.deepEqual(await broker.paused(), ['a', 'b']);
    texts.push((await carryOut(broker, { kind: 'resume', queues: ['a'] }, NOW)).text);
    assert.deepEqual(await broker.paused(), ['b']);
    texts.push((await carryOut(broker, { kind: 'pause-schedules', schedules }, NOW)).text);
    assert.equal((await broker.schedules.find('nightly')).isPaused, true);
    texts.push((await carryOut(broker, { kind: 'resume-schedules', schedules }, NOW)).text);
    const record = await broker.schedules.find('nightly');

    assert.deepEqual([record.isPaused, record.doneMs], [false, NOW]);
    assert.deepEqual(texts, [
      '2 queues paused',
      'queue a resumed',
      'schedule nightly paused',
      'schedule nightly resumed',
    ]);
  });

  test('never throws: what the spool refuses is told', async (t) => {
    const { path, broker } = tempSpool(t);
    const [id = ''] = await pendingJobs(path, {});
    rmSync(path, { recursive: true });

    const done = await carryOut(broker, { kind: 'revoke', ids: [id] }, NOW);

    assert.match(done.text, /spool/);
    assert.equal(done.isBad, true);
  });

  for (const [kind, answer, told] of [
    ['retry', null, '1000 jobs sent back'],
    ['revoke', 'revoked', '1000 jobs revoked'],
    ['kill', 'requested', '1000 jobs being killed'],
    ['forget', 'forgotten', '1000 jobs forgotten'],
  ] as const)
    test(`${kind}: of a change of thousands that fails on the way, tells what was done, and what was not`, async () => {
      const ids = Array.from({ length: 3_500 }, nextId);
      const done = await carryOut(refusing(1_000, answer), { kind, ids }, NOW);
      const rest = ', of 1000 jobs this is not certain: The disk is gone. 1500 jobs were not tried';

      assert.deepEqual([done.text, done.isBad, done.code], [told + rest, true, 'FSQ_SPOOL_GONE']);
      assert.deepEqual(done.gone, kind === 'forget' ? ids.slice(0, 1_000) : undefined);
      const first = await carryOut(refusing(0, answer), { kind, ids }, NOW);
      assert.deepEqual([first.text, first.isBad, first.code], ['The disk is gone.', true, 'FSQ_SPOOL_GONE']);
    });

  test('who acts in parts without words gets an error that says how far it came', async () => {
    const ids = Array.from({ length: 1_001 }, nextId);
    const retry = (most: number): Promise<unknown> => {
      const broker = refusing(most, null);
      return inParts(ids, (some) => broker.retry(some));
    };

    assert.equal(await retry(2_000).then((answers) => (answers as ReadonlyMap<string, null>).size), 1_001);
    await assert.rejects(retry(0), { message: 'The disk is gone.', code: 'FSQ_SPOOL_GONE' });
    await assert.rejects(retry(1_000), {
      message: '1000 of 1001 jobs were dealt with. Then: of 1 job this is not certain: The disk is gone',
      code: 'FSQ_SPOOL_GONE',
    });
  });
});

/** A broker that answers for so many jobs, and then refuses. */
function refusing(most: number, answer: unknown): Broker {
  let left = most;
  const act = async (ids: readonly string[]): Promise<ReadonlyMap<string, never>> => {
    left -= ids.length;
    if (left < 0) throw new SpoolError('FSQ_SPOOL_GONE', 'The disk is gone.');
    return new Map(ids.map((id) => [id, answer as never]));
  };
  return { retry: act, revoke: act, forget: act, outcome: async () => null } as unknown as Broker;
}
