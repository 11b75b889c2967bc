/** What the parts of this broker share: the connection to BullMQ's queues, fsq's own facts beside them, and the names of the queues. */
import type { IQueueBackend } from 'bullmq';
import type { AddressOptions } from '../broker/late-broker.ts';
import type { BrokerEvent } from '../broker/worker-side.ts';
import type { ResultTtlMs } from '../job/ended/result-ttl.ts';
import type { Awake } from './awake.ts';
import type { ServerFacts } from './doctor/server-facts.ts';
import type { JsonValue } from '../job/values/json.ts';
import type { QueueNames } from './queue-names.ts';
import type { Place, RawJob, Store } from './store.ts';

export interface BullOptions extends Omit<AddressOptions, 'resultTtlMs'>, Partial<Pick<AddressOptions, 'resultTtlMs'>> {
  /** How long a claim holds without being renewed, ms; default 10 s. */
  readonly lockMs?: number;
}

/** Waits for jobs of one queue. */
export interface JobWaiter {
  /** Resolves when there may be a job, with null after `seconds`. `score`: of a delayed job, when it is due, Unix ms; 0: now. */
  waitForJob(seconds: number): Promise<{ readonly score: number } | null>;
  close(force: boolean): Promise<void>;
}

/** A job that this process holds, for the move that ends it. */
export interface EndingJob extends Place {
  /** Of its lock. */
  readonly token: string;
  /** The number of this claim among the job's. */
  readonly claims: number;
  /** For how many retries BullMQ's own counter stands, and one. */
  readonly attemptsAllowed: number;
}

/** Whose the next job of a queue is to be. */
export interface NextClaim {
  /** By its name among owners. */
  readonly owner: string;
  /** Of the lock. */
  readonly token: string;
}

/** What a look at a queue gave. */
export type Taken =
  | { readonly kind: 'job'; readonly raw: RawJob }
  /** `untilMs`: when its next delayed job is due, Unix ms; null: it has none. `limitedMs`: how long its rate is used up. */
  | { readonly kind: 'none'; readonly untilMs: number | null; readonly limitedMs: number };

/** The arguments of `Engine.complete`. */
export type Completing = readonly [held: EndingJob, value: JsonValue | undefined, tail: string, table: string];

/** The field among those that go along with a move that has the job's tail. */
export const TAIL = 'fsq';

export interface Engine {
  /** The address, for people: without its password. */
  readonly place: string;
  readonly store: Store;
  readonly queues: QueueNames;
  /** How long a claim holds without being renewed, ms. */
  readonly lockMs: number;
  readonly nowMs: () => number;
  /** How long outcomes are kept, where their jobs do not say. */
  readonly resultTtlMs: ResultTtlMs;
  readonly onEvent: (event: BrokerEvent) => void;
  /** How often a connection was cut so far: what was on its way then may have been done twice, or its answer be lost. */
  cuts(): number;
  /**
   * Ends a held job with this value and this tail, at once.
   *
   * @returns whether there is anything in `table`: asked along, it costs no question of its own
   * @throws an error with BullMQ's code where it is not held
   */
  complete(...completing: Completing): Promise<boolean>;
  /**
   * The same, and in the same step the claim of the next job of that queue, as `takeNext` makes it; null: there is no such step.
   *
   * @returns `hasLine`: what `complete` says
   */
  readonly completeAndTake:
    | ((next: NextClaim, ...completing: Completing) => Promise<{ readonly hasLine: boolean; readonly taken: Taken }>)
    | null;
  /** `complete` has told those that wait for the job, too. */
  readonly tellsCompleted: boolean;
  /** True where BullMQ compares the times of locks with the clock of each worker, and not with the datastore's own. */
  readonly trustsClocks: boolean;
  /** A name that no other process has, for an owner. */
  ownerName(): string;
  /** The queue, over the connection that all share. */
  backend(queue: string): IQueueBackend;
  /** Waits for jobs of the queue, without keeping others from the connection. Whoever opens it closes it. */
  waiter(queue: string): JobWaiter;
  /** What the server says of itself. */
  serverFacts(): Promise<ServerFacts>;
  /** Nothing else of the engine keeps the process alive. */
  readonly awake: Awake;
  /** From now on the connection is needed, until what is given back is called: when nobody needs it, it is closed. */
  use(): () => Promise<void>;
}
