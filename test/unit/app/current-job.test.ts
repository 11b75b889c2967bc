import assert from 'node:assert/strict';
import test from 'node:test';
import { Run } from '../../../src/app/current-job.ts';

test('a run that was to end before its task asked for the signal has an aborted one with that reason', () => {
  const reason = new Error('revoked');
  const [stopped, revoked] = [new Run(AbortSignal.abort(reason)), new Run(null)];
  revoked.abort(reason);
  revoked.abort(new Error('late'));

  assert.equal(stopped.signal.reason, reason);
  assert.equal(revoked.signal.reason, reason, 'the first reason counts');
});
