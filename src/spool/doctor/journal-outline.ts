/** What lies in the journal, whose it is, and which of the jobs that living processes record there a power cut would bring back. */
import type { SpoolContext } from '../disk/context.ts';
import { writerState } from '../disk/identity.ts';
import { listIfReadable } from '../disk/if-there.ts';
import { usableBoot } from '../journal/checkpoint.ts';
import { replayerOf } from '../journal/replay.ts';
import { isWhole } from '../journal/restore.ts';
import { type Entry, isSegmentAside, readPatiently } from '../journal/segment.ts';
import { locate } from '../locate.ts';

/** A record whose job a power cut would bring back. */
export interface LostRecord {
  readonly id: string;
  /** Of its segment. */
  readonly location: string;
  /** Where its job is, which is not as it was accepted; null when it is nowhere. */
  readonly job: string | null;
}

/** A folder that a replay is to take, or has taken. */
export interface EarlierFolder {
  readonly location: string;
  readonly segments: number;
  /** The process that replays it, if one does that lives. */
  readonly replayer: number | null;
}

export interface JournalOutline {
  /** All segments, those that are free too. */
  readonly segments: number;
  readonly bytes: number;
  /** How many of them that count. */
  readonly records: number;
  /** Segments of this boot by whether their process lives. */
  readonly owners: Readonly<Record<'alive' | 'dead' | 'unknown', number>>;
  /** The segments of dead processes. */
  readonly dead: readonly string[];
  readonly earlier: readonly EarlierFolder[];
  /** False where one boot cannot be told from another: then nothing is replayed. */
  readonly isBootKnown: boolean;
  readonly lost: readonly LostRecord[];
  /** What could not be read, in corrupt/. */
  readonly aside: readonly string[];
}

/** A job may move between two steps of a look: so often in a row it does not. */
const TRIES = 3;

/** @throws the system error when the disk refuses */
export async function journalIn(context: SpoolContext): Promise<JournalOutline> {
  const { files, layout } = context;
  const folders = listIfReadable(files, layout.journal).filter(
    (name) => files.entry(`${layout.journal}/${name}`)?.kind === 'directory',
  );
  const boot = folders.length === 0 ? null : usableBoot(context);
  const found: Found = {
    segments: 0,
    bytes: 0,
    records: 0,
    owners: { alive: 0, dead: 0, unknown: 0 },
    dead: [],
    lost: [],
  };
  const earlier: EarlierFolder[] = [];
  for (const folder of folders) {
    const location = `${layout.journal}/${folder}`;
    const names = listIfReadable(files, location);
    for (const name of names) await look(context, `${location}/${name}`, folder === boot, found);
    if (folder !== boot) earlier.push({ location, segments: names.length, replayer: replayerOf(files, folder) });
  }
  const aside = listIfReadable(files, layout.corrupt).filter(isSegmentAside);
  return {
    ...found,
    earlier,
    isBootKnown: boot !== null || folders.length === 0,
    aside: aside.map((name) => `${layout.corrupt}/${name}`),
  };
}

interface Found {
  segments: number;
  bytes: number;
  records: number;
  readonly owners: Record<'alive' | 'dead' | 'unknown', number>;
  readonly dead: string[];
  readonly lost: LostRecord[];
}

async function look(context: SpoolContext, location: string, isOfThisBoot: boolean, found: Found): Promise<void> {
  const segment = await readPatiently(context, location);
  if (segment.kind === 'gone') return;
  const entries = segment.kind === 'segment' ? segment.entries : [];
  found.segments++;
  found.bytes += context.files.entry(location)?.sizeBytes ?? 0;
  found.records += entries.length;
  if (!isOfThisBoot) return;
  const state = writerState(context.files, location.slice(location.lastIndexOf('/') + 1));
  found.owners[state === 'alive' || state === 'dead' ? state : 'unknown']++;
  if (state === 'dead') found.dead.push(location);
  // Of the dead a record may be of a job that was never accepted.
  if (state === 'alive') found.lost.push(...(await lostOf(context, location, entries)));
}

/** Those that a replay would restore. */
async function lostOf(
  context: SpoolContext,
  location: string,
  entries: readonly Entry[],
): Promise<readonly LostRecord[]> {
  let left = entries;
  let lost: readonly LostRecord[] = [];
  for (let tries = 0; tries < TRIES && left.length > 0; tries++) {
    const spots = await locate(context, new Set(left.map(({ id }) => id)));
    left = left.filter((entry) => {
      const spot = spots.get(entry.id);
      return spot === undefined || !isWhole(context, spot, entry);
    });
    lost = left.map(({ id }) => ({ id, location, job: spots.get(id)?.path ?? null }));
  }
  return lost;
}
