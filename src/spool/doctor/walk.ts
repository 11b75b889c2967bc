/** Every name in a spool, one by one: none is held, so that a spool of a million jobs needs no more memory than a small one. */
import { hasCode } from '../disk/files.ts';
import { listIfReadable } from '../disk/if-there.ts';
import type { SpoolContext } from '../disk/context.ts';
import {
  DIRECTORIES,
  type JobName,
  parseDelayedFileName,
  parseOwnerDirectory,
  parseJobFileName,
  parseResultFileName,
} from '../layout.ts';

export type Place = (typeof DIRECTORIES)[number];

export type JobPlace = 'pending' | 'delayed' | 'running' | 'results';

export interface JobSpot {
  readonly id: string;
  readonly place: JobPlace;
  /** Null in results/. */
  readonly name: JobName | null;
  readonly dueAtMs: number | null;
  /** The owner that answers for it, or its recoverer; null unless it lies in running/. */
  readonly holder: string | null;
}

export interface Name {
  readonly place: Place;
  /** The directory in `place` in which it lies; null for `place` itself. */
  readonly inside: string | null;
  readonly name: string;
  /** Absolute path. */
  readonly location: string;
  /** Null for what is not named like a job there. */
  readonly spot: JobSpot | null;
}

/** A directory of the spool that is not there, or cannot be listed, and why. */
export interface Unlisted {
  readonly place: Place;
  readonly location: string;
  readonly reason: string;
}

/** In the order in which jobs move forward: one that moves during the walk is seen at least once. */
const ORDER: readonly Place[] = [...new Set<Place>(['tmp', 'delayed', ...DIRECTORIES])];

/** running/ holds owners' directories, keys/ those of keys, spare/ batches, limits/ those of queues and tasks; a batch on its way lies in tmp/. */
const WITH_DIRECTORIES: ReadonlySet<Place> = new Set(['running', 'keys', 'spare', 'limits', 'tmp']);
/** Why a directory has no names: it has gone, is something else, or this user may not look into it. */
const UNLISTED = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'] as const;

/** All names, place by place, and behind a directory's name what lies in it. */
export function* walkSpool(context: SpoolContext): Generator<Name, void> {
  for (const place of ORDER) yield* walkPlace(context, place);
}

export function* walkPlace({ files, layout }: SpoolContext, place: Place): Generator<Name, void> {
  for (const name of namesAt(files, layout[place])) {
    const location = `${layout[place]}/${name}`;
    yield { place, inside: null, name, location, spot: jobSpot(place, null, name) };
    if (!WITH_DIRECTORIES.has(place)) continue;
    for (const below of listIfReadable(files, location))
      yield { place, inside: name, name: below, location: `${location}/${below}`, spot: jobSpot(place, name, below) };
  }
}

/** What lies directly in a directory; nothing where it cannot be listed. */
export function* namesAt(files: SpoolContext['files'], directory: string): Generator<string, void> {
  try {
    yield* files.walk(directory);
  } catch (error) {
    if (!hasCode(error, ...UNLISTED)) throw error;
  }
}

export function unlistedIn({ files, layout }: SpoolContext): readonly Unlisted[] {
  return ORDER.flatMap((place) => {
    const location = layout[place];
    try {
      const names = files.walk(location)[Symbol.iterator]();
      names.next();
      names.return?.();
      return [];
    } catch (error) {
      if (!hasCode(error, ...UNLISTED)) throw error;
      // A spool that an older fsq made gets keys/ with its first key.
      return place === 'keys' && hasCode(error, 'ENOENT') ? [] : [{ place, location, reason: reasonOf(error) }];
    }
  });
}

function reasonOf(error: unknown): string {
  if (hasCode(error, 'ENOENT')) return 'missing';
  if (hasCode(error, 'ENOTDIR', 'ELOOP')) return 'not a directory';
  return 'not readable by this user';
}

/** @param inside the directory in `place` in which the name lies; null for `place` itself */
function jobSpot(place: Place, inside: string | null, fileName: string): JobSpot | null {
  if (place === 'results') {
    const id = parseResultFileName(fileName);
    return id === null ? null : { id, place, name: null, dueAtMs: null, holder: null };
  }
  if (place === 'delayed') {
    const delayed = parseDelayedFileName(fileName);
    return delayed === null ? null : { id: delayed.name.id, place, ...delayed, holder: null };
  }
  if (place !== 'pending' && place !== 'running') return null;
  const held = inside === null ? null : parseOwnerDirectory(inside);
  const name = (held === null) === (place === 'pending') ? parseJobFileName(fileName) : null;
  return name === null
    ? null
    : { id: name.id, place, name, dueAtMs: null, holder: held === null ? null : (held.recoverer ?? held.owner) };
}
