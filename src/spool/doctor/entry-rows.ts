/** What can be wrong with a name in the spool: other users may touch it (I13), it is not fsq's, or nobody needs it any more. Pure. */
import { isMapRunName, isScheduleName } from '../../broker/schedules.ts';
import { namesWriter } from '../disk/identity.ts';
import { isJournalFolder } from '../journal/segment.ts';
import { isKeyDirectory, parseKeyHolderName } from '../keys/key-holders.ts';
import { isOwnerName, parseMoveFileName, parseOwnerDirectory, parseResultFileName } from '../layout.ts';
import { parsePausedFileName } from '../notes/notes.ts';
import { isMark, isScheduleFile } from '../schedules/marks.ts';
import { parseFiguresFileName } from '../statistics/statistics-file.ts';
import { type Finding, findingsOf, rows } from './finding.ts';
import type { Outline } from './outline.ts';
import type { Entry } from './visit.ts';

type Facts = Pick<Outline, 'layout' | 'rootInfo' | 'takenAtMs'>;
interface Named {
  readonly entry: Entry;
  readonly facts: Facts;
}
type Linked = Entry & { readonly isAllHere: boolean };
type Marker = Pick<Entry, 'id'> & { readonly ageMs: number; readonly isNowhere: boolean; readonly isOver: boolean };

const WRITABLE_BY_OTHERS = 0o022;
/** A worker removes a marker within a second; `fsq revoke` makes it before it looks for the job. */
const STALE_AFTER_MS = 10_000;
/** A schedule may be done up to a time a day and an hour ahead of the clock, ms: then a worker waits for that time. */
const AHEAD_MS = 25 * 3_600_000;
/** What was set aside or is not used yet is left as it is. */
const UNTOUCHED: ReadonlySet<string> = new Set(['corrupt', 'cancel']);
const NO_LINKS = 'fsq makes no links and follows none. Find out who made it, and remove it.';

const ENTRY_ROWS = rows<Named>({
  'symbolic-link': {
    severity: 'error',
    invariant: 'I13',
    wrong: ({ entry: { location, info } }) => (info.kind === 'link' ? `${location} is a symbolic link.` : null),
    advice: NO_LINKS,
  },
  'writable-by-others': {
    severity: 'error',
    invariant: 'I13',
    wrong: ({ entry }) => {
      const message = modeText(entry);
      return message === null || !isOpen(entry) ? null : `${message}: other users can change what is run.`;
    },
    advice: ({ entry }) => chmodText(entry),
  },
  mode: {
    severity: 'warning',
    invariant: 'I13',
    wrong: ({ entry }) => {
      const message = modeText(entry);
      return message === null || isOpen(entry) ? null : `${message}.`;
    },
    advice: ({ entry }) => chmodText(entry),
  },
  'other-user': {
    severity: 'error',
    invariant: 'I13',
    wrong: ({ entry: { location, info }, facts: { rootInfo } }) =>
      rootInfo === null || info.uid === rootInfo.uid
        ? null
        : `${location} belongs to user ${info.uid}, the spool to user ${rootInfo.uid}.`,
    advice: 'All that use a spool must run as one user. Change its owner, or remove it.',
  },
  foreign: {
    severity: 'warning',
    wrong: ({ entry, facts }) => {
      if (!isForeign(entry, facts)) return null;
      return `${entry.location} is not named like anything of fsq's: it is left alone${mayBeJob(entry) ? ', and never runs' : ''}.`;
    },
    advice: ({ entry }) =>
      mayBeJob(entry)
        ? 'A job is named <priority>.<id>.<queue>.0.0.json. Rename it, or move it out of the spool.'
        : 'Move it out of the spool.',
  },
});

const SCHEDULE_ROWS = rows<Named>({
  'schedule-ahead': {
    severity: 'info',
    wrong: ({ entry: { place, location, name }, facts: { takenAtMs } }) =>
      place === 'schedules' && isMark(name) && Number(name) > takenAtMs + AHEAD_MS
        ? `${location} says that a schedule is done up to ${new Date(Number(name)).toISOString()}: the clock was set back since.`
        : null,
    advice: 'A worker that knows the schedule says so, and lets it go on from now.',
  },
});

const LINK_ROWS = rows<Linked>({
  'second-name': {
    severity: 'info',
    wrong: ({ location, info, isAllHere }) =>
      isAllHere ? `${location} has ${info.links} names in this spool, as a power cut may leave on btrfs.` : null,
    advice: 'The worker that takes or recovers its job, or sweeps tmp/, leaves one. An outcome is told all the same.',
  },
  'hard-link': {
    severity: 'error',
    invariant: 'I2',
    wrong: ({ location, info, isAllHere }) =>
      isAllHere ? null : `${location} has ${info.links} names, and not all of them lie in this spool.`,
    advice: NO_LINKS,
  },
});

const MISSING = rows<Outline['unlisted'][number]>({
  'missing-directory': {
    severity: 'error',
    wrong: ({ location, reason }) => `${location} is ${reason}.`,
    advice: ({ reason }) =>
      reason === 'missing'
        ? '`fsq doctor --repair` makes it; what was in it is lost. Some tools remove empty directories.'
        : 'It must be a directory of mode 0700 that belongs to the user of the workers.',
    mend: ({ reason }) => (reason === 'missing' ? 'make-directories' : null),
  },
});

const MARKER = rows<Marker>({
  'stale-marker': {
    severity: 'warning',
    wrong: ({ id, ageMs, isNowhere, isOver }) =>
      ageMs >= STALE_AFTER_MS && (isNowhere || isOver)
        ? `Job ${id} is marked as revoked, but it ${isNowhere ? 'is nowhere' : 'has ended'}.`
        : null,
    advice: '`fsq doctor --repair` removes the marker; a worker does the same.',
    mend: 'remove-markers',
  },
});

const FIGURES = rows<Pick<Entry, 'location'> & { readonly reason: string }>({
  'statistics-unreadable': {
    severity: 'info',
    wrong: ({ location, reason }) =>
      `${location} cannot be read: ${reason}. What it counted is missing from the statistics.`,
    advice: 'Jobs do not need it. Remove it, unless a newer fsq has written it: a worker of that fsq counts on.',
  },
});

/** Of a file beside a job: what lies there for a job that is nowhere was overlooked, or is yet to be swept. */
const BESIDE = rows<Pick<Entry, 'location'>>({
  'beside-no-job': {
    severity: 'info',
    wrong: ({ location }) => `${location} lies beside no job: the job's outcome is forgotten.`,
    advice: 'A worker removes it a while after the outcome; `fsq doctor --repair` does so now.',
    mend: 'recover',
  },
});

const DOUBTED = rows<Pick<Entry, 'place' | 'location'> & { readonly reason: string }>({
  'beside-unreadable': {
    severity: 'warning',
    wrong: ({ location, reason }) => `${location} cannot be read: ${reason}.`,
    advice: ({ place }) =>
      place === 'checkpoints'
        ? 'The next attempt of the job begins anew. What a run keeps then takes its place; else it goes with the outcome.'
        : 'It counts for nothing. What a run tells next takes its place; else it goes with the outcome.',
  },
});

export function entryFindings(entry: Entry, facts: Facts): readonly Finding[] {
  if (isUntouched(entry, facts.layout)) return [];
  return [ENTRY_ROWS, SCHEDULE_ROWS].flatMap((table) => findingsOf(table, { entry, facts }, entry.location));
}

/** @param linked all files in the spool that have several names, by each of these that lies there */
export function linkFindings(linked: readonly Entry[], { layout }: Pick<Outline, 'layout'>): readonly Finding[] {
  const names = new Map<number, number>();
  for (const { info } of linked) names.set(info.inode, (names.get(info.inode) ?? 0) + 1);
  return linked
    .filter((entry) => !isUntouched(entry, layout))
    .flatMap((entry) => {
      const isAllHere = names.get(entry.info.inode) === entry.info.links;
      return findingsOf(LINK_ROWS, { ...entry, isAllHere }, entry.location);
    });
}

export function missingFindings({ unlisted }: Pick<Outline, 'unlisted'>): readonly Finding[] {
  return unlisted.flatMap((directory) => findingsOf(MISSING, directory, directory.location));
}

/** @param entry of cancel/ */
export function markerFindings(
  { id, location, info }: Entry,
  { marked, takenAtMs }: Pick<Outline, 'marked' | 'takenAtMs'>,
): readonly Finding[] {
  if (id === null) return [];
  const place = marked.get(id);
  const marker = {
    id,
    ageMs: takenAtMs - info.modifiedAtMs,
    isNowhere: place === undefined,
    isOver: place === 'results',
  };
  return findingsOf(MARKER, marker, location, id);
}

/** @param entry of a folder of files that lie beside jobs. @param reason why it counts for nothing; null: it does not */
export function besideFindings(
  entry: Entry,
  reason: string | null,
  { doubled }: Pick<Outline, 'doubled'>,
): readonly Finding[] {
  const { id, location } = entry;
  if (id === null) return [];
  if (!doubled.knows(id)) return findingsOf(BESIDE, entry, location, id);
  return reason === null ? [] : findingsOf(DOUBTED, { ...entry, reason }, location, id);
}

/** @param entry of statistics/. @param reason why it counts for nothing; null: it does not */
export function figuresFindings(entry: Entry, reason: string | null): readonly Finding[] {
  return reason === null ? [] : findingsOf(FIGURES, { ...entry, reason }, entry.location);
}

/** A place's own directory is looked at, whatever may lie in it. */
function isUntouched({ place, location }: Entry, layout: Outline['layout']): boolean {
  return UNTOUCHED.has(place) && location !== layout[place];
}

function modeOf({ info }: Entry): number | null {
  return info.kind === 'file' ? 0o600 : info.kind === 'directory' ? 0o700 : null;
}

function modeText(entry: Entry): string | null {
  const { location, info } = entry;
  const wanted = modeOf(entry);
  return wanted === null || info.mode === wanted
    ? null
    : `${location} has mode ${octal(info.mode)} instead of ${octal(wanted)}`;
}

function chmodText(entry: Entry): string {
  return `\`chmod ${octal(modeOf(entry) ?? 0)} ${entry.location}\``;
}

function isOpen({ info }: Entry): boolean {
  return (info.mode & WRITABLE_BY_OTHERS) !== 0;
}

function mayBeJob({ place }: Entry): boolean {
  return place === 'pending' || place === 'delayed';
}

function isForeign({ location, place, name, id, info }: Entry, { layout }: Facts): boolean {
  if (location === layout[place]) return false;
  const isDirect = location === `${layout[place]}/${name}`;
  if (place === 'workers') return !isOwnerName(name.replace(/\.(?:json|sock)$/, ''));
  if (place === 'spare') return isDirect && info.kind !== 'directory';
  if (place === 'tmp' || place === 'limits') return false;
  if (place === 'queues') return parsePausedFileName(name) === null;
  if (place === 'keys' && isDirect) return !isKeyDirectory(name) || info.kind !== 'directory';
  if (place === 'keys') return parseKeyHolderName(name) === null && parseResultFileName(name) === null;
  if (place === 'statistics') return parseFiguresFileName(name) === null;
  if (place === 'moving' && parseMoveFileName(name) !== null) return false;
  if (place === 'schedules' && isDirect)
    return !(isScheduleName(name) || isMapRunName(name)) || info.kind !== 'directory';
  if (place === 'schedules') return !isScheduleFile(name) || info.kind !== 'file';
  // What else lies there is moved away by the next replay.
  if (place === 'journal' && isDirect) return !isJournalFolder(name) || info.kind !== 'directory';
  if (place === 'journal') return !namesWriter(name) || info.kind !== 'file';
  if (place === 'running' && isDirect) return parseOwnerDirectory(name) === null || info.kind !== 'directory';
  return id === null;
}

/** '0755' */
function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
