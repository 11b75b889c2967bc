/** What can be wrong with jobs: their files (I4), counters and times (I7, I11, I12), and how many files a job has (I1, I2). Pure. */
import { MAX_CRASHES } from '../../job/lifecycle.ts';
import { span } from '../../job/text.ts';
import { type Finding, findingsOf, rows } from './finding.ts';
import type { Outline, OwnerState } from './outline.ts';
import type { JobContent, JobFile, JobPlace, WaitsFor } from './visit.ts';

type Readable = JobFile<Extract<JobContent, { kind: 'job' }>>;

interface Unreadable extends Pick<JobFile, 'id'> {
  readonly reason: string;
  /** A living process holds it. */
  readonly isHeld: boolean;
}

interface Timing extends Pick<JobFile, 'id'> {
  readonly attempt: number;
  /** How long it began before its job was due; negative: after it. Null where no time was set. */
  readonly earlyMs: number | null;
  /** How long it began after its job had expired. */
  readonly lateMs: number | null;
}

interface Copies {
  readonly id: string;
  readonly files: readonly JobFile[];
  readonly isSafe: boolean;
}

const UNREADABLE = rows<Unreadable>({
  unreadable: {
    severity: 'error',
    invariant: 'I4',
    wrong: ({ id, reason }) => `The file of job ${id} is not a job: ${reason}.`,
    advice: ({ isHeld }) =>
      isHeld
        ? 'The process that holds it moves it to corrupt/; look again.'
        : '`fsq doctor --repair` moves it to corrupt/ and gives the job a failed outcome; a worker does the same when it takes it.',
    mend: ({ isHeld }) => (isHeld ? null : 'set-aside'),
  },
});

const JOB_ROWS = rows<Readable>({
  'no-outcome': {
    severity: 'error',
    invariant: 'I4',
    wrong: ({ id, place, content: { state, isTorn } }) =>
      place === 'results' && state === null
        ? `Job ${id} lies in results/ ${isTorn ? 'with an outcome that was cut off' : 'without an outcome'}.`
        : null,
    advice: ({ id }) => `To run it again, move it to pending/5.${id}.default.0.0.json; it may have run already.`,
  },
  'too-many-attempts': {
    severity: 'error',
    invariant: 'I7',
    wrong: (job) => {
      const { retries, attempts } = job.content;
      const { crashes } = countersOf(job);
      const from = countsFrom(job);
      const counted = attempts.filter(({ attempt }) => attempt > from).length;
      if (retries === null || counted <= 1 + retries + crashes) return null;
      return `Job ${job.id} has ${counted} attempts${from === 0 ? '' : ' since it was sent back'}; its first run, ${retries} retries and ${crashes} crashes explain fewer.`;
    },
    advice: 'Was its file changed by hand? If not, please report it, with this file.',
  },
  'too-many-crashes': {
    severity: 'error',
    invariant: 'I7',
    wrong: (job) => {
      const { attempt, crashes } = countersOf(job);
      // The one after the last that is allowed ends the job.
      const isGivenUp = job.place === 'results' && job.content.state === 'failed';
      const most = isGivenUp ? MAX_CRASHES + 1 : MAX_CRASHES;
      if (crashes <= most && crashes <= attempt) return null;
      return `Job ${job.id} has ${crashes} crashes and ${attempt} attempts; at most ${most}, and not more than attempts, are possible.`;
    },
    advice: 'Its name was made by hand or by another program: set its last number to 0.',
  },
  'attempts-fall': {
    severity: 'error',
    invariant: 'I12',
    wrong: ({ id, content: { attempts } }) =>
      attempts.some(({ attempt }, i) => attempt < (attempts[i - 1]?.attempt ?? 0))
        ? `The attempts of job ${id} are not in order: ${attempts.map(({ attempt }) => attempt).join(', ')}.`
        : null,
    advice: 'Its counter went back between two runs. Please report it, with this file.',
  },
});

const TIMING_ROWS = rows<Timing>({
  'too-early': {
    severity: 'error',
    invariant: 'I11',
    wrong: ({ id, attempt, earlyMs }) =>
      earlyMs === null || earlyMs <= 0
        ? null
        : `Attempt ${attempt} of job ${id} began ${earlyMs} ms before it was due.`,
    advice: 'Was the clock set back since? If not, please report it, with this file.',
  },
  'too-late': {
    severity: 'error',
    invariant: 'I11',
    wrong: ({ id, attempt, lateMs }) =>
      lateMs === null || lateMs <= 0
        ? null
        : `Attempt ${attempt} of job ${id} began ${lateMs} ms after it had expired.`,
    advice: 'Was the clock set forward since? If not, please report it, with this file.',
  },
});

const DUPLICATE = rows<Copies>({
  duplicate: {
    severity: 'error',
    invariant: ({ files }) => (files.every(({ place }) => place === files[0]?.place) ? 'I2' : 'I1'),
    wrong: ({ id, files }) =>
      files.length > 1 && !isBeingSetAside(files)
        ? `Job ${id} lies in ${files.length} places: ${files.map(({ location }) => location).join(', ')}.`
        : null,
    advice: ({ isSafe }) =>
      isSafe
        ? 'They hold the same job: `fsq doctor --repair` keeps the one that is furthest on.'
        : 'They are not surely the same job, or one of them is running: compare them, then move all but one out of the spool.',
    mend: ({ isSafe }) => (isSafe ? 'drop-duplicates' : null),
  },
});

interface Follower {
  readonly id: string;
  readonly waits: WaitsFor;
  /** Where the job is that it waits for, as far as names tell: itself, nowhere, or somewhere. */
  readonly other: 'itself' | 'nowhere' | 'there';
  /** Since all have ended; 0 where they have not. */
  readonly overForMs: number;
  readonly hasKeeper: boolean;
}

/** A worker looks each second, or after twenty times as long as its looks take. */
const WOKEN_WITHIN_MS = 60_000;

const FOLLOWER_ROWS = rows<Follower>({
  'not-woken': {
    severity: 'warning',
    wrong: ({ id, overForMs, hasKeeper }) =>
      hasKeeper && overForMs > WOKEN_WITHIN_MS
        ? `Job ${id} waits for jobs that have all ended, the last of them ${span(overForMs)} ago, although a worker is running.`
        : null,
    advice:
      'The worker may have no time, or stand still. Start another: it makes the job ready. Please report it if it happens again.',
  },
  'waits-for-nothing': {
    severity: 'warning',
    wrong: ({ id, waits, other }) =>
      other === 'there' || !('id' in waits)
        ? null
        : `Job ${id} waits for ${other === 'itself' ? 'itself' : `job ${waits.id}, which is nowhere: it was never sent, or its outcome is forgotten`}.`,
    advice: 'A worker finds that within half a minute, and the job fails (FSQ_PREDECESSOR).',
  },
});

/** @param owners those that may hold it */
export function jobFindings(job: JobFile, owners: readonly OwnerState[]): readonly Finding[] {
  if (isReadable(job)) return [...findingsOf(JOB_ROWS, job, job.location, job.id), ...timingFindings(job)];
  const { id, location, content, holder, place } = job;
  if (place === 'moving') return []; // Whoever moves it finds that, and sends it back.
  const isDead = owners.some(({ owner, verdict }) => owner === holder && verdict.verdict === 'dead');
  const reason = content.kind === 'unreadable' ? content.reason : '';
  return findingsOf(UNREADABLE, { id, reason, isHeld: holder !== null && !isDead }, location, id);
}

function isReadable(job: JobFile): job is Readable {
  return job.content.kind === 'job';
}

function timingFindings(job: Readable): readonly Finding[] {
  const { id, location, content } = job;
  const { attempts, etaMs } = content;
  const expiresAtMs = countsFrom(job) === 0 ? content.expiresAtMs : null; // A job that was sent back does not expire.
  return attempts.flatMap(({ attempt, startedAtMs }) => {
    if (startedAtMs === undefined) return [];
    const earlyMs = etaMs === null ? null : etaMs - startedAtMs;
    const lateMs = expiresAtMs === null || (earlyMs ?? 0) > 0 ? null : startedAtMs - expiresAtMs;
    return findingsOf(TIMING_ROWS, { id, attempt, earlyMs, lateMs }, location, id);
  });
}

/** @param jobs all files of each job that has several */
export function duplicateFindings(jobs: readonly JobFile[]): readonly Finding[] {
  return [...byId(jobs)].flatMap(([id, files]) =>
    findingsOf(DUPLICATE, { id, files, isSafe: duplicatePlan(files) !== null }, files[0]?.location ?? null, id),
  );
}

/** Of one that waits for others. */
export function followerFindings(
  { id, location, waits }: Pick<JobFile, 'id' | 'location' | 'waits'>,
  { doubled, owners, takenAtMs }: Pick<Outline, 'doubled' | 'owners' | 'takenAtMs'>,
): readonly Finding[] {
  if (waits === null) return [];
  const hasKeeper = owners.some(({ role, verdict }) => role === 'supervisor' && verdict.verdict === 'alive');
  const isThere = !('id' in waits) || doubled.knows(waits.id);
  const other = 'id' in waits && waits.id === id ? 'itself' : isThere ? 'there' : 'nowhere';
  const overForMs = 'id' in waits ? 0 : takenAtMs - waits.overSinceMs;
  return findingsOf(FOLLOWER_ROWS, { id, waits, other, overForMs, hasKeeper }, location, id);
}

/** From the job's name; for an outcome, which is named by its id alone, from its file. */
function countersOf({ name, content: { crashes, attempts } }: Readable): {
  readonly attempt: number;
  readonly crashes: number;
} {
  return name ?? { crashes, attempt: attempts.at(-1)?.attempt ?? crashes };
}

/** The attempts up to this one count no more, because the job was sent back after its end. 0: it was not. */
function countsFrom({ place, name, content: { ended, again } }: Readable): number {
  const isSentBack = name !== null && ended > 0 && (place === 'running' ? name.attempt > ended : name.attempt >= ended);
  return isSentBack ? ended : again;
}

/** A broken job is between the outcome that says so and its move to corrupt/: its holder, or the recoverer, makes that move. */
function isBeingSetAside(files: readonly JobFile[]): boolean {
  const broken = files.find(({ place, content }) => place === 'running' && content.kind === 'unreadable');
  return files.length === 2 && broken !== undefined && files.some(({ place }) => place === 'results');
}

/** Of several files for one job the one that is furthest on counts. */
const PRECEDENCE: readonly JobPlace[] = ['results', 'running', 'pending', 'delayed', 'moving'];

/**
 * Which of several files for one job to keep and which to drop. Null unless that is surely safe: all have the same base, nobody holds
 * one that is to be dropped, and the one to keep has a whole outcome if it lies in results/.
 */
export function duplicatePlan(
  files: readonly JobFile[],
): { readonly keep: JobFile; readonly drop: readonly JobFile[] } | null {
  const rank = ({ place }: JobFile): number => PRECEDENCE.indexOf(place);
  const runs = ({ name }: JobFile): number => (name === null ? 0 : name.attempt + name.crashes);
  const [keep, ...drop] = files.toSorted((a, b) => rank(a) - rank(b) || runs(b) - runs(a));
  if (keep === undefined || drop.length === 0 || keep.content.kind !== 'job') return null;
  const { base, state } = keep.content;
  if (keep.place === 'results' && state === null) return null;
  const isSafe = drop.every(
    ({ place, content }) => place !== 'running' && content.kind === 'job' && content.base === base,
  );
  return isSafe ? { keep, drop } : null;
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
