/** When a child has worked enough, and another process should take its place. */

export interface RetirementRules {
  /** Jobs; null: any number. */
  readonly maxTasks: number | null;
  /** Resident memory of the process, bytes; null: any. */
  readonly maxMemoryBytes: number | null;
}

/** When a child has worked enough: after so many jobs, or with so much memory. Asked between jobs only. */
export class Retirement {
  readonly #rules: RetirementRules;
  readonly #memoryBytes: () => number;
  #tasks = 0;

  constructor(rules: RetirementRules, memoryBytes: () => number = () => process.memoryUsage.rss()) {
    this.#rules = rules;
    this.#memoryBytes = memoryBytes;
  }

  /** To be called after each job: why this process should take no other, or null when it may. */
  reason(): string | null {
    const { maxTasks, maxMemoryBytes } = this.#rules;
    this.#tasks++;
    if (maxTasks !== null && this.#tasks >= maxTasks)
      return `it has run ${maxTasks === 1 ? 'a job' : `${maxTasks} jobs`} (maxTasksPerChild)`;
    const bytes = maxMemoryBytes === null ? 0 : this.#memoryBytes();
    if (maxMemoryBytes !== null && bytes > maxMemoryBytes)
      return `it uses ${megabytes(bytes)} of memory, more than ${megabytes(maxMemoryBytes)} (maxMemoryPerChild)`;
    return null;
  }
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 ** 2)} MB`;
}
