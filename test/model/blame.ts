/**
 * A child that runs job A, which has a time limit and may be revoked, and then job B, beside the supervisor that may kill it for A:
 * what each says and hears, and who dies when, as src/worker/{time-limit,child-process,supervisor}.ts, src/worker/child/channel.ts and
 * src/spool/recovery/recover.ts do it.
 *
 * What the child says is heard in order, and later. Its own clock begins before the supervisor's, so a limit passes for it first.
 */
import type { Model } from './explore.ts';

/** What is modelled; each that differs from FSQ is a mutant that must be caught. */
export interface Rules {
  /** Before it kills, the supervisor hears all that was said until the limit. */
  readonly listens: boolean;
  /** A run that ended late waits until the supervisor has pardoned it. */
  readonly pardons: boolean;
  /** When it has said that a run ended in time, the child looks whether it still is in time: it may have stood still before it could say so. */
  readonly looksTwice: boolean;
  /** The child is stopped before the look that comes before the kill. */
  readonly stopsFirst: boolean;
  /** Another worker lets a stopped child of a dead supervisor go on. */
  readonly wakes: boolean;
  /** The end of a child counts once all it said is heard. */
  readonly hearsAll: boolean;
  /** What a child held besides the job that it was killed for goes back uncounted. */
  readonly sparesOthers: boolean;
}

export const FSQ: Rules = {
  listens: true,
  pardons: true,
  looksTwice: true,
  stopsFirst: false,
  wakes: true,
  hearsAll: true,
  sparesOthers: true,
};

type Message = 'ready' | 'begun' | 'ended' | 'ended late';
type Fate = 'waits' | 'runs' | 'done' | 'timed out' | 'revoked' | 'again' | 'again, with a crash';

type Child =
  | 'starts'
  | 'idle'
  | 'runs A'
  /** A has ended in time, by the look at the clock. */
  | 'is to say so'
  | 'has said so'
  | 'is let off'
  | 'settles A'
  | 'runs B'
  | 'dead'
  | 'gone';

/** Where A has ended or not, but has no outcome yet: the child may be killed for it. */
const WITHOUT_OUTCOME: readonly Child[] = ['runs A', 'is to say so', 'has said so', 'is let off'];

export interface State {
  readonly child: Child;
  readonly isStopped: boolean;
  readonly isPardoned: boolean;
  /** A's limit has passed: by the child's clock, by the supervisor's too. */
  readonly limit: 'ahead' | 'passed' | 'passed for both';
  /** Said, and not heard yet. */
  readonly said: readonly Message[];
  readonly supervisor: 'lives' | 'dead';
  /** The run that the supervisor knows of. */
  readonly knowsRun: boolean;
  /** It takes the child for its own that lives: nobody else looks whether it does. */
  readonly isAdopted: boolean;
  /** It knows that the process has ended. */
  readonly hasSeenEnd: boolean;
  /** How many messages it hears yet before it kills for the limit; null: it does not want to. */
  readonly listensTo: number | null;
  readonly isRevoked: boolean;
  /** It has seen that A runs, and kills next. */
  readonly hasLooked: boolean;
  readonly killedFor: 'limit' | 'revocation' | null;
  readonly a: Fate;
  readonly b: Fate;
  /** And was said to have, in time. */
  readonly endedInTime: boolean;
  readonly left: { readonly deaths: number; readonly stops: number };
  readonly flaw: string | null;
}

const START: State = {
  child: 'starts',
  isStopped: false,
  isPardoned: false,
  limit: 'ahead',
  said: [],
  supervisor: 'lives',
  knowsRun: false,
  isAdopted: false,
  hasSeenEnd: false,
  listensTo: null,
  isRevoked: false,
  hasLooked: false,
  killedFor: null,
  a: 'waits',
  b: 'waits',
  endedInTime: false,
  left: { deaths: 1, stops: 1 },
  flaw: null,
};

type Step = readonly [name: string, state: State];

export function blame(rules: Rules): Model<State> {
  return {
    initial: [START],
    next: (state) => [...childSteps(state, rules), ...supervisorSteps(state, rules), ...othersSteps(state, rules)],
    violations,
    key: (state) => JSON.stringify(Object.values(state)),
    isGoal: ({ a, b, child }) => child === 'gone' || (a !== 'runs' && b === 'done'),
  };
}

function violations({ flaw, a, b, endedInTime }: State): readonly string[] {
  return [
    ...(flaw === null ? [] : [flaw]),
    ...(a === 'timed out' && endedInTime ? ['a run that ended in time counts as timed out'] : []),
    ...(b === 'timed out' || b === 'revoked' ? ['another job is blamed'] : []),
  ];
}

function* childSteps(state: State, { pardons, looksTwice }: Rules): Generator<Step> {
  const { child, isStopped, isPardoned, limit, said, supervisor, left } = state;
  if (child === 'dead' || child === 'gone') return;
  if (left.deaths > 0) yield ['the child is killed', died({ ...state, left: { ...left, deaths: left.deaths - 1 } })];
  if (left.stops > 0 && !isStopped)
    yield ['the child is stopped', { ...state, isStopped: true, left: { ...left, stops: left.stops - 1 } }];
  if (isStopped) return;
  const say = (message: Message): Pick<State, 'said'> => ({ said: supervisor === 'lives' ? [...said, message] : said });
  switch (child) {
    case 'starts':
      yield ['the child is ready', { ...state, child: 'idle', ...say('ready') }];
      return;
    case 'idle':
      yield ['the child begins A', { ...state, child: 'runs A', a: 'runs', ...say('begun') }];
      return;
    case 'runs A':
      if (limit === 'ahead') {
        yield ['A ends in time', { ...state, child: 'is to say so' }];
        return;
      }
      yield ['A ends late', { ...state, child: pardons ? 'is let off' : 'settles A', ...say('ended late') }];
      yield ['its watchdog kills the child', died(state)];
      return;
    case 'is to say so':
      yield ['the child says so', { ...state, child: looksTwice ? 'has said so' : 'settles A', ...say('ended') }];
      return;
    case 'has said so':
      if (limit === 'ahead') yield ['it was in time', { ...state, child: 'settles A', endedInTime: true }];
      else yield ['it was late', { ...state, child: pardons ? 'is let off' : 'settles A', ...say('ended late') }];
      return;
    case 'is let off':
      if (isPardoned || supervisor === 'dead') yield ['the child goes on', { ...state, child: 'settles A' }];
      return;
    case 'settles A':
      yield ['A is settled, B begins', { ...state, child: 'runs B', a: 'done', b: 'runs' }];
      return;
    case 'runs B':
      yield ['B ends', { ...state, child: 'gone', b: 'done' }];
  }
}

/** What it held stays where it is. */
function died(state: State): State {
  return { ...state, child: 'dead', isStopped: false };
}

function* supervisorSteps(state: State, rules: Rules): Generator<Step> {
  const { supervisor, said, listensTo, knowsRun, limit, child, left } = state;
  if (supervisor === 'dead') return;
  if (left.deaths > 0) {
    const alone: State = {
      ...state,
      supervisor: 'dead',
      said: [],
      listensTo: null,
      isAdopted: false,
      hasLooked: false,
    };
    yield ['the supervisor dies', { ...alone, left: { ...left, deaths: left.deaths - 1 } }];
  }
  const [first, ...rest] = said;
  if (first !== undefined) yield [`the supervisor hears ${first}`, heard({ ...state, said: rest }, first)];
  if (limit !== 'ahead' && knowsRun && listensTo === null && state.killedFor === null) {
    const next: State = { ...state, limit: 'passed for both', listensTo: rules.listens ? said.length : 0 };
    yield ['the limit passes for the supervisor', rules.stopsFirst ? { ...next, isStopped: child !== 'dead' } : next];
  }
  if (listensTo === 0) yield ['the supervisor kills for the limit', killed({ ...state, listensTo: null }, 'limit')];
  yield* revoke(state, rules);
  yield* seeEnd(state, rules);
}

function heard(state: State, message: Message): State {
  const listensTo = state.listensTo === null ? null : Math.max(0, state.listensTo - 1);
  const next: State = { ...state, listensTo };
  switch (message) {
    case 'ready':
      return { ...next, isAdopted: true };
    case 'begun':
      return { ...next, knowsRun: true };
    case 'ended':
    case 'ended late': {
      const isThawed = state.listensTo !== null;
      const over: State = { ...next, knowsRun: false, listensTo: null, isStopped: next.isStopped && !isThawed };
      return message === 'ended late' && state.killedFor === null ? { ...over, isPardoned: true } : over;
    }
  }
}

/** `revoke --terminate`: the look and the kill follow one another at once, but the child goes on meanwhile. */
function* revoke(state: State, { stopsFirst }: Rules): Generator<Step> {
  const { isRevoked, hasLooked, a, killedFor, isStopped } = state;
  if (a === 'runs' && !isRevoked) yield ['A is revoked', { ...state, isRevoked: true }];
  if (isRevoked && a === 'runs' && !hasLooked && killedFor === null && state.isAdopted)
    yield ['the supervisor sees that A runs', { ...state, hasLooked: true, isStopped: stopsFirst || isStopped }];
  if (hasLooked)
    yield ['the supervisor kills for the revocation', killed({ ...state, hasLooked: false }, 'revocation')];
}

function killed(state: State, why: 'limit' | 'revocation'): State {
  const { child, killedFor } = state;
  if (child === 'dead' || child === 'gone') return state;
  // A child whose run has ended late and is not pardoned may be killed: A has no outcome.
  const isInnocent = why === 'limit' && !WITHOUT_OUTCOME.includes(child);
  const flaw = isInnocent ? 'a child is killed for a run that has ended' : state.flaw;
  return { ...died(state), killedFor: killedFor ?? why, flaw };
}

function* seeEnd(state: State, rules: Rules): Generator<Step> {
  const { child, said, hasSeenEnd, isAdopted } = state;
  if (child !== 'dead' || hasSeenEnd || (rules.hearsAll && said.length > 0)) return;
  const seen: State = { ...state, hasSeenEnd: true };
  // Who has not said that it is ready is no owner, as far as the supervisor knows: it has nothing to take back.
  yield ['the supervisor sees its end', isAdopted ? recovered({ ...seen, isAdopted: false }, rules, true) : seen];
}

/** Takes back what the dead child held; `knows`: by its supervisor, which knows why it died. */
function recovered(state: State, { sparesOthers }: Rules, knows: boolean): State {
  const { a, b, killedFor, knowsRun, limit, isRevoked } = state;
  const isLate = knows && (killedFor === 'limit' || (knowsRun && limit !== 'ahead'));
  const isSpared = knows && sparesOthers && (killedFor !== null || isLate);
  const back: Fate = isSpared ? 'again' : 'again, with a crash';
  const fateOfA: Fate = isRevoked ? 'revoked' : isLate ? 'timed out' : back;
  const isHit = b === 'runs' && killedFor !== null && knows && back !== 'again';
  return {
    ...state,
    child: 'gone',
    a: a === 'runs' ? fateOfA : a,
    b: b === 'runs' ? back : b,
    flaw: isHit ? 'a crash is counted for a job that did nothing' : state.flaw,
  };
}

/** Other workers, and the supervisor's own look for the dead whom it does not know. */
function* othersSteps(state: State, rules: Rules): Generator<Step> {
  const { child, isStopped, isAdopted, supervisor, hasSeenEnd } = state;
  if (state.limit === 'ahead' && state.a !== 'waits') yield ['the limit passes', { ...state, limit: 'passed' }];
  const isOrphan = supervisor === 'dead' || hasSeenEnd;
  if (child === 'dead' && !isAdopted && isOrphan) yield ['a recoverer takes it back', recovered(state, rules, false)];
  if (isStopped && supervisor === 'dead' && rules.wakes)
    yield ['another worker wakes it', { ...state, isStopped: false }];
  // Whoever stopped it, a person say, lets it go on while its worker lives; the supervisor's own stop it does not know.
  if (isStopped && supervisor === 'lives' && state.listensTo === null && !state.hasLooked)
    yield ['it is let go on', { ...state, isStopped: false }];
}
