// The task of `npm run machines`: each run tells when it began, every few milliseconds that it lives, and when it ended.
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { currentJob, task } from 'fsq';

const BEAT_MS = 20;

export const work = task('work', { retries: 20, backoff: '50ms' }, async (ms) => {
  const { id, attempt } = currentJob();
  const tell = (what) =>
    appendFileSync(
      process.env.RUNS,
      `${JSON.stringify({ what, id, attempt, pid: process.pid, machine: process.env.MACHINE, atMs: Date.now() })}\n`,
    );
  tell('begin');
  for (const endAtMs = Date.now() + ms; Date.now() < endAtMs;) {
    await wait(Math.min(BEAT_MS, Math.max(1, endAtMs - Date.now())));
    tell('beat');
  }
  tell('end');
  return ms;
});
