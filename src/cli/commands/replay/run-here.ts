/** Runs one job in this process for `fsq replay`: what it tells is printed, what it keeps stays here. */
import { executeInline } from '../../../app/eager.ts';
import { Run } from '../../../app/current-job.ts';
import type { BesideJob } from '../../../broker/worker-side.ts';
import { ALL_TEXTS } from '../../../job/failure.ts';
import type { Job, Standing } from '../../../job/job.ts';
import type { TimeLimits } from '../../../job/job-options.ts';
import type { Ending } from '../../../job/lifecycle.ts';
import { escape } from '../../../job/text.ts';
import type { JsonValue } from '../../../job/values/json.ts';
import { type ProgressReport, progressText } from '../../../job/values/progress.ts';
import { isRecord } from '../../../job/values/realm.ts';

/** What the command says. */
export interface Replayed {
  readonly type: 'replay';
  readonly job: Job;
  readonly standing: Standing;
  /** In an array, for JSON has no undefined: empty when there is none. */
  readonly checkpoint: readonly JsonValue[];
  readonly timeLimits: TimeLimits;
  readonly isDebugged: boolean;
  /** Jobs that the task sends are sent for real. */
  readonly sends: boolean;
}

/** What this process answers. */
export interface ReplayEnd {
  readonly type: 'replayed';
  readonly ending: Ending;
}

/** From now on it waits for the command's word, and runs the job then. It ends with the command. */
export function runWhenTold(): void {
  process.on('message', (message) => {
    // The command made it.
    if (isRecord(message) && message['type'] === 'replay') void replay(message as unknown as Replayed);
  });
  process.on('disconnect', () => process.exit(1));
}

async function replay({ job, standing, checkpoint, timeLimits, isDebugged, sends }: Replayed): Promise<void> {
  const run = new Run(null, new BesideHere(checkpoint));
  tellSending(sends);
  // eslint-disable-next-line no-debugger -- the place where a debugger that was asked for is to stop; without one it is nothing
  if (isDebugged) debugger; // The next step into `execute` leads to the task.
  const ending = await executeInline({ job, standing }, run, { texts: ALL_TEXTS, timeLimits });
  run.end();
  const end: ReplayEnd = { type: 'replayed', ending };
  process.send?.(end, undefined, undefined, () => undefined);
}

/** Says on stderr which jobs the task sends. */
function tellSending(sends: boolean): void {
  const { tracingChannel } = process.getBuiltinModule('node:diagnostics_channel');
  tracingChannel('fsq:enqueue').start.subscribe((message) => {
    if (!isRecord(message) || !Array.isArray(message['argsList'])) return;
    const what = `${message['argsList'].length} × ${String(message['task'])}`;
    print(sends ? `sends ${what} to queue ${String(message['queue'])}` : `sends ${what}: runs here, at once`);
  });
}

/** Progress is printed, and a checkpoint counts for this run only. */
class BesideHere implements BesideJob {
  #checkpoint: readonly JsonValue[];

  constructor(checkpoint: readonly JsonValue[]) {
    this.#checkpoint = checkpoint;
  }

  progress(report: ProgressReport): void {
    print(`progress ${progressText(report)}`);
  }

  waitsFor(): void {
    // Nobody else sees this run.
  }

  async checkpoint(value: JsonValue): Promise<void> {
    this.#checkpoint = [JSON.parse(JSON.stringify(value)) as JsonValue];
    print('keeps a checkpoint, for this run only');
  }

  checkpointed(): JsonValue | undefined {
    return structuredClone(this.#checkpoint[0]);
  }
}

function print(text: string): void {
  process.stderr.write(`fsq replay: ${escape(text)}\n`);
}
