/** `fsq/testing`: a spool for the time of a test, to which all apps of the process send meanwhile, with a worker and a clock. */
import { currentFolder, makeTemporaryFolder, removeFolder } from '../app/project/project.ts';
import { type Config, LOG_LEVELS, type LogLevel } from '../app/settings/config.ts';
import { brokerOptions } from '../app/settings/place.ts';
import { resolveSettings } from '../app/settings/sources.ts';
import { currentStage, setStage, type Stage } from '../app/settings/stage.ts';
import { warnOnce } from '../app/telling/warnings.ts';
import type { Broker, Sighting } from '../broker/broker.ts';
import { refuse, UsageError } from '../job/errors.ts';
import { format, knownInstead } from '../job/text.ts';
import { type Duration, durationMs } from '../job/units.ts';
import { isArray, isOptions } from '../job/values/realm.ts';
import { openBroker } from '../open.ts';
import { stderrLogger } from '../worker/log.ts';
import { drain, type Tally } from './drain.ts';
import { ForkedWorker, type TaskModule } from './forked-worker.ts';
import { InlineWorker } from './inline-worker.ts';
import { MovableClock, type TestClock } from './movable-clock.ts';
import type { TestWorker } from './test-worker.ts';

export type { Tally } from './drain.ts';
export type { TaskModule } from './forked-worker.ts';
export type { TestClock } from './movable-clock.ts';

export interface TemporarySpoolOptions {
  /** Run the jobs in child processes, as `fsq worker` does. Default false: in this process, with the tasks that are registered in it. */
  readonly fork?: boolean;
  /** With `fork`: the task modules that children import. Default: those that a worker of the project finds. */
  readonly tasks?: readonly TaskModule[];
  /** Jobs that run at one time, 1 to 64. Default 1. */
  readonly concurrency?: number;
  /** Run jobs in `drain()` only, so that the test can look at what was sent before. Default false. Not with `fork`. */
  readonly manual?: boolean;
  /** Wait for the disk, as outside of tests. Default false. */
  readonly fsync?: boolean;
  /** Schedules that go by the clock of the test, such as those of the project's `fsq.config`. Default: none. Not with `fork`. */
  readonly schedules?: Config['schedules'];
  /** What the worker says on stderr. Default 'silent', and 'error' with `fork`. */
  readonly logLevel?: LogLevel;
}

/** A test that tells of its end: the `t` of node:test, or the context of vitest. */
export interface TestLike {
  after?(act: () => Promise<void>): unknown;
  onTestFinished?(act: () => Promise<void>): unknown;
}

export interface DrainOptions {
  /** True: the clock is moved on to each delayed job, also to those that come meanwhile, until none is left. Default false. */
  readonly delayed?: boolean;
  /** Default '10s', by a clock that no test moves. */
  readonly timeout?: Duration;
}

export interface TemporarySpool {
  readonly path: string;
  readonly clock: TestClock;
  /**
   * Waits until no job runs, is ready, or is due, and tells how all jobs of the spool stand then.
   *
   * @throws FsqError (FSQ_TIMEOUT) naming what is left; UsageError
   */
  drain(options?: DrainOptions): Promise<Tally>;
  /** All jobs of the spool: those to run first, then those that ended last. */
  jobs(): Promise<readonly Sighting[]>;
  /** Ends the worker and removes the spool; apps send to the configured spool again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a spool in a temporary folder. Until it is closed, all apps of this process use it, whatever they are configured to, and a
 * worker runs its jobs.
 *
 * @param test closes it when the test ends, also when it fails; without one, `close()` does, or `await using`
 * @throws UsageError (FSQ_TESTING) while there is another in this process
 */
export function temporarySpool(options?: TemporarySpoolOptions): Promise<TemporarySpool>;
export function temporarySpool(test: TestLike, options?: TemporarySpoolOptions): Promise<TemporarySpool>;
export async function temporarySpool(first: unknown = {}, second?: unknown): Promise<TemporarySpool> {
  const hook = hookOf(first);
  const options = checked(hook === null ? first : (second ?? {}));
  const spool = await OpenSpool.open(options);
  try {
    hook?.(() => spool.close());
  } catch (error) {
    await spool.close();
    throw error;
  }
  return spool;
}

class OpenSpool implements TemporarySpool {
  readonly path: string;
  readonly clock: MovableClock;
  readonly #stage: Stage;
  readonly #folder: string;
  readonly #isManual: boolean;
  #broker: Broker | null = null;
  #worker: TestWorker | null = null;
  #closing: Promise<void> | null = null;

  static async open(options: TemporarySpoolOptions): Promise<OpenSpool> {
    const other = currentStage();
    if (other !== null) {
      throw new UsageError(
        `Expected one temporary spool at a time in a process, and ${other.spool} is in use. Tests that run at the same time can share one, made before them; ` +
          'otherwise run them one after another, and close the spool of each: pass its context to temporarySpool().',
        'FSQ_TESTING',
      );
    }
    const spool = new OpenSpool(options);
    try {
      await spool.#start(options);
      return spool;
    } catch (error) {
      await spool.close();
      throw error;
    }
  }

  /** Nothing is waited for before the stage is set: a second call finds it. */
  private constructor({ fork = false, manual = false, fsync = false }: TemporarySpoolOptions) {
    this.#folder = makeTemporaryFolder();
    this.path = `${this.#folder}/spool`;
    this.#isManual = manual;
    this.clock = new MovableClock(fork, {
      onMoved: () => this.#worker?.clockMoved(),
      // What a worker of production does each minute.
      forget: async () => void (await this.#broker?.tidy()),
    });
    this.#stage = { spool: this.path, fsync, nowMs: this.clock.nowMs, opened: new Set() };
    setStage(this.#stage);
  }

  async #start(options: TemporarySpoolOptions): Promise<void> {
    const { fork = false, tasks = null, concurrency = 1 } = options;
    const logLevel = options.logLevel ?? (fork ? 'error' : 'silent');
    const { spool, fsync, nowMs } = this.#stage;
    const answered = await resolveSettings({}, currentFolder(), process.env);
    const settings = { ...answered, spool, broker: null, fsync, alwaysEager: false, logLevel };
    this.#broker = openBroker({ ...brokerOptions(settings), nowMs });
    this.#stage.opened.add(this.#broker);
    const plan = { stage: this.#stage, settings, concurrency, log: stderrLogger(logLevel) };
    this.#worker = fork ? new ForkedWorker(plan, tasks) : new InlineWorker(plan);
    if (!this.#isManual) await this.#worker.start();
    if (options.schedules !== undefined) await this.clock.follow(options.schedules, this.#broker, plan.log);
  }

  async drain(options: DrainOptions = {}): Promise<Tally> {
    const { broker, worker } = this.#open();
    const { delayed, timeoutMs } = checkedDrain(options);
    if (delayed) this.clock.check('drain({ delayed: true })');
    const { nowMs } = this.clock;
    const moveTo = delayed ? (atMs: number) => this.clock.moveTo(atMs) : null;
    if (!this.#isManual) return drain({ broker, worker, nowMs, timeoutMs, moveTo });
    await worker.start();
    try {
      return await drain({ broker, worker, nowMs, timeoutMs, moveTo });
    } finally {
      await worker.stop();
    }
  }

  async jobs(): Promise<readonly Sighting[]> {
    return this.#open().broker.list(['delayed', 'pending', 'running', 'results'], MANY);
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    try {
      await this.clock.close();
      const left = (await this.#worker?.stop()) ?? null;
      if (left !== null) warnOnce(`The test has ended, and its tasks have not: ${left}.`, 'FSQ_TESTING');
      for (const broker of this.#stage.opened) await broker.close();
    } finally {
      if (currentStage() === this.#stage) setStage(null);
      removeFolder(this.#folder);
    }
  }

  #open(): { readonly broker: Broker; readonly worker: TestWorker } {
    if (this.#broker !== null && this.#worker !== null && this.#closing === null)
      return { broker: this.#broker, worker: this.#worker };
    throw new UsageError(`The temporary spool ${this.path} is closed: its test has ended`, 'FSQ_TESTING');
  }
}

const MANY = 1_000_000;

type Hook = (act: () => Promise<void>) => unknown;

/** How a test is told what to do at its end; null where `given` is no test. The context of vitest is a function. */
function hookOf(given: unknown): Hook | null {
  if ((typeof given !== 'object' && typeof given !== 'function') || given === null) return null;
  for (const name of ['after', 'onTestFinished'] as const) {
    const hook: unknown = Reflect.get(given, name);
    if (typeof hook === 'function') return (act) => Reflect.apply(hook, given, [act]);
  }
  return null;
}

const KNOWN = ['fork', 'tasks', 'concurrency', 'manual', 'fsync', 'logLevel', 'schedules'];

function checked(given: unknown): TemporarySpoolOptions {
  if (!isOptions(given)) return refuse('options of temporarySpool()', 'an object', given);
  for (const name of Object.keys(given))
    if (!KNOWN.includes(name)) throw new UsageError(`Unknown option ${format(name)}${knownInstead(name, KNOWN)}`);
  const { fork, tasks, concurrency = 1, manual, logLevel, schedules } = given as TemporarySpoolOptions;
  for (const name of ['fork', 'manual', 'fsync']) {
    const value = given[name];
    if (value !== undefined && typeof value !== 'boolean') refuse(`\`${name}\``, 'true or false', value);
  }
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 64)
    refuse('`concurrency`', 'a whole number from 1 to 64', concurrency);
  if (logLevel !== undefined && !LOG_LEVELS.includes(logLevel)) refuse('`logLevel`', LOG_LEVELS.join(', '), logLevel);
  if (tasks !== undefined && fork !== true)
    throw new UsageError('Expected `tasks` with `fork: true`: in this process the tasks that it has registered run');
  if (tasks !== undefined && !isArray(tasks)) refuse('`tasks`', 'an array of paths or file: URLs', tasks);
  if (fork === true && manual === true)
    throw new UsageError('Expected `manual` or `fork`, got both: children take jobs as soon as they are ready');
  if (schedules !== undefined && !isOptions(schedules)) refuse('`schedules`', 'an object of schedules', schedules);
  if (schedules !== undefined && fork === true)
    throw new UsageError('Expected `schedules` or `fork`, got both: with `fork` the clock cannot be moved');
  return given;
}

function checkedDrain(given: unknown): { readonly delayed: boolean; readonly timeoutMs: number } {
  if (!isOptions(given)) return refuse('options of drain()', 'an object', given);
  const { delayed = false, timeout = '10s', ...others } = given;
  const [extra] = Object.keys(others);
  if (extra !== undefined)
    throw new UsageError(`Unknown option ${format(extra)} of drain()${knownInstead(extra, ['delayed', 'timeout'])}`);
  if (typeof delayed !== 'boolean') return refuse('`delayed`', 'true or false', delayed);
  return { delayed, timeoutMs: durationMs(timeout, 'timeout') };
}
