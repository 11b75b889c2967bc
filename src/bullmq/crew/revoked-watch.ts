/** Hearing of the jobs that are revoked and have not ended: at once by a hint, and by a look every second. */
import type { Engine } from '../engine.ts';
import { REVOKED, sweepRevoked } from '../jobs/revoking.ts';

const LOOKS_EVERY_MS = 1_000;

export class RevokedWatch {
  readonly #engine: Engine;
  /** All of them, and whether the process that runs one is to be killed. */
  readonly #onRevoked: (revoked: ReadonlyMap<string, boolean>) => void;
  #timer: NodeJS.Timeout | null = null;
  #unsubscribe: () => void = () => undefined;
  #last = '';
  /** All that are revoked, as far as was seen. */
  current: readonly string[] = [];

  constructor(engine: Engine, onRevoked: (revoked: ReadonlyMap<string, boolean>) => void) {
    this.#engine = engine;
    this.#onRevoked = onRevoked;
  }

  /** Resolves after the first look. */
  async start(): Promise<void> {
    this.#unsubscribe = await this.#engine.store.subscribe(REVOKED, () => void this.#look());
    await this.#look();
    this.#timer = setInterval(() => void this.#look(), LOOKS_EVERY_MS);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#unsubscribe();
  }

  async #look(): Promise<void> {
    try {
      const flagged = await this.#engine.store.fields(REVOKED);
      const left = flagged.size === 0 ? null : await sweepRevoked(this.#engine, [...flagged.keys()]);
      const found = [...flagged].filter(([id]) => left?.has(id));
      const text = JSON.stringify(found.sort());
      // Those to be killed are told again and again, until their processes have ended.
      if (text === this.#last && !text.includes('terminate')) return;
      this.#last = text;
      this.current = found.map(([id]) => id);
      this.#onRevoked(new Map(found.map(([id, how]) => [id, how === 'terminate'])));
    } catch {
      // The next look tells.
    }
  }
}
