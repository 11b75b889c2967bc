/** What lies where on a server, for people: BullMQ's own keys or tables, and those of fsq beside them. */
import type { StorePart } from '../../broker/broker.ts';

const MEANS: readonly (readonly [name: string, means: string])[] = [
  ['<queue>:wait, prioritized', 'jobs that are ready: any worker takes them'],
  ['<queue>:active', 'jobs that run, each with a lock that its process renews'],
  ['<queue>:delayed', 'jobs that wait for their time, for other jobs, or for a worker that knows their task'],
  ['<queue>:completed', 'jobs that have succeeded'],
  ['<queue>:failed', 'jobs that failed, were revoked or have expired'],
  ['<queue>:<id>', 'a job: its arguments, its outcome, and in the field fsq what became of its runs'],
  ['<queue>:<id>:logs', 'what the runs of a job have printed'],
  ['<queue>:meta, events', 'whether the queue is paused, and what has changed lately'],
  ['-fsq: owners', 'processes that may hold jobs'],
  ['-fsq: keys', 'which job stands for the key of a unique job'],
  ['-fsq: limits', 'limits of queues and tasks, and what they have let through'],
  ['-fsq: schedules', 'up to when each schedule is done, and which are paused'],
  ['-fsq: statistics', 'what workers have counted'],
  ['-fsq: checkpoints', 'what runs keep for the next attempt'],
  ['-fsq: moving', 'jobs on their way to or from another place'],
];

/** Nothing is counted: the queues and states that matter are told by counts. */
export const STORE_KEYS: readonly StorePart[] = MEANS.map(([name, means]) => ({
  name,
  means,
  entries: null,
  bytes: null,
}));
