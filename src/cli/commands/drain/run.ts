/** A drain: a worker in this process that goes on until nothing is left, also of what others run, and what became of the jobs. */
import { brokerOptions, placeText } from '../../../app/settings/place.ts';
import { after } from '../../../app/timers.ts';
import type { Broker } from '../../../broker/broker.ts';
import type { QueueOrder } from '../../../broker/worker-side.ts';
import { openBroker } from '../../../open.ts';
import { nodeFiles } from '../../../spool/disk/files.ts';
import type { Settings } from '../../../app/settings/config.ts';
import type { ShutdownSignal } from '../../../worker/crew.ts';
import { createLogger, type Logger } from '../../../worker/log.ts';
import { Outlet } from '../../../worker/outlet.ts';
import { Relay } from '../../../worker/relay.ts';
import { Supervisor } from '../../../worker/supervisor.ts';
import type { TaskModules } from '../../../worker/task-modules.ts';
import { listenForSignals, startOf } from '../worker/start.ts';
import { Collected } from './collect.ts';
import { countLeft } from './left.ts';
import { Looks } from './looks.ts';
import { exitCodeOf, type Place, placeIn, type RunEnd, type RunReport } from './report.ts';
import { type EndedJob, Tally } from './tally.ts';
import type { View } from './view.ts';

export interface DrainPlan {
  readonly settings: Settings;
  readonly modules: TaskModules;
  readonly concurrency: number;
  readonly queues: readonly string[] | null;
  readonly order: QueueOrder;
  /** Jobs are waited for that wait for a time or for another job. */
  readonly waitsForLater: boolean;
  readonly isFailFast: boolean;
  /** Null: it may take as long as it takes. */
  readonly timeoutMs: number | null;
  /** Each job is named that ended well. */
  readonly keepsGood: boolean;
  readonly view: View;
  readonly env: NodeJS.ProcessEnv;
}

/** What the worker came to. */
type WorkerEnd = Awaited<ReturnType<Supervisor['run']>>;

/** @throws SpoolError */
export async function drain(plan: DrainPlan): Promise<Drained> {
  // A look answers at once: the worker waits while jobs are restored after a power cut, and says so.
  const broker = openBroker({ ...brokerOptions(plan.settings), looksAtOnce: true });
  try {
    return await new Drain(plan, broker).run();
  } finally {
    await broker.close();
  }
}

export interface Drained {
  readonly report: RunReport;
  /** Why the worker could not go on; null when it could. */
  readonly problem: WorkerEnd['problem'];
}

class Drain {
  readonly #plan: DrainPlan;
  readonly #tally = new Tally();
  readonly #collected: Collected;
  readonly #looks: Looks;
  readonly #supervisor: Supervisor;
  readonly #known = new Map<string, Place | null>();
  readonly #startedAtMs = Date.now();
  #end: RunEnd = { kind: 'done' };

  constructor(plan: DrainPlan, broker: Broker) {
    this.#plan = plan;
    const { view, queues, waitsForLater } = plan;
    this.#collected = new Collected(broker, plan.keepsGood, (trouble) => view.trouble(trouble));
    this.#supervisor = this.#newSupervisor();
    this.#looks = new Looks({
      broker,
      queues,
      waitsForLater,
      isKnown: (task) => this.#known.has(task),
      showsRunning: view.isTerminal,
      tally: this.#tally,
      onEnded: (job, record) => this.#ended(job, () => this.#collected.add(job, record)),
      onLook: (left) => {
        this.#tally.expect(countLeft(left));
        if (this.#looks.isOver) this.#supervisor.endBurst();
      },
      // The worker hears of it as well: it ends, or waits for the disk.
      onTrouble: () => undefined,
    });
  }

  async run(): Promise<Drained> {
    const { view, timeoutMs } = this.#plan;
    await this.#looks.look(true);
    // Whether a task is known, only a worker can tell.
    const isEmpty = this.#looks.isOver && !this.#looks.stuck().some(({ reason }) => reason === 'parked');
    const timer = timeoutMs === null || isEmpty ? null : after(timeoutMs, () => this.#onTimeout());
    const drawing = setInterval(() => this.#show(), view.everyMs);
    if (view.isTerminal && !isEmpty) this.#show();
    try {
      const worker = isEmpty ? null : await this.#work();
      // A drain that is done ends by what its last look saw: what comes later, came too late.
      if (this.#end.kind !== 'done' && worker?.problem === null) await this.#looks.look(true);
      await this.#collected.settled();
      return this.#drained(worker);
    } finally {
      timer?.cancel();
      clearInterval(drawing);
    }
  }

  async #work(): Promise<WorkerEnd> {
    const supervisor = this.#supervisor;
    const stopListening = listenForSignals(
      {
        get isStopping() {
          return supervisor.isStopping;
        },
        onSignal: (signal, why) => this.#onSignal(signal, why),
      },
      startOf(this.#plan.env, nodeFiles),
    );
    this.#looks.start();
    try {
      return await supervisor.run();
    } finally {
      stopListening();
      await this.#looks.close();
    }
  }

  #newSupervisor(): Supervisor {
    const { settings, modules, concurrency, queues, order, view, isFailFast } = this.#plan;
    const log = logOf(settings, view);
    return new Supervisor({
      settings,
      modules,
      concurrency,
      queues,
      order,
      isBurst: true,
      tellsRuns: true,
      stopsAtFailure: isFailFast,
      onFailed: () => this.#onFailed(),
      mayEnd: () => this.#mayEnd(),
      onRan: (run) => {
        this.#looks.stale();
        const job = this.#tally.ran(run);
        if (job !== null) this.#ended(job, () => this.#collected.add(job, null));
      },
      log,
      // What jobs print is kept with them, and told of those that fail: here it would be between other lines.
      relay: new Relay({ stdout: nowhere(), stderr: nowhere() }, settings.jobLogBytes > 0),
      logFormat: 'text',
      onStarted: (tasks) => {
        for (const { name, definedAt } of tasks) this.#known.set(name, placeIn(definedAt));
        this.#looks.stale();
      },
    });
  }

  #mayEnd(): boolean {
    if (this.#looks.isOver) return true;
    this.#looks.hurry();
    return false;
  }

  #ended(job: EndedJob, collect: () => void): void {
    collect();
    if (job.state === 'failed') this.#onFailed();
  }

  /** Told by a child as it stops for it, and of a job that failed elsewhere by the look that finds it. */
  #onFailed(): void {
    if (!this.#plan.isFailFast || this.#end.kind !== 'done') return;
    this.#end = { kind: 'failed-fast' };
    this.#supervisor.finish('a job has failed: finishing the jobs at hand (--fail-fast)');
  }

  #onTimeout(): void {
    if (this.#end.kind === 'done') this.#end = { kind: 'timeout' };
    this.#supervisor.stop('the time is over: stopping now; jobs at hand are queued again');
  }

  #onSignal(signal: ShutdownSignal, why: string | undefined): void {
    const isFirst = this.#end.kind !== 'signal';
    if (isFirst && signal !== 'SIGQUIT')
      this.#plan.view.say([`${why ?? signal}: finishing the jobs at hand; once more stops them and queues them again`]);
    this.#end = { kind: 'signal', signal };
    this.#supervisor.onSignal(signal, why);
  }

  #show(): void {
    const nowMs = Date.now();
    const { kind } = this.#end;
    this.#plan.view.live(
      {
        done: this.#tally.done,
        failed: this.#tally.count('failed'),
        total: this.#tally.total,
        running: this.#looks.left?.running ?? 0,
        rate: this.#tally.rate(nowMs),
        task: this.#looks.running?.record?.job.task ?? null,
        ending: kind === 'done' ? null : 'ending',
      },
      nowMs - this.#startedAtMs,
    );
  }

  #drained(worker: WorkerEnd | null): Drained {
    const problem = worker?.problem ?? null;
    const end: RunEnd =
      worker === null || problem === null ? this.#end : { kind: 'problem', exitCode: worker.exitCode };
    const { tasks, retries } = this.#tally;
    const { left } = this.#looks;
    const unfinished = left === null ? 0 : countLeft(left);
    // While jobs are waited for, those that stay behind are among them.
    const stuck = this.#looks.stuck().filter(({ reason }) => unfinished === 0 || reason !== 'waiting');
    const hasFailedJob = worker?.exitCode === 1;
    const report = {
      spool: placeText(this.#plan.settings),
      startedAtMs: this.#startedAtMs,
      tookMs: Date.now() - this.#startedAtMs,
      tasks,
      retries,
      troubles: this.#collected.troubles,
      good: this.#collected.good,
      stuck,
      unfinished,
      places: new Map([...this.#known].flatMap(([task, place]) => (place === null ? [] : [[task, place] as const]))),
      end,
      exitCode: exitCodeOf({ tasks, stuck, end, hasFailedJob }),
    };
    return { report, problem };
  }
}

/** The worker's own log, where something is wrong; what became of jobs is told otherwise. */
function logOf({ logLevel }: Settings, view: View): Logger {
  const level = logLevel === 'error' || logLevel === 'silent' ? logLevel : 'warn';
  return createLogger(level, 'text', (lines) => view.say(lines.trimEnd().split('\n')));
}

/** Takes what nobody is to see. */
function nowhere(): Outlet {
  const { Writable } = process.getBuiltinModule('node:stream');
  return new Outlet(new Writable({ write: (_chunk, _encoding, done) => done() }), () => undefined);
}
