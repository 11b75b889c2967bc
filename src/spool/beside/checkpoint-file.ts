/** What a job's runs keep for the next run, in checkpoints/<id>.json. */
import { FsqError } from '../../job/errors.ts';
import { doubtIn, type JsonValue, MAX_DEPTH } from '../../job/values/json.ts';
import { MAX_CHECKPOINT_BYTES } from '../../job/values/payload.ts';
import { isRecord } from '../../job/values/realm.ts';
import type { SpoolContext } from '../disk/context.ts';
import { waitForDisk } from '../disk/disk-wait.ts';
import { spoolError } from '../disk/trouble.ts';
import type { HeldFile } from '../job-file/holder.ts';
import { besidePath } from '../layout.ts';
import { type BesideReading, readBeside, removeBeside, replaceDurably } from './beside-files.ts';

/** The value, and the few words around it. */
const MAX_FILE_BYTES = MAX_CHECKPOINT_BYTES + 4_096;

/** The checkpoints of one run. */
export class CheckpointFile {
  readonly #context: SpoolContext;
  readonly #run: HeldFile;
  readonly #note: (text: string) => void;
  /** Those that are on their way to the disk, one after the other; never rejected. */
  #underWay: Promise<void> | null = null;
  #isThere = false;

  /** @param note is given what the log of the job should say */
  constructor(context: SpoolContext, run: HeldFile, note: (text: string) => void = () => undefined) {
    this.#context = context;
    this.#run = run;
    this.#note = note;
  }

  /** Resolves when what the run has begun to keep is on disk, or has failed. */
  get underWay(): Promise<void> | null {
    return this.#underWay;
  }

  keep(value: JsonValue): Promise<void> {
    const { name, holder } = this.#run;
    const about = { v: 1, attempt: name.attempt, atMs: this.#context.nowMs() };
    const text = `${JSON.stringify({ ...about, value })}\n`;
    const write = async (): Promise<void> => {
      this.#isThere = true;
      await waitForDisk(holder, () => replaceDurably(this.#context, this.#run, 'checkpoints', text));
    };
    const kept = (this.#underWay === null ? write() : this.#underWay.then(write)).catch((error: unknown) => {
      throw error instanceof FsqError ? error : spoolError(error, `The checkpoint of job ${name.id} was not kept`);
    });
    this.#underWay = kept.catch(() => undefined); // The caller is told.
    return kept;
  }

  /** @throws SpoolError when the disk refuses: to begin anew for that would repeat work */
  read(): JsonValue | undefined {
    const { id } = this.#run.name;
    try {
      const reading = readCheckpoint(this.#context, id);
      if (reading.kind === 'gone') return undefined;
      this.#isThere = true;
      return reading.kind === 'corrupt' ? this.#disregard(reading.reason) : reading.value; // May be null.
    } catch (error) {
      throw error instanceof FsqError ? error : spoolError(error, `The checkpoint of job ${id} cannot be read`);
    }
  }

  /** The job has succeeded. What cannot be removed now is swept later. */
  remove(): void {
    if (!this.#isThere) return;
    try {
      removeBeside(this.#context, 'checkpoints', this.#run.name.id);
    } catch {
      // As said above.
    }
  }

  #disregard(reason: string): undefined {
    const { name, holder } = this.#run;
    const path = this.#context.odd.nameOf(besidePath(this.#context.layout, 'checkpoints', name.id));
    holder.onEvent?.({ kind: 'unreadable', name: path, reason });
    this.#note(`the checkpoint cannot be read (${reason}): this attempt begins anew`);
    return undefined;
  }
}

type CheckpointReading =
  | {
      readonly kind: 'checkpoint';
      readonly value: JsonValue;
      readonly attempt: number | null;
      readonly atMs: number | null;
    }
  | Exclude<BesideReading, { kind: 'text' }>;

/** What the runs of a job have kept last. @throws the system error unchanged when the disk refuses */
export function readCheckpoint(context: SpoolContext, id: string): CheckpointReading {
  const reading = readBeside(context, 'checkpoints', id, MAX_FILE_BYTES);
  if (reading.kind !== 'text') return reading;
  try {
    const parsed: unknown = JSON.parse(reading.text);
    if (isRecord(parsed) && Object.hasOwn(parsed, 'value') && doubtIn(parsed, MAX_DEPTH + 1) !== 'depth') {
      const [attempt, atMs] = [parsed['attempt'], parsed['atMs']].map((one) => (typeof one === 'number' ? one : null));
      return { kind: 'checkpoint', value: parsed['value'] as JsonValue, attempt: attempt ?? null, atMs: atMs ?? null };
    }
  } catch {
    // It was written without fsync, and then the power was cut.
  }
  return { kind: 'corrupt', reason: 'it is no checkpoint' };
}

/** The value that the next run would find; undefined when there is none. */
export function keptCheckpoint(context: SpoolContext, id: string): JsonValue | undefined {
  const reading = readCheckpoint(context, id);
  return reading.kind === 'checkpoint' ? reading.value : undefined;
}
