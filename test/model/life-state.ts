/** The states of the model of a job's life (life.ts): what there is, how it begins, and what must never be. */
/** What is modelled; each that differs from FSQ is a mutant that must be caught. */
export interface Rules {
  /** Who withdraws takes the job by a rename first; 'copy': it publishes an outcome beside the job, which it then removes. */
  readonly withdraw: 'rename' | 'copy';
  /** Whoever recovers or sends back looks for a marker. */
  readonly looksForMarker: boolean;
  /** When a marker goes: with the outcome, or once the job is withdrawn and its runner told. */
  readonly unmarks: 'ended' | 'told';
  /** What is delayed is promoted when due; unparking takes only what is parked. */
  readonly promotes: 'due' | 'any';
  readonly unparks: 'parked' | 'any';
  /** A claimed job that is not due is put off, one that is too late is not begun. */
  readonly putsOff: boolean;
  readonly looksAtExpiry: boolean;
  /** A job with onCrash 'fail' is not sent back after the death of its process. */
  readonly heedsOnCrash: boolean;
  readonly countsCrashes: boolean;
  /** That an older tail is being written over can be seen afterwards, and then nobody relies on the entries that it had. */
  readonly cut: 'seen' | 'clean';
}

export const FSQ: Rules = {
  withdraw: 'rename',
  looksForMarker: true,
  unmarks: 'ended',
  promotes: 'due',
  unparks: 'parked',
  putsOff: true,
  looksAtExpiry: true,
  heedsOnCrash: true,
  countsCrashes: true,
  cut: 'seen',
};

/** How often each may happen. A kill for a marker or a time limit is free. */
export interface Budget {
  /** Processes killed before any step. */
  readonly kills: number;
  /** Runs ended on purpose, by themselves or with their process. */
  readonly stops: number;
}

/** What a job's file asks for. Its time limit may be reached in any run. */
export interface Options {
  readonly retries: number;
  readonly onCrash: 'rerun' | 'fail';
  readonly canExpire: boolean;
}

export type Outcome = 'succeeded' | 'failed' | 'revoked' | 'expired';

/** Behind the base: the attempts that have an entry, and an outcome. */
export interface Tail {
  readonly entries: readonly number[];
  readonly outcome: Outcome | null;
  readonly isTorn: boolean;
}
export const BASE: Tail = { entries: [], outcome: null, isTorn: false };

/** What a waiting job in delayed/ waits for; null: it is due. */
export type Wait = 'eta' | 'backoff' | 'park' | null;

export type Place =
  | { readonly at: 'pending' | 'results' }
  | { readonly at: 'delayed'; readonly until: Wait }
  /** `owner` took it; a `recoverer` fenced that one's directory. They live or are dead: a slot's next process is another. */
  | { readonly at: 'held'; readonly owner: Slot; readonly isAlive: boolean; readonly recoverer: Recoverer | null };

/** The child runs jobs, the keeper is its parent, the revoker a program that calls revoke() once. */
export type Slot = 'child' | 'keeper' | 'revoker';
export interface Recoverer {
  readonly slot: 'keeper' | 'revoker';
  readonly isAlive: boolean;
}

/** What becomes of a held job: what is written, if anything, and the rename. */
export interface Plan {
  readonly write: Tail | null;
  readonly to: Exclude<Place, { at: 'held' }>;
  readonly attempt: number;
  readonly crashes: number;
}

export interface Settling {
  readonly at: 'writes' | 'writes on' | 'moves';
  readonly plan: Plan;
}

export type Child =
  { readonly at: 'ended' | 'idle' | 'claimed' } | { readonly at: 'running'; readonly isTold: boolean } | Settling;

/** A keeper or a revoker. */
export type Hand =
  | { readonly at: 'ended' | 'begins' | 'marks' | 'looks' | 'taken' | 'fenced' | 'unmarks' }
  | { readonly at: 'takes' | 'shows' | 'drops'; readonly from: 'pending' | 'delayed' }
  | Settling;

export interface State {
  readonly options: Options;
  readonly place: Place;
  readonly attempt: number;
  readonly crashes: number;
  /** The counters when it waited last. */
  readonly least: readonly [attempt: number, crashes: number];
  readonly tail: Tail;
  readonly isEtaAhead: boolean;
  readonly isLate: boolean;
  readonly isMarked: boolean;
  readonly child: Child;
  /** The keeper that lives is its parent. */
  readonly isOurs: boolean;
  readonly keeper: Hand;
  readonly revoker: Hand;
  /** How the keeper knows that its child ended, if otherwise than by a crash. */
  readonly known: 'stopped' | 'timed out' | null;
  readonly left: Budget;
  readonly runs: number;
  readonly stopsSpent: number;
  /** Its run was ended by a kill, because it is revoked. */
  readonly isTerminated: boolean;
  readonly shown: Outcome | null;
  /** What a step did that no step may. */
  readonly flaw: string | null;
}

export function startsOf(left: Budget): readonly State[] {
  const fresh: State = {
    options: { retries: 1, onCrash: 'rerun', canExpire: false },
    place: { at: 'pending' },
    attempt: 0,
    crashes: 0,
    least: [0, 0],
    tail: BASE,
    isEtaAhead: false,
    isLate: false,
    isMarked: false,
    child: { at: 'idle' },
    isOurs: true,
    keeper: { at: 'looks' },
    revoker: { at: 'ended' },
    known: null,
    left,
    runs: 0,
    stopsSpent: 0,
    isTerminated: false,
    shown: null,
    flaw: null,
  };
  const options: readonly Options[] = [
    fresh.options,
    { retries: 0, onCrash: 'fail', canExpire: true },
    { retries: 1, onCrash: 'fail', canExpire: false },
  ];
  return options.flatMap((each) => [
    // As another program may send it, or once the clock was set back: it comes to delayed/ from here too.
    { ...fresh, options: each, isEtaAhead: true },
    { ...fresh, options: each, revoker: { at: 'begins' } },
  ]);
}

export function violations(state: State): readonly string[] {
  const { place, tail, shown, child, options, runs, crashes, stopsSpent } = state;
  const isVisible = place.at === 'results';
  const isRunning = child.at === 'running';
  return [
    ...(state.flaw === null ? [] : [state.flaw]),
    ...(isVisible && (tail.outcome === null || tail.isTorn) ? ['incomplete outcome visible'] : []),
    ...(shown !== null && isVisible && shown !== tail.outcome ? ['a visible outcome changed'] : []),
    ...(shown !== null && isRunning ? [`a run after the outcome ${shown}`] : []),
    ...(runs > 1 + options.retries + crashes + stopsSpent ? ['more runs than retries and crashes explain'] : []),
    ...(runs > 1 + options.retries && options.onCrash === 'fail' ? ["onCrash 'fail', and it ran again"] : []),
  ];
}

/** Nobody has anything to do any more. */
export function isOver({ place, isMarked, shown, revoker }: State): boolean {
  return place.at === 'results' && shown !== null && !isMarked && revoker.at === 'ended';
}

export function key(state: State): string {
  return JSON.stringify(Object.values(isOver(state) ? { ...state, ...REST } : state));
}

/** What cannot matter any more once it is over. */
const REST: Partial<State> = { child: { at: 'ended' }, keeper: { at: 'ended' }, known: null, isOurs: false };
