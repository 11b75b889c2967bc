/**
 * Workers that keep to a limit on how many jobs run at one time, by looking at running/ after each claim (src/spool/claims/admission.ts).
 * Directories are listed one after the other, and workers die with what they hold.
 */
import type { Model } from './explore.ts';

export interface Rules {
  readonly limit: number;
  /** Look when the job is claimed, and not before. */
  readonly claimsFirst: boolean;
  /** All that is held counts, and not only what has begun to run. */
  readonly countsClaims: boolean;
}

const WORKERS = [0, 1, 2] as const;
const JOBS = 3;

interface Worker {
  /** `dead`: what it held lies there until it is recovered. */
  readonly at: 'idle' | 'listing' | 'decides' | 'runs' | 'dead' | 'recovered';
  /** A job lies in its directory. */
  readonly holds: boolean;
  /** Directories it has still to list, and jobs it has found in the others. */
  readonly left: readonly number[];
  readonly seen: number;
}

interface State {
  readonly pending: number;
  readonly done: number;
  readonly deaths: number;
  readonly workers: readonly Worker[];
}

const IDLE: Worker = { at: 'idle', holds: false, left: [], seen: 0 };

export function limits(rules: Rules): Model<State> {
  const initial: State = { pending: JOBS, done: 0, deaths: 0, workers: WORKERS.map(() => IDLE) };
  return {
    initial: [initial],
    next: (state) => WORKERS.flatMap((n) => steps(state, n, rules)),
    violations: ({ workers }) =>
      workers.filter(({ at }) => at === 'runs').length > rules.limit ? ['more jobs run than may'] : [],
    key: JSON.stringify,
    isGoal: ({ done }) => done === JOBS,
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
      if (pending === 0) return [];
      return claimsFirst
        ? [[`${n} claims`, become({ at: 'listing', holds: true, left: WORKERS, seen: 0 }, { pending: pending - 1 })]]
        : [[`${n} looks`, become({ at: 'listing', left: WORKERS, seen: 0 })]];
    case 'listing': {
      const [first, ...left] = worker.left;
      if (first === undefined) return [[`${n} has looked`, become({ at: 'decides' })]];
      const other = workers[first];
      const counts = other?.holds === true && (countsClaims || first === n || other.at === 'runs');
      return [[`${n} lists ${first}`, become({ left, seen: worker.seen + (counts ? 1 : 0) })]];
    }
    case 'decides': {
      if (!claimsFirst)
        return worker.seen < limit && pending > 0
          ? [[`${n} claims and runs`, become({ at: 'runs', holds: true }, { pending: pending - 1 })]]
          : [[`${n} waits`, become(IDLE)]];
      return worker.seen <= limit
        ? [[`${n} runs`, become({ at: 'runs' })]]
        : [[`${n} puts it back`, become(IDLE, { pending: pending + 1 })]];
    }
    case 'runs':
      return [[`${n} ends`, become(IDLE, { done: state.done + 1 })]];
    case 'dead':
      // By whoever lives, or by a worker that is started later.
      return [
        [`${n} is recovered`, become({ at: 'recovered', holds: false }, { pending: pending + (worker.holds ? 1 : 0) })],
      ];
    case 'recovered':
      return [[`${n} is replaced`, become(IDLE)]];
  }
}
