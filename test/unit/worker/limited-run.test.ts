import assert from 'node:assert/strict';
import test from 'node:test';
import type { Claim } from '../../../src/broker/broker.ts';
import { runWithin } from '../../../src/worker/limited-run.ts';
import { job } from '../../support/factory.ts';

const KEEPERS = { begun: (): void => undefined, ended: (): void => undefined };
const LIMITS = { timeLimitMs: 60_000, softTimeLimitMs: null };

function claim(): Claim {
  const { job: record, queue, priority } = job();
  const settle = (): void => undefined;
  return { job: record, standing: { queue, priority, attempt: 1, crashes: 0 }, attempts: [], settle };
}

test('a run that was to end before it began has an aborted signal with that reason', () => {
  const reason = new Error('revoked');
  let seen: unknown = null;

  void runWithin(LIMITS, claim(), {}, KEEPERS, AbortSignal.abort(reason), ({ signal }) => {
    seen = signal.reason;
    return { kind: 'returned', value: 1 };
  });

  assert.equal(seen, reason);
});
