/** Statements of one job that must be done in the order in which they were asked for: each on any connection, but not before the last is done. */
export class InOrder {
  readonly #last = new Map<string, Promise<unknown>>();

  /** @param about what the order is of @throws what `act` throws; the next one is done all the same */
  run<T>(about: string, act: () => Promise<T>): Promise<T> {
    const before = this.#last.get(about);
    const mine = before === undefined ? act() : before.then(act, act);
    this.#last.set(about, mine);
    const forget = (): void => {
      if (this.#last.get(about) === mine) this.#last.delete(about);
    };
    mine.then(forget, forget);
    return mine;
  }
}
