/** A round of a worker's housekeeping without a worker: its parts, one after the other, and a count of what each has removed. */
import type { Tidied } from '../../broker/broker.ts';
import type { ResultTtlMs } from '../../job/ended/result-ttl.ts';
import { BesideSweep } from '../beside/sweep-beside.ts';
import type { SpoolContext } from '../disk/context.ts';
import type { Files } from '../disk/files.ts';
import { listIfReadable } from '../disk/if-there.ts';
import { freeDead, recordedIds, usableBoot } from '../journal/checkpoint.ts';
import { KeySweep } from '../keys/sweep-keys.ts';
import {
  BESIDE,
  besidePath,
  type Layout,
  parseJobFileName,
  parseOwnerDirectory,
  parseResultFileName,
} from '../layout.ts';
import { verdictOf } from '../owners/verdicts.ts';
import { Forgetter } from '../results/forget.ts';
import type { retire } from '../results/retire.ts';
import { sweepDrafts, sweepOwners } from './sweep.ts';

/** What belongs to a job that is nowhere goes when that is seen twice. */
const LOOKS = 2;

/** @param isDryRun true: nothing is removed, and what would be is counted */
export async function tidy(context: SpoolContext, resultTtlMs: ResultTtlMs, isDryRun: boolean): Promise<Tidied> {
  const { layout } = context;
  const removed = new Map<string, Set<string>>();
  const watched = { ...context, files: counting(context.files, layout, removed, isDryRun) };
  const countOf = (...places: readonly (keyof Layout)[]): number =>
    places.reduce((sum, place) => sum + (removed.get(place)?.size ?? 0), 0);
  const boot = usableBoot(context);
  // First: outcomes that the journal names stay.
  if (boot !== null) await freeDead(watched, `${layout.journal}/${boot}`);
  const keys = new KeySweep(watched);
  // Before the outcomes go, which tell that their jobs have ended.
  for (let look = 0; look < LOOKS; look++) await keys.sweep();
  const forgetter = new Forgetter(isDryRun ? watched : context, resultTtlMs);
  const outcomes = await forgetter.forget(undefined, isDryRun ? wouldRetire : undefined);
  await sweepDrafts(watched);
  await sweepOwners(watched, () => false);
  const beside = new BesideSweep(watched);
  for (let look = 0; look < LOOKS; look++) await beside.sweep();
  return {
    outcomes,
    drafts: countOf('tmp'),
    owners: countOf('workers'),
    keys: countOf('keys'),
    beside: countOf('progress', 'checkpoints', 'logs'),
    segments: countOf('journal'),
    left: await leftByTheDead(context),
  };
}

/** @param context whose files count what is removed, and remove nothing: what lies beside these outcomes would go with them */
const wouldRetire: typeof retire = async (context, fileNames) => {
  const recorded = await recordedIds(context);
  const retired = fileNames.filter((fileName) => !recorded.has(parseResultFileName(fileName) ?? ''));
  for (const fileName of retired) {
    const id = parseResultFileName(fileName);
    if (id !== null) for (const folder of BESIDE) context.files.unlink(besidePath(context.layout, folder, id));
  }
  return retired;
};

/** Directories in running/ whose process is dead: their jobs must not be lost, and only a worker sends them back. */
async function leftByTheDead(context: SpoolContext): Promise<Tidied['left']> {
  const { files, layout } = context;
  const dead = new Set<string>();
  let jobs = 0;
  for (const directory of files.list(layout.running)) {
    const holder = parseOwnerDirectory(directory);
    if (holder === null) continue;
    const owner = holder.recoverer ?? holder.owner;
    if ((await verdictOf(context, owner)).verdict !== 'dead') continue;
    dead.add(owner);
    jobs += listIfReadable(files, `${layout.running}/${directory}`).filter((name) => parseJobFileName(name)).length;
  }
  return { owners: dead.size, jobs };
}

/** Files that note, by the folder of the spool, what is removed there; in a dry run nothing is. */
function counting(files: Files, layout: Layout, removed: Map<string, Set<string>>, isDryRun: boolean): Files {
  const remove = (path: string, act: () => void): void => {
    if (!isDryRun) act();
    else if (files.entry(path) === null) return;
    const [place = '', ...names] = path.slice(layout.root.length + 1).split('/');
    // Of a key its directory counts, and of a segment its name behind that of its boot.
    const name = (place === 'journal' ? names.join('/') : (names[0] ?? '')).replace(/\.(?:json|sock)$/, '');
    removed.set(place, (removed.get(place) ?? new Set()).add(name));
  };
  return {
    ...files,
    unlink: (path) => remove(path, () => files.unlink(path)),
    rename: (from, to) => remove(from, () => files.rename(from, to)),
    removeDirectory: (path) => remove(path, () => files.removeDirectory(path)),
    ...(isDryRun ? { write: () => undefined } : {}),
  };
}
