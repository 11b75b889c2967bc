/** A claim of the spool: a held job that is to be run, with what its run writes beside it. */
import type { ToldProgress } from '../../broker/common/told-progress.ts';
import { afterwards, type Soon } from '../../broker/soon.ts';
import type { AttemptRun, Claim } from '../../broker/worker-side.ts';
import { UsageError } from '../../job/errors.ts';
import type { Attempt, Job, Standing } from '../../job/job.ts';
import type { Settlement } from '../../job/lifecycle.ts';
import type { JsonValue } from '../../job/values/json.ts';
import type { ProgressReport } from '../../job/values/progress.ts';
import { CheckpointFile } from '../beside/checkpoint-file.ts';
import { logFile } from '../beside/log-file.ts';
import { progressFile } from '../beside/progress-file.ts';
import type { PrintedLog } from '../../job/values/printed-log.ts';
import type { SpoolContext } from '../disk/context.ts';
import type { Held } from '../job-file/holder.ts';
import { settle } from './settle.ts';

/** What a run has begun to write beside its job. */
interface Beside {
  progress?: ToldProgress;
  checkpoint?: CheckpointFile;
  log?: PrintedLog;
}

/** A run that tells, keeps and prints nothing costs nothing beside its job. */
export class HeldClaim implements Claim {
  readonly job: Job;
  readonly standing: Standing;
  readonly attempts: readonly Attempt[];
  readonly #context: SpoolContext;
  readonly #held: Held;
  #beside: Beside | null = null;
  #isOver = false;

  /** @param job as it is to run: with what it takes from others, which its file does not have */
  constructor(context: SpoolContext, held: Held, job: Job = held.record.job) {
    this.job = job;
    this.standing = held.name;
    this.attempts = held.record.attempts;
    this.#context = context;
    this.#held = held;
  }

  get again(): number {
    return this.#held.record.kept.again ?? 0;
  }

  progress(report: ProgressReport): void {
    if (this.#isOver) return; // Code that the task left behind: nobody waits for it.
    const beside = (this.#beside ??= {});
    beside.progress ??= progressFile(this.#context, this.#held);
    beside.progress.tell(report);
  }

  waitsFor(ids: readonly string[]): void {
    if (this.#isOver) return;
    const beside = (this.#beside ??= {});
    beside.progress ??= progressFile(this.#context, this.#held);
    beside.progress.waitsFor(ids);
  }

  async checkpoint(value: JsonValue): Promise<void> {
    if (this.#isOver)
      throw new UsageError(
        `The run of job ${this.job.id} has ended: it can keep no checkpoint. Await what the task does.`,
      );
    await this.#checkpoints().keep(value);
  }

  checkpointed(): JsonValue | undefined {
    return this.#checkpoints().read();
  }

  print(stream: 'stdout' | 'stderr', text: string | Uint8Array): void {
    if (!this.#isOver) this.#log()?.print(stream, text);
  }

  settle(settlement: Settlement, run: AttemptRun | null): Soon<void> {
    this.#isOver = true;
    const end = (): Soon<void> =>
      settle(this.#context, this.#held, settlement, run === null ? null : toAttempt(this.#held, run));
    if (this.#beside === null) return end();
    const { progress, checkpoint, log } = this.#beside;
    progress?.end();
    log?.end();
    const hasSucceeded = settlement.kind === 'publish' && settlement.outcome.state === 'succeeded';
    // A checkpoint that nobody waited for must not come after those of the next run.
    return afterwards(checkpoint?.underWay ?? undefined, () =>
      afterwards(end(), () => {
        if (hasSucceeded) checkpoint?.remove();
      }),
    );
  }

  #checkpoints(): CheckpointFile {
    const beside = (this.#beside ??= {});
    const note = (text: string): void => this.#log()?.note(text);
    return (beside.checkpoint ??= new CheckpointFile(this.#context, this.#held, note));
  }

  /** Null where what jobs print is not kept. */
  #log(): PrintedLog | null {
    const { name, holder } = this.#held;
    const { logBytes = 0, onEvent } = holder;
    if (logBytes === 0) return null;
    const beside = (this.#beside ??= {});
    const run = { id: name.id, attempt: name.attempt, maxBytes: logBytes, onEvent };
    return (beside.log ??= logFile(this.#context, run));
  }
}

function toAttempt({ name, holder: { owner } }: Held, run: AttemptRun): Attempt {
  const { startedAtMs, endedAtMs, error } = run;
  return { attempt: name.attempt, startedAtMs, endedAtMs, owner, ...(error === undefined ? {} : { error }) };
}
