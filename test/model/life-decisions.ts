/** What the model of a job's life (life.ts) decides at the end of a run, of a process, and about what is revoked. */
import { type Outcome, type Plan, type Rules, type Settling, type State, type Tail } from './life-state.ts';

/** Deaths after which a job is given up; fsq allows 3, here the bound must be met within the kills. */
const MAX_CRASHES = 1;

export type Ending =
  | 'returned'
  | 'threw'
  | 'stopped'
  | 'crashed'
  | 'timed out'
  | 'expired'
  | 'unknown task'
  | 'revoked'
  | 'revoked before it ran';

/** What becomes of a held job; src/job/lifecycle.ts. */
export function settlementOf(state: State, ending: Ending, rules: Rules): Plan {
  const { attempt, crashes, tail, options } = state;
  const isForGood = options.onCrash === 'fail' && rules.heedsOnCrash;
  switch (ending) {
    case 'returned':
      return publish(state, 'succeeded', true);
    case 'threw':
    case 'timed out':
      return retry(state) ?? publish(state, 'failed', true);
    case 'expired':
      return publish(state, 'expired', false);
    case 'revoked':
      return publish(state, 'revoked', true);
    case 'revoked before it ran':
      return publish(state, 'revoked', false);
    case 'unknown task':
      return {
        write: { ...tail, outcome: null, isTorn: false },
        to: { at: 'delayed', until: 'park' },
        attempt: attempt - 1,
        crashes,
      };
    case 'stopped':
      return isForGood ? publish(state, 'failed', true) : { write: null, to: { at: 'pending' }, attempt, crashes };
    case 'crashed': {
      if (isForGood || crashes + 1 > MAX_CRASHES) return publish(state, 'failed', true);
      return sendBack(state, rules.countsCrashes ? crashes + 1 : crashes);
    }
  }
}

function publish(state: State, outcome: Outcome, hadBegun: boolean): Plan {
  const { attempt, crashes } = state;
  return {
    write: { entries: entriesOf(state, hadBegun), outcome, isTorn: false },
    to: { at: 'results' },
    attempt,
    crashes,
  };
}

function entriesOf({ tail, attempt }: State, hadBegun: boolean): Tail['entries'] {
  return !hadBegun || tail.entries.at(-1) === attempt ? tail.entries : [...tail.entries, attempt];
}

/** Null when none is left. */
function retry(state: State): Plan | null {
  const { attempt, crashes, tail, options, isLate } = state;
  const used =
    crashes === 0 ? tail.entries.filter((entry) => entry < attempt).length : Math.max(0, attempt - 1 - crashes);
  return used >= options.retries || isLate ? null : sendBack(state, crashes);
}

function sendBack(state: State, crashes: number): Plan {
  const write: Tail = { entries: entriesOf(state, true), outcome: null, isTorn: false };
  return { write, to: { at: 'delayed', until: 'backoff' }, attempt: state.attempt, crashes };
}

/** Nobody sends back what is revoked. */
export function unlessMarked(state: State, plan: Plan, rules: Rules, hadBegun: boolean): Plan {
  if (plan.to.at === 'results' || !state.isMarked || !rules.looksForMarker) return plan;
  return publish(state, 'revoked', hadBegun);
}

/** What a recoverer does with a job whose holder is dead. */
export function judge(state: State, slot: 'keeper' | 'revoker', rules: Rules): Settling {
  const { place, attempt, crashes, tail, known } = state;
  if (tail.outcome !== null && (tail.entries.at(-1) ?? 0) >= attempt) {
    return { at: 'moves', plan: { write: null, to: { at: 'results' }, attempt, crashes } };
  }
  const hadBegun = place.at === 'held' && place.owner === 'child';
  const told = slot === 'keeper' ? (known ?? 'crashed') : 'crashed';
  // It died while it wrote: the entries for its runs may be gone, and then the counters must say so.
  const ending = told === 'stopped' && tail.isTorn && rules.cut === 'seen' ? 'crashed' : told;
  return settling(unlessMarked(state, settlementOf(state, ending, rules), rules, hadBegun));
}

export function settling(plan: Plan): Settling {
  return { at: plan.write === null ? 'moves' : 'writes', plan };
}
