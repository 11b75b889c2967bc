/** What the model of the journal holds: the job, the records about it, who does what, and what a sync and a power cut make of it. */

/** Each other value than that of `JOURNAL` is a mutant that must be caught, or that the model shows to be harmless. */
export interface Rules {
  /** When a call is answered and an outcome becomes visible. */
  readonly answers: 'after the fdatasync' | 'before the fdatasync';
  readonly publishes: 'after the fdatasync' | 'before the fdatasync';
  /** What a sender does first; and whether a checkpoint of its own may come in between. */
  readonly sends: 'record, file' | 'file, record';
  readonly checkpoints: 'between turns' | 'at any time';
  /** What is done when fdatasync fails: another one would succeed, and the pages are not on disk. */
  readonly onFailure: 'sync another way' | 'call it again';
  /** What a settled record holds of the job's file. */
  readonly settled: 'all of it' | 'its tail';
  /** What is synced where no record is written: a process's first calls and few outcomes, and those of a journal that failed. */
  readonly byFile: 'the file and its name' | 'the file';
  /** What a checkpoint frees, and when. */
  readonly frees: 'what was there before the sync' | 'all' | 'before the sync';
  /** Which outcomes may be removed. */
  readonly removes: 'what no record names' | 'any';
  /** Whether what an earlier use has left in a segment is known by its generation. */
  readonly generation: boolean;
  /** Whose segments are replayed: those of an earlier boot, as their headers say; or also others, while the machine runs on. */
  readonly replays: 'after a cut' | 'of the dead' | 'of the living';
  /** Whether nobody claims, sends or expires until the replay is over, and whether its work is synced before segments are freed. */
  readonly othersWait: boolean;
  readonly replaySyncs: boolean;
}

export const JOURNAL: Rules = {
  answers: 'after the fdatasync',
  publishes: 'after the fdatasync',
  sends: 'record, file',
  checkpoints: 'between turns',
  onFailure: 'sync another way',
  settled: 'all of it',
  byFile: 'the file and its name',
  frees: 'what was there before the sync',
  removes: 'what no record names',
  generation: true,
  replays: 'after a cut',
  othersWait: true,
  replaySyncs: true,
};

export interface Budget {
  readonly cuts: number;
  readonly kills: number;
  readonly failures: number;
}

export type Place = 'nowhere' | 'pending' | 'running' | 'results';
export type Tail = 'none' | 'torn' | 'whole';

export interface Job {
  readonly place: Place;
  /** Where a power cut may leave it: everywhere it was since the last sync. */
  readonly mayBe: readonly Place[];
  readonly isWhole: boolean;
  readonly isBaseSafe: boolean;
  readonly tail: Tail;
  readonly isTailSafe: boolean;
}

export interface Entry {
  readonly kind: 'accepted' | 'settled';
  /** `lost`: its fdatasync has failed. */
  readonly disk: 'cached' | 'safe' | 'lost';
  /** `free`: its segment may be used again. `stale`: it has been, and the entry stands behind the new ones. */
  readonly segment: 'used' | 'free' | 'stale';
  /** Written before the last power cut. */
  readonly isOld: boolean;
  /** Its step was done before the sync of the checkpoint that is under way. */
  readonly isSynced: boolean;
}

export type Sender =
  'begins' | 'goes by file' | 'has written' | 'has recorded' | 'has synced' | 'sync failed' | 'answered' | 'dead';
export type Child = 'idle' | 'runs' | 'has written' | 'has recorded' | 'has synced' | 'sync failed' | 'dead';
/** `pending` … `results`: it was not found there, and in none of those before. */
export type Replay = 'none' | 'due' | 'pending' | 'running' | 'results' | 'found' | 'done' | 'synced';
export const KINDS = ['accepted', 'settled'] as const;

export interface State extends Budget {
  readonly job: Job;
  readonly entries: readonly Entry[];
  readonly sender: Sender;
  readonly child: Child;
  /** Whose segments are being freed: the sender's, or those of who settles. */
  readonly checkpoint: 'rests' | Entry['kind'];
  /** It has read all segments, and none names the job. */
  readonly expirer: 'rests' | 'has looked';
  readonly replay: Replay;
  /** The machine has come back, and the replay that is due then is not over. */
  readonly isBack: boolean;
  /** Recovery has made a whole outcome safe. */
  readonly isSecured: boolean;
  readonly wasRead: boolean;
  readonly wasRemoved: boolean;
  readonly wrong: string | null;
}

export const NOWHERE: Job = {
  place: 'nowhere',
  mayBe: ['nowhere'],
  isWhole: true,
  isBaseSafe: false,
  tail: 'none',
  isTailSafe: false,
};

/** Every state in which the machine may come back. All processes are dead; the job may be in any place it had, with any of its bytes. */
export function* cut(state: State): Generator<readonly [name: string, state: State]> {
  if (state.cuts === 0) return;
  const { job } = state;
  const wholes = job.isBaseSafe ? [job.isWhole] : [true, false];
  const tails: readonly Tail[] = job.isTailSafe || job.tail === 'none' ? [job.tail] : ['none', 'torn', job.tail];
  for (const place of job.mayBe)
    for (const isWhole of wholes)
      for (const tail of tails)
        for (const entries of survivors(state.entries)) {
          const after: Job = { place, mayBe: [place], isWhole, isBaseSafe: true, tail, isTailSafe: true };
          yield [
            `power cut: ${place}, ${isWhole ? 'whole' : 'broken'}, tail ${tail}`,
            restarted(state, after, entries),
          ];
        }
}

function restarted(state: State, job: Job, entries: readonly Entry[]): State {
  return {
    ...state,
    cuts: state.cuts - 1,
    job: job.place === 'nowhere' ? NOWHERE : job,
    entries: entries.map((entry) => ({ ...entry, isOld: true, isSynced: false })),
    sender: state.sender === 'answered' ? 'answered' : 'dead',
    child: job.place === 'running' ? 'dead' : 'idle',
    checkpoint: 'rests',
    expirer: 'rests',
    replay: 'due',
    isBack: true,
    isSecured: false,
  };
}

/** What was not synced may have reached the disk, or not. */
function survivors(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  return entries.reduce<readonly (readonly Entry[])[]>(
    (all, entry) => {
      if (entry.disk === 'lost') return all;
      const kept = all.map((some) => [...some, { ...entry, disk: 'safe' as const }]);
      return entry.disk === 'safe' ? kept : [...kept, ...all];
    },
    [[]],
  );
}

export function moved(job: Job, place: Place): Job {
  return { ...job, place, mayBe: [...new Set([...job.mayBe, place])].toSorted() };
}

export function written(job: Job, tail: Tail): Job {
  return { ...job, tail, isTailSafe: false };
}

/** After a sync of the file system. */
export function safe(job: Job): Job {
  return { ...job, mayBe: [job.place], isBaseSafe: true, isTailSafe: true };
}

/** After an fsync of its file and, as the rule says, of the directory in which it lies. */
export function syncedFile(job: Job, { byFile }: Rules): Job {
  return byFile === 'the file' ? { ...job, isBaseSafe: true, isTailSafe: true } : safe(job);
}

export function append(state: State, kind: Entry['kind']): State {
  const entry: Entry = {
    kind,
    disk: 'cached',
    segment: 'used',
    isOld: false,
    isSynced: false,
  };
  return { ...state, entries: [...state.entries, entry] };
}

export function synced(state: State, kind: Entry['kind']): State {
  return withDisk(state, kind, 'safe');
}

export function failed(state: State, kind: Entry['kind']): State {
  return { ...withDisk(state, kind, 'lost'), failures: state.failures - 1 };
}

function withDisk(state: State, kind: Entry['kind'], disk: Entry['disk']): State {
  const entries = state.entries.map((entry) =>
    entry.kind === kind && entry.disk === 'cached' ? { ...entry, disk } : entry,
  );
  return { ...state, entries };
}
