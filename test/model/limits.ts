/**
 * Workers that keep to a limit on how many jobs run at one time, by looking at running/ after each claim (src/spool/claims/admission.ts).
 * Directories are listed one after the other, and workers die with what they hold. With limit keys only jobs of the same key count: the limit
 * is for each.
 */
import type { Model } from './explore.ts';

export interface Rules {
  readonly limit: number;
  /** The key of each job. */
  readonly keys: readonly string[];
  /** Look when the job is claimed, and not before. */
  readonly claimsFirst: boolean;
  /** All that is held counts, and not only what has begun to run. */
  readonly countsClaims: boolean;
}

const WORKERS = [0, 1, 2] as const;

interface Worker {
  /** `dead`: what it held lies there until it is recovered. */
  readonly at: 'idle' | 'listing' | 'decides' | 'runs' | 'dead' | 'recovered';
  /** The key of the job in its directory; null where none lies. */
  readonly holds: string | null;
  /** Directories it has still to list, and jobs it has found in the others. */
  readonly left: readonly number[];
  readonly seen: number;
}

interface State {
  /** Their keys, sorted. */
  readonly pending: readonly string[];
  readonly done: number;
  readonly deaths: number;
  readonly workers: readonly Worker[];
}

const IDLE: Worker = { at: 'idle', holds: null, left: [], seen: 0 };

export function limits(rules: Rules): Model<State> {
  const initial: State = { pending: rules.keys.toSorted(), done: 0, deaths: 0, workers: WORKERS.map(() => IDLE) };
  return {
    initial: [initial],
    next: (state) => WORKERS.flatMap((n) => steps(state, n, rules)),
    violations: ({ workers }) => {
      const run = workers.flatMap(({ at, holds }) => (at === 'runs' && holds !== null ? [holds] : []));
      return run.some((key) => run.filter((other) => other === key).length > rules.limit)
        ? ['more jobs run than may']
        : [];
    },
    key: JSON.stringify,
    isGoal: ({ done }) => done === rules.keys.length,
  };
}

type Step = readonly [name: string, state: State];

function steps(state: State, n: number, rules: Rules): Step[] {
  const worker = state.workers[n] ?? IDLE;
  const become = (next: Partial<Worker>, rest: Partial<State> = {}): State => ({
    ...state,
    ...rest,
    workers: state.workers.map((other, i) => (i === n ? { ...worker, ...next } : other)),
  });
  const dies: Step[] =
    state.deaths < 2 && !['dead', 'recovered'].includes(worker.at)
      ? [[`${n} dies`, become({ at: 'dead', left: [], seen: 0 }, { deaths: state.deaths + 1 })]]
      : [];
  return [...dies, ...act(state, n, worker, become, rules)];
}

function act(
  state: State,
  n: number,
  worker: Worker,
  become: (next: Partial<Worker>, rest?: Partial<State>) => State,
  { limit, claimsFirst, countsClaims }: Rules,
): Step[] {
  const { pending, workers } = state;
  switch (worker.at) {
    case 'idle':
      if (pending.length === 0) return [];
      if (!claimsFirst) return [[`${n} looks`, become({ at: 'listing', left: WORKERS, seen: 0 })]];
      return [...new Set(pending)].map((key): Step => [
        `${n} claims one of ${key}`,
        become({ at: 'listing', holds: key, left: WORKERS, seen: 0 }, { pending: without(pending, key) }),
      ]);
    case 'listing': {
      const [first, ...left] = worker.left;
      if (first === undefined) return [[`${n} has looked`, become({ at: 'decides' })]];
      const other = workers[first];
      const isOne = other !== undefined && other.holds !== null && other.holds === worker.holds;
      const counts = isOne && (countsClaims || first === n || other.at === 'runs');
      return [[`${n} lists ${first}`, become({ left, seen: worker.seen + (counts ? 1 : 0) })]];
    }
    case 'decides': {
      const [next = ''] = pending;
      if (!claimsFirst)
        return worker.seen < limit && pending.length > 0
          ? [[`${n} claims and runs`, become({ at: 'runs', holds: next }, { pending: without(pending, next) })]]
          : [[`${n} waits`, become(IDLE)]];
      return worker.seen <= limit
        ? [[`${n} runs`, become({ at: 'runs' })]]
        : [[`${n} puts it back`, become(IDLE, { pending: withKey(pending, worker.holds) })]];
    }
    case 'runs':
      return [[`${n} ends`, become(IDLE, { done: state.done + 1 })]];
    case 'dead':
      // By whoever lives, or by a worker that is started later.
      return [
        [`${n} is recovered`, become({ at: 'recovered', holds: null }, { pending: withKey(pending, worker.holds) })],
      ];
    case 'recovered':
      return [[`${n} is replaced`, become(IDLE)]];
  }
}

function without(pending: readonly string[], key: string): readonly string[] {
  const at = pending.indexOf(key);
  return pending.filter((_, i) => i !== at);
}

function withKey(pending: readonly string[], key: string | null): readonly string[] {
  return key === null ? pending : [...pending, key].toSorted();
}
