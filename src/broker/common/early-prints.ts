/**
 * What processes of a child have printed before the worker knew for which job. The word that tells of a run comes through another pipe, and
 * may be read long after it was said: the worker may stand still, or read what lies in both pipes in any order. So a word says when its run
 * began: what was read before then is not of that run. What was read later may be, and is taken for it.
 */
import { machineMs } from './machine-ms.ts';

/** So much is held back, bytes: of more the last. */
const MOST_BYTES = 64 * 1024;

export interface Printed {
  readonly stream: 'stdout' | 'stderr';
  readonly chunk: Uint8Array;
}

interface Early extends Printed {
  readonly readAtMs: number;
  /** The jobs that the child held, by their ids; null: nobody knows. */
  readonly among: readonly string[] | null;
}

export class EarlyPrints {
  #all: Early[] = [];
  #bytes = 0;

  /** @param among the jobs that the child holds, by their ids; null: nobody knows */
  hold({ stream, chunk }: Printed, among: readonly string[] | null = null): void {
    this.#all.push({ stream, chunk, among, readAtMs: machineMs() });
    this.#bytes += chunk.length;
    while (this.#bytes > MOST_BYTES) this.#bytes -= this.#all.shift()?.chunk.length ?? this.#bytes;
  }

  /** Gives out what was read since a run began at that time, by the clock that nobody sets. The rest is nobody's. */
  since(begunAtMs: number): readonly Printed[] {
    return this.#all.length === 0 ? [] : this.#take().filter(({ readAtMs }) => readAtMs >= begunAtMs);
  }

  /** Gives out what was read while the child held that job, as far as is known. The rest is nobody's. */
  of(id: string): readonly Printed[] {
    return this.#take().filter(({ among }) => among === null || among.includes(id));
  }

  #take(): readonly Early[] {
    const all = this.#all;
    this.#all = [];
    this.#bytes = 0;
    return all;
  }
}
