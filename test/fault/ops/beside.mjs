/** Claim, look for a checkpoint, show progress, keep two checkpoints and settle, as a task and its worker do. */
import { close, input, measure, nextOf, onEvent, open, RETURNED, RUN, say, sayError } from './op.mjs';

const broker = open();
const consumer = await broker.consumer({ queues: null, tasks: ['echo'], onEvent });
await measure(async () => {
  const claim = await nextOf(consumer);
  const { id } = claim.job;
  say('run', id, claim.standing.attempt);
  try {
    claim.checkpointed();
    for (const value of [0.1, 0.2]) claim.progress({ value });
    for (const row of [1, 2]) {
      await claim.checkpoint({ row });
      say('kept', id, row);
    }
  } catch (error) {
    sayError(error); // The task hears of it, and goes on.
  }
  await claim.settle(input.settlement ?? RETURNED, RUN);
  say('settled', id);
});
await close(consumer, broker);
