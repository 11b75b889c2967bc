/** What a broker may lack without being a worse one: it keeps jobs in another way, and says so here. All else is promised by every broker. */

/** What skipped tests say of a broker that lacks it. */
const LACKS = {
  /**
   * Jobs of several queues are claimed by their urgency and age, whatever their queue. A broker that has a list for each queue would have to
   * look at the heads of all of them for each claim.
   */
  ordersAcrossQueues: 'it takes the jobs of several queues in turns',
  /**
   * A consumer can take one job by its id from behind others (`Consumer.take`, which may be absent). A broker that only gives out what is next
   * has no step for that.
   */
  takesByName: 'it only gives out the job that is next',
  /**
   * A process whose jobs were recovered can claim nothing more, whatever it does later. Who recovers a process knows that it has ended; a broker
   * whose claims are locks, each by itself, would have to ask at each claim.
   */
  fencesOwners: 'its claims are locks, each of one job',
  /**
   * Jobs of tasks that only other living workers know are left to these. A broker that gives out what is next has the worker park the job, and
   * make it ready for the others.
   */
  leavesToOthers: 'it gives out what is next, also to a worker that does not know the task',
} as const;

export type Capability = keyof typeof LACKS;

/** Those that are absent are there. */
export type Capabilities = { readonly [C in Capability]?: boolean };

/** Why a test that needs this is skipped; false: it is not. */
export type Lacks = (capability: Capability) => string | false;

export function lacksOf(capabilities: Capabilities): Lacks {
  return (capability) => capabilities[capability] === false && LACKS[capability];
}
