/** A job that this process holds, by claim or by recovery, and every way to end that: `settle`. */
import type { BrokerEvent } from '../broker/broker.ts';
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
export async function settle(
  context: SpoolContext,
  held: Held,
  settlement: Settlement,
  attempt: Attempt | null,
  onEvent?: (event: BrokerEvent) => void,
): Promise<void> {
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
      await write(context, held, encodeTail(attempts, null), onEvent);
      const next = { ...name, crashes: settlement.crashes };
      return move(
        context,
        held,
        `${layout.delayed}/${delayedFileName(context.nowMs() + settlement.delayMs, next)}`,
        onEvent,
      );
    }
    case 'park': {
      await write(context, held, encodeTail(record.attempts, { parked: settlement.parked }), onEvent);
      const before = { ...name, attempt: name.attempt - 1 };
      return move(
        context,
        held,
        `${layout.delayed}/${delayedFileName(context.nowMs() + settlement.delayMs, before)}`,
        onEvent,
      );
    }
    case 'requeue':
      return move(context, held, `${layout.pending}/${jobFileName(name)}`, onEvent);
  }
}

/** Publishes an outcome that the file holds already: the bytes are made durable, then visible. */
export async function publishAsItStands(
  context: SpoolContext,
  held: Held,
  onEvent?: (event: BrokerEvent) => void,
): Promise<void> {
  if (context.fsync) {
    await withPatience(
      onEvent,
      async () => {
        const fd = openMine(context, held);
        try {
          await context.files.sync(fd);
        } finally {
          context.files.close(fd);
        }
      },
      held.giveUp,
    );
  }
  await move(context, held, `${context.layout.results}/${resultFileName(held.name.id)}`, onEvent);
}

/** True when the file holds the outcome of the attempt in its name: then it must be published and not be run again. */
export function hasOutcomeOf(record: JobRecord, attempt: number): boolean {
  return record.outcome !== null && (record.attempts.at(-1)?.attempt ?? 0) >= attempt;
}

async function publish(
  context: SpoolContext,
  held: Held,
  tail: string,
  tailIfTooLarge: () => string,
  onEvent?: (event: BrokerEvent) => void,
): Promise<void> {
  try {
    await write(context, held, tail, onEvent);
  } catch (error) {
    if (!hasCode(error, 'EFBIG')) throw error;
    // No waiting makes it fit. What was written of it is torn: the shorter outcome goes into a new file.
    await withPatience(onEvent, () => writeCopy(context, held, Buffer.from(tailIfTooLarge())));
  }
  // The commit point. The directory's fsync is not waited for: losing this rename to a power cut costs a second run.
  await move(context, held, `${context.layout.results}/${resultFileName(held.name.id)}`, onEvent);
}

/** The outcome of a job whose own is larger than this process may write (RLIMIT_FSIZE) or the file system can hold. */
function tooLarge(tail: string): Outcome {
  const message = `The job ended, but its outcome of ${tail.length} characters is larger than a file may be here (EFBIG): see \`ulimit -f\`.`;
  return { state: 'failed', error: failureOf(new UsageError(message, 'FSQ_TOO_LARGE')) };
}

async function write(
  context: SpoolContext,
  held: Held,
  tail: string,
  onEvent?: (event: BrokerEvent) => void,
): Promise<void> {
  const bytes = Buffer.from(tail);
  let isFirstTry = true;
  await withPatience(
    onEvent,
    async () => {
      const act = isFirstTry ? writeInPlace : writeCopy;
      isFirstTry = false;
      await act(context, held, bytes);
    },
    held.giveUp,
  );
}

/** The end of a base without a tail; whoever is killed between the two steps below leaves one that is cut here (see document.ts). */
const BARE_END = Buffer.from('\n}');

async function writeInPlace(context: SpoolContext, held: Held, bytes: Buffer): Promise<void> {
  const { files } = context;
  const fd = openMine(context, held);
  try {
    if (held.sizeBytes > held.baseBytes + BARE_END.length) {
      // An older tail goes first: torn over it, the new one could end in the middle of the old and still be JSON. A power cut
      // may keep any pages of both, so the disk is waited for in between.
      files.write(fd, BARE_END, held.baseBytes);
      files.truncate(fd, held.baseBytes + BARE_END.length);
      if (context.fsync) await files.sync(fd);
    }
    files.write(fd, bytes, held.baseBytes);
    if (held.sizeBytes > held.baseBytes + bytes.length) files.truncate(fd, held.baseBytes + bytes.length);
    if (context.fsync) await files.sync(fd);
  } finally {
    files.close(fd);
  }
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

async function move(
  context: SpoolContext,
  held: Held,
  target: string,
  onEvent?: (event: BrokerEvent) => void,
): Promise<void> {
  await withPatience(
    onEvent,
    async () => {
      fencing(held, () => context.files.rename(`${held.directory}/${held.fileName}`, target));
    },
    held.giveUp,
  );
  if (!context.fsync) return;
  const directory = target.slice(0, target.lastIndexOf('/'));
  syncDirectories(context, directory).catch((error: unknown) => onEvent?.({ kind: 'undurable', directory, error }));
}

/** By path, never by a kept descriptor: if we were fenced the directory is gone, and so is our right. */
function openMine(context: SpoolContext, held: Held): number {
  return fencing(held, () => context.files.open(`${held.directory}/${held.fileName}`, 'read-write'));
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
