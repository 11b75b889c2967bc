/** Waits for a job and prints its value: what `get` and `call --wait` share. */
import type { AsyncResult } from '../app/async-result.ts';
import { FsqError, TimeoutError } from '../job/errors.ts';
import { type Output, jsonText } from './output.ts';

/**
 * Prints the value as JSON, `null` where the task returned nothing. With `asJson` the id and state too, also when there is
 * no value.
 *
 * @param timeoutMs undefined: waits as long as it takes
 * @throws whatever `AsyncResult.get` throws
 */
export async function printValue(
  handle: AsyncResult,
  timeoutMs: number | undefined,
  asJson: boolean,
  stdout: Output,
): Promise<void> {
  const { id } = handle;
  try {
    const value = (await handle.get(timeoutMs === undefined ? {} : { timeout: timeoutMs })) ?? null;
    stdout.write(`${jsonText(asJson ? { id, state: 'succeeded', value } : value)}\n`);
  } catch (error) {
    if (asJson && error instanceof FsqError) {
      const sighting = await handle.info();
      const outcome = error instanceof TimeoutError ? null : sighting?.record?.outcome;
      if (sighting !== null) stdout.write(`${jsonText({ id, state: sighting.state, ...outcome })}\n`);
    }
    throw error;
  }
}
