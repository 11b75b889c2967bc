/** Which jobs are revoked, as far as this process has heard, and the run of one that must hear it. */
import { RevokedError } from '../job/errors.ts';
import type { Run } from '../app/current-job.ts';

export class Revoked {
  #ids: ReadonlySet<string> = new Set();
  #job: string | null = null;
  #run: Run | null = null;

  /** All that are revoked and have not ended. */
  hear(ids: ReadonlySet<string>): void {
    this.#ids = ids;
    this.#tell();
  }

  begin(job: string, run: Run): void {
    this.#job = job;
    this.#run = run;
    if (this.#ids.size > 0) this.#tell();
  }

  /** The run has ended, whatever it came to. @returns whether its job is revoked */
  end(): boolean {
    const isRevoked = this.#ids.size > 0 && this.#job !== null && this.#ids.has(this.#job);
    this.#run?.end();
    this.#job = this.#run = null;
    return isRevoked;
  }

  #tell(): void {
    if (this.#job === null || !this.#ids.has(this.#job)) return;
    this.#run?.abort(new RevokedError(`Job ${this.#job} was revoked: end this run, its outcome is not kept.`));
  }
}
