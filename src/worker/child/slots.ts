/**
 * How many jobs a child has at once: those that run, and those whose outcomes are on their way to the disk. Each that works has a slot.
 * A run that waits for another job lends its slot for as long: one more may begin, and when the wait is over the run goes on at once. So
 * runs that wait for one another never wait for a slot.
 */
export class Slots {
  readonly settling: Settling = new Settling();
  readonly #size: number;
  #running = 0;
  #waiting = 0;
  readonly #heard: (() => void)[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  /** How many runs have begun and not ended. */
  get running(): number {
    return this.#running;
  }

  get isFull(): boolean {
    return this.#working >= this.#size;
  }

  begin(): void {
    this.#running++;
  }

  /** A run has ended. */
  end(): void {
    this.#running--;
    this.#tell();
  }

  /** A run waits for another job. `first` is asked to begin one before others hear of the slot; null: nobody is. */
  lend(first: (() => Promise<void>) | null): void {
    this.#waiting++;
    if (first === null) this.#tell();
    else void first().then(() => this.#tell());
  }

  /** It goes on. */
  takeBack(): void {
    this.#waiting--;
  }

  /** Resolves when a run has ended or waits: then there may be room. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#heard.push(resolve));
  }

  /**
   * Resolves when all that runs waits for other jobs, and every outcome has arrived: then only a run that begins now can lose its process
   * for no reason of its own. Null when that is so now.
   */
  alone(): Promise<void> | null {
    return this.#working <= 0 && this.settling.isEmpty ? null : this.#alone();
  }

  /** Resolves when a run has ended or waits, or after `ms`. */
  news(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const hear = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#heard.splice(this.#heard.indexOf(hear), 1);
        resolve();
      }, ms);
      this.#heard.push(hear);
    });
  }

  get #working(): number {
    return this.#running - this.#waiting;
  }

  async #alone(): Promise<void> {
    while (this.#working > 0 || !this.settling.isEmpty) {
      while (this.#working > 0) await this.next();
      await this.settling.empty();
    }
  }

  #tell(): void {
    // Those that hear go on in a later turn: none is added meanwhile.
    for (const hear of this.#heard) hear();
    this.#heard.length = 0;
  }
}

/**
 * How many jobs of a child may have run and not be settled: enough that the child goes on while the disk takes the outcomes of
 * some ten milliseconds. After the death of the process they are published as they are, and a power cut makes them run again.
 */
const MOST_SETTLING = 256;

/** Outcomes on their way to the disk. */
export class Settling {
  readonly #failed = new AbortController();
  #underWay = 0;
  #error: unknown = null;
  /** Called when one has ended. */
  readonly #heard: (() => void)[] = [];

  /** Aborted when a settlement failed: nothing more should be begun. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  get isFull(): boolean {
    return this.#underWay >= MOST_SETTLING;
  }

  add(settled: Promise<void>): void {
    this.#underWay++;
    settled.then(
      () => this.#ended(),
      (error: unknown) => {
        this.fail(error);
        this.#ended();
      },
    );
  }

  /** Nothing more should be begun: this is what `end` throws. */
  fail(error: unknown): void {
    this.#error ??= error;
    this.#failed.abort();
  }

  get isEmpty(): boolean {
    return this.#underWay === 0;
  }

  /** Resolves when one more can be added. */
  async room(): Promise<void> {
    while (this.isFull) await this.#next();
  }

  /** Resolves when none is under way. */
  async empty(): Promise<void> {
    while (this.#underWay > 0) await this.#next();
  }

  /** Waits for all. @throws the error of the first settlement that failed */
  async end(): Promise<void> {
    await this.empty();
    if (this.#error !== null) throw this.#error;
  }

  #next(): Promise<void> {
    return new Promise((resolve) => this.#heard.push(resolve));
  }

  #ended(): void {
    this.#underWay--;
    for (const hear of this.#heard.splice(0)) hear();
  }
}
