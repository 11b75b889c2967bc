/** What is found of a server that keeps jobs: its facts for people, and what is wrong with it. */

export interface ServerFinding {
  /** Stable, such as 'eviction'; texts may change. */
  readonly code: string;
  /** `error`: jobs can be lost that were accepted, or none can be sent or run. `warning`: it works, but not as well as it could. */
  readonly severity: 'error' | 'warning' | 'info';
  readonly message: string;
  /** What to do next. */
  readonly advice: string;
  /** No job can be sent or run at all. */
  readonly isUnusable: boolean;
}

export interface ServerReport {
  /** The address, without user and password. */
  readonly broker: string;
  /** Rows for people: server, memory, durability and so on. */
  readonly facts: readonly (readonly [name: string, text: string])[];
  /** The worst first. */
  readonly findings: readonly ServerFinding[];
}
