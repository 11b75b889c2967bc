/** Claim, run and settle: `input.settlement` says how (default: publish a value), `input.prints` what each run prints. */
import { close, expiryOf, input, measure, nextOf, onEvent, open, RETURNED, RUN, say } from './op.mjs';

const broker = open();
const consumer = await broker.consumer({ queues: null, tasks: ['echo'], onEvent, logBytes: 16_384 });
await measure(async () => {
  for (let i = 0; i < (input.jobs ?? 1); i++) {
    const claim = await nextOf(consumer);
    const { id } = claim.job;
    if (input.takes === true && claim.job.args[0]?.length !== 2) throw new Error('the values of the two are missing');
    const expiry = expiryOf(claim, Date.now());
    const isRun = expiry === null && input.settlement?.kind !== 'park';
    if (isRun) say('run', id, claim.standing.attempt);
    for (const text of input.prints ?? []) claim.print('stdout', text);
    await claim.settle(expiry ?? input.settlement ?? RETURNED, isRun ? RUN : null);
    say('settled', id);
  }
});
await close(consumer, broker);
