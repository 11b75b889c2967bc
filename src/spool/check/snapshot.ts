/** Everything that lies in a spool, read once into plain data; what it means is decided elsewhere. */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { SpoolContext } from '../context.ts';
import { type EntryInfo, hasCode } from '../files.ts';
import { writerState } from '../identity.ts';
import { DIRECTORIES, type JobName, parseHeldName } from '../layout.ts';
import { type JobContent, readContent } from './content.ts';
import { type JobPlace, jobSpot } from './job-spot.ts';
import { type OwnerState, ownersIn } from './owners.ts';

export type Place = (typeof DIRECTORIES)[number];

/** A name in the spool. */
export interface Entry {
  /** Absolute path. */
  readonly location: string;
  readonly place: Place;
  readonly name: string;
  readonly info: EntryInfo;
}

/** A file that is named like a job or an outcome. */
export interface JobFile {
  readonly id: string;
  readonly place: JobPlace;
  readonly location: string;
  /** Null in results/. */
  readonly name: JobName | null;
  readonly dueAtMs: number | null;
  /** Who answers for it; null unless it lies in running/. */
  readonly holder: string | null;
  readonly content: JobContent;
}

/** A directory of running/. */
export interface HeldDirectory {
  readonly location: string;
  /** Whose it was made for. */
  readonly owner: string;
  /** The one whose life counts: the owner, or who fenced it. */
  readonly responsible: string;
  readonly names: readonly string[];
}

export interface Snapshot {
  readonly root: string;
  readonly takenAtMs: number;
  /** Of the spool's directory itself; null where it is gone. */
  readonly rootInfo: EntryInfo | null;
  /** Directories that are not there, or cannot be listed, and why. */
  readonly unlisted: readonly { readonly place: Place; readonly location: string; readonly reason: string }[];
  readonly entries: readonly Entry[];
  readonly jobs: readonly JobFile[];
  readonly held: readonly HeldDirectory[];
  readonly owners: readonly OwnerState[];
  /** What lies in tmp/, and whether its writer is surely dead. */
  readonly drafts: readonly { readonly location: string; readonly writer: ReturnType<typeof writerState> }[];
}

/** Files read before other work of this process gets its turn. */
const YIELD_EVERY = 256;
/** In the order in which jobs move forward: one that moves during the look is seen at least once. */
const ORDER: readonly Place[] = [
  'tmp',
  'delayed',
  'pending',
  'running',
  'results',
  'corrupt',
  'spare',
  'cancel',
  'queues',
  'limits',
  'logs',
  'workers',
  'keys',
];

/** Looks at all of the spool. In one that is in use it is no picture of one moment: see `checkSpool`. */
export async function takeSnapshot(context: SpoolContext): Promise<Snapshot> {
  const steps = look(context);
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      const { names, ...found } = step.value;
      const isWorkersGone = found.unlisted.some(({ place }) => place === 'workers');
      return { ...found, owners: await ownersIn(context, names, isWorkersGone) };
    }
    await yieldToOthers();
  }
}

/** The same in one go and without asking who lives, for a small spool. */
export function takeFileSnapshot(context: SpoolContext): Omit<Snapshot, 'owners'> {
  const steps = look(context);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

interface Look extends Omit<Snapshot, 'owners'> {
  readonly names: readonly { readonly place: Place; readonly name: string }[];
}

/** Yields now and then, for others to have their turn. */
function* look(context: SpoolContext): Generator<void, Look> {
  const { files, layout, nowMs } = context;
  const takenAtMs = nowMs();
  const unlisted: { place: Place; location: string; reason: string }[] = [];
  const list = (place: Place, location: string): readonly string[] => {
    try {
      return files.list(location);
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP')) throw error;
      // A spool that an older fsq made gets keys/ with its first key.
      const isToCome = place === 'keys' && hasCode(error, 'ENOENT');
      if (location === layout[place] && !isToCome) unlisted.push({ place, location, reason: reasonOf(error) });
      return []; // A directory below that is gone has moved on; one that is a plain file has no names.
    }
  };
  const names = ORDER.flatMap((place) => list(place, layout[place]).map((name) => ({ place, name })));
  const below = names.flatMap(({ place, name }) =>
    hasDirectories(place) ? list(place, `${layout[place]}/${name}`).map((file) => ({ place, name, file })) : [],
  );
  const { entries, jobs } = yield* read(context, [
    ...names.map(({ place, name }) => ({ place, name, location: `${layout[place]}/${name}` })),
    ...below.map(({ place, name, file }) => ({ place, name: file, location: `${layout[place]}/${name}/${file}` })),
  ]);
  return {
    root: layout.root,
    takenAtMs,
    // Through the dot, so that a spool that is reached by a link is looked at itself.
    rootInfo: files.entry(`${layout.root}/.`),
    unlisted,
    entries: [...DIRECTORIES.flatMap((place) => directoryEntry(context, place)), ...entries],
    jobs,
    held: heldIn(context, names, below),
    drafts: names
      .filter(({ place }) => place === 'tmp')
      .map(({ name }) => ({ location: `${layout.tmp}/${name}`, writer: writerState(files, name) })),
    names,
  };
}

/** running/ holds owners' directories, keys/ those of keys, spare/ batches, limits/ those of queues and tasks; a batch on its way lies in tmp/. */
function hasDirectories(place: Place): boolean {
  return ['running', 'keys', 'spare', 'limits', 'tmp'].includes(place);
}

function* read(
  context: SpoolContext,
  found: readonly { readonly place: Place; readonly name: string; readonly location: string }[],
): Generator<void, { entries: readonly Entry[]; jobs: readonly JobFile[] }> {
  const entries: Entry[] = [];
  const jobs: JobFile[] = [];
  for (const [i, { place, name, location }] of found.entries()) {
    if (i % YIELD_EVERY === YIELD_EVERY - 1) yield;
    const info = context.files.entry(location);
    if (info === null) continue;
    entries.push({ location, place, name, info });
    const spot = jobSpot(context.layout, place, location);
    const content = spot === null ? null : readContent(context, location, spot.id);
    if (spot !== null && content !== null) jobs.push({ ...spot, location, content });
  }
  return { entries, jobs };
}

function directoryEntry({ files, layout }: SpoolContext, place: Place): Entry[] {
  const info = files.entry(layout[place]);
  return info === null ? [] : [{ location: layout[place], place, name: place, info }];
}

function heldIn(
  { layout }: SpoolContext,
  names: readonly { readonly place: Place; readonly name: string }[],
  below: readonly { readonly place: Place; readonly name: string; readonly file: string }[],
): readonly HeldDirectory[] {
  return names.flatMap(({ place, name }) => {
    const held = place === 'running' ? parseHeldName(name) : null;
    if (held === null) return [];
    const inside = below.filter((entry) => entry.place === 'running' && entry.name === name).map(({ file }) => file);
    const { owner, recoverer } = held;
    return [{ location: `${layout.running}/${name}`, owner, responsible: recoverer ?? owner, names: inside }];
  });
}

function reasonOf(error: unknown): string {
  if (hasCode(error, 'ENOENT')) return 'missing';
  if (hasCode(error, 'ENOTDIR', 'ELOOP')) return 'not a directory';
  return 'not readable by this user';
}
