/**
 * Accepting a job only if no other stands for its key. No lock is taken: each producer first makes its holder, then looks for the
 * holders of others. So of two producers that come together the later one sees the earlier one's holder, and decides it if it is
 * undecided.
 *
 * If we die on the way, another producer waits for our draft for PATIENCE_MS, and then makes it void.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { NewJob, StandIn } from '../../broker/broker.ts';
import { FsqError } from '../../job/errors.ts';
import type { Uniqueness } from '../../job/job-options.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { removeQuietly } from '../disk/draft.ts';
import { describe, placeOf, writeDrafts } from './enqueue.ts';
import { hasCode } from '../disk/files.ts';
import { createNew, discard } from '../disk/if-there.ts';
import { resultFileName } from '../layout.ts';
import { spoolError } from '../disk/trouble.ts';
import {
  clear,
  type KeyHolder,
  keyHolderOf,
  keyHoldersIn,
  judge,
  makeVoid,
  type KeyHolderState,
  keyDirectory,
  moveIn,
} from '../keys/key-holders.ts';

/**
 * How long a producer waits for an older one to be accepted, which takes two fsyncs, ms. After that it is outdone; no
 * promise hangs on it.
 */
const PATIENCE_MS = 1_000;
/** Pauses between two looks at it, ms: rising. */
const LOOK_AGAIN_MS = { first: 1, most: 50 };

/** What a job does with the call that it stands for. */
interface Terms {
  readonly until: Uniqueness['until'];
  /**
   * Called right before the job is accepted, when it has its holder and no rival has come to light: what it throws ends the call, and
   * nothing is queued. Whoever removes holders of such jobs must first have made this throw.
   */
  readonly check?: () => void;
  /** Gives the call's arguments to a job that stands for the key; false when it cannot take them: then it stands for this call no more. */
  readonly give: ((id: string) => Promise<boolean>) | null;
}

/**
 * @param nextId names a job that is sent again after it was outdone: the name of a void holder is never used twice
 * @throws SpoolError as `enqueue` does
 */
export async function enqueueUnique(
  context: SpoolContext,
  nextId: () => string,
  newJob: NewJob,
  uniqueness: Uniqueness,
  give: Terms['give'] = null,
): Promise<StandIn> {
  const directory = keyDirectory(context.layout, newJob.job.task, uniqueness.key);
  return enqueueAs(context, nextId, newJob, directory, { until: uniqueness.until, give });
}

/** The same for what is no key of a task; `directory` holds its key holders. */
export async function enqueueAs(
  context: SpoolContext,
  nextId: () => string,
  newJob: NewJob,
  directory: string,
  terms: Terms,
): Promise<StandIn> {
  const passed = new Set<string>();
  for (let asked = newJob; ; asked = { ...newJob, job: { ...newJob.job, id: nextId() } }) {
    const candidate = new Candidate(context, directory, terms, asked, passed);
    const end = (await candidate.lookFirst()) ?? (await candidate.enter());
    if (end !== null) return end;
  }
}

/** How long a job that is sent back stands for its key before it is seen where it waits, ms; that takes one rename. */
const SEND_BACK_MS = 10_000;

/**
 * Takes its key again for a job that has ended, as a send does: with a draft, of which nothing becomes this time.
 *
 * @returns its holder, for ten seconds; or the job that has the key
 * @throws SpoolError as `enqueue` does
 */
export async function takeKeyAgain(
  context: SpoolContext,
  newJob: NewJob,
  key: string,
): Promise<KeyHolder | { readonly blockedBy: string }> {
  const directory = keyDirectory(context.layout, newJob.job.task, key);
  for (;;) {
    const candidate = new Candidate(context, directory, { until: 'ended', give: null }, newJob);
    const draft = `${context.layout.tmp}/${context.uniqueName()}`;
    const end = (await candidate.lookFirst()) ?? (await candidate.compete(draft, SEND_BACK_MS));
    if (end === null) continue;
    if ('isDuplicate' in end) return { blockedBy: end.id };
    removeQuietly(context.files, draft);
    return end;
  }
}

/** One try to have a job accepted, under one id. */
export class Candidate {
  readonly #context: SpoolContext;
  readonly #directory: string;
  readonly #terms: Terms;
  readonly #job: NewJob;
  /** Jobs that stand for the key and not for this call. */
  readonly #passed: Set<string>;

  constructor(context: SpoolContext, directory: string, terms: Terms, job: NewJob, passed: Set<string> = new Set()) {
    this.#context = context;
    this.#directory = directory;
    this.#terms = terms;
    this.#job = job;
    this.#passed = passed;
  }

  /** Looks for a job that stands for the key for sure; writes nothing. */
  async lookFirst(): Promise<StandIn | null> {
    return this.#tried(async () => {
      for (const holder of this.#holders()) {
        const verdict = await this.#judge(holder);
        // A job that is sent back may have its key still.
        if (verdict === 'blocks' && holder.id === this.#job.job.id) continue;
        const standIn = verdict === 'blocks' ? await this.#standIn(holder) : null;
        if (standIn !== null) return standIn;
        await clear(this.#context, holder, verdict);
      }
      return null;
    });
  }

  /** Null when a rival made our holder void. */
  async enter(): Promise<StandIn | null> {
    const { directory, fileName } = placeOf(this.#context, this.#job);
    const { until } = this.#terms;
    const end = await this.compete(`${directory}/${fileName}`, typeof until === 'object' ? until.ms : null);
    if (end === null || 'isDuplicate' in end) return end;
    await this.#makeDurable(directory);
    return { id: end.id, isDuplicate: false };
  }

  /**
   * Our holder when we have won, and the draft lies at `target`; else the job that has the key. Null when a rival made our holder void.
   *
   * @param forMs how long the key is held from now on; null: as long as the job has not ended
   */
  async compete(target: string, forMs: number | null): Promise<KeyHolder | StandIn | null> {
    await this.#tried(() => this.#write());
    const holder = await this.#tried(() => this.#putUp(forMs));
    if (holder === null) return null;
    return this.#tried(async () => {
      try {
        return await this.#decide(holder, target);
      } catch (error) {
        this.#leaveQuietly(holder);
        throw error;
      }
    });
  }

  /** Puts the whole job as a draft into the key's directory. */
  async #write(): Promise<void> {
    const drafts: string[] = [];
    try {
      await writeDrafts(this.#context, [this.#job], drafts, this.#context.fsync);
      await moveIn(this.#context, drafts[0] ?? '', this.#directory, resultFileName(this.#job.job.id));
      // A holder with a time stands whatever became of its job: after a power cut it must not be there without its draft.
      if (typeof this.#terms.until === 'object') await syncDirectories(this.#context, this.#directory);
    } catch (error) {
      for (const draft of drafts) removeQuietly(this.#context.files, draft);
      throw error;
    }
  }

  /** Null when a sweep took our draft for that of a dead producer: then its holder lies there, or the directory is gone. */
  async #putUp(forMs: number | null): Promise<KeyHolder | null> {
    const { files, nowMs } = this.#context;
    const { id } = this.#job.job;
    const untilMs = forMs === null ? null : nowMs() + forMs;
    const holder = keyHolderOf(this.#directory, { id, untilMs });
    try {
      return createNew(files, holder.path) ? holder : null;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return null;
      this.#leaveQuietly(holder); // It may be there all the same.
      throw error;
    }
  }

  async #decide(own: KeyHolder, target: string): Promise<KeyHolder | StandIn | null> {
    if (!(await this.#syncHolder())) return this.#outdone(own);
    for (const rival of keyHoldersIn(this.#context, this.#directory)) {
      if (rival.id === own.id) continue;
      const verdict = await this.#resolved(rival);
      if (verdict === 'blocks') {
        if (makeVoid(this.#context, own)) discard(this.#context.files, own.path);
        return this.#standIn(rival);
      }
      await clear(this.#context, rival, verdict);
    }
    this.#terms.check?.();
    try {
      this.#context.files.rename(own.draft, target);
    } catch (error) {
      if (!hasCode(error, 'ENOENT') || this.#context.files.exists(own.draft)) throw error;
      return this.#outdone(own);
    }
    return own;
  }

  /**
   * The caller relies on that job as on one of its own, and the job's producer may still wait for the disk.
   *
   * @returns null when it does not take the call's arguments: from now on it is passed
   */
  async #standIn({ id }: KeyHolder): Promise<StandIn | null> {
    const { pending, delayed } = this.#context.layout;
    const { give } = this.#terms;
    if (give !== null) {
      if (await give(id)) return { id, isDuplicate: true };
      this.#passed.add(id);
      return null;
    }
    await syncDirectories(this.#context, pending, delayed);
    return { id, isDuplicate: true };
  }

  /** Our holder reaches the disk before the job is accepted. False when the directory is gone, and our draft with it. */
  async #syncHolder(): Promise<boolean> {
    try {
      await syncDirectories(this.#context, this.#directory, this.#context.layout.keys);
      return true;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** Of jobs that are given new arguments the last counts: those before it have begun, or lie with a process that stands still. */
  #holders(): readonly KeyHolder[] {
    const holders = keyHoldersIn(this.#context, this.#directory);
    return this.#terms.give === null ? holders : holders.toReversed();
  }

  async #judge(holder: KeyHolder): Promise<KeyHolderState> {
    const verdict = await judge(this.#context, holder, this.#job, this.#terms.until);
    return verdict === 'blocks' && this.#passed.has(holder.id) ? 'passes' : verdict;
  }

  /** Waits for an older rival, or a crowd would make one another void for ever; makes a younger or a dead one void. */
  async #resolved(rival: KeyHolder): Promise<KeyHolderState> {
    const isOlder = rival.id < this.#job.job.id;
    const outdoAt = performance.now() + (isOlder ? PATIENCE_MS : 0);
    for (let pauseMs = LOOK_AGAIN_MS.first; ; pauseMs = Math.min(LOOK_AGAIN_MS.most, pauseMs * 2)) {
      const verdict = await this.#judge(rival);
      if (verdict !== 'undecided') return verdict;
      if (performance.now() >= outdoAt) makeVoid(this.#context, rival);
      else await wait(pauseMs);
    }
  }

  #outdone({ path }: KeyHolder): null {
    discard(this.#context.files, path);
    return null;
  }

  /** After an error: our draft must not keep others waiting. What cannot be removed is swept. */
  #leaveQuietly(own: KeyHolder): void {
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

  /** Until the job is accepted, any error means that it is not queued. */
  async #tried<T>(act: () => Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      throw error instanceof FsqError ? error : spoolError(error, `${describe([this.#job])} not queued`);
    }
  }
}
