/** Two consumers and a queue, or a limit key, of which one job may run at a time: the second puts its job back, and gets it when the first has ended. */
import { close, input, measure, nextOf, onEvent, open, RETURNED, RUN, say, within } from './op.mjs';

const ofQueue = { concurrency: 1, rate: { count: 1_000, periodMs: 1_000 } };
const limits = {
  queues: new Map(input.isKeyed ? [] : [['default', ofQueue]]),
  tasks: new Map(input.isKeyed ? [['echo', { concurrency: null, rate: null, perKey: 1 }]] : []),
};
const broker = open();
const first = await broker.consumer({ queues: null, tasks: ['echo'], limits, onEvent });
const second = await broker.consumer({ queues: null, tasks: ['echo'], limits, onEvent });
await measure(async () => {
  const claim = await begin(first);
  const early = await within(second, 50);
  if (early !== null) throw new Error('two jobs run where one may');
  await end(claim);
  await end(await begin(second));
});
await close(first, second, broker);

async function begin(consumer) {
  const claim = await nextOf(consumer);
  say('run', claim.job.id, claim.standing.attempt);
  return claim;
}

async function end(claim) {
  await claim.settle(RETURNED, RUN);
  say('settled', claim.job.id);
}
