/** A worker: keeps its children alive, passes on what is ready, hands the jobs of the dead to recovery, and ends in order. */
import type { LimitedRun } from '../app/execute.ts';
import { after, type LongTimer } from '../app/long-timer.ts';
import { brokerOptions } from '../app/settings.ts';
import type { Broker, BrokerEvent, Keeper } from '../broker/broker.ts';
import { strictest } from '../job/run-limits.ts';
import { reasonOf } from '../job/realm.ts';
import { openBroker } from '../broker/open.ts';
import { brokerEventLogger, endsAJobAsFailed } from './broker-events.ts';
import { type ChildEvents, WorkerChild } from './child-process.ts';
import { launchOf } from './launch.ts';
import { Feeding } from './feeding.ts';
import { endedRun } from './overtime.ts';
import { type FromChild, limitsOf } from './messages.ts';
import { cannotStart, Restarts } from './restart.ts';
import { howOf, seconds } from './run-report.ts';
import type { SupervisorEnd, SupervisorOptions } from './supervisor-options.ts';
import { StandingOrders } from './standing-orders.ts';
import { exitCodeOf, type Phase, phaseAfter, type ShutdownSignal } from './shutdown.ts';

/** How often a burst looks whether anything is left, ms. */
const BURST_ASKS_EVERY_MS = 500;

export class Supervisor implements ChildEvents {
  readonly #options: SupervisorOptions;
  readonly #children = new Set<WorkerChild>();
  readonly #restarts = new Restarts(() => this.#phase === 'running' && this.#fork());
  readonly #orders: StandingOrders;
  readonly #logEvent: (event: BrokerEvent) => void;
  #broker: Broker | null = null;
  #keeper: Keeper | null = null;
  #feeding: Feeding | null = null;
  #phase: Phase = 'running';
  #signal: ShutdownSignal | null = null;
  #isStarted = false;
  /** A job that it ran has failed for good. */
  #hasFailedJob = false;
  /** Exits whose jobs are being recovered. */
  #recovering = 0;
  #problem: SupervisorEnd['problem'] = null;
  #problemExit = 0;
  #shutdownTimer: LongTimer | null = null;
  #allEnded: () => void = () => undefined;
  readonly #ended = new Promise<void>((resolve) => (this.#allEnded = resolve));

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#logEvent = brokerEventLogger(options.log);
    this.#orders = new StandingOrders(this.#children, options.log);
  }

  /** Works until a signal, the end of a burst, or a problem that nobody here can mend. @throws SpoolError */
  async run(): Promise<SupervisorEnd> {
    const { settings, modules, queues, order, concurrency, isBurst } = this.#options;
    this.#broker = openBroker(brokerOptions(settings));
    this.#keeper = await this.#broker.keeper({
      queues,
      order,
      limits: { queues: settings.queueLimits, tasks: new Map() },
      onReady: () => this.#feed(),
      ...this.#orders.listeners,
      onEvent: (event) => this.#onBrokerEvent(event),
    });
    // A burst ends when all are idle, and a lookout does not tell.
    this.#feeding = new Feeding(this.#keeper, !isBurst);
    modules.watch((what) => this.#renew(what));
    if (modules.isWatched) this.#restarts.persist();
    // A signal, or trouble with the spool, may have come already.
    for (let i = 0; i < concurrency && this.#phase === 'running'; i++) this.#fork();
    // What was held back may go without a word: revoked, paused, or taken by another worker.
    const asking = isBurst ? setInterval(() => this.#feed(), BURST_ASKS_EVERY_MS) : undefined;
    await this.#ended;
    clearInterval(asking);
    modules.close();
    this.#shutdownTimer?.cancel();
    await this.#keeper.close();
    await this.#broker.close();
    await this.#options.relay.finish();
    const exitCode = exitCodeOf(this.#phase, this.#signal, isBurst && this.#hasFailedJob);
    return { exitCode: this.#problem === null ? exitCode : this.#problemExit, problem: this.#problem };
  }

  /** True once it stops by force: nothing more that a signal could ask for. */
  get isStopping(): boolean {
    return this.#phase === 'stopping';
  }

  /** Takes a signal: the first drains, the second stops. `why`: what is told of it. */
  onSignal(signal: ShutdownSignal, why: string = signal): void {
    const phase = phaseAfter(this.#phase, signal);
    if (phase === this.#phase && signal === 'SIGHUP') return;
    this.#signal = signal;
    if (phase === 'draining') {
      this.#options.log.info(`${why}: finishing the jobs at hand; once more stops them and queues them again`);
      this.#drain();
      this.#limitShutdown();
    } else this.#stop(`${signal}: stopping now; jobs at hand are queued again`);
  }

  /** A shutdown that takes too long goes on as after a second signal. */
  #limitShutdown(): void {
    const { shutdownTimeoutMs: ms } = this.#options.settings;
    if (ms === null) return;
    const why = `the jobs at hand have not ended within ${seconds(ms)} (shutdownTimeout): stopping now; they are queued again`;
    this.#shutdownTimer = after(ms, () => this.#phase === 'draining' && this.#stop(why));
  }

  onMessage(child: WorkerChild, message: FromChild): void {
    switch (message.type) {
      case 'importing':
        return child.start.importing(message.module);
      case 'imported':
        return child.start.end();
      case 'ready':
        child.owner = message.owner;
        child.forgetWords();
        this.#restarts.ready();
        this.#keeper?.adopt(message.owner);
        this.#orders.greet(child);
        child.limits = limitsOf(message.tasks);
        this.#keeper?.limitTasks(strictest([...this.#children].map(({ limits }) => limits)));
        this.#keeper?.know(message.tasks.map(({ name }) => name));
        if (this.#isStarted) return;
        this.#isStarted = true;
        return this.#options.onStarted(message.tasks);
      case 'want':
        child.digest(message.isIdle);
        if (child.isRetiring) return;
        this.#feeding?.want(child);
        return this.#feed();
      case 'running':
        return child.overtime.begin(message);
      case 'ended':
        return child.overtime.ended(message.isLate);
      case 'failed':
        this.#hasFailedJob = true;
        return;
      case 'retiring':
        return this.#retire(child, message.why);
      case 'loaded':
        return this.#options.modules.loaded(message.modules);
      case 'unloadable':
        return message.loader === undefined ? this.#fail(message, 78) : this.#loadWith(child, message.loader);
      case 'unusable':
        return this.#onUnusable(child, message.message);
      case 'bye':
        child.hasSaidBye = true;
        return;
    }
  }

  onOverdue(child: WorkerChild): void {
    this.#options.log.error(`child ${child.pid} ${child.start.complaint} It is killed.`);
    child.killGroup();
  }

  onOverLimit(child: WorkerChild, { id, task, limitMs }: LimitedRun): void {
    const limit = `its timeLimit of ${seconds(limitMs)}`;
    this.#options.log.error(`${task} ${id} has run for ${limit}: child ${child.pid} is killed with all it started`);
    child.killGroup();
  }

  onExit(child: WorkerChild, code: number | null, signal: NodeJS.Signals | null): void {
    this.#children.delete(child);
    this.#feeding?.dismiss(child);
    void this.#afterExit(child, code, signal);
  }

  /**
   * It takes no more jobs: another begins at once, while the outcomes of this one arrive. Where the disk lets none arrive, no more
   * than twice the number of children wait for it.
   */
  #retire(child: WorkerChild, why: string, level: 'info' | 'debug' = 'info'): void {
    if (this.#phase !== 'running') return;
    this.#options.log[level](`child ${child.pid} is replaced: ${why}`);
    child.isEnding = true;
    child.isRetiring = true;
    this.#feeding?.dismiss(child);
    if (this.#children.size < 2 * this.#options.concurrency) this.#replaceRetired(child);
    this.#feed();
  }

  #replaceRetired(child: WorkerChild): void {
    child.isReplaced = true;
    this.#fork();
  }

  /** What Node.js could not load by itself, all children from now on load with this. */
  #loadWith(child: WorkerChild, loader: string): void {
    const isNew = this.#options.modules.addImport(loader);
    this.#retire(child, `Node.js cannot load the task modules by itself, ${loader} may`, isNew ? 'info' : 'debug');
  }

  /** The task modules have changed: what runs ends with what it was loaded from, what begins begins with what is there now. */
  #renew(what: string): void {
    if (this.#phase !== 'running') return;
    this.#options.log.info(`${what} has changed: new children start, the old ones finish their jobs`);
    this.#restarts.cancel();
    for (const child of [...this.#children].filter(({ isRetiring }) => !isRetiring)) {
      this.#retire(child, 'its modules have changed', 'debug');
      child.drain();
    }
    // In the place of those that could not load what was there before; one that has just ended is replaced when its jobs are safe.
    const there = this.#recovering + [...this.#children].filter(({ isReplaced }) => !isReplaced).length;
    for (let i = there; i < this.#options.concurrency; i++) this.#fork();
  }

  async #afterExit(child: WorkerChild, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    const isStopped = this.#phase === 'stopping';
    // What the jobs of one that ended in order have started may live on; what it held otherwise runs again, and not beside that.
    const isOrderly = child.isEnding && child.hasSaidBye && code === 0;
    if (!isOrderly || isStopped) child.killGroup();
    if (!isOrderly && this.#phase === 'draining') this.#options.log.error(child.endText(code, signal));
    this.#recovering++;
    const late = child.overtime.verdict(signal === 'SIGKILL');
    if (child.owner !== null) {
      // Whatever else a child held that was killed for one job has not crashed.
      const ending = isStopped || late !== null || child.isKilledForJob ? 'stopped' : 'crashed';
      await this.#keeper?.recover(child.owner, ending, late === null ? undefined : endedRun(late));
    }
    this.#recovering--;
    if (this.#phase === 'running') this.#makeUpFor(child, code, signal);
    else if (this.#children.size === 0) this.#allEnded();
  }

  #makeUpFor(child: WorkerChild, code: number | null, signal: NodeJS.Signals | null): void {
    if (!child.isRetiring) return this.#replace(child, code, signal);
    if (code !== 0 && child.owner !== null)
      this.#options.log.error(`child ${child.pid} ${howOf(code, signal)} while its last outcomes were on their way`);
    if (!child.isReplaced) this.#replaceRetired(child);
    this.#feed();
  }

  #replace(child: WorkerChild, code: number | null, signal: NodeJS.Signals | null): void {
    const how = child.endText(code, signal);
    const delay = this.#restarts.replace({ wasReady: child.owner !== null, startFailure: child.startFailure });
    if (delay === null) return this.#fail({ code: 'FSQ_CONFIG', message: cannotStart(how, child.lastWords()) }, 78);
    this.#options.log.error(`${how}; a new one starts ${delay === 0 ? 'now' : `in ${delay} ms`}`);
  }

  #fork(): void {
    const launch = launchOf(this.#options, this.#keeper?.owner ?? '');
    this.#children.add(new WorkerChild(launch, this.#options.relay, this));
  }

  #feed(): void {
    if (this.#phase === 'running') this.#feeding?.feed();
    if (this.#options.isBurst && this.#isAllIdle() && this.#keeper?.isIdle() === true) this.#drain();
  }

  #isAllIdle(): boolean {
    return (
      this.#phase === 'running' &&
      [...this.#children].every((child) => child.isIdle) &&
      this.#restarts.size + this.#recovering === 0
    );
  }

  #drain(): void {
    this.#end('draining', (child) => child.drain());
  }

  #stop(why: string): void {
    this.#options.log.warn(why);
    this.#end('stopping', (child) => child.stop());
  }

  #end(phase: Phase, tell: (child: WorkerChild) => void): void {
    this.#phase = phase;
    this.#restarts.cancel();
    this.#children.forEach(tell);
    if (this.#children.size === 0) this.#allEnded();
  }

  #onBrokerEvent(event: BrokerEvent): void {
    this.#logEvent(event);
    if (endsAJobAsFailed(event)) this.#hasFailedJob = true;
    if (event.kind === 'unusable') this.#fail({ code: 'FSQ_SPOOL', message: reasonOf(event.error) }, 75);
  }

  /** A task may have changed its process, by setuid(2) say: what only this child meets is its own trouble, and it ends. */
  #onUnusable({ pid }: WorkerChild, message: string): void {
    if (!this.#isStarted || this.#keeper?.problem() !== null) return this.#fail({ code: 'FSQ_SPOOL', message }, 75);
    this.#options.log.error(`child ${pid} ends: it cannot use the spool any more, and its worker can: ${message}`);
  }

  /** Something that another child would meet as well: the worker ends. */
  #fail(problem: { readonly code: string; readonly message: string }, exitCode: number): void {
    // A worker that has started keeps trying: the task file may be half-way through a deploy.
    if (exitCode === 78 && (this.#isStarted || this.#options.modules.isWatched)) {
      const complaint = `the task modules cannot be loaded: ${problem.message}`;
      if (this.#options.modules.isNews(complaint)) this.#options.log.error(complaint);
      return;
    }
    if (this.#problem !== null) return;
    this.#problem = { code: problem.code, message: problem.message };
    this.#problemExit = exitCode;
    this.#stop('stopping');
  }
}
