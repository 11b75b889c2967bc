/**
 * A process that sends jobs, and holds some for a moment. It is an owner while it does, so that others see when it dies, and for a little
 * longer, because calls come in bursts.
 */
import type { SpoolContext } from '../disk/context.ts';
import type { Holder } from '../job-file/holder.ts';
import { register, type Registration } from '../owners/owner.ts';

/** How long it stays an owner after the last job, ms. The process does not end before. */
const LINGER_MS = 100;

export class HoldsForAMoment {
  readonly #context: SpoolContext;
  /** Null while it is no owner. */
  #registration: Promise<Registration> | null = null;
  #holds = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(context: SpoolContext) {
    this.#context = context;
  }

  /**
   * Does `act` as a holder. When that throws, a job may still lie in its directory: then this process is no owner any more, and its socket
   * is closed, so that a recoverer takes the job back.
   *
   * @throws what `act` throws; the system error where it cannot be an owner
   */
  async hold<T>(act: (holder: Holder) => Promise<T>): Promise<T> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#holds++;
    const registering = (this.#registration ??= register(this.#context, { role: 'supervisor', queues: [], tasks: [] }));
    try {
      const { owner, directory } = await registering;
      return await act({ owner, directory, giveUp: AbortSignal.abort() });
    } catch (error) {
      await this.#end(registering);
      throw error;
    } finally {
      this.#holds--;
      if (this.#holds === 0 && this.#registration !== null)
        this.#timer = setTimeout(() => void this.close(), LINGER_MS);
    }
  }

  /** While a job is held it stays an owner: the last hold ends it. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#registration !== null && this.#holds === 0) await this.#end(this.#registration);
  }

  async #end(registering: Promise<Registration>): Promise<void> {
    if (this.#registration === registering) this.#registration = null;
    // What cannot be removed now is recovered, or swept: the socket is closed in any case.
    await registering.then(({ release }) => release()).catch(() => undefined);
  }
}
