/** A worker: keeps its children alive, passes on what is ready, hands the jobs of the dead to recovery, and ends in order. */
import { randomBytes } from 'node:crypto';
import type { Settings } from '../app/settings.ts';
import { type Broker, type BrokerEvent, CHILD_MARK, type Keeper } from '../broker/broker.ts';
import { openBroker } from '../broker/open.ts';
import { brokerEventLogger } from './broker-events.ts';
import { type ChildEvents, WorkerChild } from './child-process.ts';
import { childEnvironment } from './environment.ts';
import type { Logger, LogFormat } from './log.ts';
import type { FoundTask, FromChild } from './messages.ts';
import { restartDelayMs } from './restart.ts';
import { exitCodeOf, type Phase, phaseAfter, type ShutdownSignal } from './shutdown.ts';

export interface SupervisorOptions {
  readonly settings: Settings;
  /** Absolute paths of the task modules. */
  readonly modules: readonly string[];
  /** 1 to 512. */
  readonly concurrency: number;
  readonly queues: readonly string[] | null;
  /** End when nothing is ready any more. */
  readonly isBurst: boolean;
  /** Modules that each child imports first. */
  readonly imports: readonly string[];
  readonly log: Logger;
  readonly logFormat: LogFormat;
  /** The first child is ready: these are the tasks it knows. */
  readonly onStarted: (tasks: readonly FoundTask[]) => void;
}

/** How a worker ended: an exit code, and what went wrong if something did. */
export interface SupervisorEnd {
  readonly exitCode: number;
  readonly problem: { readonly code: string; readonly message: string } | null;
}

export class Supervisor implements ChildEvents {
  readonly #options: SupervisorOptions;
  readonly #children = new Set<WorkerChild>();
  /** Children that want names, the one that asked last last: its caches are warm. */
  readonly #hungry: WorkerChild[] = [];
  /** The idle child that watches for jobs itself. */
  #lookout: WorkerChild | null = null;
  readonly #restarts = new Set<NodeJS.Timeout>();
  readonly #logEvent: (event: BrokerEvent) => void;
  #broker: Broker | null = null;
  #keeper: Keeper | null = null;
  #phase: Phase = 'running';
  #signal: ShutdownSignal | null = null;
  #isStarted = false;
  /** Children in a row that died before they were ready. */
  #failedStarts = 0;
  /** Exits whose jobs are being recovered. */
  #recovering = 0;
  #problem: SupervisorEnd['problem'] = null;
  #problemExit = 0;
  #allEnded: () => void = () => undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#logEvent = brokerEventLogger(options.log);
  }

  /** Works until a signal, the end of a burst, or a problem that nobody here can mend. @throws SpoolError */
  async run(): Promise<SupervisorEnd> {
    const { settings, queues, concurrency } = this.#options;
    const { spool: path, fsync, resultTtlMs, allowNetworkFs, allowUnsafe } = settings;
    this.#broker = openBroker({ path, fsync, resultTtlMs, allowNetworkFs, allowUnsafe });
    this.#keeper = await this.#broker.keeper({
      queues,
      onReady: () => this.#feed(),
      onEvent: (event) => this.#onBrokerEvent(event),
    });
    const ended = new Promise<void>((resolve) => (this.#allEnded = resolve));
    for (let i = 0; i < concurrency; i++) this.#fork();
    await ended;
    await this.#keeper.close();
    await this.#broker.close();
    return {
      exitCode: this.#problem === null ? exitCodeOf(this.#phase, this.#signal) : this.#problemExit,
      problem: this.#problem,
    };
  }

  /** True once it stops by force: nothing more that a signal could ask for. */
  get isStopping(): boolean {
    return this.#phase === 'stopping';
  }

  /** Takes a signal: the first drains, the second stops. */
  onSignal(signal: ShutdownSignal): void {
    this.#signal = signal;
    const phase = phaseAfter(this.#phase, signal);
    if (phase === 'draining') {
      this.#options.log.info(`${signal}: finishing the jobs at hand; once more stops them and queues them again`);
      this.#drain();
    } else this.#stop(`${signal}: stopping now; jobs at hand are queued again`);
  }

  onMessage(child: WorkerChild, message: FromChild): void {
    switch (message.type) {
      case 'importing':
        return child.start.importing(message.module);
      case 'imported':
        return child.start.end();
      case 'ready':
        child.owner = message.owner;
        this.#keeper?.adopt(message.owner);
        if (this.#isStarted) return;
        this.#isStarted = true;
        this.#keeper?.unpark(message.tasks.map(({ name }) => name));
        return this.#options.onStarted(message.tasks);
      case 'want':
        child.digest(message.isIdle);
        if (!this.#hungry.includes(child)) this.#hungry.push(child);
        return this.#feed();
      case 'unloadable':
        return this.#fail(message, 78);
      case 'unusable':
        return this.#fail({ code: 'FSQ_SPOOL', message: message.message }, 75);
    }
  }

  onOverdue(child: WorkerChild): void {
    this.#options.log.error(`child ${child.pid} ${child.start.complaint} It is killed.`);
    child.killGroup();
  }

  onExit(child: WorkerChild, code: number | null, signal: NodeJS.Signals | null): void {
    this.#children.delete(child);
    this.#remove(child);
    if (this.#lookout === child) this.#relieve(child);
    void this.#afterExit(child, code, signal);
  }

  async #afterExit(child: WorkerChild, code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    const isStopped = this.#phase === 'stopping';
    if (!child.isEnding || isStopped) child.killGroup();
    this.#recovering++;
    if (child.owner !== null) await this.#keeper?.recover(child.owner, isStopped ? 'stopped' : 'crashed');
    this.#recovering--;
    if (this.#phase === 'running') this.#replace(child, code, signal);
    else if (this.#children.size === 0) this.#allEnded();
  }

  #replace(child: WorkerChild, code: number | null, signal: NodeJS.Signals | null): void {
    const wasReady = child.owner !== null;
    const delay = restartDelayMs(wasReady, this.#failedStarts);
    this.#failedStarts = wasReady ? 0 : this.#failedStarts + 1;
    const how = signal === null ? `exited with ${code}` : `was killed by ${signal}`;
    const what =
      child.startFailure === null
        ? `child ${child.pid} ${how}`
        : `no child can be started (${child.startFailure.message})`;
    this.#options.log.error(`${what}; a new one starts ${delay === 0 ? 'now' : `in ${delay} ms`}`);
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      if (this.#phase === 'running') this.#fork();
    }, delay);
    this.#restarts.add(timer);
  }

  #fork(): void {
    const { settings, modules, queues, logFormat, imports } = this.#options;
    const { spool, fsync, allowNetworkFs, allowUnsafe, logLevel, stacks, redact, configFile, startTimeoutMs } =
      settings;
    // No option of the command line sets it, so it is the file's.
    const redactFrom = redact === null ? null : configFile;
    const access = { spool, fsync, allowNetworkFs, allowUnsafe };
    const options = { ...access, queues, modules, logLevel, logFormat, stacks, redactFrom };
    const env = childEnvironment(process.env, settings.env, process.platform === 'win32');
    env[CHILD_MARK] = randomBytes(8).toString('hex');
    this.#children.add(new WorkerChild({ options, imports, env, startTimeoutMs }, this));
  }

  #feed(): void {
    for (let child = this.#hungriest(); child !== undefined; child = this.#hungriest()) {
      const names = this.#keeper?.take(child.appetite) ?? [];
      if (names.length === 0) break;
      this.#relieve(child);
      this.#remove(child);
      child.feed(names);
    }
    this.#post();
    if (this.#options.isBurst && this.#isAllIdle() && this.#keeper?.isIdle() === true) this.#drain();
  }

  /** Whoever has nothing to do comes first. What the lookout left lying is for others: it may be busy, and has not told. */
  #hungriest(): WorkerChild | undefined {
    if (this.#phase !== 'running') return undefined;
    return this.#hungry.findLast((child) => child.isIdle && child !== this.#lookout) ?? this.#hungry.at(-1);
  }

  /** Posts the child that would be given the next job. A burst ends when all are idle, and a lookout does not tell. */
  #post(): void {
    const child = this.#lookout === null ? this.#hungriest() : undefined;
    if (child?.isIdle !== true || this.#options.isBurst) return;
    this.#lookout = child;
    this.#keeper?.setLookout(true);
    child.send({ type: 'lookout', isPosted: true });
  }

  /** Ends the post: the lookout is among those that want names when it says so again, unless it is given some now. */
  #relieve(fed: WorkerChild): void {
    if (this.#lookout === null) return;
    if (this.#lookout !== fed) {
      this.#remove(this.#lookout);
      this.#lookout.send({ type: 'lookout', isPosted: false });
    }
    this.#lookout = null;
    this.#keeper?.setLookout(false);
  }

  #remove(child: WorkerChild): void {
    const at = this.#hungry.indexOf(child);
    if (at !== -1) this.#hungry.splice(at, 1);
  }

  #isAllIdle(): boolean {
    return (
      this.#phase === 'running' &&
      [...this.#children].every((child) => child.isIdle) &&
      this.#restarts.size + this.#recovering === 0
    );
  }

  #drain(): void {
    this.#phase = 'draining';
    this.#cancelRestarts();
    for (const child of this.#children) child.drain();
    if (this.#children.size === 0) this.#allEnded();
  }

  #stop(why: string): void {
    this.#phase = 'stopping';
    this.#options.log.warn(why);
    this.#cancelRestarts();
    for (const child of this.#children) child.stop();
    if (this.#children.size === 0) this.#allEnded();
  }

  #cancelRestarts(): void {
    for (const timer of this.#restarts) clearTimeout(timer);
    this.#restarts.clear();
  }

  #onBrokerEvent(event: BrokerEvent): void {
    this.#logEvent(event);
    if (event.kind !== 'unusable') return;
    this.#fail(
      { code: 'FSQ_SPOOL', message: event.error instanceof Error ? event.error.message : String(event.error) },
      75,
    );
  }

  /** Something that another child would meet as well: the worker ends. */
  #fail(problem: { readonly code: string; readonly message: string }, exitCode: number): void {
    // A worker that has started keeps trying: the task file may be half-way through a deploy.
    if (exitCode === 78 && this.#isStarted)
      return this.#options.log.error(`the task modules cannot be loaded: ${problem.message}`);
    if (this.#problem !== null) return;
    this.#problem = { code: problem.code, message: problem.message };
    this.#problemExit = exitCode;
    this.#stop('stopping');
  }
}
