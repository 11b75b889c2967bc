/**
 * A broker that takes time to open, because its code has to be loaded and a server answered: it is opened by the first question. Ids
 * are made here at once.
 */
import type { ResultTtlMs } from '../job/ended/result-ttl.ts';
import { UsageError } from '../job/errors.ts';
import { createIdSource } from '../job/names.ts';
import type { Broker, Counts, EveryJobOptions, LogPart, Looks, OwnerInfo, Sighting } from './broker.ts';
import { type BrokerAddress, shownAddress } from './broker-address.ts';
import { pooledRandom } from './new-job.ts';
import type { ScheduleStore } from './schedules.ts';
import type { BrokerEvent, Keeper, KeeperOptions } from './worker-side.ts';

/** What a broker with an address is opened with. */
export interface AddressOptions {
  readonly address: BrokerAddress;
  /** How long outcomes are kept, for all or by the state of their jobs. */
  readonly resultTtlMs: ResultTtlMs;
  /** Make nothing that is not there. Default false. */
  readonly mustExist?: boolean;
  /** Of a spool: looks do not wait until jobs are restored. */
  readonly looksAtOnce?: boolean;
  /** Is told what a program that sends or looks should hear of. */
  readonly onEvent?: (event: BrokerEvent) => void;
  /** A stand-in for tests. */
  readonly nowMs?: () => number;
}

export class LateBroker implements Broker {
  readonly place: string;
  readonly isNew = false;
  readonly nextId: (hasOwnTtl?: boolean) => string;
  readonly schedules: ScheduleStore;
  readonly #open: () => Promise<Broker>;
  #opening: Promise<Broker> | null = null;
  #isClosed = false;

  /**
   * @param open called by the first question, and again by the next one where it failed: the server may be there by then. It gives up by itself
   * within seconds, because `close` waits for it
   */
  constructor({ address, nowMs = Date.now }: Pick<AddressOptions, 'address' | 'nowMs'>, open: () => Promise<Broker>) {
    this.place = shownAddress(address);
    this.nextId = createIdSource(nowMs, pooledRandom());
    this.#open = open;
    this.schedules = lateSchedules(() => this.opened());
  }

  /** The broker itself. @throws what its opening throws */
  async opened(): Promise<Broker> {
    if (this.#isClosed) throw new UsageError(`The broker ${this.place} is closed, and was asked once more`);
    const opening = (this.#opening ??= this.#open());
    try {
      return await opening;
    } catch (error) {
      if (this.#opening === opening) this.#opening = null;
      throw error;
    }
  }

  /** The same; null where `signal` aborts first. */
  async #openedBefore(signal: AbortSignal | null | undefined): Promise<Broker | null> {
    if (signal === null || signal === undefined) return this.opened();
    if (signal.aborted) return null;
    let stop = (): void => undefined;
    const aborted = new Promise<null>((resolve) => {
      stop = () => resolve(null);
      signal.addEventListener('abort', stop, { once: true });
    });
    try {
      return await Promise.race([this.opened(), aborted]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Closes what is open; what is being opened is waited for. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const opening = this.#opening;
    this.#opening = null;
    // Whoever asked has heard why it could not be opened, and then nothing is left to close.
    const broker = await opening?.catch(() => null);
    await broker?.close();
  }

  async enqueue(...asked: Parameters<Broker['enqueue']>): Promise<void> {
    return (await this.opened()).enqueue(...asked);
  }

  async enqueueUnique(...asked: Parameters<Broker['enqueueUnique']>): ReturnType<Broker['enqueueUnique']> {
    return (await this.opened()).enqueueUnique(...asked);
  }

  async find(...asked: Parameters<Broker['find']>): Promise<Sighting | null> {
    return (await this.opened()).find(...asked);
  }

  async unfinishedMove(): ReturnType<Broker['unfinishedMove']> {
    return (await this.opened()).unfinishedMove();
  }

  async departure(...asked: Parameters<Broker['departure']>): ReturnType<Broker['departure']> {
    return (await this.opened()).departure(...asked);
  }

  async arrival(...asked: Parameters<Broker['arrival']>): ReturnType<Broker['arrival']> {
    return (await this.opened()).arrival(...asked);
  }

  async outcome(id: string): ReturnType<Broker['outcome']> {
    return (await this.opened()).outcome(id);
  }

  async log(id: string, position: number): Promise<LogPart> {
    return (await this.opened()).log(id, position);
  }

  async logEnd(id: string): ReturnType<Broker['logEnd']> {
    return (await this.opened()).logEnd(id);
  }

  async checkpointed(id: string): ReturnType<Broker['checkpointed']> {
    return (await this.opened()).checkpointed(id);
  }

  async changed(...asked: Parameters<Broker['changed']>): ReturnType<Broker['changed']> {
    return (await this.opened()).changed(...asked);
  }

  async *everyJob(options: EveryJobOptions): AsyncGenerator<Looks, void, undefined> {
    const broker = await this.#openedBefore(options.signal);
    if (broker !== null) yield* broker.everyJob(options);
  }

  async waitForOutcome(...asked: Parameters<Broker['waitForOutcome']>): ReturnType<Broker['waitForOutcome']> {
    const broker = await this.#openedBefore(asked[1]);
    return broker === null ? null : broker.waitForOutcome(...asked);
  }

  async revoke(...asked: Parameters<Broker['revoke']>): ReturnType<Broker['revoke']> {
    return (await this.opened()).revoke(...asked);
  }

  async retry(...asked: Parameters<Broker['retry']>): ReturnType<Broker['retry']> {
    return (await this.opened()).retry(...asked);
  }

  async forget(...asked: Parameters<Broker['forget']>): ReturnType<Broker['forget']> {
    return (await this.opened()).forget(...asked);
  }

  async tidy(...asked: Parameters<Broker['tidy']>): ReturnType<Broker['tidy']> {
    return (await this.opened()).tidy(...asked);
  }

  async pause(queue: string): Promise<boolean> {
    return (await this.opened()).pause(queue);
  }

  async resume(queue: string): Promise<boolean> {
    return (await this.opened()).resume(queue);
  }

  async paused(): Promise<readonly string[]> {
    return (await this.opened()).paused();
  }

  async idsByPrefix(...asked: Parameters<Broker['idsByPrefix']>): Promise<readonly string[]> {
    return (await this.opened()).idsByPrefix(...asked);
  }

  async list(...asked: Parameters<Broker['list']>): Promise<readonly Sighting[]> {
    return (await this.opened()).list(...asked);
  }

  async unended(): ReturnType<Broker['unended']> {
    return (await this.opened()).unended();
  }

  async counts(...asked: Parameters<Broker['counts']>): Promise<Counts> {
    return (await this.opened()).counts(...asked);
  }

  async backlog(): ReturnType<Broker['backlog']> {
    return (await this.opened()).backlog();
  }

  async statistics(): ReturnType<Broker['statistics']> {
    return (await this.opened()).statistics();
  }

  async room(): ReturnType<Broker['room']> {
    return (await this.opened()).room();
  }

  async parts(): ReturnType<Broker['parts']> {
    return (await this.opened()).parts();
  }

  async restoring(): ReturnType<Broker['restoring']> {
    return (await this.opened()).restoring();
  }

  async owners(patienceMs?: number): Promise<readonly OwnerInfo[]> {
    return (await this.opened()).owners(patienceMs);
  }

  async consumer(...asked: Parameters<Broker['consumer']>): ReturnType<Broker['consumer']> {
    return (await this.opened()).consumer(...asked);
  }

  async keeper(options: KeeperOptions): Promise<Keeper> {
    const broker = await this.#openedBefore(options.giveUp);
    if (broker === null) throw new UsageError(`The broker ${this.place} was given up before it had answered`);
    return broker.keeper(options);
  }
}

function lateSchedules(opened: () => Promise<Broker>): ScheduleStore {
  const store = async (): Promise<ScheduleStore> => (await opened()).schedules;
  return {
    find: async (schedule) => (await store()).find(schedule),
    list: async () => (await store()).list(),
    send: async (instant, job) => (await store()).send(instant, job),
    pass: async (instant) => (await store()).pass(instant),
    turnBack: async (instant) => (await store()).turnBack(instant),
    pause: async (schedule) => (await store()).pause(schedule),
    resume: async (schedule) => (await store()).resume(schedule),
  };
}
