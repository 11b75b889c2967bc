/** A consumer of a worker's child, as the worker's keeper knows it by its words. */
import type { ChildSide, Member, PrintingJob, QueueOrder } from '../../broker/worker-side.ts';
import type { ProcessPrints } from '../beside/process-prints.ts';
import { LockAge, type LockHolder } from './lock-rounds.ts';
import { parseToKeeper, type ToConsumer, weightsIn } from '../claims/words.ts';

interface CrewMemberOptions {
  /** It waits for a job, or its last claim is settled. */
  readonly onIdle: () => void;
  readonly onLeave: () => void;
  readonly prints: ProcessPrints;
}

export class CrewMember implements Member, LockHolder {
  readonly lockAge: LockAge = new LockAge();
  readonly #child: ChildSide;
  readonly #options: CrewMemberOptions;
  #isIdle = false;
  #isLeaving = false;
  /** It was told to look, and has not said what came of it. */
  #isLooking = false;
  #held = 0;
  readonly #settled: (() => void)[] = [];

  constructor(child: ChildSide, options: CrewMemberOptions) {
    this.#child = child;
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#isIdle && !this.#isLooking;
  }

  get canLook(): boolean {
    return this.isIdle && !this.#isLeaving;
  }

  /** True while it has a claim that is not settled, as far as it has said. */
  get isHolding(): boolean {
    return !this.#isLeaving && this.mayHold;
  }

  /** As `isHolding`, also of one that is about to end. */
  get mayHold(): boolean {
    return !this.#isIdle || this.#held > 0;
  }

  settled(): Promise<void> {
    return new Promise((resolve) => this.#settled.push(resolve));
  }

  hear(raw: unknown): void {
    const word = parseToKeeper(raw);
    switch (word?.t) {
      case 'busy':
        this.#isIdle = false;
        this.#isLooking = false;
        this.lockAge.renewed();
        return;
      case 'renewed':
        return this.lockAge.renewed(word.ticksAgo);
      case 'fenced':
        return this.fence(word.why);
      case 'settled':
        this.#held = 0;
        if (this.#isIdle) this.#told();
        return;
      case 'idle':
        this.#isIdle = true;
        this.#isLooking = false;
        this.#held = word.held;
        if (word.held === 0) this.#told();
        this.#options.onIdle();
    }
  }

  print(stream: 'stdout' | 'stderr', chunk: Uint8Array): boolean {
    return this.#options.prints.print(stream, chunk);
  }

  printsFor(job: PrintingJob | null): void {
    this.#options.prints.printsFor(job);
  }

  leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#options.prints.end();
    this.#told();
    this.#options.onLeave();
  }

  look(queue: string | null): void {
    this.#isLooking = true;
    this.#say({ t: 'look', queue });
  }

  queues(queues: readonly string[], order: QueueOrder): void {
    this.#say({ t: 'queues', queues, order: order.kind, weights: weightsIn(order) });
  }

  revoked(ids: readonly string[]): void {
    this.#say({ t: 'revoked', ids });
  }

  terminate(id: string): void {
    this.#child.terminate(id);
  }

  fence(why: string): void {
    this.#child.fence(why);
  }

  #told(): void {
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  #say(word: ToConsumer): void {
    this.#child.say(word);
  }
}
