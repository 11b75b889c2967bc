/**
 * A job that moves from one place to another, as src/app/migrating and src/broker/moving.ts say it, between two servers: two processes that
 * move it, each of which may die, or stand still while the other takes the move over; workers at both ends, which also forget outcomes and sweep
 * flags; and somebody who revokes the job on its way.
 */
import type { Model } from './explore.ts';

/** What is modelled; each that differs from FSQ is a mutant that must be caught. */
export interface Rules {
  /** The source hides the job before the destination is told of it. */
  readonly takesFirst: boolean;
  /** The job is whole at the destination before it is gone from the source. */
  readonly acceptsBeforeItLetsGo: boolean;
  /** Nobody gets it at the destination before it is gone from the source. */
  readonly releasesLast: boolean;
  /** Each step is done only under the note of the process that asks for it. */
  readonly fences: boolean;
  /** Who goes on with a move releases what arrives and does not leave. */
  readonly findsArrived: boolean;
  /** While there is a note, the flag of a job that is nowhere stays. */
  readonly keepsFlags: boolean;
  /** The note stays while a job leaves, or arrives. */
  readonly finishesEmpty: boolean;
}

export const FSQ: Rules = {
  takesFirst: true,
  acceptsBeforeItLetsGo: true,
  releasesLast: true,
  fences: true,
  findsArrived: true,
  keepsFlags: true,
  finishesEmpty: true,
};

type Step =
  'open' | 'arrive' | 'take' | 'look' | 'accept' | 'letGo' | 'tell' | 'release' | 'finishThere' | 'finishHere';

interface Mover {
  /** What it does next. Null: it has not begun, has ended, or has died. */
  readonly next: Step | null;
  readonly leaves: boolean;
  readonly arrives: boolean;
  readonly told: boolean;
}

export interface State {
  readonly here: 'waits' | 'leaves' | 'gone' | 'ran';
  readonly there: 'none' | 'arrives' | 'waits' | 'ran' | 'forgotten' | 'revoked';
  /** Which process has written the note of each end last. */
  readonly noteHere: number | null;
  readonly noteThere: number | null;
  readonly flagHere: boolean;
  readonly flagThere: boolean;
  /** Somebody was told that it will end as revoked. */
  readonly isRevoked: boolean;
  readonly runs: number;
  readonly movers: readonly Mover[];
  readonly deathsLeft: number;
}

const IDLE: Mover = { next: null, leaves: false, arrives: false, told: false };

export function moving(rules: Rules): Model<State> {
  const order = orderOf(rules);
  return {
    initial: [
      {
        here: 'waits',
        there: 'none',
        noteHere: null,
        noteThere: null,
        flagHere: false,
        flagThere: false,
        isRevoked: false,
        runs: 0,
        movers: [IDLE, IDLE],
        deathsLeft: 1,
      },
    ],
    *next(state) {
      if (state.runs > 1) return; // It is caught.
      for (const i of state.movers.keys()) yield* moverSteps(state, i, rules, order);
      yield* workerSteps(state, rules);
    },
    violations: ({ here, there, runs, isRevoked }) => [
      ...(here === 'waits' && there === 'waits' ? ['it could run in both places'] : []),
      ...(here === 'gone' && there === 'none' ? ['it is in neither place'] : []),
      ...(runs > 1 ? ['it runs twice'] : []),
      ...(isRevoked && runs > 0 ? ['it runs, and was revoked on its way'] : []),
    ],
    key: (state) => JSON.stringify(state),
    isGoal: ({ here, there, noteHere, noteThere }) =>
      (here === 'ran' || (there !== 'none' && there !== 'arrives' && there !== 'waits')) &&
      noteHere === null &&
      noteThere === null,
  };
}

/** In this order one process does them. */
function orderOf({ takesFirst, acceptsBeforeItLetsGo, releasesLast }: Rules): readonly Step[] {
  const middle: Step[] = acceptsBeforeItLetsGo ? ['accept', 'letGo', 'tell'] : ['letGo', 'tell', 'accept'];
  if (releasesLast) middle.push('release');
  else middle.splice(middle.indexOf('letGo'), 0, 'release');
  const first: Step[] = takesFirst ? ['take', 'look'] : ['look'];
  return ['open', 'arrive', ...first, ...middle, 'finishThere', 'finishHere'];
}

function* moverSteps(
  state: State,
  i: number,
  rules: Rules,
  order: readonly Step[],
): Generator<readonly [string, State]> {
  const mover = state.movers[i] ?? IDLE;
  const { next } = mover;
  const name = `mover ${i}`;
  if (next === null) {
    yield [`${name} begins`, withMover(state, i, { ...IDLE, next: 'open' })];
    return;
  }
  if (state.deathsLeft > 0) yield [`${name} dies`, { ...withMover(state, i, IDLE), deathsLeft: state.deathsLeft - 1 }];
  const isHere = ['take', 'letGo', 'finishHere'].includes(next);
  const isThere = ['accept', 'release', 'finishThere'].includes(next);
  const isOurs = (!isHere || state.noteHere === i) && (!isThere || state.noteThere === i);
  const done = rules.fences && !isOurs ? null : ACTS[next](state, mover, i, rules);
  if (done === null) {
    yield [`${name} is refused to ${next}`, withMover(state, i, IDLE)];
    return;
  }
  const after = order[order.indexOf(next) + 1] ?? null;
  const own = done.movers[i] ?? IDLE;
  yield [`${name}: ${next}`, withMover(done, i, after === null ? IDLE : { ...own, next: after })];
}

type Act = (state: State, mover: Mover, i: number, rules: Rules) => State | null;

/** Null: it ends with an error. */
const ACTS: Readonly<Record<Step, Act>> = {
  open: (state, _mover, i) => ({ ...state, noteHere: i }),
  // A destination that knows nothing of the move is not asked again while jobs leave.
  arrive: (state, _mover, i) =>
    state.noteThere === null && state.here === 'leaves' ? null : { ...state, noteThere: i },
  take: (state) => (state.here === 'waits' ? { ...state, here: 'leaves' } : state),
  look: (state, mover, i, { takesFirst, findsArrived }) => {
    const leaves = state.here === (takesFirst ? 'leaves' : 'waits');
    return withMover(state, i, { ...mover, leaves, arrives: findsArrived && !leaves && state.there === 'arrives' });
  },
  accept: (state, { leaves }) => {
    const isFree = state.there === 'none' || state.there === 'forgotten';
    if (!leaves) return state;
    return { ...state, there: isFree ? 'arrives' : state.there, flagThere: state.flagThere || state.flagHere };
  },
  letGo: (state, mover, i) => {
    if (!mover.leaves && !mover.arrives) return state;
    const here = mover.leaves && (state.here === 'leaves' || state.here === 'waits') ? 'gone' : state.here;
    return withMover({ ...state, here }, i, { ...mover, told: state.flagHere });
  },
  tell: (state, { told }) => {
    if (!told) return state;
    if (state.there === 'waits') return { ...state, there: 'revoked' };
    return state.there === 'arrives' ? { ...state, flagThere: true } : state;
  },
  release: (state, { leaves, arrives }) =>
    (leaves || arrives) && state.there === 'arrives' ? { ...state, there: 'waits' } : state,
  finishThere: (state, _mover, _i, { finishesEmpty }) =>
    finishesEmpty && state.there === 'arrives' ? null : { ...state, noteThere: null },
  finishHere: (state, _mover, _i, { finishesEmpty }) =>
    finishesEmpty && state.here === 'leaves' ? null : { ...state, noteHere: null },
};

function* workerSteps(state: State, { keepsFlags }: Rules): Generator<readonly [string, State]> {
  const { here, there, flagHere, flagThere, noteHere, noteThere, runs } = state;
  if (here === 'waits') yield ['it runs at the source', { ...state, here: 'ran', runs: runs + 1 }];
  if (there === 'waits')
    yield flagThere
      ? ['it ends as revoked', { ...state, there: 'revoked', flagThere: false }]
      : ['it runs at the destination', { ...state, there: 'ran', runs: runs + 1 }];
  if (there === 'ran') yield ['its outcome is forgotten', { ...state, there: 'forgotten' }];
  if (here === 'leaves' && !flagHere)
    yield ['it is revoked at the source', { ...state, flagHere: true, isRevoked: true }];
  if (there === 'arrives' && here === 'gone' && !flagThere)
    yield ['it is revoked at the destination', { ...state, flagThere: true, isRevoked: true }];
  if (flagHere && here === 'gone' && !(keepsFlags && noteHere !== null))
    yield ['its flag at the source is swept', { ...state, flagHere: false }];
  if (flagThere && (there === 'none' || there === 'forgotten') && !(keepsFlags && noteThere !== null))
    yield ['its flag at the destination is swept', { ...state, flagThere: false }];
}

function withMover(state: State, i: number, mover: Mover): State {
  return { ...state, movers: state.movers.map((each, at) => (at === i ? mover : each)) };
}
