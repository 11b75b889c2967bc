/** The moves of a held job, by BullMQ: each takes the tail along. */
import type { MinimalJob } from 'bullmq';
import { type Failure, FencedError } from '../../job/errors.ts';
import type { JsonValue } from '../../job/values/json.ts';
import { lineOf } from '../after/lines.ts';
import { type Engine, TAIL } from '../engine.ts';
import { isPassing } from '../store-wait.ts';
import type { HeldJob } from '../store.ts';
import type { Held } from './held-job.ts';

/** @returns whether others wait for it @throws FencedError when the lock is another's, or gone */
export async function complete(
  engine: Engine,
  held: Held,
  value: JsonValue | undefined,
  tail: string,
): Promise<boolean> {
  // Where it had moved already, whether others wait is for a look to find.
  return (await fenced(engine, held, () => engine.complete(held, value, tail, lineOf(held.id)))) ?? true;
}

/** @throws FencedError as `complete` does */
export async function fail(engine: Engine, held: Held, error: Failure, tail: string): Promise<void> {
  const fields = along(tail, error);
  const backend = engine.backend(held.queue);
  await fenced(engine, held, () => backend.moveToFailed(jobOf(held), error.message, false, held.token, false, fields));
}

/** BullMQ's codes for a job that must not succeed: it has children there that have not ended, or have failed for it. */
const HAS_CHILDREN: readonly unknown[] = [-4, -9];

/** Of an error of `complete`: the job is held as before, and can only fail. */
export function isForItsChildren(error: unknown): boolean {
  return HAS_CHILDREN.includes(codeOf(error));
}

/** @param error of the run; null: none counts @throws FencedError as `complete` does */
export async function delay(
  engine: Engine,
  held: Held,
  delayMs: number,
  error: Failure | null,
  tail: string,
): Promise<void> {
  const { queue, id, token } = held;
  const fieldsToUpdate = along(tail, error);
  const backend = engine.backend(queue);
  if (delayMs <= 0 && error !== null)
    return void (await fenced(engine, held, () => backend.retryJob(id, false, token, { fieldsToUpdate })));
  const skipAttempt = error === null;
  const options = { skipAttempt, fieldsToUpdate, fetchNext: false };
  await fenced(engine, held, () => backend.moveToDelayed(id, engine.nowMs(), Math.max(1, delayMs), token, options));
}

/** It waits for so long, and nothing else is changed. @throws FencedError as `complete` does */
export async function holdBack(engine: Engine, held: Held, delayMs: number): Promise<void> {
  const { queue, id, token } = held;
  const options = { skipAttempt: true, fetchNext: false };
  const backend = engine.backend(queue);
  await fenced(engine, held, () => backend.moveToDelayed(id, engine.nowMs(), Math.max(1, delayMs), token, options));
}

/** It is ready again at once, where it was. @param tail null: it stays @throws FencedError as `complete` does */
export async function giveBack(engine: Engine, held: HeldJob & Moving, tail: string | null): Promise<void> {
  if (await engine.store.giveBack(held, tail)) return;
  if (!(await hasMoved(engine, held))) throw new FencedError(held.owner);
}

/** The fields that go along with a move. */
function along(tail: string, error: Failure | null): Record<string, string> {
  if (error === null) return { [TAIL]: tail };
  const { name, message, stack = `${name}: ${message}` } = error;
  return { [TAIL]: tail, failedReason: message, stacktrace: JSON.stringify([stack]) };
}

/** What BullMQ looks at of a job that it moves. */
function jobOf({ id, record, attemptsAllowed }: Held): MinimalJob {
  return { id, name: record.job.task, opts: { attempts: attemptsAllowed } } as unknown as MinimalJob;
}

/** BullMQ's codes for a job whose lock is not ours any more: it is gone, not active, without a lock, or under another's. */
const LOST: readonly unknown[] = [-1, -2, -3, -6];

/** What is known of a job that is given back: of one whose claim's answer was lost no more than its lock. */
type Moving = Pick<Held, 'queue' | 'id' | 'token' | 'owner'> & Partial<Pick<Held, 'claims' | 'stalls' | 'cuts'>>;

/** @returns null where it had moved already */
async function fenced<T>(engine: Engine, held: Moving, move: () => Promise<T>, isMended = false): Promise<T | null> {
  try {
    return await move();
  } catch (error) {
    const code = codeOf(error);
    if (LOST.includes(code)) {
      if (!(await hasMoved(engine, held))) throw new FencedError(held.owner);
      return null;
    }
    // BullMQ has stopped half-way, over a field that is not as it writes it.
    const what = isMended || typeof code === 'number' || isPassing(error) ? null : await mend(engine, held);
    if (what === null) throw error;
    return what === 'moved' ? null : fenced(engine, held, move, true);
  }
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | null)?.code;
}

async function mend({ store, lockMs }: Engine, { claims, stalls, ...held }: Moving): Promise<'held' | 'moved' | null> {
  if (claims === undefined || stalls === undefined || store.mendHeld === undefined) return null;
  return store.mendHeld(held, { claims, stalls }, lockMs);
}

/**
 * True when the job has left this claim by a move of its holder: the answer was lost with the connection, and the move came once more. Only
 * a lock that ran out takes a job from its holder otherwise, and that is counted.
 */
async function hasMoved(engine: Engine, { queue, id, claims, stalls, cuts }: Moving): Promise<boolean> {
  if (claims === undefined || stalls === undefined) return false;
  // Every answer has come: somebody else has moved it, who took the holder for dead.
  if (cuts === engine.cuts()) return false;
  const [raw = null] = await engine.store.look([id], [queue]);
  return raw !== null && raw.stalls === stalls && (raw.claims > claims || raw.state !== 'active');
}
