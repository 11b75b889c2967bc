/**
 * The note of a move, in a table of its own, and the right to work at it: a fact that is gone some seconds after its owner has told it last. A
 * process that stands still for longer than that may lose it, and then does no further step; each step of a job is one that can be done twice.
 */
import { SpoolError } from '../../job/errors.ts';
import { createIdSource } from '../../job/names.ts';
import { pooledRandom } from '../../broker/new-job.ts';
import { isRecord } from '../../job/values/realm.ts';
import type { Engine } from '../engine.ts';
import { MOVING } from './move-store.ts';

const NOTES = 'moves';
const NOTE = 'note';
const MOVER = 'mover';
/** How long a process that has died keeps others out, ms. */
const LEASE_MS = 15_000;

interface About {
  readonly id: string;
  readonly side: 'out' | 'in';
  readonly other: string;
}

export interface OpenMove extends About {
  readonly isResumed: boolean;
  /** Does a step, as long as nobody else works at the move. @throws SpoolError (FSQ_MOVING) */
  step<T>(act: () => Promise<T>): Promise<T>;
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** @returns null where there is no move and none may begin. @throws SpoolError (FSQ_MOVING) */
export async function openMove(
  engine: Engine,
  wanted: Omit<About, 'id'> & { readonly id: string | null; readonly mayBegin: boolean },
): Promise<OpenMove | null> {
  const { store, place } = engine;
  const us = engine.ownerName();
  const stopUsing = engine.use();
  if (!(await store.set(MOVER, us, { ifAbsent: true, ttlMs: LEASE_MS }))) {
    await stopUsing();
    throw new SpoolError(
      'FSQ_MOVING',
      `Another process moves jobs from or to ${place} at this moment, or has died within the last ${LEASE_MS / 1_000} s. Wait until it has ended.`,
    );
  }
  const lease = new Lease(engine, us);
  try {
    const found = readNote(await store.field(NOTES, NOTE));
    const isWanted = found?.side === wanted.side && (wanted.id === null || wanted.id === found.id);
    if (found !== null && !isWanted) throw unfinished(place, found);
    if (found === null && !wanted.mayBegin) {
      await lease.end();
      await stopUsing();
      return null;
    }
    const { side, other } = wanted;
    const about = found ?? { id: wanted.id ?? createIdSource(engine.nowMs, pooledRandom())(), side, other };
    if (found === null) await store.setField(NOTES, NOTE, JSON.stringify(about), { ifAbsent: true });
    return opened(engine, lease, about, { isResumed: found !== null, stopUsing });
  } catch (error) {
    await lease.end().catch(() => undefined); // It runs out by itself.
    await stopUsing();
    throw error;
  }
}

function opened(
  engine: Engine,
  lease: Lease,
  about: About,
  { isResumed, stopUsing }: { readonly isResumed: boolean; readonly stopUsing: () => Promise<void> },
): OpenMove {
  return {
    ...about,
    isResumed,
    step: (act) => lease.holding(act),
    finish: () =>
      lease.holding(async () => {
        const left = (await engine.store.fields(MOVING)).size;
        if (left > 0) throw new SpoolError('FSQ_MOVING', `${left} jobs of ${engine.place} are still on their way.`);
        await engine.store.removeFields(NOTES, [NOTE]);
      }),
    close: async () => {
      await lease.end().catch(() => undefined); // It runs out by itself.
      await stopUsing();
    },
  };
}

function unfinished(place: string, { side, other }: About): SpoolError {
  const [from, to] = side === 'out' ? [place, other] : [other, place];
  const text = `Jobs were being moved from ${from} to ${to}, and some are on their way still. Run \`fsq migrate --from ${from} --to ${to}\` first.`;
  return new SpoolError('FSQ_MOVING', text);
}

function readNote(text: string | null): About | null {
  if (text === null) return null;
  const parsed: unknown = JSON.parse(text);
  if (!isRecord(parsed)) return null;
  const { id, side, other } = parsed;
  const isWhole = typeof id === 'string' && (side === 'out' || side === 'in') && typeof other === 'string';
  return isWhole ? { id, side, other } : null;
}

/** The right to work at a move, renewed while this process lives. */
class Lease {
  readonly #engine: Engine;
  readonly #us: string;
  readonly #timer: NodeJS.Timeout;
  #isLost = false;

  constructor(engine: Engine, us: string) {
    this.#engine = engine;
    this.#us = us;
    this.#timer = setInterval(() => void this.#renew().catch(() => undefined), LEASE_MS / 3); // The next step tells.
    this.#timer.unref();
  }

  async holding<T>(act: () => Promise<T>): Promise<T> {
    await this.#renew();
    if (this.#isLost)
      throw new SpoolError('FSQ_MOVING', `Another process moves jobs from or to ${this.#engine.place} by now.`);
    return act();
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    if (!this.#isLost) await this.#engine.store.swap(MOVER, this.#us, null);
  }

  async #renew(): Promise<void> {
    const { store } = this.#engine;
    const [holder = null] = await store.get([MOVER]);
    if (holder === this.#us) await store.set(MOVER, this.#us, { ttlMs: LEASE_MS });
    // It has run out and nobody has it: it is ours again, if nobody is faster.
    else this.#isLost ||= holder !== null || !(await store.set(MOVER, this.#us, { ifAbsent: true, ttlMs: LEASE_MS }));
  }
}
