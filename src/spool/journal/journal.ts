/** Whether what is sent and settled goes through the journal, and what it needs for that. */
import type { NewJob } from '../../broker/broker.ts';
import type { SpoolContext, StepJournal } from '../disk/context.ts';
import { type Appended, Appender, type OtherWay } from './append.ts';
import { usableBoot } from './checkpoint.ts';
import { SEGMENT_BYTES } from './segment.ts';
import { CHECKPOINT_EVERY_MS, Segments } from './segments.ts';
import { recordStep } from './step.ts';

interface Parts {
  readonly segments: Segments;
  readonly appender: Appender;
}

interface Measures {
  /** Steps: a job that is sent, or one that is settled. */
  readonly manySteps: number;
  readonly segmentBytes: number;
  readonly checkpointEveryMs: number;
}

/** So many steps within a second make a segment worth while: it takes some ms to make one. */
const MANY_STEPS = 16;
const WINDOW_MS = 1_000;

export class Journal implements StepJournal {
  readonly #context: SpoolContext;
  readonly #byFile: OtherWay;
  readonly #measures: Measures;
  #window = { beganAt: Number.NEGATIVE_INFINITY, steps: 0 };
  /** Null until it is needed; 'none' where it cannot be had. */
  #parts: Parts | 'none' | null = null;

  /** @param byFile for jobs that are too large; @param measures for tests */
  constructor(context: SpoolContext, byFile: OtherWay, measures: Partial<Measures> = {}) {
    this.#context = context;
    this.#byFile = byFile;
    const usual = { manySteps: MANY_STEPS, segmentBytes: SEGMENT_BYTES, checkpointEveryMs: CHECKPOINT_EVERY_MS };
    this.#measures = { ...usual, ...measures };
  }

  /** Asked once for each call: true when its steps are to be recorded, false when each of their files is to be fsynced. */
  takes(steps: number): boolean {
    if (this.#parts === 'none') return false;
    if (this.#parts?.segments.isInUse !== true && !this.#areMany(steps)) return false;
    const parts = (this.#parts ??= this.#open());
    return parts !== 'none' && !parts.segments.isResting;
  }

  async append(jobs: readonly NewJob[]): Promise<Appended> {
    const parts = (this.#parts ??= this.#open());
    if (parts === 'none') throw new TypeError('Expected a journal that can be had here, got none');
    return parts.appender.append(jobs);
  }

  record(path: string, mostBytes: number, fill: (room: Buffer) => number): Promise<boolean> {
    const parts = (this.#parts ??= this.#open());
    return parts === 'none' ? Promise.resolve(false) : recordStep(parts.segments, path, mostBytes, fill);
  }

  /** Makes durable what was recorded, and frees the segments. False when there was none, or it is not sure. */
  async checkpoint(): Promise<boolean> {
    return this.#parts !== null && this.#parts !== 'none' && this.#parts.segments.checkpoint();
  }

  /** Leaves no segment behind, unless the disk refuses: then a worker removes it when this process is dead. */
  async close(): Promise<void> {
    if (this.#parts === null || this.#parts === 'none') return;
    await this.#parts.segments.close().catch(() => undefined);
  }

  #areMany(steps: number): boolean {
    const now = performance.now();
    if (now - this.#window.beganAt > WINDOW_MS) this.#window = { beganAt: now, steps: 0 };
    this.#window.steps += steps;
    return this.#window.steps > this.#measures.manySteps;
  }

  #open(): Parts | 'none' {
    const boot = usableBoot(this.#context);
    if (boot === null) return 'none';
    const segments = new Segments(this.#context, { boot, ...this.#measures });
    return { segments, appender: new Appender(this.#context, segments, this.#byFile) };
  }
}
