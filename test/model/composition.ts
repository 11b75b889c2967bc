/**
 * A job that takes the values of others (src/spool/after): its sender, the jobs before it, the keeper that wakes it, the child that claims it, and
 * the expiry of outcomes, one system call a step, with deaths anywhere. There are no polls here: what a watch tells has to be enough.
 */
import type { Model } from './explore.ts';

/** Each rule that is not fsq's is a mutant that must be caught. */
export interface Rules {
  /** In which order the sender gives jobs their places. */
  readonly order: 'predecessors first' | 'follower first';
  /** What the keeper does first with a job that waits. */
  readonly wake: 'watch, look' | 'look, watch';
  /** How it makes the job ready: a copy leaves the old name for a moment. */
  readonly release: 'rename' | 'copy';
  /** Which outcomes the claim looks at. */
  readonly claim: 'all' | 'last';
  /** What it does when a value that was there is gone when it is to be read. */
  readonly gone: 'looks again' | 'runs without';
  /** Which outcomes expire: those of which the follower has ended, or is nowhere although its sender has had its time. */
  readonly expiry: 'follower over' | 'follower not there' | 'any';
  /** What a recoverer does with an outcome that the dead child had written. */
  readonly recovery: 'publishes' | 'runs again';
}

export const FSQ: Rules = {
  order: 'predecessors first',
  wake: 'watch, look',
  release: 'rename',
  claim: 'all',
  gone: 'looks again',
  expiry: 'follower over',
  recovery: 'publishes',
};

export interface Budget {
  readonly predecessors: number;
  /** Whether runs of these may fail. */
  readonly canFail: boolean;
  /** The follower is sent by a call of its own, and has to be claimed once to wait. */
  readonly isAlone: boolean;
  readonly kills: number;
}

/** Where one lies that the follower comes after. Outcomes that expire are forgotten. */
type Predecessor = 'unsent' | 'ready' | 'running' | 'succeeded' | 'failed' | 'forgotten';

type Keeper =
  | { readonly at: 'away' }
  /** It has found the follower; `left` may not have ended, and it has not asked for the last of them. */
  | { readonly at: 'asks'; readonly left: number; readonly isWatching: boolean }
  /** It has seen that the last of them has not ended. */
  | { readonly at: 'waits'; readonly left: number; readonly isWatching: boolean; readonly hasHeard: boolean }
  | { readonly at: 'copied' };

type Child =
  | { readonly at: 'idle' }
  /** It asks for each outcome, from the last on. */
  | { readonly at: 'looks'; readonly next: number }
  | { readonly at: 'reads'; readonly next: number; readonly lost: boolean }
  | { readonly at: 'runs' }
  | { readonly at: 'has written' };

interface State {
  readonly predecessors: readonly Predecessor[];
  readonly follower: 'unsent' | 'delayed' | 'ready' | 'held' | 'over';
  /** A second name of it in delayed/, which a copy has left. */
  readonly hasCopy: boolean;
  /** How many jobs it has placed. */
  readonly sender: number | 'dead';
  readonly keeper: Keeper;
  readonly child: Child;
  /** The outcome that the expiry is about to remove. */
  readonly sweeps: number | null;
  /** Runs of the follower that came to an end. */
  readonly runs: number;
  readonly flaw: string | null;
  readonly kills: number;
}

export function composition(rules: Rules, { predecessors, canFail, isAlone, kills }: Budget): Model<State> {
  const initial: State = {
    predecessors: Array.from({ length: predecessors }, () => 'unsent'),
    follower: 'unsent',
    hasCopy: false,
    sender: 0,
    keeper: { at: 'away' },
    child: { at: 'idle' },
    sweeps: null,
    runs: 0,
    flaw: null,
    kills,
  };
  return {
    initial: [initial],
    next: (state) => (state.flaw === null ? steps(state, rules, canFail, isAlone) : []),
    violations: ({ flaw, runs }) => [
      ...(flaw === null ? [] : [flaw]),
      ...(runs > 1 ? ['it has run to its end twice'] : []),
    ],
    key: JSON.stringify,
    isGoal: ({ follower, sender, flaw }) =>
      follower === 'over' || (sender === 'dead' && follower === 'unsent') || flaw !== null,
  };
}

type Step = readonly [name: string, state: State];

function* steps(state: State, rules: Rules, canFail: boolean, isAlone: boolean): Generator<Step> {
  yield* send(state, rules, isAlone);
  for (let i = 0; i < state.predecessors.length; i++) yield* work(state, i, canFail);
  yield* wake(state, rules);
  yield* claim(state, rules);
  yield* expire(state, rules);
}

function* send(state: State, { order }: Rules, isAlone: boolean): Generator<Step> {
  const { sender, predecessors } = state;
  if (sender === 'dead' || sender > predecessors.length) return;
  const isFollower = order === 'follower first' ? sender === 0 : sender === predecessors.length;
  const i = order === 'follower first' ? sender - 1 : sender;
  const placed: State = isFollower ? { ...state, follower: isAlone ? 'ready' : 'delayed' } : withOne(state, i, 'ready');
  yield [isFollower ? 'the follower is placed' : `${i} is placed`, { ...placed, sender: sender + 1 }];
  if (state.kills > 0) yield ['the sender dies', { ...state, sender: 'dead', kills: state.kills - 1 }];
}

/** The life of one that comes before. Its own recovery is life.ts. */
function* work(state: State, i: number, canFail: boolean): Generator<Step> {
  const at = state.predecessors[i];
  if (at === 'ready') yield [`${i} is claimed`, withOne(state, i, 'running')];
  if (at !== 'running') return;
  if (state.kills > 0) yield [`the child of ${i} dies`, { ...withOne(state, i, 'ready'), kills: state.kills - 1 }];
  yield [`${i} succeeds`, told(withOne(state, i, 'succeeded'), i)];
  if (canFail) yield [`${i} fails`, told(withOne(state, i, 'failed'), i)];
}

/** The watch tells of an outcome that comes. */
function told(state: State, i: number): State {
  const { keeper } = state;
  const isHeard = keeper.at === 'waits' && keeper.isWatching && keeper.left - 1 === i;
  return isHeard ? { ...state, keeper: { ...keeper, hasHeard: true } } : state;
}

function* wake(state: State, rules: Rules): Generator<Step> {
  const { keeper, follower, hasCopy, predecessors } = state;
  const become = (next: Keeper): State => ({ ...state, keeper: next });
  if (keeper.at !== 'away' && state.kills > 0)
    yield ['the keeper dies', { ...become({ at: 'away' }), kills: state.kills - 1 }];
  switch (keeper.at) {
    case 'away':
      if (follower !== 'delayed' && !hasCopy) return;
      // Whatever tells it of the name: its listing, or the watch of delayed/.
      yield [
        'a keeper finds it',
        become({ at: 'asks', left: predecessors.length, isWatching: rules.wake === 'watch, look' }),
      ];
      return;
    case 'asks': {
      const { left, isWatching } = keeper;
      if (left === 0) return yield* release(state, rules);
      if (hasOutcome(predecessors[left - 1]))
        yield [`it sees that ${left - 1} has ended`, become({ ...keeper, left: left - 1 })];
      else yield [`it sees that ${left - 1} has not ended`, become({ at: 'waits', left, isWatching, hasHeard: false })];
      return;
    }
    case 'waits': {
      const { left, isWatching, hasHeard } = keeper;
      if (!isWatching) yield ['it begins to watch', become({ ...keeper, isWatching: true })];
      if (hasHeard) yield ['it hears', become({ at: 'asks', left, isWatching })];
      // Looked for now and then, and only when it waits: there is none of that name.
      if (isNowhere(predecessors[left - 1]))
        yield [`it finds ${left - 1} nowhere`, become({ at: 'asks', left: left - 1, isWatching })];
      return;
    }
    case 'copied':
      yield ['the old name goes', { ...become({ at: 'away' }), hasCopy: false }];
  }
}

/** A hint: when the name has left, nothing happens. */
function* release(state: State, rules: Rules): Generator<Step> {
  const there = state.follower === 'delayed' || state.hasCopy;
  const away: State = { ...state, keeper: { at: 'away' } };
  if (!there) yield ['the name has left', away];
  else if (rules.release === 'rename') yield ['it is made ready', { ...away, follower: 'ready', hasCopy: false }];
  else yield ['it is copied', { ...state, follower: 'ready', hasCopy: true, keeper: { at: 'copied' } }];
}

function* claim(state: State, rules: Rules): Generator<Step> {
  const { child, follower, predecessors } = state;
  const become = (next: Child): State => ({ ...state, child: next });
  const last = predecessors.length - 1;
  if (child.at !== 'idle' && state.kills > 0)
    yield ['the child dies', { ...died(state, rules), kills: state.kills - 1 }];
  switch (child.at) {
    case 'idle':
      if (follower === 'ready') yield ['it is claimed', { ...become({ at: 'looks', next: last }), follower: 'held' }];
      return;
    case 'looks': {
      const { next } = child;
      if (next < 0 || (rules.claim === 'last' && next < last))
        yield ['all have ended', become({ at: 'reads', next: 0, lost: false })];
      else if (hasOutcome(predecessors[next]) || isNowhere(predecessors[next]))
        yield [`${next} is over`, become({ at: 'looks', next: next - 1 })];
      else yield [`${next} has not ended: it waits`, { ...become({ at: 'idle' }), follower: 'delayed' }];
      return;
    }
    case 'reads':
      yield* read(state, child, rules);
      return;
    case 'runs':
      yield ['its run ends', { ...become({ at: 'has written' }), runs: state.runs + 1 }];
      return;
    case 'has written':
      yield ['its outcome is published', ended(state)];
  }
}

function* read(state: State, child: Extract<Child, { at: 'reads' }>, rules: Rules): Generator<Step> {
  const { next } = child;
  const { predecessors } = state;
  const one = predecessors[next];
  const wereAllThere = predecessors.every((each) => each === 'succeeded' || each === 'forgotten');
  if (one === undefined) {
    const flaw = child.lost
      ? 'it runs without a value'
      : predecessors.some((each) => !hasOutcome(each) && each !== 'forgotten')
        ? 'it runs too early'
        : null;
    yield ['it runs', { ...state, child: { at: 'runs' }, flaw }];
  } else if (one === 'succeeded')
    yield [`it takes the value of ${next}`, { ...state, child: { ...child, next: next + 1 } }];
  else if (one === 'failed') yield [`it fails for ${next}`, ended(state)];
  else if (one === 'forgotten' && rules.gone === 'runs without')
    yield ['a value is missing', { ...state, child: { ...child, next: next + 1, lost: true } }];
  else if (isNowhere(one)) {
    const wasAccepted = state.sender === predecessors.length + 1;
    const flaw = wasAccepted && wereAllThere ? 'it fails for a value that was forgotten' : null;
    const isEarly = state.sender !== 'dead' && !wasAccepted;
    yield [
      `${next} is nowhere: it fails`,
      { ...ended(state), flaw: isEarly ? 'it fails for one that is being sent' : flaw },
    ];
  } else if (rules.claim === 'last')
    yield ['a value is not there yet', { ...state, child: { ...child, next: next + 1, lost: true } }];
  else yield [`${next} has not ended after all`, { ...state, child: { at: 'looks', next: predecessors.length - 1 } }];
}

/** A recoverer finds the job in the dead child's directory: with an outcome, or without. */
function died(state: State, { recovery }: Rules): State {
  if (state.child.at === 'has written' && recovery === 'publishes') return ended(state);
  return { ...state, child: { at: 'idle' }, follower: 'ready' };
}

function ended(state: State): State {
  return { ...state, child: { at: 'idle' }, follower: 'over' };
}

/** The age of every outcome may be over at once. It is looked for the follower, then the outcome goes. */
function* expire(state: State, { expiry }: Rules): Generator<Step> {
  const { sweeps, follower, sender, predecessors } = state;
  if (sweeps !== null) {
    const gone = hasOutcome(predecessors[sweeps]) ? withOne(state, sweeps, 'forgotten') : state;
    return yield [`the outcome of ${sweeps} goes`, { ...gone, sweeps: null }];
  }
  const isSent = sender === 'dead' || sender > predecessors.length;
  const isOver = follower === 'over' || (follower === 'unsent' && (isSent || expiry === 'follower not there'));
  if (!isOver && expiry !== 'any') return;
  for (const [i, each] of predecessors.entries())
    if (hasOutcome(each)) yield [`the time of ${i} is over`, { ...state, sweeps: i }];
}

function hasOutcome(one: Predecessor | undefined): boolean {
  return one === 'succeeded' || one === 'failed';
}

function isNowhere(one: Predecessor | undefined): boolean {
  return one === 'unsent' || one === 'forgotten';
}

function withOne(state: State, i: number, to: Predecessor): State {
  return { ...state, predecessors: state.predecessors.map((each, n) => (n === i ? to : each)) };
}
