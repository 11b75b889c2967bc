/** A file system of which one call fails as a test says, and that counts its calls. */
import type { Files } from '../../src/spool/disk/files.ts';

export type Operation = keyof Files;

/** Which call fails, with what, and for how long. */
export interface Plan {
  /** 'any' counts the calls of all operations together. */
  readonly operation: Operation | 'any';
  /** 1 for the first call after the plan was set. */
  readonly call: number;
  readonly errno: string;
  /** 'once': the next call works. 'for good': every later call fails too, until `mend()`. */
  readonly lasts: 'once' | 'for good';
  /** Of a write that fails: how many bytes reach the file all the same. Default 0. */
  readonly tornBytes?: number;
}

/** The process ends at this call: neither it nor anything after it happens. */
export function deathAt(call: number): Plan {
  return { operation: 'any', call, errno: 'EDEAD', lasts: 'for good' };
}

export interface FaultyFiles {
  readonly files: Files;
  /** Starts to count anew and fails what `plan` names. */
  plan(plan: Plan): void;
  /** Nothing fails any more. Counts anew. */
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

  const fails = (operation: Operation): Plan | null => {
    calls.set(operation, (calls.get(operation) ?? 0) + 1);
    if (current === null || (current.operation !== 'any' && current.operation !== operation)) return null;
    matching++;
    const isHit = current.lasts === 'once' ? matching === current.call : matching >= current.call;
    if (!isHit) return null;
    hasFailed = true;
    return current;
  };

  const files = new Proxy(inner, {
    get: (target, key) => {
      const operation = key as Operation;
      const real = target[operation] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        const plan = fails(operation);
        if (plan === null) return real(...args);
        const error = systemError(plan.errno, operation);
        // The descriptor is gone even when close(2) reports an error.
        if (operation === 'close') real(...args);
        if (operation === 'sync' || operation === 'syncData') return Promise.reject(error);
        if (operation === 'write' && plan.tornBytes !== undefined) {
          const [fd, bytes, position] = args as [number, Buffer, number];
          target.write(fd, bytes.subarray(0, plan.tornBytes), position);
        }
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
