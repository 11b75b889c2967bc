/**
 * Workers that keep to a rate by slots (src/spool/ready/rate-slots.ts): they read the clock, list the slots, remove old ones one by one,
 * create theirs, and look at the clock again. Each may stand still between any two steps, while time goes on. One slot to a span.
 */
import type { Model } from './explore.ts';

export interface Rules {
  /** Which slots a worker removes that read the clock in `span`. */
  readonly removes: (slot: number, span: number) => boolean;
  /** A slot whose span is over when it has been taken does not count. */
  readonly looksAgain: boolean;
}

const WORKERS = [0, 1, 2] as const;
/** Spans of time: 0 to this. */
const LAST_SPAN = 3;

interface Worker {
  readonly at: 'idle' | 'knows-the-time' | 'has-listed' | 'has-created';
  /** The span of time in which it read the clock. */
  readonly span: number;
  /** Slots that it has listed and will remove. */
  readonly old: readonly number[];
  /** Its list had one of its span. */
  readonly isUsed: boolean;
}

interface State {
  readonly now: number;
  /** Spans whose slot is there. */
  readonly slots: readonly number[];
  /** Starts in each span. */
  readonly starts: readonly number[];
  readonly workers: readonly Worker[];
}

const IDLE: Worker = { at: 'idle', span: 0, old: [], isUsed: false };

export function rates(rules: Rules): Model<State> {
  return {
    initial: [{ now: 0, slots: [], starts: [0, 0, 0, 0], workers: WORKERS.map(() => IDLE) }],
    next: (state) => [
      ...(state.now < LAST_SPAN ? [['time passes', { ...state, now: state.now + 1 }] as const] : []),
      ...WORKERS.flatMap((n) => steps(state, n, rules)),
    ],
    violations: ({ starts }) => (starts.some((count) => count > 1) ? ['more jobs start in a span than may'] : []),
    // Slots in any order, workers in any order.
    key: ({ workers, slots, ...rest }) =>
      JSON.stringify([rest, slots.toSorted(), workers.map((worker) => JSON.stringify(worker)).toSorted()]),
    isGoal: ({ starts }) => starts.some((count) => count > 0),
  };
}

type Step = readonly [name: string, state: State];

function steps(state: State, n: number, { removes, looksAgain }: Rules): Step[] {
  const worker = state.workers[n] ?? IDLE;
  const { now, slots, starts } = state;
  const become = (next: Worker, rest: Partial<State> = {}): State => ({
    ...state,
    ...rest,
    workers: state.workers.map((other, i) => (i === n ? next : other)),
  });
  switch (worker.at) {
    case 'idle':
      return [[`${n} reads the clock`, become({ ...IDLE, at: 'knows-the-time', span: now })]];
    case 'knows-the-time': {
      const { span } = worker;
      const old = slots.filter((slot) => slot !== span && removes(slot, span)).toSorted();
      return [[`${n} lists`, become({ at: 'has-listed', span, old, isUsed: slots.includes(span) })]];
    }
    case 'has-listed': {
      const [first, ...old] = worker.old;
      if (first !== undefined)
        return [
          [`${n} removes ${first}`, become({ ...worker, old }, { slots: slots.filter((slot) => slot !== first) })],
        ];
      if (worker.isUsed || slots.includes(worker.span)) return [[`${n} finds none free`, become(IDLE)]];
      return [
        [`${n} creates ${worker.span}`, become({ ...worker, at: 'has-created' }, { slots: [...slots, worker.span] })],
      ];
    }
    case 'has-created': {
      if (looksAgain && worker.span !== now) return [[`${n} is too late`, become(IDLE)]];
      return [
        [`${n} starts`, become(IDLE, { starts: starts.map((count, span) => (span === now ? count + 1 : count)) })],
      ];
    }
  }
}
