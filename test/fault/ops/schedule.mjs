/** Jobs for instants of the schedule `tick`: `input.instants`, one after the other, some of them sent by somebody already. */
import { close, input, measure, newJob, open, say } from './op.mjs';

const broker = open();
await measure(async () => {
  // As a worker does it: what failed is sent again before what comes after it.
  for (const atMs of input.instants) if (!(await send(atMs))) return;
  await broker.schedules.pass({ schedule: 'passed', atMs: input.instants[0], pattern: 'every 1s' });
});
await close(broker);

async function send(atMs) {
  const { job, ...place } = newJob(broker);
  const asked = { ...place, job: { ...job, headers: { 'fsq-instant': String(atMs) } } };
  say('send', job.id);
  try {
    const standIn = await broker.schedules.send({ schedule: 'tick', atMs, pattern: 'every 1s' }, asked);
    if (standIn !== null) say(standIn.isDuplicate ? 'duplicate' : 'accept', standIn.id);
    return true;
  } catch (error) {
    if (!String(error?.code).startsWith('FSQ_')) say('untyped', error?.stack?.replaceAll('\n', ' '));
    // The job may be accepted, and only its mark be missing: whoever sends the instant again finds it.
    say('uncertain', job.id);
    return false;
  }
}
