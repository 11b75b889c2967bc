/** An app: one spool with its settings, and the tasks that send their jobs there. */
import type { Broker, NewJob } from '../broker/broker.ts';
import type { JsonValue } from '../job/values/json.ts';
import { idsAfter } from '../job/edges.ts';
import { UnknownJobError } from '../job/errors.ts';
import type { Job } from '../job/job.ts';
import type { JobOptions } from '../job/job-options.ts';
import { checkId, checkQueue } from '../job/names.ts';
import { isLasting } from '../job/ended/result-ttl.ts';
import type { Redact } from '../job/failure.ts';
import { checkedHeaders } from '../job/values/payload.ts';
import { AsyncResult } from './async-result.ts';
import type { OutcomeSource } from './registry.ts';
import type { Config, Settings } from './settings/config.ts';
import { type Connection, connect, whileStaged } from './settings/connection.ts';
import { currentStage, nowMs, type Stage } from './settings/stage.ts';
import { isTraced, trace } from './telling/diagnostics.ts';
import { eagerSource, runEagerly } from './eager.ts';
import { type Hearer, warn } from './telling/warnings.ts';
import { currentFolder } from './project/project.ts';
import { optionsWithKeys, sendUnique } from './unique.ts';
import { type Named, namedPlace } from './settings/place.ts';
import { answerSettings, asConfig, resolveSettings } from './settings/sources.ts';
import type { Given } from './settings/settings-table.ts';
import { type Request, type Sender, taskFactory, type TaskFactory } from './task.ts';

export interface App {
  /** Registers a task whose jobs go to this app's spool. */
  readonly task: TaskFactory;
  /** The handle of a job by its id. @throws UsageError when it is not an id */
  result(id: string): AsyncResult;
  /**
   * From now on no job of `queue` is begun by any worker of the spool, until `resume`; what runs goes on, and jobs may be sent.
   *
   * @returns false when it was paused already
   * @throws UsageError when it is no queue's name; SpoolError
   */
  pause(queue: string): Promise<boolean>;
  /** @returns false when it was not paused. @throws UsageError, SpoolError */
  resume(queue: string): Promise<boolean>;
  /** The settings in force. @throws UsageError (FSQ_CONFIG) */
  settings(): Promise<Settings>;
  /** The broker, opened at first use. @throws SpoolError */
  broker(): Promise<Broker>;
  /** Lets go of watches and timers; handles of this app must not be used any more. */
  close(): Promise<void>;
}

/**
 * An app of its own, beside the default one: for a second spool in one process.
 *
 * @param config stronger than FSQ_* variables and fsq.config.*
 * @throws UsageError (FSQ_CONFIG) for what is no object of settings
 */
export function createApp(config: Config = {}): App {
  return new FileApp(asConfig(config), () => resolveSettings(config, currentFolder(), process.env));
}

/**
 * An app that sends jobs by the name of their task, for the command line, which has only the name.
 *
 * @param hear gets the warnings for its user
 */
export function createSender(given: Given, hear: Hearer): App & Sender {
  return new FileApp(given, () => answerSettings(given, currentFolder(), process.env), hear, true);
}

class FileApp implements App, Sender {
  readonly task: TaskFactory = taskFactory(this);
  readonly #given: Named;
  /** True: its jobs are sent by the names of tasks, which may have options that it does not know. */
  readonly #knowsNoTask: boolean;
  readonly #connect: (stage: Stage | null) => Connection;
  readonly #configured: Connection;
  /** Of the stage that was there last; null where there was none yet. */
  #staged: Connection | null = null;

  constructor(given: Named, answer: () => Promise<Settings>, hear: Hearer = warn, knowsNoTask = false) {
    this.#given = given;
    this.#knowsNoTask = knowsNoTask;
    const isNamed = typeof given.spool === 'string' || given.broker !== undefined;
    this.#connect = (stage) => connect(stage, answer, { hear, isNamed });
    this.#configured = this.#connect(null);
  }

  get #connection(): Connection {
    const stage = currentStage();
    if (stage === null) return this.#configured;
    if (this.#staged?.stage !== stage) this.#staged = this.#connect(stage);
    return this.#staged;
  }

  get namedPlace(): string | undefined {
    return namedPlace(this.#given, currentFolder);
  }

  get redact(): Redact | undefined {
    return this.#given.redact;
  }

  settings(): Promise<Settings> {
    return this.#connection.settings.get();
  }

  broker(): Promise<Broker> {
    return this.#connection.broker.get();
  }

  async close(): Promise<void> {
    await (await this.#connection.broker.forget())?.close();
  }

  result(id: string): AsyncResult {
    const source = async (): Promise<OutcomeSource> =>
      (await this.settings()).alwaysEager ? eagerSource(id) : this.broker();
    return new AsyncResult(checkId(id), source, false);
  }

  async pause(queue: string): Promise<boolean> {
    checkQueue(queue);
    return (await this.broker()).pause(queue);
  }

  async resume(queue: string): Promise<boolean> {
    checkQueue(queue);
    return (await this.broker()).resume(queue);
  }

  send(request: Request): Promise<readonly AsyncResult[]> {
    return isTraced('enqueue') ? this.#sendTraced(request) : this.#send(request);
  }

  /** What subscribers have put into the headers is held to the limits of headers. */
  #sendTraced(request: Request): Promise<readonly AsyncResult[]> {
    const { task, queue, priority, argsList } = request;
    const headers = { ...request.headers };
    return trace('enqueue', { task, queue, priority, argsList, headers }, async () =>
      this.#send({ ...request, headers: checkedHeaders(task, headers) }),
    );
  }

  async #send(request: Request): Promise<readonly AsyncResult[]> {
    const { queue, priority } = request;
    const connection = this.#connection;
    const settings = connection.settings.now ?? (await connection.settings.get());
    const broker = settings.alwaysEager ? null : (connection.broker.now ?? (await connection.broker.get()));
    const hasOwnTtl = this.#knowsNoTask || isLasting(request.options);
    const nextId = broker === null ? () => crypto.randomUUID() : () => broker.nextId(hasOwnTtl);
    const jobs = request.argsList.map((args, i): NewJob => ({
      job: toJob(request, args, nextId(), optionsWithKeys(request, i)),
      queue,
      priority,
    }));
    const before = idsAfter(request.options);
    if (broker === null) for (const id of before) await refuseUnknown([id], eagerSource(id));
    else if (before.length > 0) await refuseUnknown(before, broker);
    if (broker === null) return this.#runEagerly(jobs, settings);
    const source = whileStaged(connection.stage, broker);
    if (request.uniqueness !== null) {
      const standIns = await sendUnique(broker, jobs, request.uniqueness);
      return standIns.map(({ id, isDuplicate }) => new AsyncResult(id, source, !isDuplicate, isDuplicate));
    }
    await broker.enqueue(jobs);
    return jobs.map(({ job }) => new AsyncResult(job.id, source, true));
  }

  async #runEagerly(jobs: readonly NewJob[], settings: Settings): Promise<readonly AsyncResult[]> {
    const results: AsyncResult[] = [];
    const executor = { texts: settings, timeLimits: settings };
    for (const { job, queue, priority } of jobs) results.push(await runEagerly(job, { queue, priority }, executor));
    return results;
  }
}

/** @throws UnknownJobError for a job that nobody can wait for */
async function refuseUnknown(
  ids: readonly string[],
  source: Pick<OutcomeSource, 'find' | 'changed' | 'place'>,
): Promise<void> {
  // One look for all finds nearly all of many.
  const found = ids.length < 2 ? null : await source.changed(new Map(ids.map((id) => [id, null])));
  for (const id of ids)
    if (found?.has(id) !== true && (await source.find(id)) === null) throw new UnknownJobError(id, source.place);
}

function toJob({ task, headers }: Request, args: readonly JsonValue[], id: string, options: JobOptions): Job {
  return {
    id,
    task,
    args,
    enqueuedAtMs: nowMs(),
    options,
    headers,
  };
}

/** The app behind the top-level names: its settings come from the environment and fsq.config.*, read at first use. */
const defaultApp: App = createApp();

/**
 * Registers a task: `task(name, fn)` or `task(name, options, fn)`. Arguments and result are inferred from the function.
 *
 * @throws UsageError when the name is malformed, or another task has it (FSQ_DUPLICATE_TASK)
 */
export const task: TaskFactory = defaultApp.task;

/** The handle of a job by its id. @throws UsageError when `id` is not an id */
export function result(id: string): AsyncResult {
  return defaultApp.result(id);
}
