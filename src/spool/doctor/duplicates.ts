/** Each job in one place, as one file with one name (I1, I2). Pure. */
import type { Finding } from './finding.ts';
import type { JobPlace } from './job-spot.ts';
import type { JobFile } from './visit.ts';

/** Of several files for one job the one that is furthest on counts. */
const PRECEDENCE: readonly JobPlace[] = ['results', 'running', 'pending', 'delayed'];

/** @param jobs all files of each job that has several */
export function duplicateFindings(jobs: readonly JobFile[]): readonly Finding[] {
  return [...byId(jobs).values()].flatMap((files) => (files.length > 1 ? duplicate(files) : []));
}

function duplicate(files: readonly JobFile[]): readonly Finding[] {
  const [first] = files;
  if (first === undefined || isBeingSetAside(files)) return [];
  const isOnePlace = files.every(({ place }) => place === first.place);
  const canRepair = duplicatePlan(files) !== null;
  return [
    {
      code: 'duplicate',
      severity: 'error',
      invariant: isOnePlace ? 'I2' : 'I1',
      id: first.id,
      message: `Job ${first.id} lies in ${files.length} places: ${files.map(({ location }) => location).join(', ')}.`,
      location: first.location,
      advice: canRepair
        ? 'They hold the same job: `fsq doctor --repair` keeps the one that is furthest on.'
        : 'They are not surely the same job, or one of them is running: compare them, then move all but one out of the spool.',
      canRepair,
    },
  ];
}

/** A broken job is between the outcome that says so and its move to corrupt/: who holds it, or recovers it, makes that move. */
function isBeingSetAside(files: readonly JobFile[]): boolean {
  const broken = files.find(({ place, content }) => place === 'running' && content.kind === 'unreadable');
  return files.length === 2 && broken !== undefined && files.some(({ place }) => place === 'results');
}

/**
 * Which of several files for one job to keep and which to drop; null unless that is surely safe: the same base in all, none to
 * be dropped that somebody holds, and a whole outcome if the one to keep is in results/.
 */
export function duplicatePlan(
  files: readonly JobFile[],
): { readonly keep: JobFile; readonly drop: readonly JobFile[] } | null {
  const [keep, ...drop] = files.toSorted((a, b) => rank(a) - rank(b) || countersOf(b) - countersOf(a));
  if (keep === undefined || drop.length === 0 || keep.content.kind !== 'job') return null;
  const { base, state } = keep.content;
  if (keep.place === 'results' && state === null) return null;
  const isSafe = drop.every(
    ({ place, content }) => place !== 'running' && content.kind === 'job' && content.base === base,
  );
  return isSafe ? { keep, drop } : null;
}

function rank({ place }: JobFile): number {
  return PRECEDENCE.indexOf(place);
}

function countersOf({ name }: JobFile): number {
  return name === null ? 0 : name.attempt + name.crashes;
}

/** All files of each id. */
export function byId<File extends JobFile>(jobs: readonly File[]): ReadonlyMap<string, readonly File[]> {
  const found = new Map<string, File[]>();
  for (const job of jobs) {
    const files = found.get(job.id);
    if (files === undefined) found.set(job.id, [job]);
    else files.push(job);
  }
  return found;
}
