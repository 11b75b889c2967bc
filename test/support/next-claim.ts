/** Waiting for a job to run, in a program that nothing else keeps alive. */
import type { Claim, Consumer } from '../../src/broker/worker-side.ts';

/** The next claim, or null when none came in this time. */
export async function nextWithin(consumer: Pick<Consumer, 'next'>, ms: number): Promise<Claim | null> {
  const controller = new AbortController();
  // That of AbortSignal.timeout would not keep the test alive, and a consumer waits for half a second where a look took long.
  const timer = setTimeout(() => controller.abort(), ms);
  try {
    return await consumer.next(controller.signal);
  } finally {
    clearTimeout(timer);
  }
}
