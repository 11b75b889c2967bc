/**
 * The note of a move, in a table of its own: what the move is about, and which process works at it. Who takes a move over writes its own name
 * into the note, and from then on the datastore refuses each step of the one before (`MoveStore.under`): a process that stood still may go on
 * at any time. When it may be taken over, a fact tells that is gone some seconds after its owner has told it last.
 */
import { commandFor, type UnfinishedMove } from '../../broker/moving.ts';
import { pooledRandom } from '../../broker/new-job.ts';
import { SpoolError } from '../../job/errors.ts';
import { createIdSource } from '../../job/names.ts';
import { isRecord } from '../../job/values/realm.ts';
import type { Engine } from '../engine.ts';
import type { Store } from '../store.ts';
import { type MoveSteps, MOVING, NOTE, NOTES } from './move-store.ts';

const MOVER = 'mover';
/** How long a process that has died keeps others out, ms. */
const LEASE_MS = 5_000;

interface About {
  readonly id: string;
  readonly side: 'out' | 'in';
  readonly other: string;
}

/** Without an id: whichever is there, or a new one. */
export interface WantedMove extends Omit<About, 'id'> {
  readonly id: string | null;
  readonly mayBegin: boolean;
}

export interface OpenMove extends About {
  readonly isResumed: boolean;
  /** Each throws SpoolError (FSQ_MOVING) where another process works at the move by now. */
  readonly steps: MoveSteps;
  /** Does something as long as nobody else works at the move. @throws SpoolError (FSQ_MOVING) */
  whileOurs<T>(act: () => Promise<T>): Promise<T>;
  finish(): Promise<void>;
  close(): Promise<void>;
}

/**
 * @param us a name that no other process has
 * @returns null where there is no move and none may begin. May be called again where it failed @throws SpoolError (FSQ_MOVING)
 */
export async function openMove(engine: Engine, us: string, wanted: WantedMove): Promise<OpenMove | null> {
  const stopUsing = engine.use();
  const lease = new Lease(engine, us);
  const leave = async (): Promise<void> => {
    await lease.end().catch(() => undefined); // It runs out by itself.
    await stopUsing();
  };
  try {
    await lease.take();
    const move = await noted(engine, us, wanted);
    if (move === null) await leave();
    return move === null ? null : opened(engine, lease, move, leave);
  } catch (error) {
    await leave();
    throw error;
  }
}

/** A move with the note that this process has written. */
interface NotedMove extends About {
  readonly isResumed: boolean;
  readonly note: string;
}

async function noted(
  { store, place, nowMs }: Engine,
  us: string,
  { id, side, other, mayBegin }: WantedMove,
): Promise<NotedMove | null> {
  const before = await store.field(NOTES, NOTE);
  const found = before === null ? null : readNote(before);
  const isWanted = found !== null && found.side === side && (id === null || id === found.id);
  if (found !== null && !isWanted && !(await isOver(store, found, { id, side, other }))) throw unfinished(place, found);
  if (!isWanted && !mayBegin) return null;
  const newId = id ?? createIdSource(nowMs, pooledRandom())();
  const about = isWanted ? { id: found.id, side, other: found.other } : { id: newId, side, other };
  const note = JSON.stringify({ ...about, by: us });
  // An answer that was lost: it is ours already.
  if (before !== note && !(await store.swapField(NOTES, NOTE, before, note))) throw lost(place);
  return { ...about, isResumed: isWanted, note };
}

/**
 * A process that stood still may have written the note of an arrival after the move was over. The source has part in one move at a time: it
 * has finished that one, since it begins another.
 */
async function isOver(store: Store, found: About, wanted: Omit<WantedMove, 'mayBegin'>): Promise<boolean> {
  const isSame = found.side === 'in' && wanted.side === 'in' && found.other === wanted.other;
  return isSame && (await store.fields(MOVING)).size === 0;
}

function opened(engine: Engine, lease: Lease, { note, ...move }: NotedMove, close: () => Promise<void>): OpenMove {
  const { store, place } = engine;
  const whileOurs: OpenMove['whileOurs'] = async (act) => {
    if (!(await lease.isOurs()) || (await store.field(NOTES, NOTE)) !== note) throw lost(place);
    return act();
  };
  return {
    ...move,
    steps: fenced(store.moves.under(note), place),
    whileOurs,
    finish: async () => {
      const left = (await store.fields(MOVING)).size;
      if (left > 0) throw new SpoolError('FSQ_MOVING', `${left} jobs of ${place} are still on their way.`);
      // An answer that was lost: it is gone already.
      const isGone = (await store.swapField(NOTES, NOTE, note, null)) || (await store.field(NOTES, NOTE)) === null;
      if (!isGone) throw lost(place);
    },
    close,
  };
}

function fenced(steps: MoveSteps, place: string): MoveSteps {
  const sure = async (asked: Promise<boolean | null>): Promise<boolean> => {
    const answer = await asked;
    if (answer === null) throw lost(place);
    return answer;
  };
  return {
    take: (at) => sure(steps.take(at)),
    sendToWait: (at, dueAtMs) => sure(steps.sendToWait(at, dueAtMs)),
    drop: (at) => sure(steps.drop(at)),
    accept: (job) => sure(steps.accept(job)),
  };
}

function lost(place: string): SpoolError {
  return new SpoolError(
    'FSQ_MOVING',
    `Another process moves jobs from or to ${place} by now: this one stood still for more than ${LEASE_MS / 1_000} s. Let that one end, and run it again if jobs stay.`,
  );
}

function unfinished(place: string, about: About): SpoolError {
  const way = wayOf(place, about);
  const text = `Jobs were being moved from ${way.from} to ${way.to}, and some are on their way still. Run \`${commandFor(way)}\` first.`;
  return new SpoolError('FSQ_MOVING', text);
}

function wayOf(place: string, { side, other }: About): Pick<UnfinishedMove, 'from' | 'to'> {
  return side === 'out' ? { from: place, to: other } : { from: other, to: place };
}

/** See `Broker.unfinishedMove`. */
export async function unfinishedMove({
  store,
  place,
}: Pick<Engine, 'store' | 'place'>): Promise<UnfinishedMove | null> {
  const note = await store.field(NOTES, NOTE);
  const about = note === null ? null : readNote(note);
  if (about === null) return null;
  const [mover = null] = await store.get([MOVER]);
  return { ...wayOf(place, about), isGoing: mover !== null, ids: [...(await store.fields(MOVING)).keys()] };
}

function readNote(text: string | null): About | null {
  if (text === null) return null;
  const parsed: unknown = JSON.parse(text);
  if (!isRecord(parsed)) return null;
  const { id, side, other } = parsed;
  const isWhole = typeof id === 'string' && (side === 'out' || side === 'in') && typeof other === 'string';
  return isWhole ? { id, side, other } : null;
}

/** Keeps others from taking the move over, while this process lives. */
class Lease {
  readonly #engine: Engine;
  readonly #us: string;
  readonly #timer: NodeJS.Timeout;
  #isLost = false;
  /** The renewal under way, or the last one. */
  #renewal: Promise<void> = Promise.resolve();

  constructor(engine: Engine, us: string) {
    this.#engine = engine;
    this.#us = us;
    this.#timer = setInterval(() => void this.#renew(), LEASE_MS / 3);
    this.#timer.unref();
  }

  /** @throws SpoolError (FSQ_MOVING) */
  async take(): Promise<void> {
    const { store, place } = this.#engine;
    if (await store.set(MOVER, this.#us, { ifAbsent: true, ttlMs: LEASE_MS })) return;
    const [holder = null] = await store.get([MOVER]);
    if (holder === this.#us) return; // The answer to an earlier try was lost.
    this.#isLost = true;
    throw new SpoolError(
      'FSQ_MOVING',
      `Another process moves jobs from or to ${place} at this moment, or has died within the last ${LEASE_MS / 1_000} s. Wait until it has ended.`,
    );
  }

  async isOurs(): Promise<boolean> {
    await this.#renewed();
    return !this.#isLost;
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewal;
    if (!this.#isLost) await this.#engine.store.swap(MOVER, this.#us, null);
  }

  #renew(): Promise<void> {
    this.#renewal = this.#renewed().catch(() => undefined); // The next step tells.
    return this.#renewal;
  }

  async #renewed(): Promise<void> {
    const { store } = this.#engine;
    const [holder = null] = await store.get([MOVER]);
    if (holder === this.#us) await store.set(MOVER, this.#us, { ttlMs: LEASE_MS });
    // It has run out and nobody has it: it is ours again, if nobody is faster. Whether the move is ours still, the note tells.
    else this.#isLost ||= holder !== null || !(await store.set(MOVER, this.#us, { ifAbsent: true, ttlMs: LEASE_MS }));
  }
}
