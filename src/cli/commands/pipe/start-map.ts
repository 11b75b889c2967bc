/** Does what `fsq map` was asked for: opens what it needs, starts its own worker where it has one, and ends by what became of the lines. */
import { createSender } from '../../../app/app.ts';
import { toRequest } from '../../../app/task.ts';
import type { ApplyOptions } from '../../../app/task-options.ts';
import { newSpoolText } from '../../../app/telling/warnings.ts';
import { after } from '../../../app/timers.ts';
import type { Broker } from '../../../broker/broker.ts';
import type { TaskSending } from '../../../broker/task-sending.ts';
import { DEFAULT_QUEUE } from '../../../job/names.ts';
import { some } from '../../../job/text.ts';
import type { Context } from '../../command.ts';
import { EXIT } from '../../exit.ts';
import { livingSending, sentNotice } from '../../../app/telling/runners.ts';
import { givenByOptions, settingsOf } from '../../setting-options.ts';
import { callsIn, type MapRun, nameOfRun } from './identity.ts';
import { linesOf } from './json-lines.ts';
import { type LineState, type MapBroker, Mapping, type MapTally } from './mapping.ts';
import type { OwnWorker } from './own-worker.ts';

export interface MapPlan {
  readonly context: Context;
  readonly task: string;
  readonly options: ApplyOptions;
  /** How long a line is known from its sending on, and its outcome is kept from its end on, ms. */
  readonly keptMs: number;
  readonly runName: string;
  readonly isFresh: boolean;
  readonly keyPath: readonly string[] | null;
  readonly window: number;
  readonly isOrdered: boolean;
  /** Null: it may take as long as it takes. */
  readonly timeoutMs: number | null;
  readonly hasWorker: boolean;
}

type Sender = ReturnType<typeof createSender>;

export async function startMap(plan: MapPlan): Promise<number> {
  const { tell, values } = plan.context;
  const sender = createSender(
    { ...givenByOptions(values, ['spool', 'allowNetworkFs', 'allowUnsafe']), alwaysEager: false },
    { notice: tell, newSpool: (settings) => tell(newSpoolText(settings)), restoring: tell },
  );
  try {
    const worker = plan.hasWorker ? await workerOf(plan) : null;
    const stop = new Stop(worker, plan.timeoutMs);
    try {
      await worker?.knows(plan.task);
      return await mapLines(plan, sender, worker, stop);
    } finally {
      await worker?.finish();
      stop.close();
    }
  } finally {
    await sender.close();
  }
}

async function workerOf({ context, options }: MapPlan): Promise<OwnWorker> {
  const settings = await settingsOf(context);
  const { OwnWorker } = await import('./own-worker.ts');
  return new OwnWorker({ settings, concurrency: settings.concurrency ?? 1, queue: options.queue ?? DEFAULT_QUEUE });
}

async function mapLines(plan: MapPlan, sender: Sender, worker: OwnWorker | null, stop: Stop): Promise<number> {
  const { context, task, window, isOrdered, keyPath } = plan;
  const { stdout, tell } = context;
  const broker = await sender.broker();
  const run = await runOf(plan, broker);
  const mapping = new Mapping({
    input: callsIn(linesOf(context.stdin), run, keyPath),
    broker: mapBroker(plan, sender, broker),
    stdout,
    window,
    isOrdered,
    stop: stop.signal,
  });
  // A pending read of stdin would keep this process.
  const going = mapping.run().finally(() => process.stdin.destroy());
  const isDone = await (worker === null ? going : Promise.race([going, worker.ended()]));
  const { tally, atHand } = mapping;
  if (isDone) await pass(broker, run);
  tellKnown(tally, plan, tell);
  if (isDone) return exitCodeOf(tally);
  const left = atHand === 0 ? '' : ` ${some(atHand, 'job goes', 'jobs go')} on.`;
  const why = stop.exitCode === null ? 'Nobody reads the output any more' : `${stop.why} before the end of the lines`;
  tell(`${why}.${left} The same command goes on from here; \`fsq map ${task} --fresh\` begins anew.`);
  return stop.exitCode ?? EXIT.outputFailed;
}

/** The run that this start goes on with, or begins. */
async function runOf({ task, runName: name, isFresh }: MapPlan, broker: Broker): Promise<MapRun> {
  const { doneMs } = await broker.schedules.find(nameOfRun({ task, name }));
  const run = { task, name, doneMs };
  return isFresh ? pass(broker, run) : run;
}

/** From now on the run is over: the next start begins another. If we die before, the next start tells the same outcomes again. */
async function pass(broker: Broker, run: MapRun): Promise<MapRun> {
  // Also where the clock was set back meanwhile.
  const atMs = Math.max(Date.now(), (run.doneMs ?? 0) + 1);
  await broker.schedules.pass({ schedule: nameOfRun(run), atMs, pattern: `fsq map ${run.task} ${run.name}`.trim() });
  return { ...run, doneMs: atMs };
}

function mapBroker({ context, task, options, keptMs, hasWorker }: MapPlan, sender: Sender, broker: Broker): MapBroker {
  let isTold = hasWorker;
  let ofTask: TaskSending | null = null;
  return {
    send: async (calls) => {
      // A worker of its own takes jobs of the queue that was said only.
      ofTask ??= hasWorker ? {} : livingSending(await broker.owners(), task);
      const argsList = calls.map(({ args }) => args);
      const request = toRequest(task, argsList, { ...ofTask, ...options });
      const uniqueness = calls.map(({ identity }) => ({ key: identity, until: { ms: keptMs } }));
      const jobs = await sender.send({ ...request, uniqueness });
      if (!isTold) {
        isTold = true;
        context.tell(sentNotice(await broker.owners(), task, request.queue, broker.place));
      }
      return jobs;
    },
    ended: async ({ id, isDuplicate }, signal) => {
      const ended = isDuplicate ? await broker.outcome(id) : null;
      return ended ?? broker.waitForOutcome(id, signal, !isDuplicate);
    },
  };
}

/** Why it ends before the lines do: a signal, or its time. A second signal stops the jobs of its own worker. */
class Stop {
  why = '';
  /** Null: nothing has stopped it. */
  exitCode: number | null = null;
  readonly #stopped = new AbortController();
  readonly #close: (() => void)[] = [];

  constructor(worker: OwnWorker | null, timeoutMs: number | null) {
    for (const [signal, number] of [
      ['SIGHUP', 1],
      ['SIGINT', 2],
      ['SIGTERM', 15],
    ] as const) {
      const hear = (): void => {
        this.#stop(signal, 128 + number);
        worker?.onSignal(signal);
        // Without one, a second signal ends this process as any other.
        if (worker === null || worker.isStopping) process.off(signal, hear);
      };
      process.on(signal, hear);
      this.#close.push(() => process.off(signal, hear));
    }
    if (timeoutMs === null) return;
    const timer = after(timeoutMs, () => this.#stop('The time was over', EXIT.timedOut));
    this.#close.push(() => timer.cancel());
  }

  get signal(): AbortSignal {
    return this.#stopped.signal;
  }

  /** What still goes on ends too. */
  close(): void {
    this.#stopped.abort();
    for (const close of this.#close) close();
  }

  #stop(why: string, exitCode: number): void {
    if (this.exitCode !== null) return;
    this.why = why;
    this.exitCode = exitCode;
    this.#stopped.abort();
  }
}

function tellKnown({ ends, known }: MapTally, { keyPath }: MapPlan, tell: Context['tell']): void {
  if (known > 0 && keyPath === null)
    tell(
      `${some(known, 'line', 'lines')} had ${known === 1 ? 'its job' : 'their jobs'} from an earlier start: \`--fresh\` runs all anew.`,
    );
  const bad = (['failed', 'refused', 'revoked', 'expired', 'forgotten'] as const).flatMap((state) => {
    const count = ends.get(state) ?? 0;
    return count === 0 ? [] : [`${count} ${WORDS[state]}`];
  });
  const all = [...ends.values()].reduce((sum, count) => sum + count, 0);
  if (bad.length > 0) tell(`Of ${some(all, 'line')}: ${bad.join(', ')}.`);
}

const WORDS: Readonly<Record<Exclude<LineState, 'succeeded'>, string>> = {
  failed: 'failed',
  refused: 'could not be sent',
  revoked: 'revoked',
  expired: 'expired',
  forgotten: 'done before, with an outcome that is not kept any more',
};

/** The worst of what became of the lines. */
function exitCodeOf({ ends }: MapTally): number {
  if (ends.has('failed')) return EXIT.jobFailed;
  if (ends.has('refused')) return EXIT.usage;
  if (ends.has('revoked') || ends.has('expired')) return EXIT.notRun;
  return ends.has('forgotten') ? EXIT.unknown : EXIT.good;
}
