/** Hearing of markers in cancel/: at once by a watch, surely by a poll, and again and again while there are any. */
import type { SpoolContext } from './context.ts';
import { readMarkers } from './markers.ts';
import { DirectoryWatch, Poll } from './watch.ts';

export class MarkerWatch {
  readonly #context: SpoolContext;
  readonly #onMarkers: (markers: ReadonlyMap<string, boolean>) => void;
  readonly #onTrouble: (error: unknown) => void;
  readonly #watch: DirectoryWatch;
  readonly #poll: Poll;
  /** There were some at the last look, or it failed. */
  #hasOpen = false;

  /** @param onMarkers told which ids are marked, and whether their process is to be killed; also when there are none any more */
  constructor(
    context: SpoolContext,
    onMarkers: (markers: ReadonlyMap<string, boolean>) => void,
    onTrouble: (error: unknown) => void,
  ) {
    this.#context = context;
    this.#onMarkers = onMarkers;
    this.#onTrouble = onTrouble;
    this.#watch = new DirectoryWatch(context.files, context.layout.cancel, () => this.#hear());
    this.#poll = new Poll(() => this.#look(false), false);
  }

  start(): void {
    this.#watch.open();
    this.#poll.start();
    this.#look(true);
  }

  stop(): void {
    this.#watch.close();
    this.#poll.stop();
  }

  #hear(): void {
    this.#poll.start();
    this.#look(true);
  }

  #look(isSure: boolean): void {
    try {
      if (!this.#watch.hasChanged() && !this.#hasOpen && !isSure) return;
      const markers = readMarkers(this.#context);
      const isNews = markers.size > 0 || this.#hasOpen;
      this.#hasOpen = markers.size > 0;
      if (isNews) this.#onMarkers(markers);
    } catch (error) {
      this.#hasOpen = true;
      this.#onTrouble(error);
    }
  }
}
