/** A claim: a held job that is to be run, with what its run writes beside it. */
import type { AttemptRun, Claim } from '../../broker/worker-side.ts';
import { UsageError } from '../../job/errors.ts';
import type { Attempt, Job, Standing } from '../../job/job.ts';
import type { Settlement } from '../../job/lifecycle.ts';
import type { JsonValue } from '../../job/values/json.ts';
import type { ProgressReport } from '../../job/values/progress.ts';
import { RunBeside } from '../beside/run-beside.ts';
import type { Engine } from '../engine.ts';
import { waitForStore } from '../store-wait.ts';
import type { Held } from './held-job.ts';
import { settle } from './settle-held.ts';

export interface ClaimContext {
  readonly engine: Engine;
  /** How much of what a run prints is kept, bytes; 0: nothing. */
  readonly logBytes: number;
  /** What an earlier run has kept for this one. */
  readonly checkpoint: JsonValue | undefined;
  /** Its lock may be gone from now on. */
  readonly onSettling: () => void;
  /** The claim is over, whatever it came to. */
  readonly onOver: () => void;
}

export class BullClaim implements Claim {
  readonly job: Job;
  readonly standing: Standing;
  readonly attempts: readonly Attempt[];
  readonly again: number;
  readonly #held: Held;
  readonly #context: ClaimContext;
  readonly #beside: RunBeside;
  #isOver = false;

  /** @param job as it is to run: with what it takes from others, which its data does not have */
  constructor(held: Held, context: ClaimContext, job: Job = held.record.job) {
    this.job = job;
    this.standing = held.standing;
    this.attempts = held.record.attempts;
    this.again = held.record.kept.again ?? 0;
    this.#held = held;
    this.#context = context;
    this.#beside = new RunBeside(context.engine, held, context.logBytes, context.checkpoint);
  }

  progress(report: ProgressReport): void {
    if (!this.#isOver) this.#beside.progress(report);
  }

  waitsFor(ids: readonly string[]): void {
    if (!this.#isOver) this.#beside.waitsFor(ids);
  }

  async checkpoint(value: JsonValue): Promise<void> {
    if (this.#isOver)
      throw new UsageError(
        `The run of job ${this.job.id} has ended: it can keep no checkpoint. Await what the task does.`,
      );
    await this.#beside.checkpoint(value);
  }

  checkpointed(): JsonValue | undefined {
    return this.#beside.checkpointed();
  }

  print(stream: 'stdout' | 'stderr', text: string | Uint8Array): void {
    if (!this.#isOver) this.#beside.print(stream, text);
  }

  async settle(settlement: Settlement, run: AttemptRun | null): Promise<void> {
    this.#isOver = true;
    const { engine, onSettling, onOver } = this.#context;
    onSettling();
    try {
      const told = this.#beside.end();
      if (told !== null) await told;
      const attempt = run === null ? null : this.#attemptOf(run);
      const { onEvent } = engine;
      await waitForStore({ onEvent, signal: null }, () => settle(engine, this.#held, settlement, attempt));
      if (settlement.kind !== 'publish' || settlement.outcome.state !== 'succeeded') return;
      const gone = this.#beside.succeeded();
      if (gone !== null) await gone;
    } finally {
      onOver();
    }
  }

  #attemptOf({ startedAtMs, endedAtMs, error }: AttemptRun): Attempt {
    const { owner, standing } = this.#held;
    return { attempt: standing.attempt, startedAtMs, endedAtMs, owner, ...(error === undefined ? {} : { error }) };
  }
}
