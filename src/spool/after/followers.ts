/**
 * Jobs that come after others, and wait for their end in delayed/, under the last due time that there is. While there are any, results/
 * is watched: when all the others have ended, or cannot end any more, the job is ready, and its claim decides what becomes of it.
 *
 * These are hints. There may be a hundred thousand such jobs, so they are read, asked for and made ready in slices.
 */
import { idsAfter } from '../../job/edges.ts';
import { NO_OPTIONS } from '../../job/job-options.ts';
import type { SpoolContext } from '../disk/context.ts';
import { Turns } from '../disk/rounds.ts';
import { DirectoryWatch, Poll } from '../disk/watch.ts';
import { readJob } from '../job-file/read.ts';
import { renameOverIfThere } from '../job-file/set-aside.ts';
import { parseDelayedFileName, parseResultFileName } from '../layout.ts';
import { endedSpot, locate } from '../locate.ts';
import { type Follower, Waits } from './waits.ts';

/** How often it is looked whether the jobs that are waited for are still there, ms. */
const EXISTENCE_EVERY_MS = 30_000;
/** To ask for all that are waited for may take a twentieth of the time. */
const COST_FACTOR = 20;

export class Followers {
  readonly #context: SpoolContext;
  readonly #onTrouble: (error: unknown) => void;
  readonly #watch: DirectoryWatch;
  readonly #poll: Poll;
  readonly #waits = new Waits();
  readonly #looks = new Looks();
  #isAtWork = false;
  #existenceCheckedAt = 0;

  constructor(context: SpoolContext, onTrouble: (error: unknown) => void) {
    this.#context = context;
    this.#onTrouble = onTrouble;
    this.#watch = new DirectoryWatch(context.files, context.layout.results, (name) => this.#hear(name));
    this.#poll = new Poll(() => this.#try(() => this.#round()), false);
  }

  stop(): void {
    this.#waits.clear();
    this.#rest();
  }

  /** Until the listing has ended, each name with that due time is added. */
  beginListing(): void {
    this.#waits.beginListing();
  }

  /** @param isWhole it has not failed */
  endListing(isWhole: boolean): void {
    this.#waits.endListing(isWhole);
  }

  add(name: string): void {
    this.#waits.add(name);
    this.#begin();
  }

  knows(name: string): boolean {
    return this.#waits.knows(name);
  }

  /** True when surely nobody waits for jobs that have all ended. False also while many are looked at. */
  isSettled(): boolean {
    if (!this.#waits.isInUse) return true;
    if (!this.#isAtWork && (this.#watch.hasChanged() || this.#looks.isWanted)) this.#look();
    return !this.#isAtWork && !this.#waits.hasWork;
  }

  #hear(name: string | null): void {
    const id = name === null ? null : parseResultFileName(name);
    if (name === null) this.#looks.want();
    else if (id !== null && this.#waits.ask(id)) this.#begin();
  }

  #round(): void {
    if (!this.#waits.isInUse) return this.#rest();
    if (this.#watch.hasChanged()) this.#looks.want();
    if (this.#looks.mayBegin) this.#look();
    this.#waits.releaseExpired(this.#context.nowMs());
    this.#begin();
    if (performance.now() - this.#existenceCheckedAt >= EXISTENCE_EVERY_MS) void this.#checkExistence();
  }

  #rest(): void {
    this.#watch.close();
    this.#poll.stop();
  }

  /** Asks for all that are waited for. */
  #look(): void {
    this.#looks.begin();
    this.#waits.askAll();
    this.#begin();
  }

  /** Works off what is to be looked at: at once where that is little. What fails comes again with the next round. */
  #begin(): void {
    if (!this.#waits.isInUse || this.#isAtWork) return;
    if (!this.#poll.isOn) {
      this.#existenceCheckedAt = performance.now();
      this.#poll.start();
    }
    // Watch, then look: an end that comes before the look is found by it.
    this.#watch.open();
    void this.#work();
  }

  async #work(): Promise<void> {
    this.#isAtWork = true;
    try {
      const turns = new Turns();
      while (this.#waits.hasWork) {
        for (const id of this.#waits.takeAsked()) {
          if (this.#hasEnded(id)) this.#waits.release(id);
          if (turns.isOver) await turns.next();
        }
        for (const name of this.#waits.takeOpen()) {
          this.#advance(name);
          if (turns.isOver) await turns.next();
        }
      }
    } catch (error) {
      this.#looks.want(); // What was to be asked when it failed is asked again.
      this.#onTrouble(error);
    } finally {
      this.#isAtWork = false;
      this.#looks.end();
    }
  }

  /** One step: its file is read, or one of those that are left is asked for, or it is made ready. */
  #advance(name: string): void {
    try {
      const follower = this.#waits.get(name) ?? this.#read(name);
      if (follower === null) return;
      const last = follower.left.at(-1);
      if (last === undefined) return this.#makeReady(name);
      if (!this.#hasEnded(last)) return this.#waits.wait(name, last);
      follower.left.pop();
      this.#waits.again(name);
    } catch (error) {
      this.#waits.again(name);
      throw error;
    }
  }

  /** Null when it is gone, or comes after no other. */
  #read(name: string): Follower | null {
    const path = `${this.#context.layout.delayed}/${name}`;
    let follower: Follower | null = null;
    this.#context.odd.try(path, () => {
      const reading = readJob(this.#context, path, parseDelayedFileName(name)?.name.id ?? '');
      if (reading.kind === 'gone') return;
      const options = reading.kind === 'job' ? reading.document.record.job.options : NO_OPTIONS;
      const { after, expiresAtMs = Number.POSITIVE_INFINITY } = options;
      follower = after === undefined ? null : { left: [...idsAfter(options)], expiresAtMs };
      this.#waits.learn(name, follower);
    });
    return follower;
  }

  async #checkExistence(): Promise<void> {
    this.#existenceCheckedAt = performance.now();
    try {
      const ids = new Set(this.#waits.ids());
      const spots = await locate(this.#context, ids);
      for (const id of ids) if ((spots.get(id)?.at ?? 'results') === 'results') this.#waits.release(id);
      this.#begin();
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  #hasEnded(id: string): boolean {
    const { files, layout } = this.#context;
    return files.exists(endedSpot(layout, id).path);
  }

  #makeReady(name: string): void {
    const { layout, odd } = this.#context;
    const parsed = parseDelayedFileName(name);
    this.#waits.forget(name);
    if (parsed === null) return;
    const from = `${layout.delayed}/${name}`;
    odd.try(from, () => void renameOverIfThere(this.#context, from, `${layout.pending}/${parsed.jobFile}`));
  }

  #try(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#onTrouble(error);
    }
  }
}

/** When all that are waited for are asked for. An event tells of nearly every end: this is for those that a watch loses. */
class Looks {
  isWanted = false;
  #beganAt: number | null = null;
  #nextAt = 0;

  get mayBegin(): boolean {
    return this.isWanted && this.#beganAt === null && performance.now() >= this.#nextAt;
  }

  want(): void {
    this.isWanted = true;
  }

  begin(): void {
    this.isWanted = false;
    this.#beganAt ??= performance.now();
  }

  end(): void {
    if (this.#beganAt === null) return;
    const now = performance.now();
    this.#nextAt = now + COST_FACTOR * (now - this.#beganAt);
    this.#beganAt = null;
  }
}
