/**
 * What a worker does about markers: it withdraws jobs that wait, tells the children that run such jobs, and removes the markers of
 * jobs that have ended. So a process that revokes may die right after it made the markers.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { SpoolContext } from '../disk/context.ts';
import type { Instruction } from '../ready/hints.ts';
import type { Holder } from '../job-file/holder.ts';
import { hasOutcomeOf } from '../../job/ended/again.ts';
import { isMarked, readMarkers, unmark, watchMarkers } from '../notes/notes.ts';
import { readJob } from '../job-file/read.ts';
import { isUnderMove, locate, lookFor, type Spot } from '../locate.ts';
import { Rounds } from '../disk/rounds.ts';
import { withdraw } from './revoke-jobs.ts';

interface RevokeWatchOptions {
  /** What every consumer of the worker has to know, whenever it may be another than before. */
  readonly onInstruction: (instruction: Instruction) => void;
  /** The process of `owner` runs this job, which is revoked so that it is to be killed. */
  readonly onTerminate: (owner: string, id: string) => void;
  readonly withdrawer: Holder;
  /** Whether this owner is a child of ours, which we may kill. */
  readonly isOurs: (owner: string) => boolean;
  readonly onTrouble: (error: unknown) => void;
}

export class RevokeWatch {
  readonly #context: SpoolContext;
  readonly #options: RevokeWatchOptions;
  readonly #watch: { start(): void; stop(): void };
  #told = '';
  readonly #rounds: Rounds;
  #isDueAgain = false;

  constructor(context: SpoolContext, options: RevokeWatchOptions) {
    this.#context = context;
    this.#options = options;
    this.#rounds = new Rounds(options.onTrouble);
    this.#watch = watchMarkers(context, { onFound: () => this.#act(), onTrouble: options.onTrouble });
  }

  start(): void {
    this.#watch.start();
  }

  /** Resolves when no job that is known to be revoked waits any more, or after `ms`: a full disk may hold up outcomes. */
  async settled(ms: number): Promise<void> {
    const { underWay } = this.#rounds;
    if (underWay === null) return;
    const timeout = new AbortController();
    await Promise.race([underWay, wait(ms, undefined, timeout).catch(() => undefined)]);
    timeout.abort();
  }

  /** The last round also removes the markers of jobs that have ended just now. */
  async close(): Promise<void> {
    this.#watch.stop();
    await this.#rounds.add(() => this.#doRound());
  }

  /** One round at a time; a call that comes meanwhile causes another. */
  #act(): void {
    this.#isDueAgain = true;
    if (this.#rounds.underWay !== null) return;
    void this.#rounds.add(async () => {
      while (this.#isDueAgain) {
        this.#isDueAgain = false;
        await this.#doRound();
      }
    });
  }

  async #doRound(): Promise<void> {
    const markers = readMarkers(this.#context);
    const ids = new Set(markers.keys());
    const spots = await lookFor(this.#context, ids);
    this.#tell(markers, spots);
    const { missed, leftAlone } = await withdraw(this.#context, this.#options.withdrawer, this.#stillMarked(spots));
    const unseen = new Set([...ids].filter((id) => !spots.has(id)));
    const moving = unseen.size === 0 ? new Map<string, Spot>() : await locate(this.#context, unseen);
    // One may be that of a job that has been let go, and the one who moves it, or goes on with that, has to hear of it.
    const isKept = unseen.size > moving.size && isUnderMove(this.#context);
    const done = [...ids].filter((id) => {
      const at = spots.get(id)?.at;
      return at === undefined ? !moving.has(id) && !isKept : at !== 'held' && !missed.has(id) && !leftAlone.has(id);
    });
    if (missed.size + moving.size > 0) this.#isDueAgain = true;
    await unmark(this.#context, done);
  }

  /** Of those that wait: one that had ended may have been sent back meanwhile, and its marker removed. */
  #stillMarked(spots: ReadonlyMap<string, Spot>): ReadonlyMap<string, Spot> {
    return new Map([...spots].filter(([id, { at }]) => at !== 'waiting' || isMarked(this.#context, id)));
  }

  /** Comes before all that waits for the disk. */
  #tell(markers: ReadonlyMap<string, boolean>, spots: ReadonlyMap<string, Spot>): void {
    const { onInstruction, onTerminate, isOurs, withdrawer } = this.#options;
    const held = [...spots.values()].flatMap((spot) => (spot.at === 'held' ? [spot] : []));
    const running = held.filter(({ owner, recoverer }) => recoverer === null && owner !== withdrawer.owner);
    const ids = running.map(({ id }) => id);
    if (ids.join() !== this.#told) onInstruction({ type: 'revoked', ids });
    this.#told = ids.join();
    for (const { id, owner, path, name } of running) {
      if (markers.get(id) !== true || !isOurs(owner)) continue;
      // The process goes on while we look. If it has begun another job when it is killed, that one goes back without a crash counted.
      if (this.#runs(path, id, name.attempt)) onTerminate(owner, id);
    }
  }

  /** A run whose outcome is whole is over although its file has not moved yet: its process may have begun another. */
  #runs(path: string, id: string, attempt: number): boolean {
    const reading = readJob(this.#context, path, id);
    return reading.kind === 'job' && !hasOutcomeOf(reading.document.record, attempt);
  }
}
