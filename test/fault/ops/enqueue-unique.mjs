/** Jobs that must be the only ones of their keys: `input.keys`, one after the other, some of them held by somebody already. */
import { close, input, measure, newJob, open, say } from './op.mjs';

const broker = open();
await measure(async () => {
  for (const key of input.keys) await enqueue(key);
});
await close(broker);

async function enqueue(key) {
  const { job, ...place } = newJob(broker);
  const asked = { ...place, job: { ...job, options: { key } } };
  say('send', job.id);
  try {
    const { id, isDuplicate } = await broker.enqueueUnique(asked, { key, until: 'ended' });
    say(isDuplicate ? 'duplicate' : 'accept', id);
  } catch (error) {
    if (!String(error?.code).startsWith('FSQ_')) say('untyped', error?.stack?.replaceAll('\n', ' '));
    const uncertain = error.uncertain ?? [];
    if (!uncertain.includes(job.id)) say('reject', job.id);
    for (const id of uncertain) say('uncertain', id);
  }
}
