/** Pauses are BullMQ's own, one for each queue: no claim takes from it, and every program that knows BullMQ sees it. */
import type { Engine } from '../engine.ts';

/** The topic that tells of a queue that was paused or resumed. */
export const PAUSED = 'paused';

/** False when it was so already. @throws the datastore's error */
export async function setPaused(engine: Engine, queue: string, isPaused: boolean): Promise<boolean> {
  const backend = engine.backend(queue);
  if ((await isQueuePaused(engine, queue)) === isPaused) return false;
  // A queue that never had a job is found among the paused ones by its name.
  await engine.queues.tell([queue]);
  await backend.pause(isPaused);
  engine.store.publish(PAUSED, queue);
  return true;
}

export async function isQueuePaused(engine: Engine, queue: string): Promise<boolean> {
  return (await engine.backend(queue).getQueueMetaField('paused')) !== null;
}

/** Sorted. @throws the datastore's error */
export async function pausedQueues(engine: Engine): Promise<readonly string[]> {
  const all = await engine.queues.all();
  const paused = await Promise.all(all.map((queue) => isQueuePaused(engine, queue)));
  return all.filter((_, i) => paused[i]);
}

/** Tells a worker's events of the paused queues, when others are paused than at the last look. */
export function pausesTold({ onEvent }: Engine): (queues: readonly string[]) => void {
  let told = '';
  return (queues) => {
    const now = [...queues].sort().join(' ');
    if (now === told) return;
    told = now;
    onEvent({ kind: 'queues-paused', queues: [...queues].sort() });
  };
}
