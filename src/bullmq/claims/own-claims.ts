/** The claims of one consumer: what it holds, the tokens of its locks, and which jobs are revoked. */
import { tokenOf } from '../jobs/tokens.ts';

export class OwnClaims {
  readonly #owner: string;
  readonly #held = new Set<string>();
  #tokens = 0;
  #revoked: ReadonlySet<string> = new Set();

  constructor(owner: string) {
    this.#owner = owner;
  }

  get count(): number {
    return this.#held.size;
  }

  nextToken(): string {
    return tokenOf(this.#owner, ++this.#tokens);
  }

  begin(id: string): void {
    this.#held.add(id);
  }

  /** @returns true when it was the last one */
  end(id: string): boolean {
    return this.#held.delete(id) && this.#held.size === 0;
  }

  /** All that are revoked and have not ended. */
  hearRevoked(ids: readonly string[]): ReadonlySet<string> {
    return (this.#revoked = new Set(ids));
  }

  isRevoked(id: string): boolean {
    return this.#revoked.has(id);
  }
}
