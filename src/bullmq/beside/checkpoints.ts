/** What a job's runs keep for the next run: one text beside the job, which only the holder of its lock can write. */
import { FencedError, FsqError, SpoolError } from '../../job/errors.ts';
import { doubtIn, type JsonValue, MAX_DEPTH } from '../../job/values/json.ts';
import { isRecord, reasonOf } from '../../job/values/realm.ts';
import type { Held } from '../claims/held-job.ts';
import type { Engine } from '../engine.ts';
import { waitForStore } from '../store-wait.ts';

/** As the next run is to find it. */
export interface Kept {
  readonly value: JsonValue;
  /** Of the run that kept it; null where it does not say. */
  readonly attempt: number | null;
  /** Unix ms; null where it does not say. */
  readonly atMs: number | null;
}

/** Null when it is no checkpoint. */
export function parseCheckpoint(text: string): Kept | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null; // There is none, or another program has written it.
  }
  if (!isRecord(parsed) || !Object.hasOwn(parsed, 'value') || doubtIn(parsed, MAX_DEPTH + 1) === 'depth') return null;
  const { attempt, atMs } = parsed;
  return {
    value: parsed['value'] as JsonValue, // JSON.parse made it.
    attempt: typeof attempt === 'number' ? attempt : null,
    atMs: typeof atMs === 'number' ? atMs : null,
  };
}

/** What an earlier run has kept for this one: asked for only where there was one. @throws the datastore's error */
export async function checkpointFor(
  engine: Engine,
  { queue, id, claims, record }: Held,
): Promise<JsonValue | undefined> {
  const isFirst = claims <= 1 && record.attempts.length === 0 && record.kept.again === undefined;
  const text = isFirst ? null : await engine.store.checkpoint({ queue, id });
  if (text === null) return undefined;
  const kept = parseCheckpoint(text);
  if (kept !== null) return kept.value;
  engine.onEvent({ kind: 'unreadable', name: `the checkpoint of job ${id}`, reason: 'it is no checkpoint' });
  return undefined;
}

/** The checkpoints of one run. */
export class Checkpoints {
  readonly #engine: Engine;
  readonly #held: Held;
  #value: JsonValue | undefined;
  /** Those that are on their way, one after the other; never rejected. */
  #underWay: Promise<void> | null = null;

  /** @param value as an earlier run has kept it */
  constructor(engine: Engine, held: Held, value: JsonValue | undefined) {
    this.#engine = engine;
    this.#held = held;
    this.#value = value;
  }

  get value(): JsonValue | undefined {
    return this.#value;
  }

  /** Resolves when what the run has begun to keep is there, or has failed. */
  get underWay(): Promise<void> | null {
    return this.#underWay;
  }

  /** @throws FencedError, SpoolError */
  keep(value: JsonValue): Promise<void> {
    const { standing, id } = this.#held;
    const text = JSON.stringify({ v: 1, attempt: standing.attempt, atMs: this.#engine.nowMs(), value });
    const kept = (this.#underWay ?? Promise.resolve())
      .then(() => this.#write(text, value))
      .catch((error: unknown) => {
        if (error instanceof FsqError) throw error;
        const reason = `The checkpoint of job ${id} was not kept: ${reasonOf(error)}`;
        throw new SpoolError('FSQ_SPOOL', reason, { cause: error });
      });
    this.#underWay = kept.catch(() => undefined); // The caller is told.
    return kept;
  }

  /** The job has succeeded. What cannot be removed now goes with the job, and nobody is shown it. */
  async drop(): Promise<void> {
    if (this.#value === undefined) return;
    this.#value = undefined;
    await this.#engine.store.dropCheckpoint(this.#held).catch(() => undefined); // As said above.
  }

  async #write(text: string, value: JsonValue): Promise<void> {
    const { token, owner } = this.#held;
    const write = (): Promise<boolean> => this.#engine.store.keepCheckpoint(this.#held, token, text);
    const isKept = await waitForStore({ onEvent: this.#engine.onEvent, signal: null }, write);
    if (isKept !== true) throw new FencedError(owner);
    // A copy, as another process would read it: what the task does with its own later is not kept.
    this.#value = parseCheckpoint(text)?.value ?? value;
  }
}
