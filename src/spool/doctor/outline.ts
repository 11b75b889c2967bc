/** What names alone say of a spool, and who of those that they name lives: little, however many jobs there are. */
import type { SpoolContext } from '../context.ts';
import type { EntryInfo } from '../files.ts';
import { type Layout, parseHeldName } from '../layout.ts';
import { parseMarkerFileName } from '../note-names.ts';
import { Doubled } from './fingerprint.ts';
import type { JobPlace } from './job-spot.ts';
import { type OwnerState, ownersIn } from './owners.ts';
import { namesAt, namesBelow, type Unlisted, unlistedIn, walkPlace } from './walk.ts';

/** A directory of running/. */
export interface HeldDirectory {
  readonly location: string;
  /** Whose it was made for. */
  readonly owner: string;
  /** The one whose life counts: the owner, or who fenced it. */
  readonly responsible: string;
  readonly names: readonly string[];
}

export interface NamedOutline {
  readonly layout: Layout;
  readonly takenAtMs: number;
  /** Of the spool's directory itself; null where it is gone. */
  readonly rootInfo: EntryInfo | null;
  readonly unlisted: readonly Unlisted[];
  /** Files that are named like a job, and all that was set aside. */
  readonly counts: Readonly<Record<JobPlace | 'corrupt', number>>;
  /** Jobs that are ready, or whose time has come. */
  readonly waiting: number;
  /** Jobs of which there is more than one file. */
  readonly doubled: Doubled;
  /** Where the jobs are that cancel/ names: in results/ only if nowhere else. */
  readonly marked: ReadonlyMap<string, JobPlace>;
  readonly held: readonly HeldDirectory[];
}

export interface Outline extends NamedOutline {
  readonly owners: readonly OwnerState[];
}

/** In the order in which jobs move forward: one that moves meanwhile is seen at least once. */
const JOB_PLACES: readonly JobPlace[] = ['delayed', 'pending', 'running', 'results'];

export async function takeOutline(context: SpoolContext): Promise<Outline> {
  const outline = outlineOf(context);
  return { ...outline, owners: await ownersIn(context, outline) };
}

/** The same without asking who lives. */
export function outlineOf(context: SpoolContext): NamedOutline {
  const { files, layout, nowMs } = context;
  const takenAtMs = nowMs();
  const counts = { delayed: 0, pending: 0, running: 0, results: 0, corrupt: 0 };
  const marked = new Map<string, JobPlace>();
  const wanted = new Set([...namesAt(files, layout.cancel)].map((name) => parseMarkerFileName(name)?.id));
  const doubled = new Doubled();
  let waiting = 0;
  for (const place of JOB_PLACES) {
    for (const { spot } of walkPlace(context, place)) {
      if (spot === null) continue;
      const { id, dueAtMs } = spot;
      counts[place]++;
      doubled.add(id);
      if (wanted.has(id) && (place !== 'results' || !marked.has(id))) marked.set(id, place);
      if (place === 'pending' || (dueAtMs !== null && dueAtMs <= takenAtMs)) waiting++;
    }
  }
  counts.corrupt = [...namesAt(files, layout.corrupt)].length;
  // Through the dot, so that a spool that is reached by a link is looked at itself.
  const rootInfo = files.entry(`${layout.root}/.`);
  const held = heldIn(context);
  return { layout, takenAtMs, rootInfo, unlisted: unlistedIn(context), counts, waiting, doubled, marked, held };
}

function heldIn({ files, layout }: SpoolContext): readonly HeldDirectory[] {
  return [...namesAt(files, layout.running)].flatMap((directory) => {
    const held = parseHeldName(directory);
    if (held === null) return [];
    const location = `${layout.running}/${directory}`;
    const { owner, recoverer } = held;
    return [{ location, owner, responsible: recoverer ?? owner, names: namesBelow(files, location) }];
  });
}
