/** Values that a spool knows at this moment, for the completion of a command line: jobs, tasks, queues, schedules. */
import { livingTasks } from '../../../app/telling/runners.ts';
import type { Broker, ListedState, Sighting } from '../../../broker/broker.ts';
import { DEFAULT_QUEUE, isQueueName, isTaskName } from '../../../job/names.ts';
import { span } from '../../../job/text.ts';

/** What may stand there, and what it is. Not escaped. */
export interface Candidate {
  readonly value: string;
  readonly about: string;
}

/** More is nothing that anybody would read through. */
const MOST_JOBS = 50;
/** How many jobs of each state are read for their tasks. */
const MOST_READ = 100;

const ALL: readonly ListedState[] = ['running', 'pending', 'delayed', 'results'];

/** Jobs whose ids begin so, those that were sent last first. */
export async function jobsLike(
  broker: Pick<Broker, 'list' | 'idsByPrefix' | 'find'>,
  prefix: string,
  nowMs: number,
): Promise<readonly Candidate[]> {
  const jobs = prefix === '' ? await someJobs(broker, MOST_JOBS) : await jobsBeginning(broker, prefix.toLowerCase());
  return jobs
    .toSorted((a, b) => (a.id < b.id ? 1 : -1))
    .slice(0, MOST_JOBS)
    .map((job) => ({ value: job.id, about: aboutJob(job, nowMs) }));
}

async function someJobs(broker: Pick<Broker, 'list'>, most: number): Promise<readonly Sighting[]> {
  return (await Promise.all(ALL.map((state) => broker.list([state], most)))).flat();
}

async function jobsBeginning(
  broker: Pick<Broker, 'idsByPrefix' | 'find'>,
  prefix: string,
): Promise<readonly Sighting[]> {
  if (!/^[0-9a-f][0-9a-f-]*$/.test(prefix)) return [];
  const ids = await broker.idsByPrefix(prefix, MOST_JOBS);
  const found = await Promise.all(ids.map((id) => broker.find(id)));
  return found.filter((job) => job !== null);
}

function aboutJob({ record, state, endedAtMs, startedAtMs }: Sighting, nowMs: number): string {
  const sinceMs = endedAtMs ?? startedAtMs ?? record?.job.enqueuedAtMs;
  const when = sinceMs === undefined ? '' : `, ${span(nowMs - sinceMs)} ago`;
  return `${record?.job.task ?? '(unreadable)'}, ${state}${when}`;
}

/** The tasks of living workers, and of jobs that are there. */
export async function tasksKnown(broker: Pick<Broker, 'list' | 'owners'>): Promise<readonly Candidate[]> {
  const [owners, jobs] = await Promise.all([broker.owners(), someJobs(broker, MOST_READ)]);
  const known = livingTasks(owners);
  const sent = jobs.flatMap(({ record }) => record?.job.task ?? []);
  return sorted([...known, ...sent])
    .filter(isTaskName)
    .map((value) => ({ value, about: known.includes(value) ? 'a worker knows it' : 'there are jobs of it' }));
}

/** The queues with jobs, those that are paused, those of living workers, and those of the settings. */
export async function queuesKnown(
  broker: Pick<Broker, 'unended' | 'paused' | 'owners'>,
  configured: readonly string[],
): Promise<readonly Candidate[]> {
  const [unended, paused, owners] = await Promise.all([broker.unended(), broker.paused(), broker.owners()]);
  const counts = new Map<string, number>();
  for (const { queue } of unended) counts.set(queue, (counts.get(queue) ?? 0) + 1);
  const taken = owners.flatMap(({ queues }) => queues ?? []);
  return sorted([DEFAULT_QUEUE, ...counts.keys(), ...paused, ...taken, ...configured])
    .filter(isQueueName)
    .map((value) => ({
      value,
      about: `unended jobs: ${counts.get(value) ?? 0}${paused.includes(value) ? ', paused' : ''}`,
    }));
}

/** The schedules of the settings, and those of which the spool knows something. */
export async function schedulesKnown(
  broker: Pick<Broker, 'schedules'>,
  configured: readonly string[],
): Promise<readonly Candidate[]> {
  const records = await broker.schedules.list();
  const paused = records.filter(({ isPaused }) => isPaused).map(({ name }) => name);
  return sorted([...configured, ...records.map(({ name }) => name)]).map((value) => ({
    value,
    about: paused.includes(value) ? 'paused' : '',
  }));
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted();
}
