/** The place that keeps the jobs, as long as it can be used: it is opened when somebody asks, given up at trouble, and opened anew. */
import type { Broker } from '../../broker/broker.ts';
import { FsqError, SpoolError } from '../../job/errors.ts';
import { CLOSED_TEXT } from '../desk.ts';

export class OpenedPlace {
  readonly #open: () => Broker;
  #broker: Broker | null = null;
  /** Aborts when the broker that is open now is given up. */
  #givenUp = new AbortController();
  #isClosed = false;

  /** @param open called again after each trouble: another spool may lie there then */
  constructor(open: () => Broker) {
    this.#open = open;
  }

  /**
   * @param act its signal aborts when the broker is given up, because of another question: what goes on with it then may never end
   * @throws what `act` throws, or SpoolError where the place cannot be opened; where that is trouble, the next question opens it anew. FsqError
   *   when it is closed
   */
  async ask<T>(act: (broker: Broker, givenUp: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new FsqError('FSQ_USAGE', CLOSED_TEXT);
    let broker: Broker | null = null;
    try {
      broker = this.#broker ??= this.#open();
      return await act(broker, this.#givenUp.signal);
    } catch (error) {
      if (isTrouble(error)) await this.#giveUp(broker);
      throw error;
    }
  }

  /** For good: a question that comes late opens nothing. */
  close(): Promise<void> {
    this.#isClosed = true;
    return this.#letGo();
  }

  async #letGo(): Promise<void> {
    const broker = this.#broker;
    this.#broker = null;
    this.#givenUp.abort();
    this.#givenUp = new AbortController();
    await broker?.close();
  }

  async #giveUp(broker: Broker | null): Promise<void> {
    if (broker === null || broker !== this.#broker) return;
    try {
      await this.#letGo();
    } catch {
      // What is wrong is told.
    }
  }
}

/** True of what the place itself throws; what is wrong with a question is no trouble. */
function isTrouble(error: unknown): boolean {
  if (!(error instanceof FsqError) || error instanceof SpoolError) return true;
  return error.code === 'FSQ_BROKER' || error.code === 'FSQ_PEER' || error.code === 'FSQ_CONFIG';
}
