/** What names alone say of a spool, and which of the owners that they name live: little, however many jobs there are. */
import type { OwnerInfo } from '../../broker/broker.ts';
import type { SpoolContext } from '../disk/context.ts';
import type { EntryInfo } from '../disk/files.ts';
import { listIfReadable, walkIfReadable } from '../disk/if-there.ts';
import { isOwnerName, type Layout, parseOwnerDirectory } from '../layout.ts';
import { askAll, verdictOf } from '../owners/verdicts.ts';
import { readOwner } from '../owners/owner-record.ts';
import type { Verdict } from '../owners/liveness.ts';
import { commandOf, movesIn, notePath, readMove, wayOf } from '../moving/move-note.ts';
import { journalIn, type JournalOutline } from './journal-outline.ts';
import { parseMarkerFileName } from '../notes/notes.ts';
import { type JobPlace, type Unlisted, unlistedIn, walkPlace } from './visit.ts';

/** A directory of running/. */
export interface HeldDirectory {
  readonly location: string;
  /** It was made for this one. */
  readonly owner: string;
  /** The life of this one counts: the owner, or the recoverer that fenced it. */
  readonly responsible: string;
  readonly names: readonly string[];
}

export interface OwnerState {
  readonly owner: string;
  /** Its file in workers/ is there and whole. */
  readonly hasRecord: boolean;
  /** Null without a record. */
  readonly role: OwnerInfo['role'] | null;
  readonly verdict: Verdict;
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
  readonly moves: readonly NotedMove[];
}

/** A note in moving/. */
interface NotedMove {
  readonly location: string;
  /** The process that works at the move, or did so last. */
  readonly owner: string;
  /** `from … to …`, and the command that goes on with it; null where the note cannot be read. */
  readonly about: { readonly way: string; readonly command: string } | null;
}

export interface Outline extends NamedOutline {
  readonly owners: readonly OwnerState[];
  readonly journal: JournalOutline;
}

/** In the order in which jobs move forward: one that moves meanwhile is seen at least once. */
const JOB_PLACES: readonly JobPlace[] = ['moving', 'delayed', 'pending', 'running', 'results'];

export async function takeOutline(context: SpoolContext): Promise<Outline> {
  const outline = outlineOf(context);
  return { ...outline, owners: await ownersIn(context, outline), journal: await journalIn(context) };
}

/** The same without asking the owners whether they live, and without the journal. */
export function outlineOf(context: SpoolContext): NamedOutline {
  const { files, layout, nowMs } = context;
  const takenAtMs = nowMs();
  const counts = { moving: 0, delayed: 0, pending: 0, running: 0, results: 0, corrupt: 0 };
  const marked = new Map<string, JobPlace>();
  const wanted = new Set([...walkIfReadable(files, layout.cancel)].map((name) => parseMarkerFileName(name)?.id));
  const doubled = new Doubled();
  let waiting = 0;
  for (const place of JOB_PLACES) {
    for (const { spot } of walkPlace(context, place)) {
      if (spot === null) continue;
      const { id, dueAtMs } = spot;
      counts[place]++;
      doubled.add(id);
      if (wanted.has(id) && (place !== 'results' || !marked.has(id))) marked.set(id, place);
      if (place === 'pending' || (place === 'delayed' && dueAtMs !== null && dueAtMs <= takenAtMs)) waiting++;
    }
  }
  counts.corrupt = [...walkIfReadable(files, layout.corrupt)].length;
  // Through the dot, so that a spool that is reached by a link is looked at itself.
  const rootInfo = files.entry(`${layout.root}/.`);
  const [held, moves] = [heldIn(context), notedMoves(context)];
  return { layout, takenAtMs, rootInfo, unlisted: unlistedIn(context), counts, waiting, doubled, marked, held, moves };
}

function heldIn({ files, layout }: SpoolContext): readonly HeldDirectory[] {
  return [...walkIfReadable(files, layout.running)].flatMap((directory) => {
    const held = parseOwnerDirectory(directory);
    if (held === null) return [];
    const location = `${layout.running}/${directory}`;
    const { owner, recoverer } = held;
    return [{ location, owner, responsible: recoverer ?? owner, names: listIfReadable(files, location) }];
  });
}

function notedMoves(context: SpoolContext): readonly NotedMove[] {
  return movesIn(context).map((note) => {
    const about = readMove(context, note);
    const words = about === null ? null : { way: wayOf(context, about), command: commandOf(context, about) };
    return { location: notePath(context, note), owner: note.owner, about: words };
  });
}

/** Where workers/ cannot be read no owner can be asked: whether they live is unknown then. */
export async function ownersIn(
  context: SpoolContext,
  { held, unlisted }: Pick<NamedOutline, 'held' | 'unlisted'>,
): Promise<readonly OwnerState[]> {
  const { files, layout } = context;
  const isWorkersGone = unlisted.some(({ place }) => place === 'workers');
  const owners = new Set([
    ...[...walkIfReadable(files, layout.workers)]
      .map((name) => name.replace(/\.(?:json|sock)$/, ''))
      .filter(isOwnerName),
    ...held.map(({ responsible }) => responsible),
  ]);
  return askAll([...owners], (owner) => stateOf(context, owner, isWorkersGone));
}

async function stateOf(context: SpoolContext, owner: string, isWorkersGone: boolean): Promise<OwnerState> {
  if (isWorkersGone) {
    return { owner, hasRecord: false, role: null, verdict: { verdict: 'unknown', reason: 'workers/ cannot be read' } };
  }
  const record = readOwner(context, owner);
  return { owner, hasRecord: record !== null, role: record?.role ?? null, verdict: await verdictOf(context, owner) };
}

/** Finds the ids that come more than once among millions, with eight bytes for each. */
export class Doubled {
  readonly #numbers: number[] = [];
  #sorted: Float64Array | null = null;
  #several: ReadonlySet<number> | null = null;

  add(id: string): void {
    this.#numbers.push(fingerprint(id));
    this.#several = this.#sorted = null;
  }

  /** True for an id that was added more than once, and hardly ever for another: its files tell then that there is only one. */
  has(id: string): boolean {
    return this.#all().has(fingerprint(id));
  }

  /** False for an id that was never added, but for one in billions. */
  knows(id: string): boolean {
    const wanted = fingerprint(id);
    const sorted = this.#inOrder();
    let [from, to] = [0, sorted.length];
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((sorted[middle] ?? 0) < wanted) from = middle + 1;
      else to = middle;
    }
    return sorted[from] === wanted;
  }

  get isEmpty(): boolean {
    return this.#all().size === 0;
  }

  #all(): ReadonlySet<number> {
    if (this.#several !== null) return this.#several;
    const sorted = this.#inOrder();
    this.#several = new Set(sorted.filter((number, i) => number === sorted[i - 1]));
    return this.#several;
  }

  #inOrder(): Float64Array {
    return (this.#sorted ??= Float64Array.from(this.#numbers).sort());
  }
}

/** 53 bits that change with every character: two multiplicative hashes side by side, of 32 and 21 bits. */
export function fingerprint(text: string): number {
  let high = 1;
  let low = 1;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    high = Math.imul(high ^ code, 0x5bd1e995);
    high ^= high >>> 15;
    low = Math.imul(low ^ code, 0x9e3779b1);
    low ^= low >>> 13;
  }
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}
