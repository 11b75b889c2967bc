import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import { Run, RunningJob } from '../../../src/app/current-job.ts';

test('a run that was to end before its task asked for the signal has an aborted one with that reason', () => {
  const reason = new Error('revoked');
  const [stopped, revoked] = [new Run(AbortSignal.abort(reason)), new Run(null)];
  revoked.abort(reason);
  revoked.abort(new Error('late'));

  assert.equal(stopped.signal.reason, reason);
  assert.equal(revoked.signal.reason, reason, 'the first reason counts');
});

test('a run that has no place among jobs keeps what it tells for itself', async () => {
  const job = new RunningJob({ id: 'i', task: 't', headers: {} }, { attempt: 1, queue: 'default' }, new Run(null));
  const value = { row: 1 };
  assert.equal(job.checkpointed, undefined);

  job.progress(0.5);
  await job.checkpoint(value);
  value.row = 2;

  assert.deepEqual(job.checkpointed, { row: 1 }, 'a copy, as it would come from a file');
});

describe('a checkpoint that cannot be kept is refused with its path:', () => {
  const bad: readonly [what: string, value: unknown, code: string, message: RegExp][] = [
    ['a Date', new Date(), 'FSQ_NOT_SERIALISABLE', /^checkpoint is a Date/],
    ['a Date inside', { seen: [{ at: new Date() }] }, 'FSQ_NOT_SERIALISABLE', /^checkpoint\.seen\[0\]\.at is a Date/],
    ['a Map', { rows: new Map() }, 'FSQ_NOT_SERIALISABLE', /^checkpoint\.rows is a Map/],
    ['nothing', undefined, 'FSQ_NOT_SERIALISABLE', /^checkpoint is undefined/],
    ['NaN', { row: Number.NaN }, 'FSQ_NOT_SERIALISABLE', /^checkpoint\.row is NaN/],
    [
      'over a MiB',
      'x'.repeat(1024 ** 2),
      'FSQ_TOO_LARGE',
      /^The checkpoint has 1048578 bytes of JSON; at most 1048576/,
    ],
  ];
  for (const [what, value, code, message] of bad) {
    test(what, async () => {
      const job = new RunningJob({ id: 'i', task: 't', headers: {} }, { attempt: 1, queue: 'default' }, new Run(null));

      await assert.rejects(job.checkpoint(value), { code, message });

      assert.equal(job.checkpointed, undefined);
    });
  }
});
