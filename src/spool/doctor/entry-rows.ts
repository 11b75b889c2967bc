/** Who may touch what lies in the spool (I13), and what lies there that is not fsq's. Pure. */
import { isKeyDirectory, parseHolderName } from '../keys/names.ts';
import { isOwnerName, type Layout, parseHeldName, parseResultFileName } from '../layout.ts';
import { parsePausedFileName } from '../note-names.ts';
import type { Finding } from './finding.ts';
import type { Outline } from './outline.ts';
import { octal } from './text.ts';
import type { Entry } from './visit.ts';

const WRITABLE_BY_OTHERS = 0o022;
/** What was set aside or is not used yet is left as it is. */
const UNTOUCHED: ReadonlySet<string> = new Set(['corrupt', 'cancel', 'logs']);
const NO_LINKS = {
  advice: 'fsq makes no links and follows none. Find out who made it, and remove it.',
  canRepair: false,
} as const;

export function entryFindings(
  entry: Entry,
  { layout, rootInfo }: Pick<Outline, 'layout' | 'rootInfo'>,
): readonly Finding[] {
  if (isUntouched(entry, layout)) return [];
  return [
    ...(entry.info.kind === 'link' ? [symbolicLink(entry)] : []),
    ...permissionFindings(entry),
    ...(rootInfo !== null && entry.info.uid !== rootInfo.uid ? [foreignOwner(entry, rootInfo.uid)] : []),
    ...(isForeign(layout, entry) ? [foreign(entry)] : []),
  ];
}

/** @param linked all files in the spool that have several names, by each of these that lies there */
export function linkFindings(linked: readonly Entry[], { layout }: Pick<Outline, 'layout'>): readonly Finding[] {
  const names = new Map<number, number>();
  for (const { info } of linked) names.set(info.inode, (names.get(info.inode) ?? 0) + 1);
  return linked.flatMap((entry) => {
    if (isUntouched(entry, layout)) return [];
    return [names.get(entry.info.inode) === entry.info.links ? secondName(entry) : hardLink(entry)];
  });
}

export function missingFindings({ unlisted }: Pick<Outline, 'unlisted'>): readonly Finding[] {
  return unlisted.map(missing);
}

/** A place's own directory is looked at, whatever may lie in it. */
function isUntouched({ place, location }: Entry, layout: Layout): boolean {
  return UNTOUCHED.has(place) && location !== layout[place];
}

function missing({ location, reason }: Outline['unlisted'][number]): Finding {
  const canRepair = reason === 'missing';
  return {
    code: 'missing-directory',
    severity: 'error',
    message: `${location} is ${reason}.`,
    location,
    advice: canRepair
      ? '`fsq doctor --repair` makes it; what was in it is lost. Some tools remove empty directories.'
      : 'It must be a directory of mode 0700 that belongs to the user of the workers.',
    canRepair,
  };
}

function secondName({ location, info }: Entry): Finding {
  return {
    code: 'second-name',
    severity: 'info',
    message: `${location} has ${info.links} names in this spool, as a power cut may leave on btrfs.`,
    location,
    advice: 'The worker that takes or recovers its job, or sweeps tmp/, leaves one. An outcome is told all the same.',
    canRepair: false,
  };
}

function hardLink({ location, info }: Entry): Finding {
  const message = `${location} has ${info.links} names, and not all of them lie in this spool.`;
  return { code: 'hard-link', severity: 'error', invariant: 'I2', message, location, ...NO_LINKS };
}

function symbolicLink({ location }: Entry): Finding {
  const message = `${location} is a symbolic link.`;
  return { code: 'symbolic-link', severity: 'error', invariant: 'I13', message, location, ...NO_LINKS };
}

function permissionFindings({ location, info }: Entry): readonly Finding[] {
  if (info.kind !== 'file' && info.kind !== 'directory') return [];
  const wanted = info.kind === 'file' ? 0o600 : 0o700;
  if (info.mode === wanted) return [];
  const isOpen = (info.mode & WRITABLE_BY_OTHERS) !== 0;
  return [
    {
      code: isOpen ? 'writable-by-others' : 'mode',
      severity: isOpen ? 'error' : 'warning',
      invariant: 'I13',
      message: `${location} has mode ${octal(info.mode)} instead of ${octal(wanted)}${isOpen ? ': other users can change what is run' : ''}.`,
      location,
      advice: `\`chmod ${octal(wanted)} ${location}\``,
      canRepair: false,
    },
  ];
}

function foreignOwner({ location, info }: Entry, uid: number): Finding {
  return {
    code: 'other-user',
    severity: 'error',
    invariant: 'I13',
    message: `${location} belongs to user ${info.uid}, the spool to user ${uid}.`,
    location,
    advice: 'All that use a spool must run as one user. Change its owner, or remove it.',
    canRepair: false,
  };
}

function foreign({ location, place }: Entry): Finding {
  const mayBeJob = place === 'pending' || place === 'delayed';
  return {
    code: 'foreign',
    severity: 'warning',
    message: `${location} is not named like anything of fsq's: it is left alone${mayBeJob ? ', and never runs' : ''}.`,
    location,
    advice: mayBeJob
      ? 'A job is named <priority>.<id>.<queue>.0.0.json. Rename it, or move it out of the spool.'
      : 'Move it out of the spool.',
    canRepair: false,
  };
}

function isForeign(layout: Layout, { location, place, name, id, info }: Entry): boolean {
  if (location === layout[place]) return false;
  const isDirect = location === `${layout[place]}/${name}`;
  if (place === 'workers') return !isOwnerName(name.replace(/\.(?:json|sock)$/, ''));
  if (place === 'spare') return isDirect && info.kind !== 'directory';
  if (place === 'tmp' || place === 'limits') return false;
  if (place === 'queues') return parsePausedFileName(name) === null;
  if (place === 'keys' && isDirect) return !isKeyDirectory(name) || info.kind !== 'directory';
  if (place === 'keys') return parseHolderName(name) === null && parseResultFileName(name) === null;
  if (place === 'running' && isDirect) return parseHeldName(name) === null || info.kind !== 'directory';
  return id === null;
}
