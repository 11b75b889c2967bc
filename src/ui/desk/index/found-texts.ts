/** Which jobs have a text in their arguments, as far as they were read for it: each is read once for a text. No I/O. */

/** Of each job that was read, whether it has the text. */
export type TextFinds = Map<string, boolean>;

/** So many texts are known at a time, the last that were asked for. */
const MOST_TEXTS = 3;

export class FoundTexts {
  readonly #texts = new Map<string, TextFinds>();

  of(text: string): TextFinds {
    const finds = this.#texts.get(text) ?? new Map<string, boolean>();
    this.#texts.delete(text);
    this.#texts.set(text, finds);
    for (const other of this.#texts.keys()) {
      if (this.#texts.size <= MOST_TEXTS) break;
      this.#texts.delete(other);
    }
    return finds;
  }

  /** The job is gone, or may have other arguments now. */
  forget(id: string): void {
    for (const finds of this.#texts.values()) finds.delete(id);
  }
}
