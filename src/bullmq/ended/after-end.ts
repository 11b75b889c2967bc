/** What follows when a job has ended, whoever has ended it. If we die before it is done, a keeper's round does it. */
import { release } from '../after/lines.ts';
import type { Engine } from '../engine.ts';
import type { Place } from '../store.ts';
import { ENDED } from './ended-word.ts';
import { keepUntil } from './outcome-times.ts';

interface HowItEnded {
  /** How long its outcome is kept; undefined: the job does not say. */
  readonly ttlMs: number | undefined;
  /** False: surely no other job waits for it. */
  readonly mayHaveLine: boolean;
  /** Those that wait for it have been told. */
  readonly isTold: boolean;
}

/** Of a plain job it asks nothing: it only tells. @throws the datastore's error */
export async function afterEnd(engine: Engine, at: Place, { ttlMs, mayHaveLine, isTold }: HowItEnded): Promise<void> {
  if (!isTold) engine.store.publish(ENDED, at.id);
  if (ttlMs === undefined && !mayHaveLine) return;
  await Promise.all([
    ttlMs === undefined ? null : keepUntil(engine, at, engine.nowMs() + ttlMs),
    mayHaveLine ? release(engine, at.id) : null,
  ]);
}
