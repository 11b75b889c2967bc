/**
 * The claim of the next job goes along with the end of the one before it, in one step of the datastore: whoever runs jobs asks for the next one as
 * soon as there is room for it. An end waits for that no longer than a turn of the process.
 */
import type { Completing, Engine, NextClaim, Taken } from '../engine.ts';

/** An end that is about to be sent. */
interface Ending {
  readonly queue: string;
  /** Sends it, with this claim or with none. Null where the claim was not made, for whatever reason. Never rejects. */
  readonly send: (next: NextClaim | null) => Promise<Taken | null>;
}

export class JoinedClaims {
  readonly #complete: Engine['complete'];
  readonly #completeAndTake: NonNullable<Engine['completeAndTake']>;
  readonly #isPatient: boolean;
  #ending: Ending | null = null;
  #turn: NodeJS.Immediate | null = null;

  /** @param slots how many jobs run at once: with more than one, others may block the process while an end waits */
  constructor(
    { complete }: Pick<Engine, 'complete'>,
    completeAndTake: NonNullable<Engine['completeAndTake']>,
    slots: number,
  ) {
    this.#complete = complete;
    this.#completeAndTake = completeAndTake;
    this.#isPatient = slots === 1;
  }

  /** As `Engine.complete`. */
  complete(...completing: Completing): Promise<boolean> {
    void this.#leave()?.send(null);
    return new Promise((resolve, reject) => {
      const send = async (next: NextClaim | null): Promise<Taken | null> => {
        try {
          if (next === null) {
            resolve(await this.#complete(...completing));
            return null;
          }
          const { hasLine, taken } = await this.#completeAndTake(next, ...completing);
          resolve(hasLine);
          return taken;
        } catch (error) {
          reject(error);
          return null;
        }
      };
      this.#wait({ queue: completing[0].queue, send });
    });
  }

  /** Takes the next job of the queue along with an end. Null: no end of a job of that queue is about to be sent, or it could not be done. */
  take(queue: string, next: NextClaim): Promise<Taken | null> | null {
    const ending = this.#leave();
    if (ending === null) return null;
    if (ending.queue === queue) return ending.send(next);
    void ending.send(null);
    return null;
  }

  #wait(ending: Ending): void {
    this.#ending = ending;
    const send = (): void => {
      if (this.#ending === ending) void this.#leave()?.send(null);
    };
    // Whoever runs jobs may let others have their turn first.
    if (this.#isPatient) this.#turn = setImmediate(() => (this.#turn = setImmediate(send)));
    else process.nextTick(send);
  }

  #leave(): Ending | null {
    const ending = this.#ending;
    this.#ending = null;
    if (this.#turn !== null) clearImmediate(this.#turn);
    this.#turn = null;
    return ending;
  }
}
