/** Two jobs that are settled at one time through the journal, as `input.settlement` says (default: publish a value); then that is freed. */
import { close, enqueue, input, measure, newJob, nextOf, onEvent, open, RETURNED, RUN, say } from './op.mjs';

const broker = open();
// So many steps that the journal is in use. These jobs wait for whoever comes afterwards.
await enqueue(
  broker,
  Array.from({ length: 17 }, () => ({ ...newJob(broker), queue: 'later' })),
);
const consumer = await broker.consumer({ queues: ['default'], tasks: ['echo'], onEvent });
await measure(async () => {
  const claims = [];
  for (let i = 0; i < 2; i++) claims.push(await nextOf(consumer));
  for (const claim of claims) say('run', claim.job.id, claim.standing.attempt);
  const settled = claims.map(async (claim) => {
    await claim.settle(input.settlement ?? RETURNED, RUN);
    say('settled', claim.job.id);
  });
  const errors = (await Promise.allSettled(settled)).filter(({ status }) => status === 'rejected');
  if (errors.length > 0) throw errors[0].reason;
  await close(consumer, broker);
});
