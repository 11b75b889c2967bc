/**
 * The note of a move in moving/: that jobs leave for another place, or arrive from there. Its name says which process works at the move, or
 * did so last. moving/ is made with the note in it, by one rename, so of two processes that begin at the same time one does. A move of a
 * process that is dead is taken over by a rename of the note, which again one process does.
 *
 * If we die before moving/ has its name, the draft is swept. If we die while we finish, an empty moving/ may stay, which says nothing.
 */
import { commandFor, type UnfinishedMove } from '../../broker/moving.ts';
import { SpoolError } from '../../job/errors.ts';
import { createIdSource } from '../../job/names.ts';
import { isRecord } from '../../job/values/realm.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { removeQuietly, writeNew } from '../disk/draft.ts';
import { hasCode } from '../disk/files.ts';
import { listIfThere, readIfThere, removeIfEmpty, renameIfThere, unlinkIfThere } from '../disk/if-there.ts';
import { moveFileName, type MoveName, ownerName, parseMoveFileName } from '../layout.ts';
import { movingSpots } from '../locate.ts';
import { readOwner } from '../owners/owner-record.ts';
import { register, type Registration } from '../owners/owner.ts';
import { verdictOf } from '../owners/verdicts.ts';

/** Whether jobs leave or arrive, and the other place. */
interface About {
  readonly side: 'out' | 'in';
  readonly other: string;
}

export interface WantedMove extends About {
  /** Null: whichever is there, or a new one. */
  readonly id: string | null;
  readonly mayBegin: boolean;
}

/** A move at which this process works. */
export interface OpenMove extends About {
  readonly id: string;
  readonly isResumed: boolean;
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** An owner that no process is: nobody works at the move. */
const NOBODY = ownerName(0, '0'.repeat(16));
const MAX_NOTE_BYTES = 16_384;
/** How often another process may be faster. */
const TRIES = 20;

/** @returns null where there is no move and none may begin. @throws SpoolError (FSQ_MOVING); the system error */
export async function openMove(context: SpoolContext, wanted: WantedMove): Promise<OpenMove | null> {
  const us = await register(context, { role: 'supervisor', queues: [], tasks: [] });
  try {
    const found = await takeUp(context, us, wanted);
    if (found === null) await us.release();
    return found;
  } catch (error) {
    await us.release().catch(() => undefined); // What is left is swept; a note that names us finds us dead.
    throw error;
  }
}

async function takeUp(context: SpoolContext, us: Registration, wanted: WantedMove): Promise<OpenMove | null> {
  for (let left = TRIES; left > 0; left--) {
    const [note] = movesIn(context);
    if (note === undefined) {
      if (!wanted.mayBegin) return null;
      const id = wanted.id ?? createIdSource(context.nowMs, context.randomBytes)();
      if (await begin(context, { id, owner: us.owner }, wanted)) return openedMove(context, us, id, wanted, false);
      continue;
    }
    const about = await refuseOthers(context, note, wanted);
    const to = { id: wanted.id ?? note.id, owner: us.owner };
    if (about === null || !renameIfThere(context.files, notePath(context, note), notePath(context, to))) continue;
    await syncDirectories(context, context.layout.moving);
    return openedMove(context, us, to.id, about, to.id === note.id);
  }
  const text = `${context.layout.moving} holds what no move has left there. Look into it, and move it out of the spool.`;
  throw new SpoolError('FSQ_MOVING', text);
}

/** The notes of moves: one, unless somebody has put others there. */
export function movesIn({ files, layout }: SpoolContext): readonly MoveName[] {
  return listIfThere(files, layout.moving).flatMap((name) => parseMoveFileName(name) ?? []);
}

/** What the note says; null where it is gone, or cannot be read. */
export function readMove(context: SpoolContext, note: MoveName): About | null {
  const text = readIfThere(context.files, notePath(context, note), MAX_NOTE_BYTES);
  try {
    const parsed: unknown = text === null ? null : JSON.parse(text);
    if (!isRecord(parsed)) return null;
    const { side, other } = parsed;
    return (side === 'out' || side === 'in') && typeof other === 'string' ? { side, other } : null;
  } catch {
    return null; // It was on disk before its name was: somebody has written into it.
  }
}

/** False where another process has begun one. */
async function begin(context: SpoolContext, note: MoveName, { side, other }: About): Promise<boolean> {
  const { files, layout, nowMs } = context;
  const draft = `${layout.tmp}/${context.uniqueName()}`;
  const path = `${draft}/${moveFileName(note)}`;
  const text = `${JSON.stringify({ v: 1, side, other, atMs: nowMs() })}\n`;
  files.makeDirectory(draft);
  try {
    await writeNew(context, Buffer.from(text), path, { isDurable: true });
    await syncDirectories(context, draft);
    files.rename(draft, layout.moving);
  } catch (error) {
    removeQuietly(files, path);
    removeIfEmpty(files, draft);
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw error;
    return false;
  }
  await syncDirectories(context, layout.root);
  return true;
}

/** What the move of a dead process is about, if it is the wanted one; null: look again. @throws SpoolError (FSQ_MOVING) */
async function refuseOthers(context: SpoolContext, note: MoveName, wanted: WantedMove): Promise<About | null> {
  const { root } = context.layout;
  const refuse = (text: string): SpoolError => new SpoolError('FSQ_MOVING', text);
  const about = readMove(context, note);
  if (about === null) {
    if (!context.files.exists(notePath(context, note))) return null;
    throw refuse(`${notePath(context, note)} should say where jobs of ${root} are moved to, and cannot be read.`);
  }
  if (note.owner !== NOBODY) {
    const verdict = await verdictOf(context, note.owner);
    const pid = readOwner(context, note.owner)?.pid;
    if (verdict.verdict === 'alive')
      throw refuse(`Process ${pid} moves jobs ${wayOf(context, about)} at this moment. Wait until it has ended.`);
    if (verdict.verdict === 'unknown')
      throw refuse(
        `Jobs are being moved ${wayOf(context, about)}, and whether process ${pid} still does so cannot be told: ${verdict.reason}.`,
      );
  }
  if (about.side === wanted.side && (wanted.id === null || wanted.id === note.id)) return about;
  if (isOver(context, about, wanted)) return about;
  throw refuse(
    `Jobs were being moved ${wayOf(context, about)}, and some are on their way still. Run \`${commandOf(context, about)}\` first.`,
  );
}

/**
 * A process that stood still may have made the note of an arrival after the move was over. The source has part in one move at a time: it has
 * finished that one, since it begins another.
 */
function isOver(context: SpoolContext, about: About, wanted: WantedMove): boolean {
  const isSame = about.side === 'in' && wanted.side === 'in' && about.other === wanted.other && wanted.mayBegin;
  return isSame && [...movingSpots(context)].length === 0;
}

/** 'from … to …' */
export function wayOf(context: SpoolContext, about: About): string {
  const { from, to } = placesOf(context, about);
  return `from ${from} to ${to}`;
}

/** The command that goes on with a move. */
export function commandOf(context: SpoolContext, about: About): string {
  return commandFor(placesOf(context, about));
}

function placesOf({ layout: { root } }: SpoolContext, { side, other }: About): Pick<UnfinishedMove, 'from' | 'to'> {
  return side === 'out' ? { from: root, to: other } : { from: other, to: root };
}

/** See `Broker.unfinishedMove`. Null also where the note cannot be read: `fsq doctor` tells of that. */
export async function unfinishedMove(context: SpoolContext): Promise<UnfinishedMove | null> {
  const [note] = movesIn(context);
  const about = note === undefined ? null : readMove(context, note);
  if (note === undefined || about === null) return null;
  const isGoing = note.owner !== NOBODY && (await verdictOf(context, note.owner)).verdict !== 'dead';
  return { ...placesOf(context, about), isGoing, ids: [...movingSpots(context)].map(({ id }) => id) };
}

function openedMove(
  context: SpoolContext,
  us: Registration,
  id: string,
  { side, other }: About,
  isResumed: boolean,
): OpenMove {
  const { files, layout } = context;
  const path = notePath(context, { id, owner: us.owner });
  return {
    id,
    side,
    other,
    isResumed,
    finish: async () => {
      const left = [...movingSpots(context)].length;
      if (left > 0) throw new SpoolError('FSQ_MOVING', `${left} jobs in ${layout.moving} are still on their way.`);
      unlinkIfThere(files, path);
      await syncDirectories(context, layout.moving);
      removeIfEmpty(files, layout.moving);
      await syncDirectories(context, layout.root);
    },
    // What the disk refuses here is made up for, and may not hide how the move ended: a note that names us finds us dead; the rest is swept.
    close: async () => {
      try {
        renameIfThere(files, path, notePath(context, { id, owner: NOBODY }));
      } catch {
        // It names us.
      }
      await us.release().catch(() => undefined);
    },
  };
}

export function notePath({ layout }: SpoolContext, note: MoveName): string {
  return `${layout.moving}/${moveFileName(note)}`;
}
