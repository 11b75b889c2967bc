/** One process that runs jobs: it locks the next job of its queues by itself, and is told by its worker's keeper when to look. */
import { BY_AGE, type Claim, type Consumer, type ConsumerOptions } from '../../broker/worker-side.ts';
import { FencedError } from '../../job/errors.ts';
import { isSuspect, revoked } from '../../job/lifecycle.ts';
import { admissionOf } from './job-admission.ts';
import type { Engine, Taken } from '../engine.ts';
import { isRevoked } from '../jobs/revoking.ts';
import { announce, withdraw } from '../crew/owner-records.ts';
import { inReason, isPassing, waitForStore } from '../store-wait.ts';
import { BullClaim } from './bull-claim.ts';
import { Doorbell } from './doorbell.ts';
import type { Held } from './held-job.ts';
import { JoinedClaims } from './joined-claims.ts';
import { tightenQueues } from '../limits/queue-rules.ts';
import { LoneLook } from '../crew/lone-look.ts';
import { LookOrder } from './look-order.ts';
import { endWithoutRun, open, takeNext } from './taking.ts';
import { giveBack } from './moves.ts';
import { OwnClaims } from './own-claims.ts';
import { orderOf, parseToConsumer, type ToKeeper } from './words.ts';

/** How long a consumer waits without a word before it looks all the same, ms. */
const LOOKS_EVERY_MS = 5_000;

/** How long a consumer that ends waits for a server that is away, ms. */
const LAST_WORD_MS = 500;

export class BullConsumer implements Consumer {
  readonly owner: string;
  /** Its ends of jobs take the claim of the next one along; null: they cannot. */
  readonly #engine: Engine & { readonly joined: JoinedClaims | null };
  readonly #release: () => Promise<void>;
  readonly #options: ConsumerOptions;
  readonly #order: LookOrder;
  /** Without a keeper it waits for jobs and renews its locks by itself. */
  #lone: LoneLook | null = null;
  readonly #claims: OwnClaims;
  readonly #bell = new Doorbell();

  static async open(engine: Engine, options: ConsumerOptions): Promise<BullConsumer> {
    const { queues, tasks, limits, slots = 1, parent = null, sending, line } = options;
    const owner = engine.ownerName();
    const role = line === undefined ? 'consumer' : 'child';
    const about = { role, queues, tasks, slots, parent, limits, sending } as const;
    const begin = async (): Promise<readonly string[]> => {
      await announce(engine, owner, about);
      return queues ?? (await engine.queues.all());
    };
    // A child that starts while the server is away waits for it, as it does later.
    const patient = { onEvent: options.onEvent, signal: options.signal ?? null };
    const known = line === undefined ? await begin() : await waitForStore(patient, begin);
    const consumer = new BullConsumer(engine, options, owner, known ?? queues ?? engine.queues.known);
    if (consumer.#lone === null) await waitForStore(patient, () => tightenQueues(engine, limits?.queues));
    await consumer.#lone?.start(limits);
    return consumer;
  }

  private constructor(engine: Engine, options: ConsumerOptions, owner: string, queues: readonly string[]) {
    this.owner = owner;
    this.#claims = new OwnClaims(engine, owner, {
      onFenced: (why) => {
        this.#say({ t: 'fenced', why });
        options.onFenced?.(why);
      },
      onRenewed: (ticksAgo) => {
        const hasNone = this.#bell.isWaitedFor && this.#claims.count === 0;
        if (!hasNone) this.#say({ t: 'renewed', ticksAgo });
      },
    });
    const { completeAndTake } = engine;
    const joined = completeAndTake === null ? null : new JoinedClaims(engine, completeAndTake, options.slots ?? 1);
    const complete: Engine['complete'] = (...ending) => (joined ?? engine).complete(...ending);
    this.#engine = { ...engine, joined, complete };
    this.#release = engine.use();
    this.#options = options;
    this.#order = new LookOrder(queues);
    const { line } = options;
    if (line === undefined) this.#lone = this.#alone();
    line?.listen(
      (word) => this.#hear(word),
      () => this.#goOnAlone(),
    );
  }

  async next(signal: AbortSignal): Promise<Claim | null> {
    for (;;) {
      if (signal.aborted) return null;
      const { claim, untilMs } = await this.#look(signal);
      if (claim !== null) return claim;
      if (signal.aborted) return null;
      await this.#news(signal, untilMs);
    }
  }

  async close(): Promise<void> {
    await this.#lone?.close();
    this.#claims.close();
    // Where the server is away its record grows old, and what it holds without knowing goes to others with its lock.
    const last = async (): Promise<void> => {
      await this.#giveBackUnknown();
      await withdraw(this.#engine, this.owner);
    };
    await inReason(last, LAST_WORD_MS).catch((error: unknown) => {
      if (!isPassing(error)) throw error;
    });
    await this.#release();
  }

  /** Looks at each queue once. */
  async #look(signal: AbortSignal): Promise<{ readonly claim: Claim | null; readonly untilMs: number | null }> {
    let untilMs: number | null = null;
    const order = this.#order.next();
    for (const queue of order) {
      for (let isAlone = false; ;) {
        if (signal.aborted) return { claim: null, untilMs };
        const token = this.#claims.nextToken();
        const taken = await this.#waiting(signal, () => this.#take(queue, token));
        if (taken?.kind === 'job') this.#claims.begin({ queue, id: taken.raw.id, token });
        if (this.#claims.mayHoldMore) await this.#waiting(signal, () => this.#giveBackUnknown());
        if (taken === null) return { claim: null, untilMs };
        if (taken.kind === 'none') {
          const dueMs = taken.limitedMs > 0 ? this.#engine.nowMs() + taken.limitedMs : taken.untilMs;
          if (dueMs !== null) untilMs = Math.min(untilMs ?? dueMs, dueMs);
          break;
        }
        const { held, verdict } = open(this.#engine, taken.raw, this.owner);
        const claim = verdict === null ? await this.#admit(held, signal, isAlone) : await this.#without(held, verdict);
        if (claim === 'alone') isAlone = true;
        if (claim === null || claim === 'alone') continue;
        this.#order.took(queue, order);
        return { claim, untilMs };
      }
    }
    return { claim: null, untilMs };
  }

  /** The next job of the queue. */
  async #take(queue: string, token: string): Promise<Taken> {
    const joined = await this.#engine.joined?.take(queue, { owner: this.owner, token });
    return joined ?? takeNext(this.#engine, queue, this.owner, token);
  }

  #alone(): LoneLook {
    return new LoneLook(this.#engine, {
      queues: this.#options.queues,
      onQueues: (all) => this.#order.set(all, this.#options.order ?? BY_AGE),
      onRevoked: (revoked) => {
        this.#hear({ t: 'revoked', ids: [...revoked.keys()] });
        const toKill = new Set([...revoked].filter(([, isToKill]) => isToKill).map(([id]) => id));
        if (toKill.size > 0) this.#options.onTerminate?.(toKill);
      },
      onNews: () => this.#bell.ring(),
    });
  }

  /** The keeper has ended: until this process has settled what it holds, it hears of revocations by itself. */
  #goOnAlone(): void {
    this.#lone ??= this.#alone();
    // Without a server its locks run out; when it settles, it is told so.
    this.#lone.start(this.#options.limits).catch(() => undefined);
    this.#bell.ring();
  }

  /** A claim whose answer was lost with the connection. */
  async #giveBackUnknown(): Promise<void> {
    if (!this.#claims.mayHoldMore) return;
    for (const job of await this.#claims.unknown(this.#order.queues))
      await unlessLost(giveBack(this.#engine, { ...job, owner: this.owner }, null));
  }

  async #without(held: Held, verdict: Parameters<typeof endWithoutRun>[2]): Promise<null> {
    await this.#waiting(null, () => unlessLost(endWithoutRun(this.#engine, held, verdict)));
    this.#claims.end(held.id);
    return null;
  }

  /**
   * Null when it is not to run now: then it has been dealt with. 'alone': it must not take others with it and was put back until nothing else
   * worked here, which is so now.
   */
  async #admit(held: Held, signal: AbortSignal, isAlone: boolean): Promise<Claim | 'alone' | null> {
    const { id, standing } = held;
    if (signal.aborted) {
      await this.#waiting(null, () => unlessLost(giveBack(this.#engine, held, null)));
      this.#claims.end(id);
      return null;
    }
    const alone = isSuspect(standing) && !isAlone ? (this.#options.alone?.() ?? null) : null;
    if (alone !== null) {
      await this.#waiting(null, () => unlessLost(giveBack(this.#engine, held, null)));
      this.#claims.end(id);
      await alone;
      return 'alone';
    }
    const aside = await this.#waiting(null, () => admissionOf(this.#engine, held, this.#options.limits));
    if (aside === null) return null;
    if (aside.kind === 'dealt-with') {
      this.#claims.end(id);
      return null;
    }
    const { job, checkpoint, leave } = aside;
    const { logBytes = 0 } = this.#options;
    const onSettling = (): void => this.#claims.settling(id);
    const onOver = (): void => {
      leave?.();
      this.#over(id);
    };
    const claim = new BullClaim(held, { engine: this.#engine, logBytes, checkpoint, onSettling, onOver }, job);
    // What was heard may be old: one that was sent back since is not revoked, and one that had been taken before may be.
    const mayBe = this.#claims.isRevoked(id) || held.claims > 1;
    if (!mayBe || !(await this.#waiting(null, () => isRevoked(this.#engine, id)))) return claim;
    await unlessLost(claim.settle(revoked(claim, false), null));
    return null;
  }

  #over(id: string): void {
    if (this.#claims.end(id)) this.#say({ t: 'settled' });
  }

  /** Resolves when there may be a job. */
  async #news(signal: AbortSignal, untilMs: number | null): Promise<void> {
    const dueInMs = untilMs === null ? LOOKS_EVERY_MS : untilMs - this.#engine.nowMs();
    let hasWaited = false;
    await this.#bell.wait(signal, Math.max(1, Math.min(dueInMs, LOOKS_EVERY_MS)), () => {
      hasWaited = true;
      this.#say({ t: 'idle', held: this.#claims.count, untilMs });
      this.#lone?.wait();
    });
    if (hasWaited) this.#say({ t: 'busy' });
  }

  #say(word: ToKeeper): void {
    this.#options.line?.say(word);
  }

  #hear(raw: unknown): void {
    const word = parseToConsumer(raw);
    switch (word?.t) {
      case 'look':
        return this.#bell.ring();
      case 'queues':
        this.#order.set(word.queues, orderOf(word));
        return this.#bell.ring();
      case 'revoked': {
        const ids = this.#claims.hearRevoked(word.ids);
        return this.#options.onRevoked?.(ids);
      }
    }
  }

  /** Null when `signal` aborts while the datastore cannot be reached. */
  #waiting<T>(signal: AbortSignal | null, act: () => Promise<T>): Promise<T | null> {
    return waitForStore({ onEvent: this.#options.onEvent, signal }, act);
  }
}

/** The lock is gone: another has the job, and does what is to be done. */
async function unlessLost(act: Promise<void>): Promise<void> {
  try {
    await act;
  } catch (error) {
    if (!(error instanceof FencedError)) throw error;
  }
}
