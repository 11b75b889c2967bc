/** Every way to end the holding of a job, by claim or by recovery: `settle`. */
import type { BrokerEvent } from '../broker/worker-side.ts';
import { afterwards, orElse, type Soon } from '../broker/soon.ts';
import { tailPieces } from '../job/tail.ts';
import { UsageError } from '../job/errors.ts';
import { failureOf } from '../job/failure.ts';
import type { Attempt, JobRecord, Outcome } from '../job/job.ts';
import { type JsonText, whole } from '../job/values/json-text.ts';
import { revoked, type Settlement } from '../job/lifecycle.ts';
import { type SpoolContext, syncDirectories } from './context.ts';
import { isKnownElsewhere } from './elsewhere.ts';
import { hasCode } from './files.ts';
import { delayedFileName, jobFileName, type JobName, resultFileName } from './layout.ts';
import { isMarked } from './markers.ts';
import { withPatience } from './patience.ts';
import { makeReady } from './unpark.ts';
import { renameOver } from './way.ts';
import { fencing, type Held, withMine, writeCopy, writeTail } from './write-tail.ts';

/**
 * Does what was decided for a held job. The last step is always one rename; dying before it leaves the job held, and
 * recovery then finds either a whole outcome, which it publishes, or none, and the job runs again.
 *
 * A job that is revoked is not sent back, whatever was decided: it ends.
 *
 * @param attempt this run's entry for the record; null when no run began
 * @throws FencedError when the job was taken away: nothing was published
 */
export function settle(
  context: SpoolContext,
  held: Held,
  decided: Settlement,
  attempt: Attempt | null,
  onEvent?: (event: BrokerEvent) => void,
): Soon<void> {
  const { layout } = context;
  const { name, record } = held;
  const settlement = decided.kind === 'publish' ? decided : unlessRevoked(context, held, decided);
  const attempts = attempt === null ? record.attempts : [...record.attempts, attempt];
  switch (settlement.kind) {
    case 'publish': {
      const end = { standing: name, endedAtMs: attempt === null ? context.nowMs() : null };
      const tail = tailPieces(attempts, { ...end, outcome: settlement.outcome });
      const tailIfTooLarge = (): JsonText => tailPieces(attempts, { ...end, outcome: tooLarge(tail) });
      return publish(context, held, tail, tailIfTooLarge, onEvent);
    }
    case 'rerun': {
      const next = { ...name, crashes: settlement.crashes };
      const writing = writeTail(context, held, tailPieces(attempts, null), onEvent);
      return afterwards(writing, () => moveToDelayed(context, held, settlement.delayMs, next, onEvent));
    }
    case 'park': {
      const before = { ...name, attempt: name.attempt - 1 };
      const writing = writeTail(context, held, tailPieces(record.attempts, { parked: settlement.parked }), onEvent);
      return afterwards(writing, () => park(context, held, settlement.delayMs, before, onEvent));
    }
    case 'requeue':
      return move(context, held, `${layout.pending}/${jobFileName(name)}`, onEvent);
  }
}

/** If its marker comes after this look, the keeper of a worker, or the revoker itself, finds the job where it was sent. */
function unlessRevoked(context: SpoolContext, { name, record }: Held, decided: Settlement): Settlement {
  if (!isMarked(context, name.id)) return decided;
  return revoked({ job: record.job, standing: name }, decided.kind !== 'park');
}

/** Publishes an outcome that the file holds already: the bytes are made durable, then visible. */
export function publishAsItStands(
  context: SpoolContext,
  held: Held,
  onEvent?: (event: BrokerEvent) => void,
): Soon<void> {
  const { files, layout } = context;
  const syncing = context.fsync
    ? withPatience(onEvent, () => withMine(context, held, 'read', (fd) => files.sync(fd)), held.giveUp)
    : undefined;
  return afterwards(syncing, () => move(context, held, `${layout.results}/${resultFileName(held.name.id)}`, onEvent));
}

/** True when the file holds the outcome of the attempt in its name: then it must be published and not be run again. */
export function hasOutcomeOf(record: JobRecord, attempt: number): boolean {
  return record.outcome !== null && (record.attempts.at(-1)?.attempt ?? 0) >= attempt;
}

function publish(
  context: SpoolContext,
  held: Held,
  tail: JsonText,
  tailIfTooLarge: () => JsonText,
  onEvent?: (event: BrokerEvent) => void,
): Soon<void> {
  const writing = orElse(
    () => writeTail(context, held, tail, onEvent),
    (error) => {
      if (!hasCode(error, 'EFBIG')) throw error;
      // No waiting makes it fit. What was written of it is torn: the shorter outcome goes into a new file.
      return withPatience(onEvent, () => writeCopy(context, held, tailIfTooLarge()));
    },
  );
  // The commit point. The directory's fsync is not waited for: losing this rename to a power cut costs a second run.
  return afterwards(writing, () =>
    move(context, held, `${context.layout.results}/${resultFileName(held.name.id)}`, onEvent),
  );
}

/** The outcome of a job whose own is larger than this process may write (RLIMIT_FSIZE) or the file system can hold. */
function tooLarge(tail: JsonText): Outcome {
  const message = `The job ended, but its outcome of ${whole(tail).length} characters is larger than a file may be here (EFBIG): see \`ulimit -f\`.`;
  return { state: 'failed', error: failureOf(new UsageError(message, 'FSQ_TOO_LARGE')) };
}

/** A worker that knows the task may have come meanwhile and looked through delayed/ before this job was there. */
async function park(
  context: SpoolContext,
  held: Held,
  delayMs: number,
  name: JobName,
  onEvent?: (event: BrokerEvent) => void,
): Promise<void> {
  const path = `${context.layout.delayed}/${delayedFileName(context.nowMs() + delayMs, name)}`;
  await move(context, held, path, onEvent);
  const about = { owner: held.owner, task: held.record.job.task, queue: name.queue };
  try {
    if (await isKnownElsewhere(context, about)) makeReady(context, path, jobFileName(name));
  } catch {
    // It is parked, and somebody looks at it again when it is due.
  }
}

function moveToDelayed(
  context: SpoolContext,
  held: Held,
  delayMs: number,
  name: JobName,
  onEvent?: (event: BrokerEvent) => void,
): Soon<void> {
  const target = `${context.layout.delayed}/${delayedFileName(context.nowMs() + delayMs, name)}`;
  return move(context, held, target, onEvent);
}

function move(context: SpoolContext, held: Held, target: string, onEvent?: (event: BrokerEvent) => void): Soon<void> {
  const moving = withPatience(
    onEvent,
    () => fencing(held, () => renameOver(context, `${held.directory}/${held.fileName}`, target)),
    held.giveUp,
  );
  if (!context.fsync) return moving;
  return afterwards(moving, () => {
    const directory = target.slice(0, target.lastIndexOf('/'));
    syncDirectories(context, directory).catch((error: unknown) => onEvent?.({ kind: 'undurable', directory, error }));
  });
}
