/**
 * A stage: a spool that stands in for the configured ones, for all apps of this process, and the clock that counts meanwhile. Tests
 * set one (src/testing). It hangs on globalThis, so that each copy of fsq in the process sees it.
 */
import type { Broker } from '../../broker/broker.ts';

export interface Stage {
  /** Absolute path. */
  readonly spool: string;
  readonly fsync: boolean;
  readonly nowMs: () => number;
  /** What apps have opened: whoever ends the stage closes these. */
  readonly opened: Set<Broker>;
}

const KEY = Symbol.for('fsq.stage.1');
const holder = globalThis as { [KEY]?: { stage: Stage | null; hasEnded?: boolean } };
/** Looked up once: each look at globalThis costs a job some fifty ns. */
const shared = (holder[KEY] ??= { stage: null });

/** The stage of this moment; null, as in every program but a test: apps use what is configured. */
export function currentStage(): Stage | null {
  return shared.stage;
}

/** @param stage null: none any more */
export function setStage(stage: Stage | null): void {
  shared.stage = stage;
  if (stage === null) shared.hasEnded = true;
}

/** True when there was a stage and there is none: what a test has left running must not reach the configured spool. */
export function isStageOver(): boolean {
  return shared.hasEnded === true && shared.stage === null;
}

/** The time of day by which jobs are delayed and expire, Unix ms. */
export function nowMs(): number {
  return shared.stage === null ? Date.now() : shared.stage.nowMs();
}
