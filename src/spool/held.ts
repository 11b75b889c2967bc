/** A job that this process holds, by claim or by recovery, and every way to end that: `settle`. */
import type { BrokerEvent } from '../broker/broker.ts';
import { afterwards, orElse, type Soon } from '../broker/soon.ts';
import { encodeTail } from '../job/document.ts';
import { FencedError, UsageError } from '../job/errors.ts';
import { failureOf } from '../job/failure.ts';
import type { Attempt, JobRecord, Outcome } from '../job/job.ts';
import type { Settlement } from '../job/lifecycle.ts';
import { type SpoolContext, syncDirectories } from './context.ts';
import { writeNew } from './draft.ts';
import { hasCode } from './files.ts';
import { delayedFileName, jobFileName, type JobName, resultFileName } from './layout.ts';
import { withPatience } from './patience.ts';

export interface Held {
  /** Who may settle it: the name that `directory` belongs to. */
  readonly owner: string;
  /** Absolute path of the directory it lies in: gone as soon as somebody fences us. */
  readonly directory: string;
  readonly fileName: string;
  readonly name: JobName;
  readonly record: JobRecord;
  /** Bytes of the base, where the tail goes. */
  readonly baseBytes: number;
  readonly sizeBytes: number;
  /** A name in tmp/ for a copy, should the disk refuse to write in place. */
  readonly uniqueName: () => string;
  /** Aborted: a disk that refuses is not waited for any more, and the job stays held. */
  readonly giveUp?: AbortSignal | undefined;
}

/**
 * Does what was decided for a held job. The last step is always one rename; dying before it leaves the job held, and
 * recovery then finds either a whole outcome, which it publishes, or none, and the job runs again.
 *
 * @param attempt this run's entry for the record; null when no run began
 * @throws FencedError when the job was taken away: nothing was published
 */
export function settle(
  context: SpoolContext,
  held: Held,
  settlement: Settlement,
  attempt: Attempt | null,
  onEvent?: (event: BrokerEvent) => void,
): Soon<void> {
  const { layout } = context;
  const { name, record } = held;
  const attempts = attempt === null ? record.attempts : [...record.attempts, attempt];
  switch (settlement.kind) {
    case 'publish': {
      const tail = encodeTail(attempts, { outcome: settlement.outcome, standing: name });
      const tailIfTooLarge = (): string => encodeTail(attempts, { outcome: tooLarge(tail), standing: name });
      return publish(context, held, tail, tailIfTooLarge, onEvent);
    }
    case 'rerun': {
      const next = { ...name, crashes: settlement.crashes };
      const writing = write(context, held, encodeTail(attempts, null), onEvent);
      return afterwards(writing, () => moveToDelayed(context, held, settlement.delayMs, next, onEvent));
    }
    case 'park': {
      const before = { ...name, attempt: name.attempt - 1 };
      const writing = write(context, held, encodeTail(record.attempts, { parked: settlement.parked }), onEvent);
      return afterwards(writing, () => moveToDelayed(context, held, settlement.delayMs, before, onEvent));
    }
    case 'requeue':
      return move(context, held, `${layout.pending}/${jobFileName(name)}`, onEvent);
  }
}

/** Publishes an outcome that the file holds already: the bytes are made durable, then visible. */
export function publishAsItStands(
  context: SpoolContext,
  held: Held,
  onEvent?: (event: BrokerEvent) => void,
): Soon<void> {
  const { files, layout } = context;
  const syncing = context.fsync
    ? withPatience(onEvent, () => withMine(context, held, (fd) => files.sync(fd)), held.giveUp)
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
  tail: string,
  tailIfTooLarge: () => string,
  onEvent?: (event: BrokerEvent) => void,
): Soon<void> {
  const writing = orElse(
    () => write(context, held, tail, onEvent),
    (error) => {
      if (!hasCode(error, 'EFBIG')) throw error;
      // No waiting makes it fit. What was written of it is torn: the shorter outcome goes into a new file.
      return withPatience(onEvent, () => writeCopy(context, held, Buffer.from(tailIfTooLarge())));
    },
  );
  // The commit point. The directory's fsync is not waited for: losing this rename to a power cut costs a second run.
  return afterwards(writing, () =>
    move(context, held, `${context.layout.results}/${resultFileName(held.name.id)}`, onEvent),
  );
}

/** The outcome of a job whose own is larger than this process may write (RLIMIT_FSIZE) or the file system can hold. */
function tooLarge(tail: string): Outcome {
  const message = `The job ended, but its outcome of ${tail.length} characters is larger than a file may be here (EFBIG): see \`ulimit -f\`.`;
  return { state: 'failed', error: failureOf(new UsageError(message, 'FSQ_TOO_LARGE')) };
}

function write(context: SpoolContext, held: Held, tail: string, onEvent?: (event: BrokerEvent) => void): Soon<void> {
  const bytes = Buffer.from(tail);
  let isFirstTry = true;
  return withPatience(
    onEvent,
    () => {
      const act = isFirstTry ? writeInPlace : writeCopy;
      isFirstTry = false;
      return act(context, held, bytes);
    },
    held.giveUp,
  );
}

/** The end of a base without a tail; whoever is killed between the two steps below leaves one that is cut here (see document.ts). */
const BARE_END = Buffer.from('\n}');

function writeInPlace(context: SpoolContext, held: Held, bytes: Buffer): Soon<void> {
  const { files } = context;
  const { baseBytes, sizeBytes } = held;
  const hasTail = sizeBytes > baseBytes + BARE_END.length;
  return withMine(context, held, (fd) =>
    afterwards(hasTail ? cutTail(context, fd, baseBytes) : undefined, () => {
      files.write(fd, bytes, baseBytes);
      if (sizeBytes > baseBytes + bytes.length) files.truncate(fd, baseBytes + bytes.length);
      return context.fsync ? files.sync(fd) : undefined;
    }),
  );
}

/**
 * An older tail goes first: torn over it, the new one could end in the middle of the old and still be JSON. A power cut may
 * keep any pages of both, so the disk is waited for in between.
 */
function cutTail({ files, fsync }: SpoolContext, fd: number, baseBytes: number): Soon<void> {
  files.write(fd, BARE_END, baseBytes);
  files.truncate(fd, baseBytes + BARE_END.length);
  return fsync ? files.sync(fd) : undefined;
}

/**
 * After a failed write or fsync the pages of the old file may be marked clean though they never reached the disk (Rebello
 * et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020): the content goes into a new file, which then
 * replaces the old one under its name.
 */
async function writeCopy(context: SpoolContext, held: Held, bytes: Buffer): Promise<void> {
  const { files } = context;
  const source = openMine(context, held);
  let base: Buffer;
  try {
    base = files.read(source, held.baseBytes);
  } finally {
    files.close(source);
  }
  try {
    const path = `${held.directory}/${held.fileName}`;
    // The claim first: were it lost in a power cut and the copy not, the job would lie in two places.
    await syncDirectories(context, held.directory);
    await writeNew(context, held.uniqueName(), Buffer.concat([base, bytes]), path, { isDurable: true });
  } catch (error) {
    throw asFence(held, error);
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
    () => fencing(held, () => context.files.rename(`${held.directory}/${held.fileName}`, target)),
    held.giveUp,
  );
  if (!context.fsync) return moving;
  return afterwards(moving, () => {
    const directory = target.slice(0, target.lastIndexOf('/'));
    syncDirectories(context, directory).catch((error: unknown) => onEvent?.({ kind: 'undurable', directory, error }));
  });
}

/** By path, never by a kept descriptor: if we were fenced the directory is gone, and so is our right. */
function openMine(context: SpoolContext, held: Held): number {
  return fencing(held, () => context.files.open(`${held.directory}/${held.fileName}`, 'read-write'));
}

/** Opens it, does `act`, and closes it whatever happens, but never under a running fsync: its number may be given away. */
function withMine<T>(context: SpoolContext, held: Held, act: (fd: number) => Soon<T>): Soon<T> {
  const { files } = context;
  const fd = openMine(context, held);
  let step: Soon<T>;
  try {
    step = act(fd);
  } catch (error) {
    files.close(fd);
    throw error;
  }
  if (step instanceof Promise) return step.finally(() => files.close(fd));
  files.close(fd);
  return step;
}

function fencing<T>(held: Held, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw asFence(held, error);
  }
}

/** What is gone was taken from us. */
function asFence(held: Held, error: unknown): unknown {
  return hasCode(error, 'ENOENT') ? new FencedError(held.owner) : error;
}
