/**
 * The instructions that one consumer has heard: jobs that are revoked, queues that are paused, and tasks that are left to other workers.
 * Its worker tells it. A consumer without a worker looks into cancel/ and queues/ itself, and so does a child whose worker has died. One that
 * looks for jobs itself, because hints fail to come, looks into queues/ first: a worker that is just busy has told it nothing.
 */
import type { ConsumerOptions } from '../../broker/worker-side.ts';
import type { SpoolContext } from '../disk/context.ts';
import { LeftToOthers } from '../ready/elsewhere.ts';
import type { Hint } from '../ready/hints.ts';
import { parseJobFileName } from '../layout.ts';
import { pausedQueues, watchMarkers, watchPausedQueues } from '../notes/notes.ts';
import { KindsOfJobs } from '../job-file/read.ts';

/** How many jobs' kinds are remembered. */
const REMEMBERED = 10_000;

interface InstructionsOptions {
  /** True for a consumer without a worker. */
  readonly isAlone: boolean;
  /** Absent: it does not look for revoked jobs. */
  readonly onRevoked: ConsumerOptions['onRevoked'];
  readonly onTerminate: ConsumerOptions['onTerminate'];
  readonly onPaused: (queues: ReadonlySet<string>) => void;
  readonly onTrouble: (error: unknown) => void;
}

export class Instructions {
  readonly #options: InstructionsOptions;
  readonly #watches: readonly { start(): void; stop(): void }[];
  readonly #context: SpoolContext;
  readonly #kinds: KindsOfJobs;
  #leftToOthers = new LeftToOthers();
  #isStopped = false;
  #revoked: ReadonlySet<string> = new Set();
  #paused: ReadonlySet<string> = new Set();

  constructor(context: SpoolContext, options: InstructionsOptions) {
    const { isAlone, onRevoked, onTrouble } = options;
    this.#options = options;
    this.#context = context;
    this.#kinds = new KindsOfJobs(context, REMEMBERED);
    const pauses = watchPausedQueues(context, { onFound: (queues) => this.#hearPaused(queues), onTrouble });
    const markers = watchMarkers(context, { onFound: (found) => this.#hearMarkers(found), onTrouble });
    this.#watches = onRevoked === undefined ? [pauses] : [pauses, markers];
    if (isAlone) this.#lookMyself();
  }

  /** Takes what its worker tells. */
  hear(hint: Exclude<Hint, { readonly type: 'names' | 'lookout' }>): void {
    switch (hint.type) {
      case 'revoked':
        return this.#hearRevoked(hint.ids);
      case 'paused':
        return this.#hearPaused(hint.queues);
      case 'elsewhere':
        this.#leftToOthers = new LeftToOthers(hint.tasks);
        return;
      case 'alone':
        return this.#lookMyself();
    }
  }

  /** Whether the job is revoked and has not ended. */
  isRevoked(id: string): boolean {
    return this.#revoked.size > 0 && this.#revoked.has(id);
  }

  /** Whether the queue of this ready job is paused. Costs nothing while no queue is. */
  isPaused(fileName: string): boolean {
    return this.#paused.size > 0 && this.#paused.has(parseJobFileName(fileName)?.queue ?? '');
  }

  /** Whether the task of this ready job is left to other workers. Costs nothing while no task is; else the job is read. */
  isLeftToOthers(fileName: string): boolean {
    if (this.#leftToOthers.size === 0) return false;
    const name = parseJobFileName(fileName);
    if (name === null) return false;
    const kind = this.#kinds.of(name.id, `${this.#context.layout.pending}/${fileName}`);
    return kind !== null && this.#leftToOthers.has(kind.task, name.queue);
  }

  /** Which queues are paused now, for a child that has perhaps not been told. @throws the system error */
  lookForPauses(): void {
    this.#hearPaused(pausedQueues(this.#context));
  }

  #lookMyself(): void {
    if (!this.#isStopped) for (const watch of this.#watches) watch.start();
  }

  stop(): void {
    this.#isStopped = true;
    for (const watch of this.#watches) watch.stop();
  }

  #hearMarkers(found: ReadonlyMap<string, boolean>): void {
    this.#hearRevoked(found.keys());
    const toKill = new Set([...found].filter(([, terminate]) => terminate).map(([id]) => id));
    if (toKill.size > 0) this.#options.onTerminate?.(toKill);
  }

  #hearRevoked(ids: Iterable<string>): void {
    this.#revoked = new Set(ids);
    this.#options.onRevoked?.(this.#revoked);
  }

  #hearPaused(queues: Iterable<string>): void {
    this.#paused = new Set(queues);
    this.#options.onPaused(this.#paused);
  }
}
