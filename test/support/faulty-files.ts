/** A file system of which one call fails as a test says, and that counts its calls. */
import type { Files } from '../../src/spool/files.ts';

export type Operation = keyof Files;

/** Which call fails, with what, and for how long. */
export interface Plan {
  readonly operation: Operation;
  /** 1 for the first call after the plan was set. */
  readonly call: number;
  readonly errno: string;
  /** 'once': the next call works. 'for good': every later call fails too, until `mend()`. */
  readonly lasts: 'once' | 'for good';
  /** Only calls whose first argument is a path that contains this; default all. */
  readonly path?: string;
}

export interface FaultyFiles {
  readonly files: Files;
  /** Starts to count anew and fails what `plan` names. */
  plan(plan: Plan): void;
  /** Nothing fails any more. */
  mend(): void;
  /** True if the planned call came. */
  hasFailed(): boolean;
  /** Calls of each operation since the last `plan` or `mend`. */
  readonly calls: ReadonlyMap<Operation, number>;
}

/** `inner` with faults; without a plan it works as `inner` does. */
export function faultyFiles(inner: Files): FaultyFiles {
  const calls = new Map<Operation, number>();
  let current: Plan | null = null;
  let matching = 0;
  let hasFailed = false;

  const failure = (operation: Operation, target: unknown): Error | null => {
    calls.set(operation, (calls.get(operation) ?? 0) + 1);
    if (current?.operation !== operation) return null;
    if (current.path !== undefined && !(typeof target === 'string' && target.includes(current.path))) return null;
    matching++;
    const isHit = current.lasts === 'once' ? matching === current.call : matching >= current.call;
    if (!isHit) return null;
    hasFailed = true;
    return systemError(current.errno, operation);
  };

  const files = new Proxy(inner, {
    get: (target, key) => {
      const operation = key as Operation;
      const real = target[operation] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        const error = failure(operation, args[0]);
        if (error === null) return real(...args);
        // The descriptor is gone even when close(2) reports an error.
        if (operation === 'close') real(...args);
        if (operation === 'sync') return Promise.reject(error);
        throw error;
      };
    },
  });
  const reset = (plan: Plan | null): void => {
    current = plan;
    matching = 0;
    hasFailed = false;
    calls.clear();
  };
  return { files, plan: reset, mend: () => reset(null), hasFailed: () => hasFailed, calls };
}

/** An error as Node's fs throws it. */
export function systemError(errno: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${errno}: injected, ${syscall}`), { code: errno, syscall });
}
