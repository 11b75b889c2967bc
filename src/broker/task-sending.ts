/** What a task says of where and until when its jobs wait, and how a worker tells that to whoever knows only the task's name. Pure. */
import { isPriority, isQueueName, isTaskName } from '../job/names.ts';
import { type Duration, readDuration } from '../job/units.ts';
import { isRecord } from '../job/values/realm.ts';

/** Options of a task that a job has in its name, or in its file, when it is sent. */
export interface TaskSending {
  readonly queue?: string;
  readonly priority?: number;
  /** From the sending on. A task whose jobs end at one moment for all has none here. */
  readonly expires?: Duration;
}

/** By the names of tasks; those that say nothing are left out. */
export type SendingOfTasks = ReadonlyMap<string, TaskSending>;

/** Of those tasks that say something. */
export function sendingOfTasks(
  tasks: Iterable<{ readonly name: string; readonly sending?: TaskSending | undefined }>,
): SendingOfTasks {
  const found = new Map<string, TaskSending>();
  for (const { name, sending } of tasks)
    if (sending !== undefined && Object.keys(sending).length > 0) found.set(name, sending);
  return found;
}

/** What pairs of a name and its options say, as they were written as JSON; what is none is left out. */
export function readSendingOfTasks(value: unknown): SendingOfTasks {
  const pairs: readonly unknown[] = Array.isArray(value) ? value : [];
  return new Map(
    pairs.flatMap((pair) => {
      const [name, sending] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
      return typeof name === 'string' && isTaskName(name) && isRecord(sending) ? [[name, readSending(sending)]] : [];
    }),
  );
}

function readSending({ queue, priority, expires }: Readonly<Record<string, unknown>>): TaskSending {
  const expiresMs = readDuration(expires);
  return {
    ...(typeof queue === 'string' && isQueueName(queue) ? { queue } : {}),
    ...(isPriority(priority) ? { priority } : {}),
    ...(expiresMs === null ? {} : { expires: expiresMs }),
  };
}
