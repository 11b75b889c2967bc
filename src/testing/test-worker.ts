/** What a temporary spool needs of the worker that runs its jobs, be it in this process or forked. */
import type { Settings } from '../app/settings/config.ts';
import type { Stage } from '../app/settings/stage.ts';
import type { Logger } from '../worker/log.ts';

export interface TestWorker {
  /** @throws when it cannot work */
  start(): Promise<void>;
  /** Why it cannot work any more; null while it can. */
  readonly failure: { readonly error: unknown } | null;
  /** Changes with every job that is taken or settled; null where that happens in other processes. */
  readonly steps: number | null;
  /** The clock was moved. */
  clockMoved(): void;
  /** Ends it, jobs at hand too. @returns what still runs all the same, for people; null: nothing does */
  stop(): Promise<string | null>;
}

export interface WorkPlan {
  readonly stage: Stage;
  /** With the stage's spool. */
  readonly settings: Settings;
  readonly concurrency: number;
  readonly log: Logger;
}
