/**
 * Calls that give their arguments to a job that waits (src/spool/sending/new-arguments.ts), step by step as the renames come: two callers, a
 * worker that promotes, claims and ends, deaths anywhere, and a recoverer. A caller that is stopped is one whose turn does not come.
 */
import type { Model } from './explore.ts';

/** Each rule that is not fsq's is a mutant that must be caught. */
export interface Rules {
  /** How the new file gets where the old one was. */
  readonly replace: 'take, write, put back' | 'write over the waiting name';
  /** When the call is answered. */
  readonly answer: 'when the new file has the name' | 'before';
  /** What a recoverer does with what a dead caller held. */
  readonly recovery: 'sends it back' | 'counts a run' | 'drops it';
  /** What a caller does that finds the job with another caller. */
  readonly meeting: 'waits or sends its own' | 'counts as given';
}

export const FSQ: Rules = {
  replace: 'take, write, put back',
  answer: 'when the new file has the name',
  recovery: 'sends it back',
  meeting: 'waits or sends its own',
};

/** A file of the first job; `calls` are those whose arguments it was given, the last of which it has. */
interface File {
  readonly at: 'waits' | 'runs' | 'ended' | number;
  readonly calls: readonly number[];
  /** Attempts that count. */
  readonly runs: number;
}

/** `found` is what it has seen; it acts on that later. */
type Caller = 'looks' | 'found it waiting' | 'has taken it' | 'has written' | 'answered' | 'dead' | 'sends its own';

interface State {
  /** More than one is a job in two places. */
  readonly files: readonly File[];
  readonly callers: readonly Caller[];
  /** Calls that were answered with the first job. */
  readonly given: readonly number[];
  readonly deaths: number;
  readonly crashes: number;
}

const RETRIES = 1;

export function debounce(rules: Rules): Model<State> {
  const initial: State = {
    files: [{ at: 'waits', calls: [], runs: 0 }],
    callers: ['looks', 'looks'],
    given: [],
    deaths: 0,
    crashes: 0,
  };
  return {
    initial: [initial],
    next: (state) => [...workerSteps(state), ...state.callers.flatMap((_, n) => callerSteps(state, n, rules))],
    violations,
    key: JSON.stringify,
    isGoal: ({ files, callers }) =>
      files.every(({ at }) => at === 'ended') &&
      callers.every((one) => ['answered', 'dead', 'sends its own'].includes(one)),
  };
}

function violations({ files, given, crashes }: State): readonly string[] {
  const has = (call: number): boolean => files.some(({ calls }) => calls.includes(call));
  return [
    ...(files.length === 0 ? ['the job is lost'] : []),
    ...(files.length > 1 ? ['the job is in two places'] : []),
    ...(given.every(has) ? [] : ['an answered call is lost']),
    ...(files.some(({ runs }) => runs > 1 + crashes) ? ['a run is counted that did not begin'] : []),
  ];
}

type Step = readonly [name: string, state: State];

/** A run may also fail and wait for its retry. */
function workerSteps(state: State): Step[] {
  return state.files.flatMap((file, i): Step[] => {
    const to = (change: Partial<File>): State => withFile(state, i, { ...file, ...change });
    if (file.at === 'waits') return [['the worker begins', to({ at: 'runs', runs: file.runs + 1 })]];
    if (file.at !== 'runs') return [];
    const again: Step = ['it fails and waits', { ...to({ at: 'waits' }), crashes: state.crashes + 1 }];
    return [['it ends', to({ at: 'ended' })], ...(state.crashes < RETRIES ? [again] : [])];
  });
}

function callerSteps(state: State, n: number, rules: Rules): Step[] {
  const caller = state.callers[n] ?? 'dead';
  const become = (next: Caller, from = state): State => ({
    ...from,
    callers: from.callers.map((other, i) => (i === n ? next : other)),
  });
  const answered = (from: State): State => ({ ...become('answered', from), given: [...from.given, n] });
  const steps = [...act(state, n, caller, { become, answered }, rules), ...recover(state, n, caller, rules)];
  const mayDie = state.deaths === 0 && !['answered', 'dead', 'sends its own'].includes(caller);
  return mayDie ? [...steps, [`${n} dies`, { ...become('dead'), deaths: 1 }]] : steps;
}

function act(
  state: State,
  n: number,
  caller: Caller,
  { become, answered }: { become: (next: Caller, from?: State) => State; answered: (from: State) => State },
  { replace, answer, meeting }: Rules,
): Step[] {
  const mine = state.files.findIndex(({ at }) => at === n);
  const waiting = state.files.findIndex(({ at, runs }) => at === 'waits' && runs === 0);
  switch (caller) {
    case 'looks': {
      if (waiting !== -1) return [[`${n} finds it waiting`, become('found it waiting')]];
      const isHeld = state.files.some(({ at }) => typeof at === 'number');
      if (isHeld && meeting === 'counts as given') return [[`${n} relies on the other`, answered(state)]];
      return [[`${n} cannot have it`, become('sends its own')]]; // With another caller: its patience is over.
    }
    case 'found it waiting':
      if (replace === 'write over the waiting name') {
        const others = state.files.filter((_, i) => i !== waiting);
        const calls = [...(state.files[waiting]?.calls ?? []), n];
        return [[`${n} writes over it`, answered({ ...state, files: [...others, { at: 'waits', calls, runs: 0 }] })]];
      }
      if (waiting === -1) return [[`${n} comes too late`, become('looks')]];
      return [[`${n} takes it`, become('has taken it', move(state, waiting, { at: n }))]];
    case 'has taken it': {
      if (mine === -1) return [[`${n} finds it gone`, become('sends its own')]];
      const calls = [...(state.files[mine]?.calls ?? []), n];
      const written: Step = [`${n} writes`, become('has written', move(state, mine, { calls }))];
      const early: Step = [`${n} answers early`, { ...state, given: [...state.given, n] }];
      return answer === 'before' && !state.given.includes(n) ? [written, early] : [written];
    }
    case 'has written': {
      if (mine === -1) return [[`${n} finds it gone`, become('sends its own')]];
      const back = move(state, mine, { at: 'waits' });
      return [[`${n} puts it back`, state.given.includes(n) ? become('answered', back) : answered(back)]];
    }
    case 'answered':
    case 'dead':
    case 'sends its own':
      return [];
  }
}

function recover(state: State, n: number, caller: Caller, { recovery }: Rules): Step[] {
  const held = state.files.findIndex(({ at }) => at === n);
  if (caller !== 'dead' || held === -1) return [];
  if (recovery === 'drops it')
    return [['it is dropped', { ...state, files: state.files.filter((_, i) => i !== held) }]];
  const runs = (state.files[held]?.runs ?? 0) + (recovery === 'counts a run' ? 1 : 0);
  return [[`what ${n} held is sent back`, move(state, held, { at: 'waits', runs })]];
}

function move(state: State, i: number, change: Partial<File>): State {
  const file = state.files[i];
  return file === undefined ? state : withFile(state, i, { ...file, ...change });
}

function withFile(state: State, i: number, file: File): State {
  return { ...state, files: state.files.map((one, j) => (j === i ? file : one)) };
}
