/** The soak's tasks. Each run leaves lines in a journal: what began, what ended, and which process ended itself. */
import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { currentJob, task } from 'fsq';

/** One line, appended whole: a kill leaves it out or leaves it complete (O_APPEND, write(2)). */
function note(what) {
  const { id, attempt } = currentJob();
  appendFileSync(process.env.SOAK_JOURNAL, `${what} ${id} ${attempt} ${process.pid} ${Date.now()}\n`);
}

async function journaled(act) {
  note('begin');
  const value = await act();
  note('end');
  return value;
}

export const quick = task('quick', (n) => journaled(() => n));
export const slow = task('slow', (ms) => journaled(() => wait(ms, ms)));
export const fails = task('fails', () =>
  journaled(() => {
    throw new Error('as it should');
  }),
);
export const exits = task('exits', () =>
  journaled(() => {
    note('exit');
    process.exit(1);
  }),
);
