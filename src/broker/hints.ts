/** What a worker's supervisor and its children tell each other so that jobs begin sooner and what people decide is heard. */

/** A task that another living worker knows, and its own does not. */
export interface TaskElsewhere {
  readonly task: string;
  /** The queues that the other takes jobs from; null for all. */
  readonly queues: readonly string[] | null;
}

/** What every consumer has to know while it works: all of its kind, each time. */
export type Instruction =
  /** The jobs that are revoked and run somewhere. */
  | { readonly type: 'revoked'; readonly ids: readonly string[] }
  /** The queues that are paused. */
  | { readonly type: 'paused'; readonly queues: readonly string[] }
  /** The tasks that are left to other workers. */
  | { readonly type: 'elsewhere'; readonly tasks: readonly TaskElsewhere[] };

/** What a consumer is told by the process that looks out for it. Names are hints; losing one costs time only. */
export type Hint =
  | Instruction
  /** Names of ready jobs to try. */
  | { readonly type: 'names'; readonly names: readonly string[] }
  /**
   * Whether this consumer is the lookout: of all that have nothing to do, the one that watches for itself, so that a lone job
   * reaches it without a detour. Names that are given end that too.
   */
  | { readonly type: 'lookout'; readonly isPosted: boolean }
  /** Nothing more will come: the process that gave the hints has ended. */
  | { readonly type: 'alone' };

export interface Hints {
  /**
   * Asks for names; some come, now or when there are any.
   *
   * @param isIdle false while names are left: asked early, so that the answer is there when they are used up
   */
  want(isIdle: boolean): void;
  /** `listener` is told all that comes from now on. */
  listen(listener: (hint: Hint) => void): void;
}

/** The variable that holds a consumer's mark in the environment of all that it starts. */
export const CHILD_MARK = 'FSQ_CHILD';
