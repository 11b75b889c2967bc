/** BullMQ as a broker: opens a datastore and puts the parts together. */
import type {
  Broker,
  EveryJobOptions,
  NewJob,
  RetryOptions,
  RevokeOptions,
  Sighting,
  StandIn,
  TidyOptions,
} from '../broker/broker.ts';
import type { ScheduleStore } from '../broker/schedules.ts';
import type { Consumer, ConsumerOptions, Keeper, KeeperOptions } from '../broker/worker-side.ts';
import { FsqError, SpoolError } from '../job/errors.ts';
import type { JobRecord } from '../job/job.ts';
import type { Uniqueness } from '../job/job-options.ts';
import { createIdSource } from '../job/names.ts';
import { reasonOf } from '../job/values/realm.ts';
import { checkClock } from './clock.ts';
import { BullConsumer } from './claims/bull-consumer.ts';
import { readStoredEnd, readStoredLog } from './beside/stored-log.ts';
import { tidy } from './crew/upkeep.ts';
import { forget } from './ended/forgetting.ts';
import { retry } from './ended/sending-back.ts';
import type { BullOptions, Engine } from './engine.ts';
import { BullKeeper } from './crew/bull-keeper.ts';
import { UniqueJobs } from './keys/send-unique.ts';
import { pausedQueues, setPaused } from './limits/pauses.ts';
import { changedJobs, findJob, keptCheckpoint } from './looking/finding.ts';
import { followJobs } from './looking/follow-jobs.ts';
import { unendedJobs } from './looking/job-pages.ts';
import { storeParts } from './looking/store-parts.ts';
import { backlogOf, countJobs, listJobs } from './looking/listing.ts';
import { OutcomeWatch, readOutcome } from './looking/stored-outcomes.ts';
import { listOwners } from './crew/owner-records.ts';
import { openEngine } from './open-engine.ts';
import { arrival, departure } from './moving/bull-ends.ts';
import { unfinishedMove } from './moving/bull-note.ts';
import { revoke } from './jobs/revoking.ts';
import { type Access, scheduleFacts } from './schedules/schedule-facts.ts';
import { readStatistics } from './statistics/figures-records.ts';
import { enqueue } from './jobs/send-jobs.ts';
import { inReason } from './store-wait.ts';

/** @throws UsageError where the packages are missing that it needs */
export async function openBullBroker(options: BullOptions): Promise<Broker> {
  const { randomBytes } = process.getBuiltinModule('node:crypto');
  const engine = await openEngine(options);
  return new BullBroker(
    engine,
    createIdSource(engine.nowMs, (n) => randomBytes(n)),
  );
}

class BullBroker implements Broker {
  readonly isNew = false;
  readonly nextId: (hasOwnTtl?: boolean) => string;
  readonly #engine: Engine;
  readonly #outcomes: OutcomeWatch;
  readonly #unique: UniqueJobs;
  readonly #release: () => Promise<void>;

  constructor(engine: Engine, nextId: (hasOwnTtl?: boolean) => string) {
    this.#engine = engine;
    this.nextId = nextId;
    this.#outcomes = new OutcomeWatch(engine);
    this.#unique = new UniqueJobs(engine);
    this.#release = engine.use();
  }

  get place(): string {
    return this.#engine.place;
  }

  enqueue(jobs: readonly NewJob[]): Promise<void> {
    return this.#typed(
      'Not surely queued',
      () => inReason(() => enqueue(this.#engine, jobs)),
      jobs.map(({ job }) => job.id),
    );
  }

  find(id: string): Promise<Sighting | null> {
    return this.#look(() => findJob(this.#engine, id));
  }

  outcome(id: string): Promise<JobRecord | null> {
    return this.#look(() => readOutcome(this.#engine, id));
  }

  waitForOutcome(id: string, signal: AbortSignal | null, isSurelyThere: boolean): Promise<JobRecord | null> {
    return this.#typed(`${this.place} cannot be read`, () => this.#outcomes.wait(id, signal, isSurelyThere));
  }

  revoke(ids: readonly string[], { terminate = false }: RevokeOptions = {}): ReturnType<Broker['revoke']> {
    return this.#change('revoked', () => inReason(() => revoke(this.#engine, ids, terminate)));
  }

  enqueueUnique(job: NewJob, uniqueness: Uniqueness): Promise<StandIn> {
    return this.#typed('Not surely queued', () => this.#unique.send(job, uniqueness), [job.job.id]);
  }

  log(id: string, position: number): ReturnType<Broker['log']> {
    return this.#look(() => readStoredLog(this.#engine, id, position));
  }

  logEnd(id: string): ReturnType<Broker['logEnd']> {
    return this.#look(() => readStoredEnd(this.#engine, id));
  }

  checkpointed(id: string): ReturnType<Broker['checkpointed']> {
    return this.#look(() => keptCheckpoint(this.#engine, id));
  }

  changed(seen: ReadonlyMap<string, string | null>): ReturnType<Broker['changed']> {
    return this.#look(() => changedJobs(this.#engine, seen));
  }

  async *everyJob(options: EveryJobOptions): ReturnType<Broker['everyJob']> {
    const all = this.#engine.awake.through(followJobs(this.#engine, options));
    try {
      for (;;) {
        const looks = await this.#look(() => all.next());
        if (looks.done === true) return;
        yield looks.value;
      }
    } finally {
      await all.return();
    }
  }

  retry(ids: readonly string[], options?: RetryOptions): ReturnType<Broker['retry']> {
    return this.#change('sent back', () => retry(this.#engine, ids, options));
  }

  forget(ids: readonly string[]): ReturnType<Broker['forget']> {
    return this.#change('forgotten', () => forget(this.#engine, ids));
  }

  tidy(options?: TidyOptions): ReturnType<Broker['tidy']> {
    return this.#change('tidied', () => tidy(this.#engine, options));
  }

  pause(queue: string): Promise<boolean> {
    return this.#change('paused', () => setPaused(this.#engine, queue, true));
  }

  resume(queue: string): Promise<boolean> {
    return this.#change('resumed', () => setPaused(this.#engine, queue, false));
  }

  paused(): Promise<readonly string[]> {
    return this.#look(() => pausedQueues(this.#engine));
  }

  get schedules(): ScheduleStore {
    return scheduleFacts(this.#engine, this.#access);
  }

  idsByPrefix(prefix: string, limit: number): ReturnType<Broker['idsByPrefix']> {
    return this.#look(async () => this.#engine.store.idsByPrefix(prefix, await this.#engine.queues.all(), limit));
  }

  list(...asked: Parameters<Broker['list']>): ReturnType<Broker['list']> {
    return this.#walk(() => listJobs(this.#engine, ...asked));
  }

  unended(): ReturnType<Broker['unended']> {
    return this.#walk(() => unendedJobs(this.#engine));
  }

  counts(): ReturnType<Broker['counts']> {
    return this.#look(() => countJobs(this.#engine));
  }

  backlog(): ReturnType<Broker['backlog']> {
    return this.#look(() => backlogOf(this.#engine));
  }

  statistics(): ReturnType<Broker['statistics']> {
    return this.#look(() => readStatistics(this.#engine));
  }

  async room(): ReturnType<Broker['room']> {
    return null;
  }

  parts(): ReturnType<Broker['parts']> {
    return this.#look(() => storeParts(this.#engine));
  }

  async restoring(): ReturnType<Broker['restoring']> {
    return null;
  }

  owners(): ReturnType<Broker['owners']> {
    return this.#look(() => listOwners(this.#engine));
  }

  consumer(options: ConsumerOptions): Promise<Consumer> {
    this.#engine.awake.begin(); // A worker ends by its close.
    return this.#change('begun', async () => {
      const engine = this.#hearing(options);
      // The keeper of a child has looked at the clock of the same machine.
      if (options.line === undefined) await checkClock(engine, engine.onEvent);
      return BullConsumer.open(engine, options);
    });
  }

  keeper(options: KeeperOptions): Promise<Keeper> {
    this.#engine.awake.begin();
    return this.#change('begun', async () => {
      const engine = this.#hearing(options);
      await checkClock(engine, engine.onEvent);
      return BullKeeper.open(engine, options);
    });
  }

  departure(to: string): ReturnType<Broker['departure']> {
    return departure(this.#engine, this.#access, to);
  }

  arrival(from: string, id: string, mayBegin: boolean): ReturnType<Broker['arrival']> {
    return arrival(this.#engine, this.#access, { from, id, mayBegin });
  }

  unfinishedMove(): ReturnType<Broker['unfinishedMove']> {
    return this.#look(() => unfinishedMove(this.#engine));
  }

  async close(): Promise<void> {
    this.#outcomes.close();
    await this.#release();
  }

  get #access(): Access {
    return { look: (act) => this.#look(act), change: (done, act) => this.#change(done, act) };
  }

  /** For a worker, which hears of what is done for it. */
  #hearing({ onEvent }: Pick<KeeperOptions, 'onEvent'>): Engine {
    return onEvent === undefined ? this.#engine : { ...this.#engine, onEvent };
  }

  #look<T>(act: () => Promise<T>): Promise<T> {
    return this.#walk(() => inReason(act));
  }

  /** The same of what may take long, and bounds each of its steps. */
  #walk<T>(act: () => Promise<T>): Promise<T> {
    return this.#typed(`${this.place} cannot be read`, act);
  }

  #change<T>(done: string, act: () => Promise<T>): Promise<T> {
    return this.#typed(`Not surely ${done}, call again: ${this.place} refuses`, act);
  }

  async #typed<T>(what: string, act: () => Promise<T>, uncertain: readonly string[] = []): Promise<T> {
    this.#engine.awake.begin();
    try {
      return await act();
    } catch (error) {
      if (error instanceof FsqError) throw error;
      const code = uncertain.length > 0 ? 'FSQ_ENQUEUE_UNCERTAIN' : 'FSQ_SPOOL';
      throw new SpoolError(code, `${what}: ${reasonOf(error)}`, { cause: error, uncertain });
    } finally {
      this.#engine.awake.end();
    }
  }
}
