/** Calls that become one job: `input.calls` of each of `input.keys`, each with a row of its own as its argument. */
import { close, input, measure, newJob, open, say } from './op.mjs';

const debounce = { waitMs: 3_600_000, mostMs: null };
const broker = open();
await measure(async () => {
  for (const key of input.keys) for (let row = 1; row <= input.calls; row++) await call(key, row);
});
await close(broker);

async function call(key, row) {
  const { job, ...place } = newJob(broker);
  const asked = { ...place, job: { ...job, args: [row], options: { key } } };
  say('send', job.id);
  try {
    const { id, isDuplicate } = await broker.enqueueUnique(asked, { key, until: 'started', debounce });
    say(isDuplicate ? 'duplicate' : 'accept', id);
    say('called', id, row);
  } catch (error) {
    if (!String(error?.code).startsWith('FSQ_')) say('untyped', error?.stack?.replaceAll('\n', ' '));
    const uncertain = error.uncertain ?? [];
    if (!uncertain.includes(job.id)) say('reject', job.id);
    for (const id of uncertain) say('uncertain', id);
  }
}
