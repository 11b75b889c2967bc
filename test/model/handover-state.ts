/** The states of the hand-over model (handover.ts): what there is, how it begins, and what must never be. */
/** What is modelled; each `false` is a mutant that must be caught. */
export interface Rules {
  /** 'exact': only the dead are given up (the kernel's proof). 'lossy': the living may be too (a lease, an operator's force). */
  readonly verdicts: 'exact' | 'lossy';
  /** A recoverer first renames the owner's directory. */
  readonly fence: boolean;
  /**
   * When a recoverer puts what it finds into a new file: 'unproved', when it has no proof that the one it takes the job from is
   * dead; 'unsure', also when that one was a recoverer itself, which may have had no proof either.
   */
  readonly copy: 'never' | 'unproved' | 'unsure';
  /** Who claims a job that holds the outcome of this attempt publishes it. */
  readonly rollForward: boolean;
}

export const FSQ: Rules = { verdicts: 'exact', fence: true, copy: 'unsure', rollForward: true };

/** How often each may happen. Park and promotion are free: they change no counter. */
export interface Budget {
  /** Processes killed before any step. */
  readonly kills: number;
  /** Processes ended on purpose, whose jobs are requeued. */
  readonly stops: number;
  /** Writes or fsyncs that fail, after which the content goes into a new file. */
  readonly faults: number;
  /** Living owners given up (lossy only). */
  readonly falseVerdicts: number;
}

/** Behind the base: nothing or a whole tail without an outcome, a torn tail, an outcome. `last` is the last attempt in it. */
export interface Content {
  readonly tail: 'open' | 'torn' | 'outcome';
  readonly last: number;
}
export const BASE: Content = { tail: 'open', last: 0 };

/** What becomes of a held job: what is written, if anything, and the rename. */
export interface Plan {
  readonly write: Content | null;
  readonly to: 'pending' | 'delayed' | 'results';
  readonly attempt: number;
  readonly crashes: number;
}

/** `dir` is the directory whose path the process uses; `inode` the file it has open. */
export type Process =
  | { readonly at: 'ended' }
  | { readonly at: 'idle'; readonly owner: number }
  | Claiming
  | Fenced
  | {
      readonly at: 'copied';
      readonly owner: number;
      readonly dir: string;
      readonly copy: Content;
      readonly wasStopped: boolean;
    }
  | {
      readonly at: 'opens' | 'reopens' | 'replaces' | 'moves';
      readonly owner: number;
      readonly dir: string;
      readonly plan: Plan;
    }
  | {
      readonly at: 'writes' | 'writes on';
      readonly owner: number;
      readonly dir: string;
      readonly plan: Plan;
      readonly inode: number;
    };

export interface Fenced {
  readonly at: 'fenced';
  readonly owner: number;
  readonly dir: string;
  readonly mustCopy: boolean;
  readonly wasStopped: boolean;
}

/** `attempt` is the one that it counted when it claimed. */
export interface Claiming {
  readonly at: 'claimed' | 'running';
  readonly owner: number;
  readonly dir: string;
  readonly attempt: number;
}

export interface State {
  /** pending, delayed, results, or a directory of running/: `1`, or `1~2` fenced by 2. */
  readonly place: string;
  readonly attempt: number;
  readonly crashes: number;
  readonly inode: number;
  readonly content: Content;
  readonly processes: readonly Process[];
  readonly nextOwner: number;
  /** Owners of whose directory the name is taken away. */
  readonly gone: readonly number[];
  readonly stopped: readonly number[];
  readonly left: Budget;
  /** A run has ended: its outcome was whole in the job's file. */
  readonly hasEnded: boolean;
  /** The outcome that was visible first. */
  readonly shown: string | null;
  /** A second file appeared under the job's name. */
  readonly isDouble: boolean;
}

/** A new job, and those that a power cut or an operator's retry puts back with something written in them. */
export function startsOf(left: Budget): readonly State[] {
  const fresh: State = {
    place: 'pending',
    attempt: 0,
    crashes: 0,
    inode: 0,
    content: BASE,
    processes: [
      { at: 'idle', owner: 1 },
      { at: 'idle', owner: 2 },
    ],
    nextOwner: 3,
    gone: [],
    stopped: [],
    left,
    hasEnded: false,
    shown: null,
    isDouble: false,
  };
  const claimLost: State = { ...fresh, content: { tail: 'outcome', last: 1 }, hasEnded: true };
  const retried: State = { ...fresh, attempt: 1, content: { tail: 'outcome', last: 1 } };
  const parkLost: State = { ...fresh, content: { tail: 'torn', last: 0 } };
  return [fresh, claimLost, retried, parkLost];
}

export function violations(state: State): readonly string[] {
  const { place, content, inode, shown, processes, isDouble } = state;
  const isVisible = place === 'results';
  return [
    ...(processes.filter(({ at }) => at === 'running').length > 1 ? ['two live runs'] : []),
    ...(isVisible && content.tail !== 'outcome' ? ['incomplete outcome visible'] : []),
    ...(shown !== null && isVisible && shown !== seenAs(content, inode) ? ['a visible outcome changed'] : []),
    ...(shown !== null && !isVisible ? ['an outcome vanished'] : []),
    ...(isDouble ? ['two files of one job'] : []),
    ...(state.hasEnded && processes.some(({ at }) => at === 'running') ? ['an ended run is repeated'] : []),
  ];
}

export function seenAs({ tail, last }: Content, inode: number): string {
  return `${tail} ${last} in ${inode}`;
}

/**
 * Owners are counted anew in the order in which they are met, and of inodes only matters which is the job's now. Slots are
 * alike, so they are sorted.
 */
export function key(state: State): string {
  const { place, inode, content, processes, gone, stopped, shown } = state;
  const alive = processes.flatMap((process) => (process.at === 'ended' ? [] : [process.owner]));
  const write = (ordered: readonly Process[]): string => {
    const names = new Map<string, string>();
    const rename = (text: string): string =>
      text.replace(/\d+/g, (owner) => {
        if (!names.has(owner)) names.set(owner, String(names.size + 1));
        return names.get(owner) ?? '';
      });
    const parts = ordered.map((process) => {
      if (process.at === 'ended') return 'ended';
      const isHere = 'inode' in process && process.inode === inode;
      const name = rename(`${process.owner} ${'dir' in process ? process.dir : ''}`);
      return `${name} ${isHere} ${gone.includes(process.owner)} ${JSON.stringify({ ...process, owner: 0, dir: 0, inode: 0 })}`;
    });
    const [first = '', responsible = first] = place.split('~');
    const wasStopped = stopped.includes(Number(first));
    return [
      ...parts,
      rename(place),
      wasStopped,
      gone.includes(Number(first)),
      alive.includes(Number(responsible)),
    ].join('|');
  };
  const [a = '', b = ''] = [write(processes), write(processes.toReversed())];
  const isShown = shown === null ? null : shown === seenAs(content, inode);
  const { attempt, crashes, left, hasEnded, isDouble } = state;
  return (a < b ? a : b) + JSON.stringify([attempt, crashes, content, left, hasEnded, isDouble, isShown]);
}
