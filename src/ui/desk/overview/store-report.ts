/** What keeps the jobs: its parts with what each means, and the room that is left. */
import type { Broker } from '../../../broker/broker.ts';
import type { StoreReport } from '../../wire.ts';
import type { JobIndex } from '../index/job-index.ts';

/** What takes too long to be counted, where all jobs are known, is told by these. */
export async function storeReport(
  broker: Pick<Broker, 'place' | 'parts' | 'room'>,
  index: Pick<JobIndex, 'isComplete' | 'tallies'>,
): Promise<StoreReport> {
  const [parts, room] = [await broker.parts(), await broker.room()];
  const jobsIn = (name: string): number | null => (index.isComplete ? (jobsByPart(index)[name] ?? null) : null);
  return {
    place: broker.place,
    parts: parts.map((part) => ({ ...part, entries: part.entries ?? jobsIn(part.name) })),
    room: room === null ? null : roomOf(room),
  };
}

/** Of the directories of a spool in which each job is a file. */
function jobsByPart({ tallies: { states } }: Pick<JobIndex, 'tallies'>): Readonly<Record<string, number>> {
  const { pending, delayed, parked, succeeded, failed, revoked, expired } = states;
  return { pending, delayed: delayed + parked, results: succeeded + failed + revoked + expired };
}

function roomOf({
  freeBytes,
  totalBytes,
  freeInodes,
  totalInodes,
}: NonNullable<StoreReport['room']>): StoreReport['room'] {
  return { freeBytes, totalBytes, freeInodes, totalInodes };
}
