// The tasks of the power-cut test. Each run is noted outside the disk whose power is cut, with the time of the machine's clock that
// nobody sets: it is the same in all processes.
import { currentJob, task } from 'fsq';
import { note } from './notes.mjs';

export const add = task('add', (a, b) => begun(a + b));

/** At most one of each sum waits or runs. */
export const keyed = task('keyed', { key: (sum) => `key ${sum}` }, (sum) => begun(sum));

/** Fails at first. */
export const retried = task('retried', { retries: 5, backoff: { initial: 20, factor: 1 } }, (a, b) => {
  begun(null);
  if (currentJob().attempt === 1) throw new Error('not yet');
  return a + b;
});

/** Gives back all that it gets: both ways are too long for a record. */
export const large = task('large', (sum, padding) => begun({ sum, padding }));

function begun(value) {
  const { id, attempt } = currentJob();
  note('runs', id, attempt);
  return value;
}
