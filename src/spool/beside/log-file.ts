/**
 * What the runs of a job print, in logs/<id>.log: appended line by line as it is printed, so that the death of the process loses nothing
 * but what it held back. Never synced.
 */
import { logText } from '../../job/values/log-lines.ts';
import { laterRunText, type LogSink, PrintedLog, roomOfEarlierRuns } from '../../job/values/printed-log.ts';
import type { BrokerEvent } from '../../broker/worker-side.ts';
import type { SpoolContext } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { createNew, makeDirectory } from '../disk/if-there.ts';
import { besidePath } from '../layout.ts';

/** Of which run it is, and how large the log may become. */
export interface PrintingRun {
  readonly id: string;
  readonly attempt: number;
  readonly maxBytes: number;
  readonly onEvent?: ((event: BrokerEvent) => void) | undefined;
}

/** The log of one run. A run that prints nothing makes no system call. */
export function logFile(context: SpoolContext, run: PrintingRun): PrintedLog {
  const { id, maxBytes, onEvent } = run;
  const onFailed = (error: unknown): void => onEvent?.({ kind: 'unlogged', id, error });
  return new PrintedLog(new LogFile(context, run), { maxBytes, nowMs: context.nowMs, onFailed });
}

class LogFile implements LogSink {
  readonly #context: SpoolContext;
  readonly #run: PrintingRun;
  /** Null until something is to be written. */
  #fd: number | null = null;

  constructor(context: SpoolContext, run: PrintingRun) {
    this.#context = context;
    this.#run = run;
  }

  sizeBytes(): number {
    return this.#context.files.info(this.#open()).sizeBytes;
  }

  /** One write for all: what other processes append does not get in between. */
  append(text: string): void {
    this.#context.files.write(this.#open(), Buffer.from(text), 0);
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = null;
    if (fd !== null) this.#context.files.close(fd);
  }

  #open(): number {
    if (this.#fd !== null) return this.#fd;
    const { files, layout, nowMs } = this.#context;
    const { id, attempt, maxBytes } = this.#run;
    const fd = openToAppend(this.#context, besidePath(layout, 'logs', id));
    this.#fd = fd;
    const before = files.info(fd).sizeBytes;
    if (attempt <= 1) return fd;
    const isFull = before > roomOfEarlierRuns(maxBytes);
    if (isFull) files.truncate(fd, 0);
    this.append(`${logText({ atMs: nowMs(), stream: 'fsq', text: laterRunText(attempt, isFull ? before : 0) })}\n`);
    return fd;
  }
}

function openToAppend(context: SpoolContext, path: string): number {
  const { files, layout } = context;
  try {
    return files.open(path, 'append');
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  try {
    createNew(files, path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    makeDirectory(files, layout.logs);
    createNew(files, path);
  }
  return files.open(path, 'append');
}
