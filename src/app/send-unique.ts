/** Sending jobs each of which must be the only one of its key. */
import type { Broker, NewJob, StandIn } from '../broker/broker.ts';
import { SpoolError } from '../job/errors.ts';
import type { Uniqueness } from '../job/job-options.ts';

/** Sent at a time: enough for their fsyncs to share the journal's commits. */
const AT_ONCE = 32;

/**
 * The job that stands for each of `jobs`, in order. Those of one key are sent one after the other.
 *
 * @throws SpoolError; those of `jobs` that were accepted before are in its `uncertain`
 */
export async function sendUnique(
  broker: Pick<Broker, 'enqueueUnique'>,
  jobs: readonly NewJob[],
  uniqueness: readonly Uniqueness[],
): Promise<readonly StandIn[]> {
  const found: StandIn[] = [];
  const failures: unknown[] = [];
  const left = [...indexesByKey(uniqueness).values()].values();
  const work = async (): Promise<void> => {
    for (const indexes of left) {
      for (const i of indexes) {
        const [job, unique] = [jobs[i], uniqueness[i]];
        if (failures.length > 0 || job === undefined || unique === undefined) return;
        try {
          found[i] = await broker.enqueueUnique(job, unique);
        } catch (error) {
          failures.push(error);
        }
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, jobs.length) }, work));
  if (failures.length > 0) throw withAccepted(failures, Object.values(found));
  return found;
}

function indexesByKey(uniqueness: readonly Uniqueness[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>();
  for (const [i, { key }] of uniqueness.entries()) {
    const known = found.get(key);
    if (known === undefined) found.set(key, [i]);
    else known.push(i);
  }
  return found;
}

function withAccepted(failures: readonly unknown[], found: readonly StandIn[]): unknown {
  const [first] = failures;
  const accepted = found.flatMap(({ id, isDuplicate }) => (isDuplicate ? [] : [id]));
  const uncertain = [...accepted, ...failures.flatMap((error) => (error instanceof SpoolError ? error.uncertain : []))];
  if (!(first instanceof SpoolError) || uncertain.length === 0) return first;
  const count = `${accepted.length} ${accepted.length === 1 ? 'job was' : 'jobs were'} queued before this.`;
  return new SpoolError('FSQ_ENQUEUE_UNCERTAIN', `${first.message} ${count}`, { cause: first, uncertain });
}
