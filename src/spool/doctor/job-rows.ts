/** What jobs' files say: they parse under their own name (I4), and their counters and times make sense (I7, I11, I12). Pure. */
import { MAX_CRASHES } from '../../job/lifecycle.ts';
import type { JobContent } from './content.ts';
import type { Finding } from './finding.ts';
import type { OwnerState } from './owners.ts';
import type { JobFile } from './visit.ts';

type Readable = Extract<JobContent, { kind: 'job' }>;

export function contentFindings(job: JobFile, owners: readonly OwnerState[]): readonly Finding[] {
  const { content, holder } = job;
  if (content.kind === 'unreadable') {
    const isDead = owners.some(({ owner, verdict }) => owner === holder && verdict.verdict === 'dead');
    return [unreadable(job, content.reason, holder === null || isDead)];
  }
  return [
    ...(job.place === 'results' ? outcomeFindings(job, content) : []),
    ...counterFindings(job, content),
    ...timeFindings(job, content),
  ];
}

function unreadable({ id, location }: JobFile, reason: string, canRepair: boolean): Finding {
  return {
    code: 'unreadable',
    severity: 'error',
    invariant: 'I4',
    id,
    message: `The file of job ${id} is not a job: ${reason}.`,
    location,
    advice: canRepair
      ? '`fsq doctor --repair` moves it to corrupt/ and gives the job a failed outcome; a worker does the same when it takes it.'
      : 'The process that holds it moves it to corrupt/; look again.',
    canRepair,
  };
}

function outcomeFindings({ id, location }: JobFile, { state, isTorn }: Readable): readonly Finding[] {
  if (state !== null) return [];
  return [
    {
      code: 'no-outcome',
      severity: 'error',
      invariant: 'I4',
      id,
      message: `Job ${id} lies in results/ ${isTorn ? 'with an outcome that was cut off' : 'without an outcome'}.`,
      location,
      advice: `To run it again, move it to pending/5.${id}.default.0.0.json; it may have run already.`,
      canRepair: false,
    },
  ];
}

function counterFindings({ id, location, name }: JobFile, content: Readable): readonly Finding[] {
  const crashes = name?.crashes ?? content.crashes;
  const attempt = name?.attempt ?? content.attempts.at(-1)?.attempt ?? crashes;
  const isTooMany = crashes > MAX_CRASHES || crashes > attempt;
  const falls = content.attempts.some((run, i) => run.attempt < (content.attempts[i - 1]?.attempt ?? 0));
  const { retries } = content;
  const hasRunTooOften = retries !== null && content.attempts.length > 1 + retries + crashes;
  return [
    ...(hasRunTooOften
      ? [
          finding('too-many-attempts', 'I7', id, location, {
            message: `Job ${id} has ${content.attempts.length} attempts; its first run, ${retries} retries and ${crashes} crashes explain fewer.`,
            advice: 'Was its file changed by hand? If not, please report it, with this file.',
          }),
        ]
      : []),
    ...(isTooMany
      ? [
          finding('too-many-crashes', 'I7', id, location, {
            message: `Job ${id} has ${crashes} crashes and ${attempt} attempts; at most ${MAX_CRASHES}, and not more than attempts, are possible.`,
            advice: 'Its name was made by hand or by another program: set its last number to 0.',
          }),
        ]
      : []),
    ...(falls
      ? [
          finding('attempts-fall', 'I12', id, location, {
            message: `The attempts of job ${id} are not in order: ${content.attempts.map((run) => run.attempt).join(', ')}.`,
            advice: 'Its counter went back between two runs. Please report it, with this file.',
          }),
        ]
      : []),
  ];
}

function timeFindings(job: JobFile, { etaMs, expiresAtMs, attempts }: Readable): readonly Finding[] {
  return attempts.flatMap(({ attempt, startedAtMs = null }) => {
    if (startedAtMs === null) return [];
    if (etaMs !== null && startedAtMs < etaMs) return tooEarly(job, attempt, etaMs - startedAtMs);
    return expiresAtMs !== null && startedAtMs > expiresAtMs ? tooLate(job, attempt, startedAtMs - expiresAtMs) : [];
  });
}

function tooEarly({ id, location }: JobFile, attempt: number, ms: number): readonly Finding[] {
  return [
    finding('too-early', 'I11', id, location, {
      message: `Attempt ${attempt} of job ${id} began ${ms} ms before it was due.`,
      advice: 'Was the clock set back since? If not, please report it, with this file.',
    }),
  ];
}

function tooLate({ id, location }: JobFile, attempt: number, ms: number): readonly Finding[] {
  return [
    finding('too-late', 'I11', id, location, {
      message: `Attempt ${attempt} of job ${id} began ${ms} ms after it had expired.`,
      advice: 'Was the clock set forward since? If not, please report it, with this file.',
    }),
  ];
}

function finding(
  code: string,
  invariant: NonNullable<Finding['invariant']>,
  id: string,
  location: string,
  texts: Pick<Finding, 'message' | 'advice'>,
): Finding {
  return { code, severity: 'error', invariant, id, location, canRepair: false, ...texts };
}
