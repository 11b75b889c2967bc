import assert from 'node:assert/strict';
import test from 'node:test';
import { RevokedError } from '../../../src/job/errors.ts';
import { Revoked } from '../../../src/worker/revoked.ts';
import { Run } from '../../../src/app/current-job.ts';

const never = (): AbortSignal => new AbortController().signal;

test('a run that is revoked aborts with the reason, and is known as revoked when it ends', () => {
  const revoked = new Revoked();
  const run = new Run(never());
  const { signal } = run;
  revoked.begin('a', run);

  revoked.hear(new Set(['b', 'a']));

  assert(signal.reason instanceof RevokedError);
  assert.equal(revoked.end(), true);
});

test('another job is left alone', () => {
  const revoked = new Revoked();
  const run = new Run(never());
  revoked.begin('a', run);

  revoked.hear(new Set(['b']));

  assert.equal(run.signal.aborted, false);
  assert.equal(revoked.end(), false);
  revoked.hear(new Set(['a']));
  assert.equal(run.signal.aborted, false);
});

test('a job of which it was heard before it began, and a signal that is asked for late, are aborted', () => {
  const revoked = new Revoked();
  revoked.hear(new Set(['a']));
  const run = new Run(never());

  revoked.begin('a', run);

  assert.equal(run.signal.aborted, true);
});

test('the signal is one object, aborts with the stop of the process, and keeps the first reason', () => {
  const stop = new AbortController();
  const run = new Run(stop.signal);
  const first = run.signal;

  run.abort('first');
  run.abort('second');
  stop.abort('third');

  assert.equal(run.signal, first);
  assert.equal(first.reason, 'first');
});
