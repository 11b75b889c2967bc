/**
 * The claims of one consumer: what it holds, the tokens of its locks, and which jobs are revoked. It renews its locks, as the keeper of its
 * worker does: one of the two may be stopped, blocked by a task, or dead.
 */
import { extendLocks } from '../crew/locks.ts';
import { LockAge, LockRounds } from '../crew/lock-rounds.ts';
import type { Engine } from '../engine.ts';
import { tokenOf, tokensOf } from '../jobs/tokens.ts';
import type { HeldJob } from '../store.ts';

interface OwnClaimsOptions {
  /** The right to what it runs is lost, or may be soon; called again and again. */
  readonly onFenced: (why: string) => void;
  /** The locks of all that it runs, if it runs any, were renewed; the renewal was begun so many ticks ago. */
  readonly onRenewed: (ticksAgo: number) => void;
}

export class OwnClaims {
  readonly #owner: string;
  readonly #engine: Engine;
  readonly #locks: { readonly age: LockAge; readonly rounds: LockRounds };
  readonly #held = new Map<string, HeldJob>();
  /** What became of these is on its way: their locks may be gone at any moment. */
  readonly #settling = new Set<string>();
  #tokens = 0;
  #revoked: ReadonlySet<string> = new Set();
  /** How often the datastore had been cut off when it was last asked what this consumer holds. */
  #cuts = 0;

  constructor(engine: Engine, owner: string, { onFenced, onRenewed }: OwnClaimsOptions) {
    this.#owner = owner;
    this.#engine = engine;
    this.#cuts = engine.cuts();
    const age = new LockAge();
    const self = { lockAge: age, fence: onFenced };
    const rounds = new LockRounds({
      lockMs: engine.lockMs,
      holders: () => (this.#running().length > 0 ? [self] : []),
      renew: () => this.#renew(onFenced),
      onRenewed,
    });
    this.#locks = { age, rounds };
  }

  get count(): number {
    return this.#held.size;
  }

  nextToken(): string {
    return tokenOf(this.#owner, ++this.#tokens);
  }

  begin(job: HeldJob): void {
    if (this.#running().length === 0) this.#locks.age.renewed();
    this.#held.set(job.id, job);
  }

  settling(id: string): void {
    this.#settling.add(id);
  }

  /** @returns true when it was the last one */
  end(id: string): boolean {
    this.#settling.delete(id);
    return this.#held.delete(id) && this.#held.size === 0;
  }

  /** All that are revoked and have not ended. */
  hearRevoked(ids: readonly string[]): ReadonlySet<string> {
    return (this.#revoked = new Set(ids));
  }

  isRevoked(id: string): boolean {
    return this.#revoked.has(id);
  }

  /** The answer to a claim may have been lost with the connection: then there are jobs that this consumer holds and does not know. */
  get mayHoldMore(): boolean {
    return this.#engine.cuts() !== this.#cuts;
  }

  /**
   * These jobs, to be given back. While no claim is under way.
   *
   * @throws the datastore's error
   */
  async unknown(queues: readonly string[]): Promise<readonly HeldJob[]> {
    const cuts = this.#engine.cuts();
    const known = new Set(this.#held.keys());
    const held = await this.#engine.store.held(queues, [tokensOf(this.#owner)]);
    this.#cuts = cuts;
    return held.filter(({ id }) => !known.has(id));
  }

  close(): void {
    this.#locks.rounds.close();
  }

  #running(): readonly HeldJob[] {
    return [...this.#held.values()].filter(({ id }) => !this.#settling.has(id));
  }

  async #renew(onFenced: (why: string) => void): Promise<void> {
    const running = this.#running();
    if (running.length === 0) return;
    const gone = await extendLocks(this.#engine, running);
    const lost = gone.find((job) => this.#held.get(job.id) === job && !this.#settling.has(job.id));
    if (lost !== undefined) onFenced(`the lock of job ${lost.id} is gone`);
  }
}
