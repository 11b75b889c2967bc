/** What becomes of a file that is named like a job and is none: moved aside untouched, with a failed outcome for its id. */
import type { BrokerEvent } from '../broker/worker-side.ts';
import { CorruptJobError, encodeBase } from '../job/document.ts';
import { encodeTail } from '../job/tail.ts';
import { failureOf } from '../job/failure.ts';
import { format } from '../job/text.ts';
import { type SpoolContext, syncDirectories } from './context.ts';
import { type JobName, jobFileName, resultFileName } from './layout.ts';
import { writeNew } from './draft.ts';
import { clearWay } from './way.ts';

/** The task's name in the outcome of a job whose own could not be read. */
export const UNREADABLE_TASK = 'unreadable';

/**
 * Moves `directory/fileName` to corrupt/ and publishes a failed outcome for its id, so that who waits for it learns why.
 *
 * The outcome comes first: if we die in between, the file is still held, and whoever finds it again finds the outcome there.
 */
export async function setAside(
  context: SpoolContext,
  held: {
    readonly directory: string;
    readonly fileName: string;
    readonly name: JobName;
    readonly owner: string;
  },
  reason: string,
  onEvent?: (event: BrokerEvent) => void,
): Promise<void> {
  const { files, layout } = context;
  const { name } = held;
  const aside = `${layout.corrupt}/${jobFileName(name)}`;
  const outcomePath = `${layout.results}/${resultFileName(name.id)}`;
  if (files.entry(outcomePath)?.kind === 'directory') clearWay(context, outcomePath, 'directory');
  if (!files.exists(outcomePath)) await publishFailure(context, held, outcomePath, reason);
  // Something of that name may lie there already, and rename(2) would replace it: keep both.
  files.rename(`${held.directory}/${held.fileName}`, files.exists(aside) ? `${aside}.${context.uniqueName()}` : aside);
  onEvent?.({ kind: 'corrupt', name: held.fileName, reason });
}

async function publishFailure(
  context: SpoolContext,
  { name, owner }: { readonly name: JobName; readonly owner: string },
  outcomePath: string,
  reason: string,
): Promise<void> {
  const { layout } = context;
  const nowMs = context.nowMs();
  const message = `The file of job ${name.id} is not a job: ${reason}. It was moved to ${layout.corrupt} unchanged; mend it and enqueue it again.`;
  const error = failureOf(new CorruptJobError(message));
  const base = encodeBase({
    id: name.id,
    task: UNREADABLE_TASK,
    args: [],
    enqueuedAtMs: nowMs,
    options: {},
    headers: {},
  });
  const tail = encodeTail([{ attempt: name.attempt, endedAtMs: nowMs, owner, error }], {
    outcome: { state: 'failed', error },
    standing: name,
  });
  await writeNew(context, Buffer.from(base.slice(0, -1) + tail), outcomePath, {
    isDurable: true,
  });
  await syncDirectories(context, layout.results);
}

/** For messages about files that are not named like jobs. */
export function describeName(fileName: string): string {
  return format(fileName);
}
