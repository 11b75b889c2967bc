/**
 * Not an operation under fire but what comes after it: a fresh worker that recovers, runs everything there is, and ends.
 *
 * Its clock runs ahead of the jobs' due times, so that nothing has to be waited for.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expiryOf, mark, onEvent, open, say, sayError } from './op.mjs';

/** Nobody waits so long but where something is broken. */
const DEADLINE_MS = 45_000;
const SWEPT_WITHIN_MS = 20_000;
const HOUR_MS = 3_600_000;
const VALUE = { kind: 'publish', outcome: { state: 'succeeded', value: { by: 'drain' } } };

let aheadMs = 0;
mark('begin');
// Its clock may run far ahead where the machine is busy: no outcome is over for that.
const broker = open({ fsync: false, nowMs: () => Date.now() + aheadMs, resultTtlMs: 100_000 * HOUR_MS });
try {
  for (const queue of await broker.paused()) await broker.resume(queue);
  const keeper = await broker.keeper({ queues: null, onEvent });
  const consumer = await broker.consumer({ queues: null, tasks: ['echo'], onEvent });
  const stop = new AbortController();
  const running = runAll(consumer, stop.signal);
  await drained();
  await swept();
  stop.abort();
  await running;
  await consumer.close();
  await keeper.close();
  await broker.close();
  say('done');
  mark('end');
} catch (error) {
  sayError(error);
  process.exit(1);
}

async function runAll(consumer, signal) {
  for (let claim = await consumer.next(signal); claim !== null; claim = await consumer.next(signal)) {
    const nowMs = Date.now() + aheadMs;
    const expiry = expiryOf(claim, nowMs);
    if (claim.job.options.takes !== undefined && !Array.isArray(claim.job.args[0]))
      throw new Error('values are missing');
    if (expiry === null) say('run', claim.job.id, claim.standing.attempt);
    say('found', claim.job.id, claim.checkpointed()?.row ?? 0);
    await claim.settle(expiry ?? VALUE, expiry === null ? { startedAtMs: nowMs, endedAtMs: nowMs } : null);
    say('settled', claim.job.id);
  }
}

/** Its end gives up the housekeeping that is under way: what the dead left in tmp/ is waited for. */
async function swept() {
  const endAt = performance.now() + SWEPT_WITHIN_MS;
  while (performance.now() < endAt && readdirSync(join(broker.place, 'tmp')).length > 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

async function drained() {
  const endAt = performance.now() + DEADLINE_MS;
  for (;;) {
    const { pending, delayed, running } = await broker.counts();
    if (pending + delayed + running === 0) return;
    if (performance.now() > endAt) {
      const left = await broker.list(['pending', 'delayed', 'running'], 5);
      throw Object.assign(new Error(`Left: ${left.map(({ location }) => location).join(', ')}`), {
        code: 'OP_TIMEOUT',
      });
    }
    if (pending + running === 0) aheadMs += HOUR_MS;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
