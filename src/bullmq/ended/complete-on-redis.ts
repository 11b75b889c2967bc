/** The end of a job that has succeeded, in one way to Redis and back: BullMQ's move, its tail, and the word to those that wait for it. */
import type { MinimalJob, RedisQueueBackend } from 'bullmq';
import type { JsonValue } from '../../job/values/json.ts';
import type { EndingJob } from '../engine.ts';
import { ENDED } from '../looking/stored-outcomes.ts';
import type { RedisStore } from '../redis/redis-store.ts';

/** @returns as `Store.keepCompleted` @throws an error with BullMQ's code where it has not moved the job */
export async function completeOnRedis(
  backend: RedisQueueBackend,
  store: RedisStore,
  held: EndingJob,
  value: JsonValue | undefined,
  tail: string,
  table: string,
): Promise<boolean> {
  const { id, token, claims, attemptsAllowed } = held;
  const job = { id, opts: { attempts: attemptsAllowed } } as unknown as MinimalJob; // What BullMQ looks at of it.
  const args = backend.moveToCompletedArgs(job, JSON.stringify(value), false, token, false);
  const client = await backend.client;
  // Sent in one turn, on one connection, so that they are done in this order.
  const moving = backend.execCommand(client, 'moveToFinished', args) as Promise<unknown>;
  const keeping = store.tryKeepCompleted(held, claims, tail, table);
  store.publish(ENDED, id);
  keeping.catch(() => undefined); // The move tells what went wrong.
  const code = await moving;
  if (typeof code === 'number' && code < 0)
    throw Object.assign(new Error(`BullMQ has not ended job ${id} (${code})`), { code });
  const { isKept, hasLine } = await keeping;
  // A server that has just started does not know BullMQ's script: then it is sent once more, and came behind the others.
  return isKept ? hasLine : store.keepCompleted(held, claims, tail, table);
}
