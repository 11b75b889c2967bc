/**
 * A job's life between a child, its keeper and somebody who revokes, each of which may die before any step: delay, promotion,
 * retry, time limit, expiry, `onCrash`, withdrawal, termination and recovery as fsq does them (src/spool/{promote,unpark,claim,held,
 * recover,revoke,revocations,withdraw}.ts, src/job/lifecycle.ts).
 *
 * Who lives is never taken for dead here, and the disk never refuses: handover.ts looks at that. A look at where a job is
 * takes one step: fsq looks again before it believes that there is none.
 */
import type { Model } from './explore.ts';
import { type Ending, judge, settlementOf, settling, unlessMarked } from './life-decisions.ts';
import {
  type Budget,
  type Child,
  type Hand,
  isOver,
  key,
  type Place,
  type Rules,
  type Settling,
  startsOf,
  type State,
  violations,
} from './life-state.ts';

export function life(rules: Rules, budget: Budget): Model<State> {
  return {
    initial: startsOf(budget),
    next: (state) => (isOver(state) ? [] : steps(state, rules)),
    violations,
    key,
    isGoal: ({ place, isMarked }) => place.at === 'results' && !isMarked,
  };
}

type Step = readonly [name: string, state: State];

function* steps(state: State, rules: Rules): Generator<Step> {
  yield* time(state);
  yield* promote(state, rules);
  yield* childSteps(state, rules);
  for (const slot of ['keeper', 'revoker'] as const) yield* handSteps(state, slot, rules);
}

function* time(state: State): Generator<Step> {
  const { place, isEtaAhead, isLate, options } = state;
  const isWaiting = place.at === 'delayed' && place.until !== null;
  if (isEtaAhead || isWaiting) {
    const due: Place = isWaiting ? { at: 'delayed', until: null } : place;
    yield ['its time comes', { ...state, isEtaAhead: false, place: due }];
  }
  if (options.canExpire && !isLate) yield ['its last time passes', { ...state, isLate: true }];
}

/** rename(delayed/<due>.J, pending/J), by the keeper, but as any worker may do it at any time, by nobody in particular. */
function* promote(state: State, { promotes, unparks }: Rules): Generator<Step> {
  const { place } = state;
  if (place.at !== 'delayed') return;
  const isParked = place.until === 'park';
  const promoted: State = { ...state, place: { at: 'pending' } };
  const isEarly = place.until !== null && !isParked;
  const early: State = isEarly ? { ...promoted, flaw: 'ready before its time' } : promoted;
  if (place.until === null || promotes === 'any') yield ['is promoted', early];
  else if (isParked || unparks === 'any') yield ['is unparked', early];
}

function* childSteps(state: State, rules: Rules): Generator<Step> {
  const { child, left, keeper } = state;
  const become = (next: Child): State => ({ ...state, child: next });
  switch (child.at) {
    case 'ended':
      if (keeper.at !== 'ended') yield ['a new child', { ...become({ at: 'idle' }), isOurs: true }];
      return;
    case 'idle':
      if (state.place.at !== 'pending') return;
      yield ['child claims', claimed(become({ at: 'claimed' }), 'child')];
      return;
    case 'claimed':
      yield* examine(state, become, rules);
      break;
    case 'running':
      yield* endRun(state, child.isTold, become, rules);
      break;
    default:
      yield ['child settles', settle(state, child, 'child', rules)];
  }
  if (left.kills > 0) yield ['child is killed', died({ ...state, left: { ...left, kills: left.kills - 1 } }, 'child')];
  if (left.stops > 0) {
    const known = state.isOurs ? 'stopped' : null;
    yield ['child is stopped', { ...died(spendStop(state), 'child'), known }];
  }
}

/** Took the job by a rename that counts an attempt. */
function claimed(state: State, owner: 'child' | 'keeper' | 'revoker'): State {
  const { attempt, crashes } = state;
  const place: Place = { at: 'held', owner, isAlive: true, recoverer: null };
  return { ...state, place, attempt: attempt + 1, least: [attempt, crashes] };
}

type BecomeChild = (next: Child) => State;

function* examine(state: State, become: BecomeChild, rules: Rules): Generator<Step> {
  const { isEtaAhead, isLate, attempt, crashes, isMarked, shown } = state;
  if (isEtaAhead && rules.putsOff) {
    const to: Place = { at: 'delayed', until: 'eta' };
    yield ['child puts it off', become({ at: 'moves', plan: { write: null, to, attempt: attempt - 1, crashes } })];
    return;
  }
  const unrun = (ending: Ending): State =>
    become(settling(unlessMarked(state, settlementOf(state, ending, rules), rules, false)));
  yield ['child does not know the task', unrun('unknown task')];
  if (isMarked) yield ['child has heard that it is revoked', unrun('revoked before it ran')];
  if (isLate && rules.looksAtExpiry) {
    yield ['child finds it too late', unrun('expired')];
    return;
  }
  const flaws = [
    ...(isEtaAhead ? ['a run before its time'] : []),
    ...(isLate ? ['a run after its expiry'] : []),
    ...(state.isTerminated ? ['a run after one that was killed to end it'] : []),
    ...(shown === null ? [] : [`a run after the outcome ${shown}`]),
  ];
  const running = become({ at: 'running', isTold: false });
  yield ['child begins to run', { ...running, runs: state.runs + 1, flaw: flaws[0] ?? state.flaw }];
}

function* endRun(state: State, isTold: boolean, become: BecomeChild, rules: Rules): Generator<Step> {
  const { isMarked, left, isOurs, keeper } = state;
  if (isMarked && !isTold) yield ['child hears that it is revoked', become({ at: 'running', isTold: true })];
  const to = (ending: Ending, from: State = state): State => {
    const plan = settlementOf(from, isTold ? 'revoked' : ending, rules);
    return { ...from, child: settling(unlessMarked(from, plan, rules, true)) };
  };
  yield ['child returns', to('returned')];
  yield ['child throws', to('threw')];
  if (left.stops > 0) yield ['child ends its run at once', to('stopped', spendStop(state))];
  const isWatched = isOurs && keeper.at !== 'ended';
  yield ['child is killed at its limit', { ...died(state, 'child'), known: isWatched ? 'timed out' : null }];
  if (isWatched && isMarked) {
    yield ['child is killed to end its run', { ...died(state, 'child'), isTerminated: true }];
  }
}

function spendStop(state: State): State {
  const { left, stopsSpent } = state;
  return { ...state, left: { ...left, stops: left.stops - 1 }, stopsSpent: stopsSpent + 1 };
}

/** What it held stays where it is; what a keeper knew of its child goes with it. */
function died(state: State, slot: 'child' | 'keeper' | 'revoker'): State {
  const { place } = state;
  const ended: State = { ...state, [slot]: { at: 'ended' } };
  const alone: State = slot === 'keeper' ? { ...ended, known: null, isOurs: false } : ended;
  if (place.at !== 'held') return alone;
  const { owner, isAlive, recoverer } = place;
  return {
    ...alone,
    place: {
      ...place,
      isAlive: isAlive && owner !== slot,
      recoverer: recoverer?.slot === slot ? { ...recoverer, isAlive: false } : recoverer,
    },
  };
}

function* handSteps(state: State, slot: 'keeper' | 'revoker', rules: Rules): Generator<Step> {
  const hand = state[slot];
  const { left } = state;
  const become = (next: Hand): State => ({ ...state, [slot]: next });
  if (hand.at === 'ended') {
    if (slot === 'keeper') yield ['a new keeper', become({ at: 'looks' })];
    return;
  }
  if (left.kills > 0) yield [`${slot} is killed`, died({ ...state, left: { ...left, kills: left.kills - 1 } }, slot)];
  for (const [name, next] of handStepsOf(state, slot, hand, become, rules)) yield [`${slot} ${name}`, next];
}

type BecomeHand = (next: Hand) => State;

function* handStepsOf(
  state: State,
  slot: 'keeper' | 'revoker',
  hand: Exclude<Hand, { at: 'ended' }>,
  become: BecomeHand,
  rules: Rules,
): Generator<Step> {
  switch (hand.at) {
    case 'begins':
      yield state.place.at === 'results'
        ? ['hears that it has ended', become({ at: 'ended' })]
        : ['finds that it has not ended', become({ at: 'marks' })];
      return;
    case 'marks':
      yield ['marks it', { ...become({ at: 'looks' }), isMarked: true }];
      return;
    case 'looks':
      yield* look(state, slot, become, rules);
      return;
    case 'takes':
      if (state.place.at !== hand.from) yield ['finds it gone', become({ at: 'looks' })];
      else yield ['takes it', claimed(become({ at: 'taken' }), slot)];
      return;
    case 'shows':
      yield ['publishes beside it', { ...become({ at: 'drops', from: hand.from }), shown: state.shown ?? 'revoked' }];
      return;
    case 'drops': {
      const dropped: State = { ...state, place: { at: 'results' }, tail: { ...state.tail, outcome: 'revoked' } };
      const next: Hand = { at: 'unmarks' };
      yield ['removes it', state.place.at === hand.from ? { ...dropped, [slot]: next } : become(next)];
      return;
    }
    case 'taken': {
      const plan = settlementOf(state, 'revoked before it ran', rules);
      const isMarked = state.isMarked && rules.unmarks === 'ended';
      yield ['reads it', { ...become({ at: 'writes', plan }), isMarked, flaw: forgotten(state, isMarked) }];
      return;
    }
    case 'fenced':
      yield ['judges it', become(judge(state, slot, rules))];
      return;
    case 'unmarks':
      yield ['unmarks it', { ...become({ at: slot === 'keeper' ? 'looks' : 'ended' }), isMarked: false }];
      return;
    case 'writes':
    case 'writes on':
    case 'moves':
      yield ['settles', settle(state, hand, slot, rules)];
  }
}

/** One look at the markers and at where the job is, or at who has died. */
function* look(state: State, slot: 'keeper' | 'revoker', become: BecomeHand, rules: Rules): Generator<Step> {
  const { place, isMarked } = state;
  if (place.at === 'held') {
    const { owner, isAlive, recoverer } = place;
    if (recoverer === null ? !isAlive : !recoverer.isAlive) {
      // Only the parent of who died knows more of it, and only if nobody came in between.
      const known = slot === 'keeper' && recoverer === null ? state.known : null;
      const fenced = { ...become({ at: 'fenced' }), known };
      yield ['fences it', { ...fenced, place: { ...place, recoverer: { slot, isAlive: true } } }];
      return;
    }
    if (!isMarked || recoverer !== null || owner !== 'child') return;
    if (slot === 'revoker') yield ['leaves it to who runs it', become({ at: 'ended' })];
    if (slot === 'keeper' && rules.unmarks === 'told') {
      yield ['has told who runs it', { ...state, isMarked: false, flaw: forgotten(state, false) }];
    }
    return;
  }
  if (!isMarked && slot === 'keeper') return;
  if (place.at === 'results') yield ['finds its outcome', become({ at: 'unmarks' })];
  else yield ['finds it waiting', become({ at: rules.withdraw === 'rename' ? 'takes' : 'shows', from: place.at })];
}

function forgotten({ isMarked, place, flaw }: State, isMarkedNow: boolean): string | null {
  return isMarked && !isMarkedNow && place.at !== 'results' ? 'a request is forgotten' : flaw;
}

/** write, torn on the way, and rename; only the living get here, so the path is there. */
function settle(state: State, process: Settling, slot: 'child' | 'keeper' | 'revoker', rules: Rules): State {
  const { plan } = process;
  const { tail } = state;
  const become = (at: Settling['at'], next: Partial<State>): State => ({ ...state, ...next, [slot]: { at, plan } });
  if (process.at !== 'moves' && plan.write !== null) {
    if (process.at === 'writes on') return become('moves', { tail: plan.write });
    const isTorn = rules.cut === 'seen' || tail.entries.length === 0;
    return become('writes on', { tail: { entries: [], outcome: null, isTorn } });
  }
  return moved(state, plan, slot);
}

/** rename(running/…/J, <target>): the commit point. */
function moved(state: State, plan: Settling['plan'], slot: 'child' | 'keeper' | 'revoker'): State {
  const { attempt, crashes, to } = plan;
  const isLess = attempt < state.least[0] || crashes < state.least[1];
  const flaw = isLess ? 'a counter went back' : state.flaw;
  const shown = to.at === 'results' ? (state.shown ?? state.tail.outcome) : state.shown;
  const next = slot === 'child' ? { at: 'idle' } : { at: to.at === 'results' && state.isMarked ? 'unmarks' : 'looks' };
  const known = slot === 'child' ? state.known : null;
  return { ...state, place: to, attempt, crashes, shown, flaw, known, [slot]: next };
}
