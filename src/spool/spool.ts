/** The spool as a broker: opens a directory and puts its parts together. */
import { resolve } from 'node:path';
import type { Backlog, Broker, EveryJobOptions, Looks, NewJob, RevokeOptions, TidyOptions } from '../broker/broker.ts';
import { partOfFsq } from '../broker/late-code.ts';
import { pooledRandom } from '../broker/new-job.ts';
import type { BrokerEvent, Consumer, ConsumerOptions, Keeper, KeeperOptions } from '../broker/worker-side.ts';
import { FsqError } from '../job/errors.ts';
import { createIdSource } from '../job/names.ts';
import type { ResultTtlMs } from '../job/ended/result-ttl.ts';
import { SpoolAccess } from './access.ts';
import { SpoolConsumer } from './consumer.ts';
import { keptCheckpoint } from './beside/checkpoint-file.ts';
import { readLog, readLogEnd } from './beside/read-log.ts';
import { changedJobs } from './changes.ts';
import { backlogOf, countJobs, partsOf } from './counts.ts';
import { createContext, type SpoolContext } from './disk/context.ts';
import { everyJob } from './following/every-job.ts';
import { establish } from './place/establish.ts';
import { refuseNetworkFileSystem, refuseSplitSpool } from './place/file-system.ts';
import { type Files, nodeFiles } from './disk/files.ts';
import { findJob, listJobs, unendedJobs } from './inspect.ts';
import { SpoolKeeper } from './keeper.ts';
import { enqueue, placeOf } from './sending/enqueue.ts';
import { UniqueSender } from './sending/unique-sender.ts';
import { Replay, restoringIn } from './journal/due.ts';
import { Journal } from './journal/journal.ts';
import { layoutOf } from './layout.ts';
import { forgetJobs } from './results/forget-jobs.ts';
import { OutcomeWatch, readOutcome } from './results/outcomes.ts';
import { retry, wouldRetry } from './results/retry.ts';
import { Pulses } from './owners/pulses.ts';
import { listOwners } from './owners/verdicts.ts';
import { pausedQueues, pauseQueue, resumeQueue } from './notes/notes.ts';
import { tidy } from './recovery/tidy.ts';
import type * as MoveEnds from './moving/move-ends.ts';
import { scheduleStore } from './schedules/schedule-store.ts';
import { readStatistics } from './statistics/read-statistics.ts';
import { revoke } from './revoking/revoke-jobs.ts';
import { spoolError, typed } from './disk/trouble.ts';
import { roomIn } from './place/room.ts';
import { refuseUnsafePlace, trustedUids } from './place/trust.ts';
import { idsByPrefix, locate } from './locate.ts';
import { Batcher } from './sending/batcher.ts';

export interface SpoolOptions {
  /** The spool's directory; created when missing. */
  readonly path: string;
  /** Throw FSQ_NO_SPOOL instead of creating it; default false. */
  readonly mustExist?: boolean;
  /** Wait for the disk before a job counts as accepted; default true. */
  readonly fsync?: boolean;
  /** Use a network file system all the same; default false: it is refused (FSQ_NETWORK_FS). */
  readonly allowNetworkFs?: boolean;
  /** Use a place that other users could change all the same; default false: it is refused (FSQ_SPOOL_UNSAFE). */
  readonly allowUnsafe?: boolean;
  /** How long outcomes are kept, for all or by the state of their jobs; default one day. */
  readonly resultTtlMs?: ResultTtlMs;
  /** Looks answer at once with what there is, also before jobs are restored that a power cut broke; default false: they wait for it. */
  readonly looksAtOnce?: boolean;
  /** Is told what a program that sends or looks should hear of: that it waits, or that jobs may be lost. */
  readonly onEvent?: (event: BrokerEvent) => void;
  /** Stand-ins for tests. */
  readonly files?: Files;
  readonly nowMs?: () => number;
}

/** Loaded by whoever moves jobs: to import the library must not cost it. */
const moveEnds = (): Promise<typeof MoveEnds> => partOfFsq('spool/moving/move-ends.js') as Promise<typeof MoveEnds>;

/** @throws SpoolError when the directory cannot be used */
export function openSpool(options: SpoolOptions): Broker {
  return new Spool(options);
}

class Spool implements Broker {
  readonly isNew: boolean;
  readonly nextId: (hasOwnTtl?: boolean) => string;
  readonly #context: SpoolContext;
  readonly #sending: { readonly batcher: Batcher; readonly unique: UniqueSender };
  readonly #access: SpoolAccess;
  readonly #outcomes: OutcomeWatch;
  readonly #resultTtlMs: ResultTtlMs;
  readonly #pulses = new Pulses();

  constructor({
    path,
    mustExist = false,
    fsync = true,
    allowNetworkFs = false,
    allowUnsafe = false,
    resultTtlMs = {},
    looksAtOnce = false,
    onEvent,
    files = nodeFiles,
    nowMs = Date.now,
  }: SpoolOptions) {
    const layout = layoutOf(resolve(path));
    const trusted = allowUnsafe ? null : trustedUids(files, layout);
    this.#context = createContext({ layout, files, fsync, trustedUids: trusted, nowMs, randomBytes: pooledRandom() });
    const journal = new Journal(this.#context, { enqueue, placeOf });
    this.#context.journal = journal;
    this.#resultTtlMs = resultTtlMs;
    this.nextId = createIdSource(nowMs, this.#context.randomBytes);
    const unique = new UniqueSender(this.#context, this.nextId);
    this.#sending = { batcher: new Batcher(this.#context, journal), unique };
    if (!allowNetworkFs) refuseNetworkFileSystem(files, layout.root);
    const refuseUnsafe = allowUnsafe ? null : () => refuseUnsafePlace(files, layout);
    if (!mustExist) refuseUnsafe?.();
    if (!mustExist) refuseSplitSpool(files, layout);
    this.isNew = establish(this.#context, mustExist);
    this.#access = new SpoolAccess(layout.root, new Replay(this.#context, { onEvent, looksAtOnce }), refuseUnsafe);
    this.#outcomes = new OutcomeWatch(this.#context, (ids) => locate(this.#context, ids));
  }

  get place(): string {
    return this.#context.layout.root;
  }

  async enqueue(jobs: readonly NewJob[]): Promise<void> {
    if (this.#access.isHeldUp) await this.#access.restored();
    return this.#sending.batcher.enqueue(jobs);
  }

  async enqueueUnique(...asked: Parameters<Broker['enqueueUnique']>): ReturnType<Broker['enqueueUnique']> {
    if (this.#access.isHeldUp) await this.#access.restored();
    return this.#sending.unique.send(...asked);
  }

  async find(...asked: Parameters<Broker['find']>): ReturnType<Broker['find']> {
    return this.#access.look(() => findJob(this.#context, ...asked));
  }

  async outcome(id: string): ReturnType<Broker['outcome']> {
    return this.#access.look(() => readOutcome(this.#context, id));
  }

  async log(id: string, position: number): ReturnType<Broker['log']> {
    return this.#access.look(() => readLog(this.#context, id, position));
  }

  async logEnd(id: string): ReturnType<Broker['logEnd']> {
    return this.#access.look(() => readLogEnd(this.#context, id));
  }

  async changed(...asked: Parameters<Broker['changed']>): ReturnType<Broker['changed']> {
    return this.#access.look(() => changedJobs(this.#context, ...asked));
  }

  async *everyJob(options: EveryJobOptions): AsyncGenerator<Looks, void, undefined> {
    try {
      await this.#access.mayLook(options.signal);
      yield* everyJob(this.#context, options);
    } catch (error) {
      throw error instanceof FsqError ? error : spoolError(error, this.#access.unreadable);
    }
  }

  async waitForOutcome(id: string, signal: AbortSignal | null, isSurelyThere: boolean): ReturnType<Broker['outcome']> {
    return typed(async () => {
      if (this.#access.isHeldUp && !(await this.#access.mayLook(signal))) return null;
      return this.#outcomes.wait(id, signal, isSurelyThere);
    }, this.#access.unreadable);
  }

  async revoke(ids: readonly string[], { terminate = false }: RevokeOptions = {}): ReturnType<Broker['revoke']> {
    return this.#access.change('revoked', () => revoke(this.#context, ids, terminate));
  }

  retry(...[ids, options]: Parameters<Broker['retry']>): ReturnType<Broker['retry']> {
    if (options?.dryRun === true) return this.#access.look(() => wouldRetry(this.#context, ids));
    return this.#access.change('sent back', () => retry(this.#context, ids));
  }

  forget(ids: readonly string[]): ReturnType<Broker['forget']> {
    return this.#access.change('forgotten', () => forgetJobs(this.#context, ids));
  }

  tidy({ dryRun = false }: TidyOptions = {}): ReturnType<Broker['tidy']> {
    return this.#access.change('tidied', () => tidy(this.#context, this.#resultTtlMs, dryRun));
  }

  pause(queue: string): Promise<boolean> {
    return this.#access.change('paused', () => pauseQueue(this.#context, queue));
  }

  resume(queue: string): Promise<boolean> {
    return this.#access.change('resumed', () => resumeQueue(this.#context, queue));
  }

  paused(): Promise<readonly string[]> {
    return this.#access.look(() => pausedQueues(this.#context));
  }

  get schedules(): Broker['schedules'] {
    return scheduleStore(this.#context, () => this.nextId(true), this.#access);
  }

  departure(to: string): ReturnType<Broker['departure']> {
    return this.#access.change('begun', async () => (await moveEnds()).departure(this.#context, this.#access, to));
  }

  arrival(...wanted: Parameters<Broker['arrival']>): ReturnType<Broker['arrival']> {
    return this.#access.change('begun', async () => (await moveEnds()).arrival(this.#context, this.#access, ...wanted));
  }

  unfinishedMove(): ReturnType<Broker['unfinishedMove']> {
    // Nearly always there is none, and nothing is loaded to tell that.
    return this.#access.look(async () =>
      this.#context.files.exists(this.#context.layout.moving) ? (await moveEnds()).unfinishedMove(this.#context) : null,
    );
  }

  async idsByPrefix(prefix: string, limit: number): Promise<readonly string[]> {
    return this.#access.look(() => idsByPrefix(this.#context, prefix, limit));
  }

  list(...asked: Parameters<Broker['list']>): ReturnType<Broker['list']> {
    return this.#access.look(() => listJobs(this.#context, ...asked));
  }

  checkpointed(id: string): ReturnType<Broker['checkpointed']> {
    return this.#access.look(() => keptCheckpoint(this.#context, id));
  }

  unended(): ReturnType<Broker['unended']> {
    return this.#access.look(() => unendedJobs(this.#context));
  }

  async counts(backlog?: Backlog): ReturnType<Broker['counts']> {
    return this.#access.look(() => countJobs(this.#context, backlog ?? backlogOf(this.#context)));
  }

  async backlog(): ReturnType<Broker['backlog']> {
    return this.#access.look(() => backlogOf(this.#context));
  }

  statistics(): ReturnType<Broker['statistics']> {
    return this.#access.look(() => readStatistics(this.#context));
  }

  restoring(): ReturnType<Broker['restoring']> {
    return typed(() => restoringIn(this.#context), this.#access.unreadable);
  }

  room(): ReturnType<Broker['room']> {
    return this.#access.look(() => roomIn(this.#context));
  }

  parts(): ReturnType<Broker['parts']> {
    return this.#access.look(() => partsOf(this.#context));
  }

  owners(patienceMs?: number): ReturnType<Broker['owners']> {
    const asking = patienceMs === undefined ? undefined : { pulses: this.#pulses, patienceMs };
    return typed(() => listOwners(this.#context, asking), this.#access.unreadable);
  }

  consumer(options: ConsumerOptions): Promise<Consumer> {
    return this.#access.start(options, () => SpoolConsumer.open(this.#context, options));
  }

  keeper(options: KeeperOptions): Promise<Keeper> {
    return this.#access.start(options, () => SpoolKeeper.open(this.#context, options, this.#resultTtlMs));
  }

  async close(): Promise<void> {
    this.#outcomes.close();
    await this.#sending.unique.close();
    await this.#context.journal?.close();
  }
}
