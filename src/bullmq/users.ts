/** Closes something when the last of those that use it has ended. */
export class Users {
  readonly #close: () => Promise<void>;
  #count = 0;

  constructor(close: () => Promise<void>) {
    this.#close = close;
  }

  /** @returns ends this use; a second call does nothing */
  begin(): () => Promise<void> {
    this.#count++;
    let isOver = false;
    return async () => {
      if (isOver) return;
      isOver = true;
      this.#count--;
      if (this.#count === 0) await this.#close();
    };
  }
}
