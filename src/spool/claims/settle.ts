/** Every way to end the holding of a job, by claim, withdrawal or recovery: `settle`. */
import { type Soon } from '../../broker/soon.ts';
import { UsageError } from '../../job/errors.ts';
import { failureOf } from '../../job/failure.ts';
import { type Attempt, type Outcome, stillParked } from '../../job/job.ts';
import { revoked, type Settlement } from '../../job/lifecycle.ts';
import { ownTtlMs } from '../../job/ended/result-ttl.ts';
import { tailPieces } from '../../job/tail.ts';
import { type JsonText, whole } from '../../job/values/json.ts';
import type { SpoolContext } from '../disk/context.ts';
import { isKnownElsewhere } from '../ready/elsewhere.ts';
import type { Held } from '../job-file/holder.ts';
import { delayedFileName, jobFileName, type JobName, resultFileName } from '../layout.ts';
import { isMarked } from '../notes/notes.ts';
import { makeReady } from '../ready/promote.ts';
import { asItStands, writeAndMove, writing, writingOr } from '../job-file/write-tail.ts';

/**
 * Does what was decided for a held job. The last step is always one rename; dying before it leaves the job held, and
 * recovery then finds either a whole outcome, which it publishes, or none, and the job runs again.
 *
 * A job that is revoked is not sent back, whatever was decided: it ends.
 *
 * @param attempt this run's entry for the record; null when no run began
 * @throws FencedError when the job was taken away: nothing was published
 */
export function settle(context: SpoolContext, held: Held, decided: Settlement, attempt: Attempt | null): Soon<void> {
  const { name, record } = held;
  const settlement = decided.kind === 'publish' ? decided : unlessRevoked(context, held, decided);
  const attempts = attempt === null ? record.attempts : [...record.attempts, attempt];
  const { again } = record.kept;
  switch (settlement.kind) {
    case 'publish': {
      const { outcome, ttlMs, crashes } = settlement;
      const standing = crashes === undefined ? name : { ...name, crashes };
      const endedAtMs = attempt === null ? context.nowMs() : null;
      // Each field by its name: to spread an object here takes a microsecond.
      const tail = tailPieces(attempts, { outcome, standing, endedAtMs, ttlMs }, again);
      const write = writingOr(context, held, tail, () => {
        const ownMs = ownTtlMs(record.job.options, 'failed');
        return tailPieces(attempts, { outcome: tooLarge(tail), standing, endedAtMs, ttlMs: ownMs }, again);
      });
      return writeAndMove(context, held, write, () => resultPath(context, held));
    }
    case 'rerun': {
      const tail = tailPieces(attempts, null, again);
      const next = { ...name, crashes: settlement.crashes };
      return writeAndMove(context, held, writing(context, held, tail), () =>
        delayedPath(context, settlement.delayMs, next),
      );
    }
    case 'park':
      return park(context, held, settlement);
    case 'requeue':
      return writeAndMove(context, held, null, () => `${context.layout.pending}/${jobFileName(name)}`);
  }
}

/** Publishes an outcome that the file holds already: the bytes are made durable, then visible. */
export function publishAsItStands(context: SpoolContext, held: Held): Soon<void> {
  return writeAndMove(context, held, asItStands(context, held), () => resultPath(context, held));
}

/** If its marker comes after this look, the keeper of a worker, or the revoker itself, finds the job where it was sent. */
function unlessRevoked(context: SpoolContext, { name, record }: Held, decided: Settlement): Settlement {
  if (!isMarked(context, name.id)) return decided;
  return revoked({ job: record.job, standing: name }, decided.kind !== 'park');
}

/** A worker that knows the task may have come meanwhile and looked through delayed/ before this job was there. */
async function park(
  context: SpoolContext,
  held: Held,
  { delayMs, parked }: Extract<Settlement, { kind: 'park' }>,
): Promise<void> {
  const { record, holder } = held;
  const name = { ...held.name, attempt: held.name.attempt - 1 };
  const tail = tailPieces(record.attempts, { parked: stillParked(parked, record.parked) }, record.kept.again);
  let path = '';
  await writeAndMove(context, held, writing(context, held, tail), () => (path = delayedPath(context, delayMs, name)));
  const about = { owner: holder.owner, task: record.job.task, queue: name.queue };
  try {
    if (await isKnownElsewhere(context, about)) makeReady(context, path, jobFileName(name));
  } catch {
    // It is parked: a worker looks at it again when it is due.
  }
}

/** The outcome of a job whose own is larger than this process may write (RLIMIT_FSIZE) or the file system can hold. */
function tooLarge(tail: JsonText): Outcome {
  const message = `The job ended, but its outcome of ${whole(tail).length} characters is larger than a file may be here (EFBIG): see \`ulimit -f\`.`;
  return { state: 'failed', error: failureOf(new UsageError(message, 'FSQ_TOO_LARGE')) };
}

function resultPath({ layout }: SpoolContext, { name }: Held): string {
  return `${layout.results}/${resultFileName(name.id)}`;
}

function delayedPath({ layout, nowMs }: SpoolContext, delayMs: number, name: JobName): string {
  return `${layout.delayed}/${delayedFileName(nowMs() + delayMs, name)}`;
}
