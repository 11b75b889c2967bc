/**
 * Accepting a job only if no other stands for its key. No lock is taken: each producer first puts up its holder, then looks
 * for those of others, so of two that come together the later one sees the earlier one; and what it sees undecided it decides.
 *
 * If we die on the way, our draft keeps others waiting for PATIENCE_MS, once; then one of them makes it void.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { NewJob, StandIn } from '../../broker/broker.ts';
import { basePieces } from '../../job/document.ts';
import { FsqError } from '../../job/errors.ts';
import type { Uniqueness } from '../../job/job-options.ts';
import { type SpoolContext, syncDirectories } from '../context.ts';
import { removeQuietly } from '../draft.ts';
import { describe, placeOf } from '../enqueue.ts';
import { hasCode } from '../files.ts';
import { createNew, discard } from '../if-there.ts';
import { resultFileName } from '../layout.ts';
import { writeText } from '../memory.ts';
import { spoolError } from '../trouble.ts';
import { clear, type Holder, holderAt, holdersIn, judge, makeVoid, type Verdict } from './key-holders.ts';
import { holderFileName, keyDirectory, moveIn } from './key-directory.ts';

/** How long an older producer is waited for that is about to be accepted, ms: it takes two fsyncs. Only courtesy hangs on it. */
const PATIENCE_MS = 1_000;
/** Between two looks at it, ms: rising. */
const LOOK_AGAIN_MS = { first: 1, most: 50 };

/**
 * @param nextId names a job that is sent again after it was outdone: the name of a void holder is never used twice
 * @throws SpoolError as `enqueue` does
 */
export async function enqueueUnique(
  context: SpoolContext,
  nextId: () => string,
  newJob: NewJob,
  { key, until }: Uniqueness,
): Promise<StandIn> {
  const place = { context, directory: keyDirectory(context.layout, newJob.job.task, key), until };
  for (let asked = newJob; ; asked = { ...newJob, job: { ...newJob.job, id: nextId() } }) {
    const attempt = new Attempt(place, asked);
    const end = (await attempt.lookFirst()) ?? (await attempt.enter());
    if (end !== null) return end;
  }
}

interface Place {
  readonly context: SpoolContext;
  readonly directory: string;
  readonly until: Uniqueness['until'];
}

/** One try to be accepted, under one id. */
class Attempt {
  readonly #context: SpoolContext;
  readonly #directory: string;
  readonly #until: Uniqueness['until'];
  readonly #job: NewJob;

  constructor({ context, directory, until }: Place, job: NewJob) {
    this.#context = context;
    this.#directory = directory;
    this.#until = until;
    this.#job = job;
  }

  /** Who surely stands for the key is found without anything being written. */
  async lookFirst(): Promise<StandIn | null> {
    return this.#tried(async () => {
      for (const holder of holdersIn(this.#context, this.#directory)) {
        const verdict = await judge(this.#context, holder, this.#job, this.#until);
        if (verdict === 'blocks') return { id: holder.id, isDuplicate: true };
        await clear(this.#context, holder, verdict);
      }
      return null;
    });
  }

  /** Null when a rival took the chance away. */
  async enter(): Promise<StandIn | null> {
    await this.#tried(() => this.#write());
    const holder = await this.#tried(() => this.#putUp());
    if (holder === null) return null;
    const { directory, fileName } = placeOf(this.#context, this.#job);
    const accepted = await this.#tried(async () => {
      try {
        return await this.#decide(holder, `${directory}/${fileName}`);
      } catch (error) {
        this.#leaveQuietly(holder);
        throw error;
      }
    });
    if (accepted?.isDuplicate === false) await this.#makeDurable(directory);
    return accepted;
  }

  /** The whole job as a draft in the key's directory. */
  async #write(): Promise<void> {
    const { path: draft, fd, oldBytes } = this.#context.draftFiles.next();
    try {
      await this.#fill(fd, oldBytes);
      await moveIn(this.#context, draft, this.#directory, resultFileName(this.#job.job.id));
    } catch (error) {
      removeQuietly(this.#context.files, draft);
      throw error;
    }
  }

  async #fill(fd: number, oldBytes: number): Promise<void> {
    const { files, fsync } = this.#context;
    try {
      writeText(files, fd, basePieces(this.#job.job), 0, oldBytes);
      if (fsync) await files.sync(fd);
    } finally {
      files.close(fd);
    }
  }

  /** Null when a sweep took the draft for a dead producer's, and that is what lies there, or nothing any more. */
  async #putUp(): Promise<Holder | null> {
    const { files, nowMs } = this.#context;
    const { id } = this.#job.job;
    const untilMs = typeof this.#until === 'object' ? nowMs() + this.#until.ms : null;
    const holder = holderAt(this.#directory, holderFileName({ id, untilMs }));
    if (holder === null) throw new Error(`Expected an id to name a holder by, got ${id}`);
    try {
      return createNew(files, holder.path) ? holder : null;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return null;
      this.#leaveQuietly(holder); // It may be there all the same.
      throw error;
    }
  }

  async #decide(own: Holder, target: string): Promise<StandIn | null> {
    if (!(await this.#syncHolder())) return this.#outdone(own);
    for (const rival of holdersIn(this.#context, this.#directory)) {
      if (rival.id === own.id) continue;
      const verdict = await this.#resolved(rival);
      if (verdict === 'blocks') {
        if (makeVoid(this.#context, own)) discard(this.#context.files, own.path);
        return { id: rival.id, isDuplicate: true };
      }
      await clear(this.#context, rival, verdict);
    }
    try {
      this.#context.files.rename(own.draft, target);
    } catch (error) {
      if (!hasCode(error, 'ENOENT') || this.#context.files.exists(own.draft)) throw error;
      return this.#outdone(own);
    }
    return { id: own.id, isDuplicate: false };
  }

  /** That we stand for the key is on disk before the job is accepted. False when the directory is gone, and so our draft. */
  async #syncHolder(): Promise<boolean> {
    try {
      await syncDirectories(this.#context, this.#directory, this.#context.layout.keys);
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** An older one is waited for, so that a crowd does not undo one another for ever; a younger one, or a dead one, is outdone. */
  async #resolved(rival: Holder): Promise<Verdict> {
    const isOlder = rival.id < this.#job.job.id;
    const outdoAt = performance.now() + (isOlder ? PATIENCE_MS : 0);
    for (let pauseMs = LOOK_AGAIN_MS.first; ; pauseMs = Math.min(LOOK_AGAIN_MS.most, pauseMs * 2)) {
      const verdict = await judge(this.#context, rival, this.#job, this.#until);
      if (verdict !== 'undecided') return verdict;
      if (performance.now() >= outdoAt) makeVoid(this.#context, rival);
      else await wait(pauseMs);
    }
  }

  #outdone({ path }: Holder): null {
    discard(this.#context.files, path);
    return null;
  }

  /** After an error: the draft must not keep others waiting. What cannot be removed is swept. */
  #leaveQuietly(own: Holder): void {
    try {
      if (makeVoid(this.#context, own)) discard(this.#context.files, own.path);
    } catch {
      // As said above.
    }
  }

  async #makeDurable(directory: string): Promise<void> {
    try {
      await syncDirectories(this.#context, directory);
    } catch (error) {
      throw spoolError(error, `${describe([this.#job])} not surely queued`, [this.#job.job.id]);
    }
  }

  /** Until the job is accepted, whatever fails means that it is not. */
  async #tried<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw error instanceof FsqError ? error : spoolError(error, `${describe([this.#job])} not queued`);
    }
  }
}
