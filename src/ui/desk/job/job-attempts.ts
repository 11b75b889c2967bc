/** The attempts of a job, each with its error and the last of what it has printed. */
import { ranWord } from '../../../app/explaining/stretch-words.ts';
import { type RunEnd, type Timeline, timelineOf } from '../../../app/explaining/timeline.ts';
import { currentRun } from '../../../app/following/past-runs.ts';
import type { Broker, LogEnd, Sighting } from '../../../broker/broker.ts';
import type { LogLine } from '../../../job/values/log-lines.ts';
import type { JobAttempt } from '../../wire.ts';
import { jobErrorOf } from './job-error.ts';

/** Lines of an attempt that are shown. */
const MOST_LINES = 500;
/** So many attempts are shown, the latest: a job with a short backoff may have thousands. */
const MOST_ATTEMPTS = 100;

/** Only the end of a long log is read: a page asks each two seconds while the job runs. */
export async function attemptsOf(
  broker: Pick<Broker, 'logEnd'>,
  job: Sighting,
  timeline: Timeline | null = timelineOf(job),
): Promise<readonly JobAttempt[]> {
  const attempts = begunAttempts(job, endsIn(timeline));
  if (attempts.length === 0) return [];
  const outputs = outputsOf(attempts, await broker.logEnd(job.id));
  return attempts.map((attempt, i) => ({ ...attempt, ...(outputs[i] ?? { output: [], outputLeftOut: 0 }) }));
}

type Begun = Omit<JobAttempt, 'output' | 'outputLeftOut'>;

type Ends = ReadonlyMap<string, RunEnd>;

/** How the timeline says that each run ended: a page has one word for both. */
function endsIn(timeline: Timeline | null): Ends {
  const ends = new Map<string, RunEnd>();
  for (const stretch of timeline?.stretches ?? [])
    if (stretch.kind === 'ran') ends.set(`${stretch.attempt} ${stretch.toMs}`, stretch.end);
  return ends;
}

function ended(end: RunEnd): Pick<JobAttempt, 'end' | 'how'> {
  return { end, how: ranWord(end) };
}

function begunAttempts(job: Sighting, ends: Ends): readonly Begun[] {
  const over = (job.record?.attempts ?? []).slice(-MOST_ATTEMPTS).map((one): Begun => ({
    attempt: one.attempt,
    startedAtMs: one.startedAtMs ?? null,
    endedAtMs: one.endedAtMs,
    owner: one.owner,
    error: one.error === undefined ? null : jobErrorOf(one.error),
    ...ended(ends.get(`${one.attempt} ${one.endedAtMs}`) ?? (one.error === undefined ? 'succeeded' : 'failed')),
  }));
  const current = currentRun(job);
  return current === null ? over : [...over, { ...current, endedAtMs: null, error: null, ...ended('runs') }];
}

type Output = Pick<JobAttempt, 'output' | 'outputLeftOut'>;

/** A log does not say which attempt has printed a line: it is the last one that had begun by then. */
function outputsOf(attempts: readonly Begun[], { lines, isWhole }: LogEnd): readonly Output[] {
  const printed: LogLine[][] = attempts.map(() => []);
  for (const line of lines) {
    const at = attempts.findLastIndex(({ startedAtMs }) => startedAtMs !== null && startedAtMs <= line.atMs);
    printed[Math.max(0, at)]?.push(line);
  }
  // What lies before the lines that were read is of the attempt that has printed the first of these, or of an earlier one.
  const first = printed.findIndex((of) => of.length > 0);
  const lastUntold = isWhole ? -1 : first === -1 ? attempts.length - 1 : first;
  return printed.map((of, at) => ({
    output: of.slice(-MOST_LINES).map(({ stream, atMs, text }) => ({ stream, atMs, text })),
    outputLeftOut: at <= lastUntold ? null : Math.max(0, of.length - MOST_LINES),
  }));
}
