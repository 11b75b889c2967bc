/** A worker: keeps children, carries the words between them and the keeper, has the jobs of dead children recovered, and ends in order. */
import { tellRecovered } from '../app/telling/diagnostics.ts';
import { after } from '../app/timers.ts';
import { brokerOptions, unusable } from '../app/settings/place.ts';
import type { Broker } from '../broker/broker.ts';
import type { BrokerEvent, Keeper, Member } from '../broker/worker-side.ts';
import { openBroker } from '../open.ts';
import { reasonOf } from '../job/values/realm.ts';
import { strictest } from '../job/queue-limits.ts';
import type { WorkerChild } from './child-process.ts';
import { Crew, type CrewEvents, exitCodeAfter, phaseAfter, type ShutdownSignal } from './crew.ts';
import { type LaunchPlan, launchOf } from './launch.ts';
import { brokerEventLogger, endsAJobAsFailed, type Logger, logParked, logUnlogged, seconds } from './log.ts';
import type { RanJob } from './child/ran-jobs.ts';
import type { FoundTask, FromChild } from './messages.ts';
import type { Relay } from './relay.ts';
import type { Clockwork } from './schedules/clockwork.ts';
import { deathOf, endedRun, figuresOfEnd, figuresOfEvent, lossOf, ranOfEvent } from './statistics/child-ends.ts';

/** How often a burst looks whether anything is left, ms. */
const BURST_ASKS_EVERY_MS = 500;

/** What a worker is told when it starts. */
interface SupervisorOptions extends LaunchPlan {
  /** 1 to 512. */
  readonly concurrency: number;
  /** End when nothing is ready any more. */
  readonly isBurst: boolean;
  /**
   * Asked when a burst has nothing left that this worker could begin: false, and it goes on, until a later question, or `endBurst`, finds
   * true. Default: it ends.
   */
  readonly mayEnd?: () => boolean;
  /** Is told what became of each job that this worker ran or recovered, where `tellsRuns` is set. */
  readonly onRan?: (run: RanJob) => void;
  /** A job has failed for good, by a run of this worker, by a death that it found, or without a run. */
  readonly onFailed?: () => void;
  readonly log: Logger;
  /** Passes on the output of children. */
  readonly relay: Relay;
  /** The schedules of the worker; absent: it has none. */
  readonly clockwork?: Clockwork | undefined;
  /** The first child is ready: these are the tasks it knows. `problem` tells why the store cannot be used; null when it can. */
  readonly onStarted: (tasks: readonly FoundTask[], problem: () => unknown) => void;
}

/** How a worker ended: its exit code, and the problem if there was one. */
interface SupervisorEnd {
  readonly exitCode: number;
  readonly problem: { readonly code: string; readonly message: string } | null;
}

export class Supervisor implements CrewEvents {
  readonly #options: SupervisorOptions;
  readonly #crew: Crew;
  #keeper: Keeper | null = null;
  /** The children's consumers, as the keeper knows them. */
  readonly #members = new Map<WorkerChild, Member>();
  #signal: ShutdownSignal | null = null;
  #isStarted = false;
  /** A job that it ran has failed for good. */
  #hasFailedJob = false;
  /** What went wrong and ends the worker. */
  #failure: SupervisorEnd | null = null;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    const { concurrency, log, relay } = options;
    const launch = (): ReturnType<typeof launchOf> => launchOf(options, this.#keeper?.owner ?? '');
    this.#crew = new Crew({ concurrency, log, relay, launch }, this);
  }

  /** Works until a signal, the end of a burst, or a problem that nobody here can mend. @throws SpoolError */
  async run(): Promise<SupervisorEnd> {
    const { settings, modules, isBurst, clockwork } = this.#options;
    const broker = openBroker(brokerOptions(settings));
    clockwork?.open(broker);
    this.#keeper = await this.#openKeeper(broker);
    modules.watch((what) => this.#crew.renew(what));
    this.#crew.start(modules.isWatched);
    // Jobs that were held back may go without a word: revoked, paused, or taken by another worker.
    const asking = isBurst ? setInterval(() => this.endBurst(), BURST_ASKS_EVERY_MS) : undefined;
    await this.#crew.ended;
    clearInterval(asking);
    modules.close();
    await clockwork?.close();
    await this.#keeper?.close();
    await broker.close();
    await this.#options.relay.finish();
    const exitCode = exitCodeAfter(this.#crew.phase, this.#signal, isBurst && this.#hasFailedJob);
    return this.#failure ?? { exitCode, problem: null };
  }

  /** Null when a signal came first: the keeper may have to wait for another process. */
  async #openKeeper(broker: Broker): Promise<Keeper | null> {
    const { settings, queues, order, isBurst, log } = this.#options;
    const logEvent = brokerEventLogger(log, settings.broker === null ? 'spool' : 'broker');
    const signalled = new AbortController();
    void this.#crew.ended.then(() => signalled.abort());
    try {
      return await broker.keeper({
        queues,
        order,
        limits: { queues: settings.queueLimits, tasks: new Map() },
        // What processes print cannot be told apart where several jobs start them.
        logBytes: settings.slots === 1 ? settings.jobLogBytes : 0,
        isBurst,
        onEvent: (event) => this.#onBrokerEvent(event, logEvent),
        giveUp: signalled.signal,
      });
    } catch (error) {
      if (signalled.signal.aborted) return null;
      await broker.close(); // Its connections would keep this process alive.
      throw error;
    }
  }

  /** True once it stops by force: a signal could ask for nothing more. */
  get isStopping(): boolean {
    return this.#crew.phase === 'stopping';
  }

  /** Takes a signal: the first drains, the second stops. `why` begins the log line. */
  onSignal(signal: ShutdownSignal, why: string = signal): void {
    const phase = phaseAfter(this.#crew.phase, signal);
    if (phase === this.#crew.phase && signal === 'SIGHUP') return;
    this.#signal = signal;
    if (phase === 'draining')
      this.finish(`${why}: finishing the jobs at hand; once more stops them and queues them again`);
    else this.stop(`${signal}: stopping now; jobs at hand are queued again`);
  }

  /** Takes no new job, and ends when those at hand are done. */
  finish(why: string): void {
    if (this.#crew.phase !== 'running') return;
    this.#options.log.info(why);
    this.#crew.end('draining');
    this.#limitShutdown();
  }

  /** A shutdown that takes too long goes on as after a second signal. */
  #limitShutdown(): void {
    const { shutdownTimeoutMs: ms } = this.#options.settings;
    if (ms === null) return;
    const why = `the jobs at hand have not ended within ${seconds(ms)} (shutdownTimeout): stopping now; they are queued again`;
    const timer = after(ms, () => this.#crew.phase === 'draining' && this.stop(why));
    void this.#crew.ended.then(() => timer.cancel());
  }

  onMessage(child: WorkerChild, message: FromChild): void {
    switch (message.type) {
      case 'ready':
        return this.#onReady(child, message);
      case 'hint':
        this.#members.get(child)?.hear(message.word);
        return this.endBurst();
      case 'prints':
        return this.#members.get(child)?.printsFor(message);
      case 'printed':
        return this.#answerWhenRead(child);
      case 'unlogged':
        return logUnlogged(this.#options.log, message.id, message.reason);
      case 'parked':
        return logParked(this.#options.log, message);
      case 'failed':
        return this.#onFailed();
      case 'ran':
        return message.runs.forEach((run) => this.#options.onRan?.(run));
      case 'counted':
        return this.#keeper?.count(message.figures);
      case 'loaded':
        return this.#options.modules.loaded(message.modules);
      case 'unloadable':
        return message.loader === undefined ? this.#onUnloadable(message) : this.#loadWith(child, message.loader);
      case 'unusable':
        return this.#onUnusable(child, message.message);
    }
  }

  onPrinted(child: WorkerChild, stream: 'stdout' | 'stderr', chunk: Buffer): void {
    if (this.#members.get(child)?.print(stream, chunk) === false) child.send({ type: 'say-runs' });
  }

  onLeaving(child: WorkerChild): void {
    this.#members.get(child)?.leave();
  }

  onSuccession(): void {
    this.endBurst();
  }

  onHopeless(message: string): void {
    this.#onUnloadable({ code: 'FSQ_CONFIG', message });
  }

  async recover(child: WorkerChild, signal: NodeJS.Signals | null): Promise<boolean> {
    const { owner, deathCause } = child;
    this.#members.delete(child);
    const end = deathCause === null ? null : { cause: deathCause, signal, wasReady: owner !== null };
    const isReplaced = this.#crew.phase === 'running';
    const figures = end === null ? null : figuresOfEnd(end, isReplaced);
    if (figures !== null) this.#keeper?.count(figures);
    const loss = end === null || !isReplaced ? null : lossOf(end);
    if (loss !== null) this.#keeper?.lost(loss);
    if (owner === null || deathCause === null || this.#keeper === null) return false;
    return this.#keeper.recover(owner, deathOf(deathCause), endedRun(deathCause));
  }

  /** All children from now on import this loader first: Node.js cannot load the task modules by itself. */
  #loadWith(child: WorkerChild, loader: string): void {
    const isNew = this.#options.modules.addImport(loader);
    const why = `Node.js cannot load the task modules by itself, ${loader} may`;
    this.#crew.retire(child, why, isNew ? 'info' : 'debug');
  }

  /** What was in the pipes when the message came is read in the turn of the event loop that follows. */
  #answerWhenRead(child: WorkerChild): void {
    setImmediate(() =>
      setImmediate(() => {
        this.#members.get(child)?.printsFor(null);
        child.send({ type: 'heard' });
      }),
    );
  }

  #onReady(child: WorkerChild, { owner, tasks }: Extract<FromChild, { readonly type: 'ready' }>): void {
    const member = this.#keeper?.join(owner, {
      say: (word) => child.send({ type: 'hint', word }),
      terminate: (id) => this.#crew.terminate(child, id),
      fence: (why) => this.#crew.fence(child, why),
    });
    if (member !== undefined) this.#members.set(child, member);
    if (child.state !== 'working') member?.leave();
    this.#keeper?.limitTasks(strictest(this.#crew.children.map(({ limits }) => limits)));
    this.#keeper?.know(tasks.map(({ name }) => name));
    const problem = this.#options.clockwork?.know(tasks, () => this.endBurst()) ?? null;
    if (problem !== null) return this.#fail({ code: 'FSQ_CONFIG', message: problem }, 78);
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#options.onStarted(tasks, () => this.#keeper?.problem() ?? null);
  }

  /** A burst ends when nothing is left to run. */
  endBurst(): void {
    if (!this.#options.isBurst || this.#crew.phase !== 'running' || !this.#isAllIdle()) return;
    if (this.#options.clockwork?.hasLooked === false) return;
    // A child asks for more while the outcome of its last job, or a retry, is on its way to the disk.
    const settled = this.#keeper?.settled() ?? null;
    if (settled !== null) void settled.then(() => this.endBurst());
    else if (this.#keeper?.isIdle() === true && this.#options.mayEnd?.() !== false) this.#crew.end('draining');
  }

  #isAllIdle(): boolean {
    return this.#crew.isComplete && this.#crew.children.every((child) => this.#members.get(child)?.isIdle);
  }

  /** Ends at once; the jobs at hand are queued again. */
  stop(why: string): void {
    this.#options.log.warn(why);
    this.#crew.end('stopping');
  }

  #onFailed(): void {
    this.#hasFailedJob = true;
    this.#options.onFailed?.();
  }

  #onBrokerEvent(event: BrokerEvent, log: (event: BrokerEvent) => void): void {
    log(event);
    const figures = figuresOfEvent(event);
    if (figures !== null) this.#keeper?.count(figures);
    if (endsAJobAsFailed(event)) this.#onFailed();
    if (event.kind === 'recovered') tellRecovered(event);
    const ran = ranOfEvent(event);
    if (ran !== null) this.#options.onRan?.(ran);
    if (event.kind === 'unusable') this.#fail(unusable(this.#options.settings, reasonOf(event.error)), 75);
  }

  /** A task may have changed its process, by setuid(2) say: if the worker itself can use the store, only this child ends. */
  #onUnusable({ pid }: WorkerChild, message: string): void {
    const { settings, log } = this.#options;
    if (!this.#isStarted || this.#keeper?.problem() !== null) return this.#fail(unusable(settings, message), 75);
    log.error(`child ${pid} ends: it cannot reach the jobs any more, and its worker can: ${message}`);
  }

  /** A worker that has started keeps trying: the task file may be half-way through a deploy. */
  #onUnloadable({ code, message }: NonNullable<SupervisorEnd['problem']>): void {
    if (!this.#isStarted && !this.#options.modules.isWatched) return this.#fail({ code, message }, 78);
    const complaint = `the task modules cannot be loaded: ${message}`;
    if (this.#options.modules.isNews(complaint)) this.#options.log.error(complaint);
  }

  /** Ends the worker, because every other child would meet the same. */
  #fail(problem: NonNullable<SupervisorEnd['problem']>, exitCode: number): void {
    if (this.#failure !== null) return;
    this.#failure = { exitCode, problem };
    this.stop('stopping');
  }
}
