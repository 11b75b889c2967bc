/** What can be wrong with processes that hold jobs (I8), with drafts of the dead, and with jobs that no worker is there to run. Pure. */
import { some, span } from '../../job/text.ts';
import { UNPROVED_MS } from '../disk/identity.ts';
import { type Finding, findingsOf, rows } from './finding.ts';
import type { HeldDirectory, Outline, OwnerState } from './outline.ts';
import type { Entry, Seen } from './visit.ts';

type Facts = Pick<Outline, 'held' | 'owners' | 'layout' | 'moves' | 'counts'>;

type Move = Outline['moves'][number] & { readonly isAlive: boolean; readonly jobs: number };

interface HeldFacts extends Pick<HeldDirectory, 'location' | 'responsible' | 'names'> {
  readonly hasRecord: boolean;
  readonly isDead: boolean;
  /** A process lives that recovers the dead. */
  readonly hasKeeper: boolean;
  readonly pending: string;
}

interface Owner extends Pick<OwnerState, 'owner' | 'hasRecord' | 'verdict'> {
  readonly holds: boolean;
  readonly record: string;
}

type Draft = Pick<Seen, 'writer'> & Pick<Entry, 'location'> & { readonly ageMs: number };

/** How long a dead owner may hold jobs while a worker lives, ms: twice what recovery takes (P5). */
export const DEAD_HOLDER_MS = 2_000;
/** A draft this old that is not named as fsq names its own is nobody's, ms. */
const OLD_DRAFT_MS = 24 * 3_600_000;
const SWEPT = 'It is no job. A worker removes it within a minute; so does `fsq doctor --repair`.';

const HELD_ROWS = rows<HeldFacts>({
  'no-owner-record': {
    severity: ({ isDead }) => (isDead ? 'warning' : 'error'),
    invariant: 'I8',
    wrong: ({ location, responsible, names, hasRecord }) =>
      hasRecord
        ? null
        : `${location} holds ${some(names.length, 'job')}, but workers/${responsible}.json, the record of its owner, is not there.`,
    advice: ({ isDead, pending }) =>
      isDead
        ? 'Its owner is dead: `fsq doctor --repair` or the next worker recovers it.'
        : `Whether its owner lives cannot be told. Once you are sure that no worker runs, move what is in it to ${pending} and remove it.`,
    mend: ({ isDead }) => (isDead ? 'recover' : null),
  },
  'dead-holder': {
    severity: ({ hasKeeper, names }) => (hasKeeper ? 'error' : names.length > 0 ? 'warning' : 'info'),
    invariant: ({ hasKeeper }) => (hasKeeper ? 'I8' : null),
    wrong: ({ location, names, isDead, hasKeeper }) =>
      isDead
        ? `${location} holds ${some(names.length, 'job')} of a process that is dead${hasKeeper ? `, for more than ${span(DEAD_HOLDER_MS)}, although a worker lives` : '; no worker runs that would recover it'}.`
        : null,
    advice: ({ hasKeeper }) =>
      hasKeeper
        ? 'Look at the log of the worker; `fsq doctor --repair` recovers it.'
        : 'The next `fsq worker`, or `fsq doctor --repair`, sends its jobs back.',
    mend: 'recover',
  },
});

const OWNER_ROWS = rows<Owner>({
  'unproved-owner': {
    severity: 'warning',
    wrong: ({ owner, hasRecord, verdict }) =>
      hasRecord && verdict.verdict === 'unknown'
        ? `It cannot be told whether ${owner} lives: ${verdict.reason}. Its jobs stay where they are.`
        : null,
    advice: ({ owner, record }) =>
      `Run the doctor as the worker's user, on its machine. Once you are sure that the process is gone, move what is in running/${owner} to pending and remove ${record}.`,
  },
  'dead-owner': {
    severity: 'info',
    wrong: ({ owner, verdict, holds }) =>
      verdict.verdict === 'dead' && !holds ? `${owner} is dead and holds nothing; its record is still there.` : null,
    advice: 'A worker removes it within a minute; so does `fsq doctor --repair`.',
    mend: 'recover',
  },
});

const DRAFT_ROWS = rows<Draft>({
  'draft-of-the-dead': {
    severity: 'info',
    wrong: ({ location, writer }) =>
      writer === 'dead' ? `${location} was being written by a process that is dead.` : null,
    advice: SWEPT,
    mend: 'recover',
  },
  'old-draft': {
    severity: 'info',
    wrong: ({ location, writer, ageMs }) =>
      writer === 'dead' || ageMs < (writer === 'unproved' ? UNPROVED_MS : OLD_DRAFT_MS)
        ? null
        : `${location} has not changed for ${span(ageMs)}; whether who writes it lives cannot be told.`,
    advice: ({ writer }) => (writer === 'unproved' ? SWEPT : 'If no producer of yours writes it, remove it.'),
    mend: ({ writer }) => (writer === 'unproved' ? 'recover' : null),
  },
});

const IDLE = rows<Pick<Outline, 'waiting' | 'owners'>>({
  'no-worker': {
    severity: 'warning',
    wrong: ({ waiting, owners }) => {
      // One whose life cannot be told may be a worker. A child whose worker has died takes no more.
      const hasWorker = owners.some(({ role, verdict }) => verdict.verdict !== 'dead' && role !== 'child');
      if (waiting === 0 || hasWorker) return null;
      return `${some(waiting, 'job waits', 'jobs wait')} and no worker is running on this spool.`;
    },
    advice: '`fsq worker` starts one. If one is running, it uses another spool: its first lines say which.',
  },
});

const MOVE_ROWS = rows<Move>({
  'unfinished-move': {
    severity: 'warning',
    wrong: ({ location, about, isAlive, jobs }) => {
      if (isAlive) return null;
      const on = `${some(jobs, 'job is', 'jobs are')} on the way, and no process goes on with that`;
      return about === null ? `${location} cannot be read: ${on}.` : `Jobs were being moved ${about.way}: ${on}.`;
    },
    advice: ({ about }) =>
      about === null
        ? 'Write into it again where jobs were moved to: docs/spool-format.md says how.'
        : `\`${about.command}\` goes on with it. Until then these jobs do not run.`,
  },
});

/** Of each directory of running/, of each owner, and of a move that has stopped on the way. */
export function ownerFindings({ held, owners, layout, moves, counts }: Facts): readonly Finding[] {
  const hasKeeper = owners.some(({ role, verdict }) => role === 'supervisor' && verdict.verdict === 'alive');
  return [
    ...moves.flatMap((move) => {
      const isAlive = owners.some(({ owner, verdict }) => owner === move.owner && verdict.verdict !== 'dead');
      return findingsOf(MOVE_ROWS, { ...move, isAlive, jobs: counts.moving }, move.location);
    }),
    ...held.flatMap(({ location, responsible, names }) => {
      const state = owners.find(({ owner }) => owner === responsible);
      const isDead = state?.verdict.verdict === 'dead';
      const hasRecord = state?.hasRecord === true;
      const facts = { location, responsible, names, hasRecord, isDead, hasKeeper, pending: layout.pending };
      return findingsOf(HELD_ROWS, facts, location);
    }),
    ...owners.flatMap((state) => {
      const record = `${layout.workers}/${state.owner}.json`;
      const holds = held.some(({ responsible, owner }) => responsible === state.owner || owner === state.owner);
      return findingsOf(OWNER_ROWS, { ...state, holds, record }, record);
    }),
  ];
}

/** Of what lies in tmp/ itself. */
export function draftFindings(
  { entry: { location, name, info }, writer }: Pick<Seen, 'entry' | 'writer'>,
  { layout, takenAtMs }: Pick<Outline, 'layout' | 'takenAtMs'>,
): readonly Finding[] {
  if (writer === 'alive' || location !== `${layout.tmp}/${name}`) return [];
  const ageMs = takenAtMs - (writer === 'unproved' ? info.changedAtMs : info.modifiedAtMs);
  return findingsOf(DRAFT_ROWS, { location, writer, ageMs }, location);
}

/** Jobs that are ready or due where no worker runs: they may have been meant for another spool. */
export function idleFindings(outline: Outline): readonly Finding[] {
  return findingsOf(IDLE, outline, outline.layout.root);
}
