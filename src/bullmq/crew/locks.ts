/** Keeping the locks of jobs that living processes hold: BullMQ renews none of a job that was taken by hand. */
import type { Engine } from '../engine.ts';
import type { HeldJob } from '../store.ts';
import { ownerOf, tokensOf } from '../jobs/tokens.ts';
import { type LockHolder, LockRounds } from './lock-rounds.ts';

interface LocksOptions {
  /** The processes whose locks are renewed, by their names among owners. */
  readonly owners: () => readonly string[];
  readonly queues: () => readonly string[];
  /** These are held now. */
  readonly onHeld?: (held: readonly HeldJob[]) => void;
  /** The lock of a job that this owner runs is another's, or gone: its process must end. */
  readonly onLost: (owner: string, job: HeldJob) => void;
  readonly holders: () => Iterable<LockHolder>;
}

export class Locks {
  readonly #engine: Engine;
  readonly #options: LocksOptions;
  #rounds: LockRounds | null = null;
  /** By queue and id: those that were held at the last round. */
  #before: ReadonlyMap<string, HeldJob> = new Map();

  constructor(engine: Engine, options: LocksOptions) {
    this.#engine = engine;
    this.#options = options;
  }

  start(): void {
    const { lockMs } = this.#engine;
    this.#rounds = new LockRounds({ lockMs, holders: this.#options.holders, renew: () => this.#renew() });
  }

  close(): void {
    this.#rounds?.close();
  }

  async #renew(): Promise<void> {
    const { owners, queues, onHeld } = this.#options;
    const mine = owners();
    if (mine.length === 0 && this.#before.size === 0) return;
    const held = await this.#engine.store.held(queues(), mine.map(tokensOf));
    onHeld?.(held);
    await extendLocks(this.#engine, held);
    await this.#findLost(held);
  }

  /** One that was held a round ago and is not now has ended, or was given back, by its holder; or its lock ran out under it. */
  async #findLost(held: readonly HeldJob[]): Promise<void> {
    const now = new Map(held.map((job) => [keyOf(job), job]));
    const gone = [...this.#before].filter(([key, { token }]) => now.get(key)?.token !== token);
    this.#before = now;
    if (gone.length === 0) return;
    const alive = new Set(this.#options.owners());
    const raws = await this.#engine.store.look(
      gone.map(([, { id }]) => id),
      [...new Set(gone.map(([, { queue }]) => queue))],
    );
    for (const [i, [, job]] of gone.entries()) {
      const raw = raws[i] ?? null;
      const owner = ownerOf(job.token);
      if (owner === null || !alive.has(owner)) continue;
      // Its lock ran out and it lies there, or another has it, or it went back by itself: its holder has not settled it.
      const isTaken = raw?.state === 'active' && raw.token !== job.token;
      const hasStalled = raw !== null && raw.state === 'waiting' && raw.processedBy === owner && wasStalled(raw);
      if (isTaken || hasStalled) this.#options.onLost(owner, job);
    }
  }
}

/** It went back because its lock ran out, and not by a word of its holder, which writes the counters. */
function wasStalled({ stalls, tail }: { readonly stalls: number; readonly tail: string | null }): boolean {
  const told = Number(/^[0-9]+ [0-9]+ ([0-9]+)/.exec(tail ?? '')?.[1] ?? 0);
  return stalls > told;
}

/** @returns the jobs whose locks are gone, or another's */
export async function extendLocks(engine: Engine, held: readonly HeldJob[]): Promise<readonly HeldJob[]> {
  const answers = await Promise.all(
    [...byQueue(held)].map(async ([queue, jobs]) => {
      const ids = jobs.map(({ id }) => id);
      const tokens = jobs.map(({ token }) => token);
      const gone = new Set(await engine.backend(queue).extendLocks(ids, tokens, engine.lockMs));
      return jobs.filter(({ id }) => gone.has(id));
    }),
  );
  return answers.flat();
}

function keyOf({ queue, id }: HeldJob): string {
  return `${queue}:${id}`;
}

function byQueue(held: readonly HeldJob[]): ReadonlyMap<string, HeldJob[]> {
  const found = new Map<string, HeldJob[]>();
  for (const job of held) {
    const jobs = found.get(job.queue);
    if (jobs === undefined) found.set(job.queue, [job]);
    else jobs.push(job);
  }
  return found;
}
