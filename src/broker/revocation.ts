/** What may be asked and what is answered when a job is revoked. */

/**
 * What came of revoking a job. `revoked`: it has that outcome now and never runs again. `requested`: it runs, or ran when
 * its process died; that it is to end is durable, and its outcome will be `revoked` unless it ended before it heard of it.
 * `ended`: it had ended before, and nothing was changed.
 */
export type Revocation = 'revoked' | 'requested' | 'ended';

export interface RevokeOptions {
  /** Kill the process that runs the job, with all it has started, instead of asking the task to end. Default false. */
  readonly terminate?: boolean;
}
