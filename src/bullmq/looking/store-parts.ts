/** What lies where on a server, for people: BullMQ's own keys or tables, and those of fsq beside them. */
import type { JobType } from 'bullmq';
import type { StorePart } from '../../broker/broker.ts';
import type { Engine } from '../engine.ts';

/** States of BullMQ, with what their jobs are to fsq. They are what is counted. */
const STATES: readonly (readonly [states: readonly JobType[], means: string])[] = [
  [['wait', 'prioritized'], 'jobs that are ready: any worker takes them'],
  [['active'], 'jobs that run, each with a lock that its process renews'],
  [['delayed'], 'jobs that wait for their time, for other jobs, or for a worker that knows their task'],
  [['waiting-children'], 'jobs that wait for their children in a flow of BullMQ'],
  [['completed'], 'jobs that have succeeded'],
  [['failed'], 'jobs that failed, were revoked or have expired'],
];

const ALL = STATES.flatMap(([states]) => states);

type Names = readonly (readonly [name: string, means: string])[];

const KEYS: Names = [
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

const TABLES: Names = [
  ['job', 'jobs with their arguments, and the values of those that have ended'],
  ['job_log', 'what the runs of a job have printed'],
  ['meta, event', 'which queues are paused, and what has changed lately'],
  ['fsq_tails', 'what became of the runs of a job, and what they keep for the next attempt'],
  ['fsq_fields', 'processes that may hold jobs, schedules, what workers have counted, jobs on their way'],
  ['fsq_facts', 'which job stands for the key of a unique job, and whose turn it is to look after the store'],
  ['fsq_limit_…', 'limits of queues and tasks, and what they have let through'],
];

/** See `Broker.parts`. */
export async function storeParts({ store, queues, backend }: Engine): Promise<readonly StorePart[]> {
  const isRedis = store.kind === 'redis';
  const counts = new Map<JobType, number>();
  for (const queue of await queues.all()) {
    const found = await backend(queue).getCounts([...ALL]);
    for (const [i, state] of ALL.entries()) counts.set(state, (counts.get(state) ?? 0) + (found[i] ?? 0));
  }
  const counted = STATES.map(([states, means]) => ({
    name: isRedis ? `<queue>:${states.join(', ')}` : `job: ${states.join(', ')}`,
    means,
    entries: states.reduce((sum, state) => sum + (counts.get(state) ?? 0), 0),
    bytes: null,
  }));
  const others = (isRedis ? KEYS : TABLES).map(([name, means]) => ({ name, means, entries: null, bytes: null }));
  return [...counted, ...others];
}
