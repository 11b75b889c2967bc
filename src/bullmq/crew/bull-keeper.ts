/** The keeper: what a worker does for its children and for the queues. It waits for jobs, renews locks, recovers the dead, hears of revocations. */
import type { ChildSide, Death, EndedRun, Keeper, KeeperOptions, Member } from '../../broker/worker-side.ts';
import { BY_AGE } from '../../broker/worker-side.ts';
import { type Loss, NO_RESTARTS, oneMore } from '../../broker/common/restarts.ts';
import type { Figures } from '../../broker/statistics.ts';
import type { LimitRules } from '../../job/queue-limits.ts';
import { ProcessPrints } from '../beside/process-prints.ts';
import { CrewMember } from './crew-member.ts';
import { Locks } from './locks.ts';
import { QueueWatch } from './queue-watch.ts';
import { RevokedWatch } from './revoked-watch.ts';
import type { Engine } from '../engine.ts';
import { Housework } from './housework.ts';
import { wakeParked } from '../tasks/parked-jobs.ts';
import { OwnFigures } from '../statistics/own-figures.ts';
import { LimitRounds } from '../limits/limit-rounds.ts';
import { pausesTold } from '../limits/pauses.ts';
import { announce, tellAnew, withdraw } from './owner-records.ts';
import { recover } from './recover-held.ts';
import { inReason, isPassing, waitForStore } from '../store-wait.ts';

/** How long a keeper that ends waits for a server that is away, ms. */
const LAST_WORD_MS = 500;

export class BullKeeper implements Keeper {
  readonly owner: string;
  readonly #engine: Engine;
  readonly #release: () => Promise<void>;
  readonly #options: KeeperOptions;
  readonly #members = new Map<string, CrewMember>();
  readonly #watch: QueueWatch;
  readonly #rounds: {
    readonly locks: Locks;
    readonly revoked: RevokedWatch;
    readonly housework: Housework;
    readonly limits: LimitRounds;
    readonly figures: OwnFigures;
  };

  /** Revoked jobs whose processes are to be killed. */
  #toKill: ReadonlySet<string> = new Set();

  static async open(engine: Engine, options: KeeperOptions): Promise<BullKeeper> {
    const owner = engine.ownerName();
    const { queues, limits: settings } = options;
    // Its settings limit queues: while it lives these limits hold.
    const about = { role: 'supervisor', queues, tasks: [], limits: settings, restarts: NO_RESTARTS } as const;
    await announce(engine, owner, about);
    const keeper = new BullKeeper(engine, options, owner);
    const { locks, revoked, housework, limits, figures } = keeper.#rounds;
    await limits.start(options.limits);
    await revoked.start();
    await keeper.#watch.start();
    locks.start();
    housework.start();
    figures.start();
    return keeper;
  }

  private constructor(engine: Engine, options: KeeperOptions, owner: string) {
    this.owner = owner;
    this.#engine = engine;
    this.#release = engine.use();
    this.#options = options;
    this.#watch = new QueueWatch(engine, {
      queues: options.queues,
      isWanted: () => this.#nextIdle() !== null,
      onJob: (queue) => this.#nextIdle()?.look(queue),
      onQueues: () => this.#tellQueues(),
    });
    const locks = new Locks(engine, {
      // To look costs the server some of its time for each job that anybody holds: for idle children it is not asked.
      owners: () => [...this.#members].flatMap(([owner, member]) => (member.mayHold ? [owner] : [])),
      queues: () => this.#watch.queues,
      onHeld: (held) => this.#killRevoked(held.map(({ id, token }) => ({ id, token }))),
      onLost: (lost, { id }) => this.#members.get(lost)?.fence(`the lock of job ${id} is gone`),
      holders: () => this.#holding(),
    });
    const revoked = new RevokedWatch(engine, (found) => {
      for (const member of this.#members.values()) member.revoked([...found.keys()]);
      this.#toKill = new Set([...found].filter(([, isToKill]) => isToKill).map(([id]) => id));
      if (this.#toKill.size > 0) void this.#killRunning();
    });
    const housework = new Housework(engine, {
      queues: () => this.#watch.queues,
      isBurst: options.isBurst ?? false,
      onPaused: pausesTold(engine),
    });
    const limits = new LimitRounds(engine, {
      onFreed: (queue) => this.#nextIdle()?.look(queue),
      onPaused: () => housework.lookAgain(),
    });
    this.#rounds = { locks, revoked, housework, limits, figures: new OwnFigures(engine, owner) };
  }

  know(tasks: readonly string[]): void {
    const { queues } = this.#options;
    tellAnew(this.#engine, this.owner, (about) => ({ ...about, tasks: [...tasks].sort() }))
      .then(() => wakeParked(this.#engine, tasks, queues))
      .catch(() => undefined); // The next beat tells, and what is parked is due by itself.
  }

  join(owner: string, child: ChildSide): Member {
    const member = new CrewMember(child, {
      onIdle: () => {
        this.#rounds.housework.changed();
        this.#watch.wait();
      },
      onLeave: () => this.#members.delete(owner),
      prints: new ProcessPrints(this.#engine, this.#options.logBytes ?? 0),
    });
    this.#members.set(owner, member);
    member.queues(this.#watch.queues, this.#options.order ?? BY_AGE);
    member.revoked(this.#rounds.revoked.current);
    return member;
  }

  async recover(owner: string, ending: Death, run?: EndedRun): Promise<boolean> {
    this.#members.get(owner)?.leave();
    const act = (): Promise<boolean> => recover(this.#engine, owner, ending, run);
    const { lockMs } = this.#engine;
    // Where the server is away for longer, the locks have run out, and whoever looks for such jobs finds these.
    const held = await waitForStore({ onEvent: this.#options.onEvent, signal: AbortSignal.timeout(lockMs) }, act);
    await inReason(() => withdraw(this.#engine, owner), held === null ? 1 : lockMs).catch(() => undefined); // Its record grows old.
    this.#rounds.housework.changed();
    if (held ?? true) await this.#rounds.limits.recovered();
    return held ?? true;
  }

  limitTasks(tasks: LimitRules['tasks']): void {
    this.#rounds.limits.know(tasks);
  }

  count(figures: Figures): void {
    this.#rounds.figures.count(figures);
  }

  lost(why: Loss): void {
    const atMs = this.#engine.nowMs();
    tellAnew(this.#engine, this.owner, (about) => {
      return { ...about, restarts: oneMore(about.restarts ?? NO_RESTARTS, why, atMs) };
    }).catch(() => undefined); // The next beat tells.
  }

  clockMoved(): void {
    for (const member of this.#members.values()) if (member.isIdle) member.look(null);
  }

  isIdle(): boolean {
    return this.#rounds.housework.isIdle();
  }

  settled(): Promise<void> | null {
    const holding = this.#holding();
    return holding.length === 0 ? null : Promise.all(holding.map((member) => member.settled())).then(() => undefined);
  }

  problem(): unknown {
    return this.#rounds.housework.problem();
  }

  async close(): Promise<void> {
    this.#rounds.revoked.close();
    await this.#rounds.limits.close();
    await this.#rounds.housework.close();
    this.#rounds.locks.close();
    await inReason(() => this.#rounds.figures.close(), LAST_WORD_MS).catch(() => undefined); // What is lost of them counts for nothing.
    await this.#watch.close();
    await inReason(() => withdraw(this.#engine, this.owner), LAST_WORD_MS).catch((error: unknown) => {
      if (!isPassing(error)) throw error; // Its record is too old soon.
    });
    await this.#release();
  }

  #holding(): readonly CrewMember[] {
    return [...this.#members.values()].filter((member) => member.isHolding);
  }

  #nextIdle(): CrewMember | null {
    for (const member of this.#members.values()) if (member.canLook) return member;
    return null;
  }

  #tellQueues(): void {
    for (const member of this.#members.values()) member.queues(this.#watch.queues, this.#options.order ?? BY_AGE);
  }

  async #killRunning(): Promise<void> {
    try {
      const tokens = [...this.#members.keys()].map((owner) => `${owner}~`);
      this.#killRevoked(await this.#engine.store.held(this.#watch.queues, tokens));
    } catch {
      // The next look of the watch, or of the locks, does it.
    }
  }

  #killRevoked(held: readonly { readonly id: string; readonly token: string }[]): void {
    for (const { id, token } of held)
      if (this.#toKill.has(id)) this.#members.get(token.slice(0, token.indexOf('~')))?.terminate(id);
  }
}
