/**
 * Which child of a worker is given the names of ready jobs, how many at a time, and which child looks out for itself. The
 * dispatch decides; the keeper finds the names, and the consumer in the child claims.
 */
import type { ChildSide, Member, PrintingJob } from '../../broker/worker-side.ts';
import type { ProcessLog } from '../beside/process-log.ts';
import { type Instruction, parseWant, type Told } from './hints.ts';

/** Names at a time at most: then a message costs little beside the jobs. */
const LARGEST_BATCH = 128;
/** A child that needs less than this for its batch may have a larger one, ms; one that needs longer gets a smaller one. */
const QUICK_MS = 20;

/** Where the names come from. */
interface NameSource {
  /** Whether it knows of no name that it may give now. */
  readonly isEmpty: boolean;
  /** Up to `max` names of ready jobs. */
  take(max: number): readonly string[];
  /** While a lookout is posted, new jobs are left to it for a few ms. */
  setLookout(isPosted: boolean): void;
}

export class Dispatch {
  readonly #source: NameSource;
  readonly #mayPost: boolean;
  /** Children that want names; the one that asked last is last: its caches are warm. */
  readonly #waiting: Seat[] = [];
  /** By the name of the owner, until the process has ended. */
  readonly #seats = new Map<string, Seat>();
  /** The last of each kind. */
  readonly #instructions = new Map<Instruction['type'], Instruction>();
  /** The idle child that watches for jobs itself. */
  #lookout: Seat | null = null;

  /** @param mayPost false where it must be known that all children are idle: a lookout that has found a job does not tell */
  constructor(source: NameSource, mayPost: boolean) {
    this.#source = source;
    this.#mayPost = mayPost;
  }

  /** A child has begun to work, as this owner. */
  join(owner: string, child: ChildSide, log: ProcessLog | null = null): Member {
    const seat = new Seat(child, log, { onWant: () => this.#want(seat), onLeave: () => this.#dismiss(seat) });
    this.#seats.set(owner, seat);
    for (const instruction of this.#instructions.values()) seat.say(instruction);
    return seat;
  }

  /** Whether this owner is a child that has joined and not ended. */
  has(owner: string): boolean {
    return this.#seats.has(owner);
  }

  /** The children that have joined and not ended, as owners. */
  get owners(): Iterable<string> {
    return this.#seats.keys();
  }

  /** The process has ended. */
  end(owner: string): void {
    this.#seats.get(owner)?.end();
    this.#seats.delete(owner);
  }

  /** The child runs a job that is revoked so that its process is to be killed. */
  terminate(owner: string, id: string): void {
    this.#seats.get(owner)?.terminate(id);
  }

  /** Tells all children, and each that joins later. */
  instruct(instruction: Instruction): void {
    this.#instructions.set(instruction.type, instruction);
    for (const seat of this.#seats.values()) seat.say(instruction);
  }

  /** Gives out the names of ready jobs. */
  run(): void {
    for (let seat = this.#next(); seat !== undefined; seat = this.#next()) {
      if (seat === this.#lookout) {
        if (this.#source.isEmpty) break;
        // It has left a job lying, so it is busy, perhaps for long: which job is its next is decided when it asks.
        this.#relieve();
        continue;
      }
      const names = this.#source.take(seat.batchSize);
      if (names.length === 0) break;
      this.#relieve();
      this.#remove(seat);
      seat.give(names);
    }
    this.#post();
  }

  #want(seat: Seat): void {
    if (!this.#waiting.includes(seat)) this.#waiting.push(seat);
    this.run();
  }

  /** All children of a worker that ends leave in one turn: only then is it seen whether another may take this one's part. */
  #dismiss(seat: Seat): void {
    this.#remove(seat);
    if (this.#lookout === seat) this.#endPost();
    queueMicrotask(() => this.run());
  }

  /** Children that have nothing to do come first. Jobs that the lookout has left lying are for others: it may be busy without having said so. */
  #next(): Seat | undefined {
    return this.#waiting.findLast((seat) => seat.isIdle && seat !== this.#lookout) ?? this.#waiting.at(-1);
  }

  /** Posts the child that would be given the next job. */
  #post(): void {
    const seat = this.#lookout === null ? this.#next() : undefined;
    if (seat === undefined || !seat.isIdle || !this.#mayPost) return;
    this.#lookout = seat;
    this.#source.setLookout(true);
    seat.say({ type: 'lookout', isPosted: true });
  }

  /** The lookout waits for names again when it has said so again: at once, unless it has found a job itself. */
  #relieve(): void {
    const seat = this.#lookout;
    if (seat === null) return;
    this.#endPost();
    this.#remove(seat);
    seat.say({ type: 'lookout', isPosted: false });
  }

  #endPost(): void {
    this.#lookout = null;
    this.#source.setLookout(false);
  }

  #remove(seat: Seat): void {
    const at = this.#waiting.indexOf(seat);
    if (at !== -1) this.#waiting.splice(at, 1);
  }
}

/** One child at the dispatch: whether it has work, and how many names it can make use of. */
class Seat implements Member {
  readonly #child: ChildSide;
  /** Null: what its processes print is not kept. */
  readonly #log: ProcessLog | null;
  readonly #events: { onWant(): void; onLeave(): void };
  #hasLeft = false;
  #isIdle = false;
  #batchSize = 1;
  /** Null when the time of the last batch has been counted. */
  #givenAt: number | null = null;

  constructor(child: ChildSide, log: ProcessLog | null, events: { onWant(): void; onLeave(): void }) {
    this.#child = child;
    this.#log = log;
    this.#events = events;
  }

  get isIdle(): boolean {
    return this.#isIdle;
  }

  /** How many names to give it now. */
  get batchSize(): number {
    return this.#batchSize;
  }

  hear(word: unknown): void {
    const want = parseWant(word);
    if (want === null) return;
    // The child has dealt with its last batch, or with half of it.
    if (this.#givenAt !== null) this.#batchSize = nextBatchSize(this.#batchSize, performance.now() - this.#givenAt);
    this.#givenAt = null;
    this.#isIdle = want.isIdle;
    if (!this.#hasLeft) this.#events.onWant();
  }

  give(names: readonly string[]): void {
    this.#givenAt = performance.now();
    this.#isIdle = false;
    this.say({ type: 'names', names });
  }

  print(stream: 'stdout' | 'stderr', chunk: Buffer): boolean {
    return this.#log?.print(stream, chunk) ?? true;
  }

  printsFor(job: PrintingJob | null): void {
    this.#log?.printsFor(job);
  }

  leave(): void {
    this.#hasLeft = true;
    this.#events.onLeave();
  }

  /** The process has ended. */
  end(): void {
    this.leave();
    this.#log?.end();
  }

  say(told: Told): void {
    this.#child.say(told);
  }

  terminate(id: string): void {
    this.#child.terminate(id);
  }
}

/**
 * The next number of names for a child that needed `tookMs` for the last `given`. It grows while jobs are quick and falls
 * to one when they are slow, because a name given to a busy child waits for it while others might run it. Pure.
 */
export function nextBatchSize(given: number, tookMs: number): number {
  return tookMs < QUICK_MS ? Math.min(LARGEST_BATCH, given * 2) : Math.max(1, Math.floor((given * QUICK_MS) / tookMs));
}
