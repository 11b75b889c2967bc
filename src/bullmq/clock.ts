/** Whether the clock of this machine may be trusted with locks: BullMQ on PostgreSQL compares the times of locks with each worker's own. */
import type { BrokerEvent } from '../broker/worker-side.ts';
import { SpoolError } from '../job/errors.ts';
import type { Engine } from './engine.ts';

/** A clock that is this much off is told of, ms. */
const TOLD_MS = 1_000;
/** A clock that is off by more than this part of a lock's duration takes living processes for dead: a lock is renewed each third of it. */
const REFUSED_PART = 1 / 4;
/** The answer that came fastest tells best. */
const QUESTIONS = 3;

interface Measured {
  /** How far this machine's clock is ahead of the datastore's, ms; below 0: behind. */
  readonly aheadMs: number;
  /** It may be off by so much less, ms: half the time of an answer. */
  readonly doubtMs: number;
}

async function measured({ store }: Engine, clock: () => number): Promise<Measured> {
  const beforeMs = clock();
  const theirsMs = await store.clockMs();
  const doubtMs = (clock() - beforeMs) / 2;
  return { aheadMs: Math.round(beforeMs + doubtMs - theirsMs), doubtMs };
}

/**
 * For a process that is to hold locks.
 *
 * @param clock what BullMQ goes by
 * @throws SpoolError (FSQ_BROKER) when the clocks are too far apart
 */
export async function checkClock(
  engine: Engine,
  onEvent: (event: BrokerEvent) => void,
  clock: () => number = Date.now,
): Promise<void> {
  if (!engine.trustsClocks) return;
  const answers: Measured[] = [];
  for (let i = 0; i < QUESTIONS; i++) answers.push(await measured(engine, clock));
  const [{ aheadMs } = { aheadMs: 0 }] = answers.toSorted((a, b) => a.doubtMs - b.doubtMs);
  if (isTooFar(engine, Math.abs(aheadMs))) throw tooFar(engine, aheadMs);
  if (Math.abs(aheadMs) > TOLD_MS) onEvent({ kind: 'clock-off', aheadMs });
}

/** The clock of a worker that runs: this machine's, and the server's, may be set at any time. */
export class ClockWatch {
  readonly #engine: Engine;
  readonly #clock: () => number;
  /** It was told that the clock is off. */
  #isTold = false;
  /** Looks in a row that found it too far off. */
  #tooFar = 0;

  constructor(engine: Engine, clock: () => number = Date.now) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /**
   * Whether the worker may judge the locks of others now. Where two looks in a row find that it may not, its own locks are no good to others
   * either: the worker is told that it cannot go on.
   *
   * @throws the datastore's error
   */
  async isRight(): Promise<boolean> {
    if (!this.#engine.trustsClocks) return true;
    const { aheadMs, doubtMs } = await measured(this.#engine, this.#clock);
    const surelyOffMs = Math.abs(aheadMs) - doubtMs;
    const isOff = surelyOffMs > TOLD_MS;
    if (isOff && !this.#isTold) this.#engine.onEvent({ kind: 'clock-off', aheadMs });
    this.#isTold = isOff;
    if (!isTooFar(this.#engine, surelyOffMs)) {
      this.#tooFar = 0;
      return true;
    }
    if (++this.#tooFar === 2) this.#engine.onEvent({ kind: 'unusable', error: tooFar(this.#engine, aheadMs) });
    return false;
  }
}

function isTooFar({ lockMs }: Engine, offMs: number): boolean {
  return offMs > lockMs * REFUSED_PART;
}

function tooFar({ lockMs, place }: Engine, aheadMs: number): SpoolError {
  return new SpoolError(
    'FSQ_BROKER',
    `The clock of this machine is ${seconds(Math.abs(aheadMs))} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of ${place}, and a worker there may be off by ${seconds(lockMs * REFUSED_PART)} s: it would take jobs of living workers. Set both clocks, by NTP for example`,
  );
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
