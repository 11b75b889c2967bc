/** What a worker's supervisor and its children tell each other so that jobs begin sooner. */

import type { TaskElsewhere } from './keeper.ts';

/** How a consumer hears of ready jobs from the process that looks out for it. Names are hints; losing one costs time only. */
export interface Hints {
  /**
   * Asks for names; some come through `onNames`, now or when there are any.
   *
   * @param isIdle false while names are left: asked early, so that the answer is there when they are used up
   */
  want(isIdle: boolean): void;
  onNames(listener: (names: readonly string[]) => void): void;
  /**
   * Tells whether this consumer is the lookout: of all that have nothing to do, the one that watches for itself, so that a
   * lone job reaches it without a detour. Names that are given end that too.
   */
  onLookout(listener: (isPosted: boolean) => void): void;
  /** Tells of the jobs that are revoked and run somewhere: all of them, each time. */
  onRevoked(listener: (ids: readonly string[]) => void): void;
  /** Tells of the queues that are paused: all of them, each time. */
  onPaused(listener: (queues: readonly string[]) => void): void;
  /** Tells of the tasks that are left to other workers: all of them, each time. */
  onElsewhere(listener: (tasks: readonly TaskElsewhere[]) => void): void;
  /** Tells that nothing more will come: whoever gave the hints has ended. */
  onAlone(listener: () => void): void;
}

/** The variable that holds a consumer's mark in the environment of all that it starts. */
export const CHILD_MARK = 'FSQ_CHILD';
