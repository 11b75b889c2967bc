/** What a run shows of itself and keeps beside its job, as every broker promises it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Broker, LogPart } from '../../src/broker/broker.ts';
import { machineMs } from '../../src/broker/common/machine-ms.ts';
import type { Claim } from '../../src/broker/worker-side.ts';
import { until } from '../support/conditions.ts';
import { returned, RUN, threw } from '../support/factory.ts';
import { child, consumer, enqueueOne, keeper, newJob, nextOf, type OpenBroker } from './parts.ts';

const AGAIN = { kind: 'rerun', delayMs: 0, crashes: 0, error: { name: 'Error', message: 'not yet' } } as const;
const ENDINGS = [
  ['an error', AGAIN],
  ['a deploy', { kind: 'requeue' }],
] as const;

/** What is in the job's log from there on, as soon as something is. */
async function logged(broker: Broker, id: string, position: number): Promise<LogPart> {
  return until(async () => {
    const part = await broker.log(id, position);
    return part.lines.length > 0 && part;
  }, 'something is in the log');
}

/** All that is in the job's log, as text. */
async function printed(broker: Pick<Broker, 'log'>, id: string): Promise<readonly string[]> {
  const texts: string[] = [];
  for (let position = 0; ;) {
    const part = await broker.log(id, position);
    if (part.lines.length === 0) return texts;
    texts.push(...part.lines.map(({ stream, text }) => `${stream} ${text}`));
    position = part.position;
  }
}

export function beside(open: OpenBroker): void {
  prints(open);
  changes(open);
  test('progress is seen while the job runs, with its run and its time', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    const claim = await nextOf(await consumer(t, broker));
    const before = Date.now();
    assert.equal((await broker.find(job.id))?.progress, null);

    claim.progress({ value: 0.25, done: 5, total: 20, detail: { file: 'ä.csv' } });

    const { atMs, ...progress } = await until(
      async () => (await broker.find(job.id))?.progress,
      'the progress is seen',
    );
    assert.deepEqual(progress, { value: 0.25, done: 5, total: 20, detail: { file: 'ä.csv' }, attempt: 1 });
    assert.ok(atMs >= before && atMs <= Date.now(), `${atMs}`);
    assert.deepEqual((await broker.list(['running'], 5))[0]?.progress, { ...progress, atMs });
  });

  test('of a thousand reports the last is seen no later than the outcome', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    const claim = await nextOf(await consumer(t, broker));

    for (let done = 0; done <= 1_000; done++) claim.progress({ value: done / 1_000, done, total: 1_000 });
    await claim.settle(returned(null), RUN);

    assert.equal((await broker.find(job.id))?.progress?.done, 1_000);
  });

  for (const [what, settlement] of [...ENDINGS, ['its failure', threw('no')]] as const) {
    test(`the last report stays after ${what}, until the next run reports`, async (t) => {
      const broker = await open(t);
      const { job } = await enqueueOne(broker);
      const each = await consumer(t, broker);
      const claim = await nextOf(each);

      claim.progress({ value: 0.1 });
      claim.progress({ value: 0.8 });
      await claim.settle(settlement, RUN);

      const seen = (await broker.find(job.id))?.progress;
      assert.deepEqual([seen?.value, seen?.attempt], [0.8, 1]);
      if (settlement.kind === 'publish') return;
      await keeper(t, broker); // It makes ready what is due.
      const next = await nextOf(each);
      assert.equal((await broker.find(job.id))?.progress?.value, 0.8);
      next.progress({ value: 0 });
      await until(async () => (await broker.find(job.id))?.progress?.attempt === 2, 'the next report is seen');
      await next.settle(returned(null), RUN);
    });
  }

  test('what a run says after its end is not heard', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    const claim = await nextOf(await consumer(t, broker));
    await claim.settle(returned(null), RUN);

    claim.progress({ value: 0.5 });

    assert.equal((await broker.find(job.id))?.progress, null);
    await assert.rejects(claim.checkpoint(1), { code: 'FSQ_USAGE', message: /has ended/ });
  });

  for (const [what, settlement] of ENDINGS) {
    test(`after ${what} the next run finds the last checkpoint, and the one after its success none`, async (t) => {
      const broker = await open(t);
      await enqueueOne(broker);
      await keeper(t, broker);
      const each = await consumer(t, broker);
      const claim = await nextOf(each);
      assert.equal(claim.checkpointed(), undefined);

      await claim.checkpoint({ row: 1 });
      await claim.checkpoint({ row: 2, rest: ['ä', null, -0.5] });
      assert.deepEqual(claim.checkpointed(), { row: 2, rest: ['ä', null, -0.5] });
      assert.deepEqual(await broker.checkpointed(claim.job.id), { row: 2, rest: ['ä', null, -0.5] });
      await claim.settle(settlement, RUN);

      const next = await nextOf(each);
      assert.deepEqual(next.checkpointed(), { row: 2, rest: ['ä', null, -0.5] });
      await next.settle(returned(null), RUN);
      assert.equal(next.checkpointed(), undefined);
    });
  }

  test('a job whose process died finds its checkpoint, and its late run writes over nothing', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    const parent = await keeper(t, broker);
    const dead = await consumer(t, broker);
    const lost = await nextOf(dead);
    await lost.checkpoint({ row: 7 });
    lost.progress({ value: 0.7 });

    await parent.recover(dead.owner, 'crashed');
    const claim = await nextOf(await consumer(t, broker));
    const found = claim.checkpointed();
    await claim.checkpoint({ row: 8 });
    claim.progress({ value: 0.8 });
    lost.progress({ value: 0.1 });

    assert.deepEqual(found, { row: 7 });
    await assert.rejects(lost.checkpoint({ row: 1 }), { code: 'FSQ_FENCED' });
    await assert.rejects(async () => lost.settle(returned(null), RUN), { code: 'FSQ_FENCED' });
    assert.deepEqual(claim.checkpointed(), { row: 8 });
    await claim.settle(returned(null), RUN);
    assert.equal((await broker.find(job.id))?.progress?.value, 0.8);
  });

  test('checkpoints that nobody waits for are kept in their order, and before the run ends', async (t) => {
    const broker = await open(t);
    await enqueueOne(broker);
    const each = await consumer(t, broker);
    const claim = await nextOf(each);
    for (let row = 0; row < 20; row++) void claim.checkpoint({ row });

    await claim.settle({ kind: 'requeue' }, RUN);

    const next: Claim = await nextOf(each);
    assert.deepEqual(next.checkpointed(), { row: 19 });
    await next.settle(threw('enough'), RUN);
    await broker.retry([next.job.id]);
    const again = await nextOf(each);
    assert.deepEqual(again.checkpointed(), { row: 19 }, 'a failed job that is sent back goes on there');
    await again.settle(returned(null), RUN);
  });

  test('what lies beside a job is gone soon after its outcome is forgotten', async (t) => {
    const broker = await open(t, { resultTtlMs: 1 });
    const { job } = await enqueueOne(broker);
    const claim = await nextOf(await consumer(t, broker));
    claim.progress({ value: 1 });
    await claim.checkpoint(1);
    await claim.settle(threw('no'), RUN);

    await keeper(t, broker);

    await until(async () => (await broker.find(job.id)) === null, 'the outcome is forgotten');
    await until(async () => (await broker.checkpointed(job.id)) === undefined, 'the checkpoint is removed');
  });
}

function prints(open: OpenBroker): void {
  const logBytes = 64 * 1024;

  test('what a run prints is in the log of its job no later than the outcome, in its order', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    const claim = await nextOf(await consumer(t, broker, { logBytes }));
    const before = Date.now();

    claim.print('stdout', 'one\ntwo\nwithout an');
    claim.print('stderr', Buffer.from('no\n'));
    claim.print('stdout', ' end');
    await claim.settle(returned(null), RUN);
    claim.print('stdout', 'too late\n');

    assert.deepEqual(await printed(broker, job.id), ['stdout one', 'stdout two', 'stderr no', 'stdout without an end']);
    const [first] = (await broker.log(job.id, 0)).lines;
    assert.ok((first?.atMs ?? 0) >= before && (first?.atMs ?? 0) <= Date.now());
  });

  test('a reader goes on where an earlier part ended', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    const claim = await nextOf(await consumer(t, broker, { logBytes }));

    assert.deepEqual((await broker.log(job.id, 0)).lines, []);
    claim.print('stdout', 'one\n');
    const first = await logged(broker, job.id, 0);
    claim.print('stdout', 'two\n');
    const second = await logged(broker, job.id, first.position);
    const third = await broker.log(job.id, second.position);

    assert.deepEqual(
      [first, second, third].map(({ lines }) => lines.map(({ text }) => text)),
      [['one'], ['two'], []],
    );
    await claim.settle(returned(null), RUN);
  });

  test('the end of a log is its last lines, and says whether there are others', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    const claim = await nextOf(await consumer(t, broker, { logBytes: 1024 * 1024 }));
    assert.deepEqual(await broker.logEnd(job.id), { lines: [], isWhole: true });
    claim.print('stdout', 'one\ntwo\n');
    await logged(broker, job.id, 0);

    const { lines, isWhole } = await broker.logEnd(job.id);

    assert.deepEqual([lines.map(({ text }) => text), isWhole], [['one', 'two'], true]);
    claim.print('stdout', `${'x'.repeat(100)}\n`.repeat(4_000));
    claim.print('stdout', 'the last\n');
    await claim.settle(returned(null), RUN);
    const end = await until(async () => {
      const found = await broker.logEnd(job.id);
      return found.lines.at(-1)?.text === 'the last' && found;
    }, 'the last line is in the log');
    assert.equal(end.isWhole, false);
    assert.ok(end.lines.length >= 500 && end.lines.length < 4_000, `${end.lines.length} lines`);
  });

  test('the runs of a job print into one log, which says which begins', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    await keeper(t, broker);
    const each = await consumer(t, broker, { logBytes });
    const claim = await nextOf(each);
    claim.print('stdout', 'first\n');
    await claim.settle(AGAIN, RUN);
    const next = await nextOf(each);
    next.print('stdout', 'second\n');
    await next.settle(threw('no'), RUN);

    assert.deepEqual(await printed(broker, job.id), ['stdout first', 'fsq attempt 2', 'stdout second']);
  });

  test('without a size nothing is kept, and of no job there is nothing', async (t) => {
    const broker = await open(t);
    const { job } = await enqueueOne(broker);
    const claim = await nextOf(await consumer(t, broker));

    claim.print('stdout', 'one\n');
    await claim.settle(returned(null), RUN);

    assert.deepEqual(await printed(broker, job.id), []);
    assert.deepEqual(await printed(broker, newJob(broker).job.id), []);
  });

  test('what processes of a child print belongs to the job that it runs', async (t) => {
    const broker = await open(t);
    const parent = await keeper(t, broker, { logBytes });
    const { consumer: each, member } = await child(t, broker, parent, { logBytes });
    const { job } = await enqueueOne(broker);

    member.print('stdout', Buffer.from('of the job before\n'));
    const begunAtMs = machineMs();
    const claim = await nextOf(each);

    assert.equal(member.print('stdout', Buffer.from('before it was told\n')), false);
    member.printsFor({ id: job.id, attempt: 1, begunAtMs });
    assert.equal(member.print('stderr', Buffer.from('with')), true);
    member.print('stderr', Buffer.from('out an end'));
    member.printsFor(null);
    await claim.settle(returned(null), RUN);
    member.print('stdout', Buffer.from('of nobody\n'));

    await until(async () => (await printed(broker, job.id)).length > 1, 'both are in the log');
    assert.deepEqual(await printed(broker, job.id), ['stdout before it was told', 'stderr without an end']);
  });

  test('a log is gone soon after the outcome of its job is forgotten', async (t) => {
    const broker = await open(t, { resultTtlMs: 1 });
    const { job } = await enqueueOne(broker);
    const claim = await nextOf(await consumer(t, broker, { logBytes }));
    claim.print('stdout', 'one\n');
    await claim.settle(returned(null), RUN);

    await keeper(t, broker);

    await until(async () => (await printed(broker, job.id)).length === 0, 'the log is removed');
    assert.equal(await broker.find(job.id), null);
  });
}

function changes(open: OpenBroker): void {
  test('of many jobs those are told that look different than at their mark', async (t) => {
    const broker = await open(t);
    const [one, two] = [await enqueueOne(broker), await enqueueOne(broker)];
    const marks = new Map<string, string | null>([one, two, newJob(broker)].map(({ job }) => [job.id, null]));
    const changed = async (): Promise<readonly string[]> => {
      const found = [...(await broker.changed(marks))];
      for (const [id, { mark }] of found) marks.set(id, mark);
      return found.map(([id, { sighting }]) => `${id === one.job.id ? 'one' : 'two'} ${sighting.state}`).toSorted();
    };

    const soon = (): Promise<readonly string[]> =>
      until(async () => {
        const found = await changed();
        return found.length > 0 && found;
      }, 'something has changed');

    assert.deepEqual(await changed(), ['one pending', 'two pending']);
    assert.deepEqual(await changed(), []);
    const claim = await nextOf(await consumer(t, broker, { logBytes: 64 * 1024 }));
    assert.deepEqual(await changed(), ['one running']);
    claim.progress({ value: 0.5 });
    assert.deepEqual(await soon(), ['one running']);
    claim.print('stdout', 'a line\n');
    assert.deepEqual(await soon(), ['one running']);
    assert.deepEqual(await changed(), []);
    await claim.settle(returned(null), RUN);
    assert.deepEqual(await changed(), ['one succeeded']);
    assert.deepEqual(await changed(), []);
    assert.equal((await broker.changed(new Map())).size, 0);
  });
}
