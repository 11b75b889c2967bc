/** One of the soak's producers: sends a job at a time, and notes each id once it was accepted. Copied beside tasks.js. Runs until it is killed. */
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { exits, fails, quick, slow } from './tasks.js';

/** Pause between two jobs, ms: four producers then send about as much as two cores run while children die. */
const PAUSE_MS = 20;

function choose() {
  const dice = Math.random();
  if (dice < 0.01) return exits.delay();
  if (dice < 0.05) return fails.delay();
  if (dice < 0.3) return slow.delay(Math.floor(Math.random() * 60));
  return quick.delay(Math.floor(Math.random() * 1_000));
}

for (;;) {
  try {
    const { id } = await choose();
    appendFileSync(process.env.SOAK_ACCEPTED, `${id}\n`);
  } catch (error) {
    // A swept draft, say: surely not queued, or named as uncertain.
    appendFileSync(process.env.SOAK_REJECTED, `${error.code} ${(error.uncertain ?? []).join(',')}\n`);
  }
  await wait(PAUSE_MS);
}
