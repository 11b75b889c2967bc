/**
 * Tasks that other living workers know and this one does not: jobs of these tasks are left to them. A job's name does not say its
 * task, so the worker reads jobs to tell them apart, but only while there are such tasks.
 *
 * A worker announces its tasks in its record, and then makes the jobs ready that are parked for them. A process that parks a job looks
 * for such a record afterwards. So one of the two sees the other, and no job stays parked whose task a living worker knows.
 */
import type { SpoolContext } from '../disk/context.ts';
import { NoteWatch } from '../notes/note-watch.ts';
import type { TaskElsewhere } from './hints.ts';
import { type OwnerRecord, readOwner, recordedOwners } from '../owners/owner-record.ts';
import { verdictOf } from '../owners/verdicts.ts';

interface ElsewhereOptions {
  /** Our own record. */
  readonly owner: string;
  /** All tasks that are left to others, whenever they have changed. */
  readonly onChanged: (tasks: readonly TaskElsewhere[]) => void;
  readonly onTrouble: (error: unknown) => void;
}

export class Elsewhere {
  readonly #context: SpoolContext;
  readonly #options: ElsewhereOptions;
  readonly #watch: NoteWatch<ReadonlyMap<string, OwnerRecord>>;
  /** Owners that are children: their workers say their tasks. A record is read once to see that. */
  #children = new Set<string>();
  /** Null until we know our own tasks. Until then nothing is left to others. */
  #own: ReadonlySet<string> | null = null;
  #told = '[]';

  constructor(context: SpoolContext, options: ElsewhereOptions) {
    this.#context = context;
    this.#options = options;
    this.#watch = new NoteWatch(context.files, {
      directory: context.layout.workers,
      read: () => this.#whoKnowsMore(),
      onFound: (records) => void this.#tell(records),
      onTrouble: options.onTrouble,
    });
  }

  /** These are our own tasks. @returns false when nothing has changed: a worker begins with none */
  know(tasks: readonly string[]): boolean {
    const own = new Set(tasks);
    if (own.size === (this.#own?.size ?? 0) && tasks.every((task) => this.#own?.has(task))) return false;
    this.#watch.stop();
    this.#own = own;
    this.#watch.start();
    return true;
  }

  stop(): void {
    this.#watch.stop();
    this.#own = null;
  }

  /** The records of other workers, dead or alive, that know a task that we do not know. */
  #whoKnowsMore(): ReadonlyMap<string, OwnerRecord> {
    const found = new Map<string, OwnerRecord>();
    const children = new Set<string>();
    for (const owner of recordedOwners(this.#context)) {
      if (owner === this.#options.owner) continue;
      const record = this.#children.has(owner) ? null : readOwner(this.#context, owner);
      if (record === null || record.role === 'child') children.add(owner);
      else if (record.tasks.some((task) => this.#own?.has(task) === false)) found.set(owner, record);
    }
    this.#children = children;
    return found;
  }

  async #tell(records: ReadonlyMap<string, OwnerRecord>): Promise<void> {
    try {
      const tasks: TaskElsewhere[] = [];
      for (const [owner, record] of records) {
        if ((await verdictOf(this.#context, owner)).verdict !== 'alive') continue;
        for (const task of record.tasks)
          if (this.#own?.has(task) === false) tasks.push({ task, queues: record.queues });
      }
      const text = JSON.stringify(tasks);
      if (text === this.#told || this.#own === null) return;
      this.#told = text;
      this.#options.onChanged(tasks);
    } catch (error) {
      this.#options.onTrouble(error);
    }
  }
}

/** Which tasks of which queues are left to others, as far as this process has heard. */
export class LeftToOthers {
  readonly #queues: ReadonlyMap<string, readonly (readonly string[] | null)[]>;

  constructor(tasks: readonly TaskElsewhere[] = []) {
    const queues = new Map<string, (readonly string[] | null)[]>();
    for (const one of tasks) queues.set(one.task, [...(queues.get(one.task) ?? []), one.queues]);
    this.#queues = queues;
  }

  get size(): number {
    return this.#queues.size;
  }

  /** Whether the task is left to others in any queue. */
  hasTask(task: string): boolean {
    return this.#queues.has(task);
  }

  has(task: string, queue: string): boolean {
    return this.#queues.get(task)?.some((queues) => queues === null || queues.includes(queue)) === true;
  }
}

/** Whether a living worker knows the task and takes jobs of the queue. The worker of the process that asks does not count. */
export async function isKnownElsewhere(
  context: SpoolContext,
  { owner: asker, task, queue }: { readonly owner: string; readonly task: string; readonly queue: string },
): Promise<boolean> {
  // Not by its process id: workers of several containers have the same.
  const parent = readOwner(context, asker)?.parent ?? null;
  for (const owner of recordedOwners(context)) {
    const record = owner === asker || owner === parent ? null : readOwner(context, owner);
    if (record === null || record.role === 'child') continue;
    if (!record.tasks.includes(task) || record.queues?.includes(queue) === false) continue;
    if ((await verdictOf(context, owner)).verdict === 'alive') return true;
  }
  return false;
}
