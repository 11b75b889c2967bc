/** The jobs that processes hold, as running/ shows them. */
import type { SpoolContext } from '../disk/context.ts';
import { listIfReadable } from '../disk/if-there.ts';
import { type JobName, parseHeldName, parseJobFileName } from '../layout.ts';
import { readJob } from '../job-file/read.ts';

export interface RunningJob {
  readonly name: JobName;
  readonly path: string;
}

/**
 * All jobs that are held, at least those that one process holds during the whole call: a directory that is gone when it is looked
 * into was that of an owner that has ended, or has died and was recovered.
 */
export function runningJobs(context: SpoolContext): readonly RunningJob[] {
  const { files, layout } = context;
  const found: RunningJob[] = [];
  for (const owner of files.list(layout.running)) {
    if (parseHeldName(owner) === null) continue;
    const directory = `${layout.running}/${owner}`;
    for (const file of listIfReadable(context.files, directory)) {
      const name = parseJobFileName(file);
      if (name !== null) found.push({ name, path: `${directory}/${file}` });
    }
  }
  return found;
}

/** The tasks of jobs. Each job's file is read once, for its task never changes. */
export class TasksOfJobs {
  readonly #context: SpoolContext;
  #tasks = new Map<string, string | null>();
  #before = new Map<string, string | null>();

  constructor(context: SpoolContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#tasks.size;
  }

  /** Forgets the jobs that were not asked for since the last call. */
  turn(): void {
    this.#before = this.#tasks;
    this.#tasks = new Map();
  }

  /** @returns null when there is no such job at `path`, or none that can be read */
  of(id: string, path: string): string | null {
    const known = this.#recall(id);
    if (known !== undefined) return known;
    const reading = readJob(this.#context, path, id);
    if (reading.kind === 'gone') return null;
    const task = reading.kind === 'job' ? reading.document.record.job.task : null;
    this.#tasks.set(id, task);
    return task;
  }

  /** The same without reading: null also when the job was not read before. */
  known(id: string): string | null {
    return this.#recall(id) ?? null;
  }

  remember(id: string, task: string | null): void {
    this.#tasks.set(id, task);
  }

  #recall(id: string): string | null | undefined {
    const task = this.#tasks.get(id) ?? this.#before.get(id);
    if (task !== undefined) this.#tasks.set(id, task);
    return task;
  }
}
