/**
 * Moves entries that lie in a job's place and are no job to corrupt/, untouched: a file that cannot be read as a job, with a failed
 * outcome for its id; a folder that has the name a job needs; and entries that fsq never makes.
 */
import type { BrokerEvent } from '../../broker/worker-side.ts';
import { CorruptJobError, encodeBase } from '../../job/document.ts';
import type { JobRecord } from '../../job/job.ts';
import { failureOf } from '../../job/failure.ts';
import { encodeTail } from '../../job/tail.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { writeNew } from '../disk/draft.ts';
import { hasCode } from '../disk/files.ts';
import { renameIfThere } from '../disk/if-there.ts';
import { type JobName, jobFileName, resultFileName } from '../layout.ts';

/** The task's name in the outcome of a job whose own could not be read. */
const UNREADABLE_TASK = 'unreadable';

/** A file that is named like a job, in the directory of a process that holds it. */
export interface Unreadable {
  readonly path: string;
  readonly name: JobName;
  readonly holder: { readonly owner: string; readonly onEvent?: ((event: BrokerEvent) => void) | undefined };
}

/**
 * Moves the file to corrupt/ and publishes a failed outcome for its id, so that a waiting caller learns why.
 *
 * The outcome comes first: if we die in between, the file is still held, and the recoverer finds the outcome there.
 */
export async function setAside(context: SpoolContext, unreadable: Unreadable, reason: string): Promise<void> {
  const { files, layout } = context;
  const { path, name, holder } = unreadable;
  const aside = `${layout.corrupt}/${jobFileName(name)}`;
  const outcomePath = `${layout.results}/${resultFileName(name.id)}`;
  if (files.entry(outcomePath)?.kind === 'directory') clearWay(context, outcomePath, 'directory');
  if (!files.exists(outcomePath)) await publishFailure(context, unreadable, outcomePath, reason);
  // Something of that name may lie there already, and rename(2) would replace it: keep both.
  files.rename(path, files.exists(aside) ? `${aside}.${context.uniqueName()}` : aside);
  holder.onEvent?.({ kind: 'corrupt', name: path.slice(path.lastIndexOf('/') + 1), reason });
}

async function publishFailure(
  context: SpoolContext,
  { name, holder }: Unreadable,
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
  const tail = encodeTail([{ attempt: name.attempt, endedAtMs: nowMs, owner: holder.owner, error }], {
    outcome: { state: 'failed', error },
    standing: name,
  });
  await writeNew(context, Buffer.from(base.slice(0, -1) + tail), outcomePath, { isDurable: true });
  await syncDirectories(context, layout.results);
}

/** True for the outcome of a job whose file could not be read: what its producer wrote is not in it. */
export function tellsSetAside({ job, outcome }: JobRecord): boolean {
  return job.task === UNREADABLE_TASK && outcome?.state === 'failed';
}

/** Moves what fsq never makes out of the way, unread: a link would lead out of the spool. False when it is gone. */
export function setForeignAside({ files, layout, uniqueName }: SpoolContext, path: string): boolean {
  return renameIfThere(files, path, `${layout.corrupt}/${uniqueName()}`);
}

/**
 * Renames `from` to `to`. A folder at `to`, empty or not, is moved to corrupt/ unread; then it is done once more.
 *
 * @throws the system error
 */
export function renameOver(context: SpoolContext, from: string, to: string): void {
  try {
    context.files.rename(from, to);
  } catch (error) {
    const isFolder = hasCode(error, 'EISDIR', 'ENOTEMPTY', 'EEXIST') && context.files.entry(to)?.kind === 'directory';
    if (!isFolder) throw error;
    clearWay(context, to, 'directory');
    context.files.rename(from, to);
  }
}

/** The same; false when nothing lies at `from`, or the directory of `to` is gone. */
export function renameOverIfThere(context: SpoolContext, from: string, to: string): boolean {
  try {
    renameOver(context, from, to);
    return true;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    return false;
  }
}

/**
 * Moves what lies at `path` to corrupt/, if it is a directory, or if it is none, as `kind` says. Another process may clear the
 * same way, and what lies there after that is right: it is put back.
 *
 * @returns whether something was moved
 */
export function clearWay(context: SpoolContext, path: string, kind: 'directory' | 'no directory'): boolean {
  const { files, layout, odd } = context;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const aside = `${layout.corrupt}/${name}.${Buffer.from(context.randomBytes(8)).toString('hex')}`;
  if (!renameIfThere(files, path, aside)) return false;
  if ((files.entry(aside)?.kind === 'directory') !== (kind === 'directory')) {
    renameIfThere(files, aside, path);
    return false;
  }
  odd.onEvent({ kind: 'cleared', name: odd.nameOf(path) });
  return true;
}
