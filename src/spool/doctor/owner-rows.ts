/** Who holds jobs and lives (I8), and what the dead left. Pure. */
import { UNPROVED_MS } from '../sweep.ts';
import { span } from './text.ts';
import type { Finding } from './finding.ts';
import type { OwnerState } from './owners.ts';
import type { HeldDirectory, Outline } from './outline.ts';
import type { Seen } from './visit.ts';

type Facts = Pick<Outline, 'held' | 'owners' | 'layout'>;

/** How long a dead owner may hold jobs while a worker lives, ms: twice what recovery takes (P5). */
export const DEAD_HOLDER_MS = 2_000;
/** A draft this old that is not named as fsq names its own is nobody's, ms. */
const OLD_DRAFT_MS = 24 * 3_600_000;

export function holderFindings(facts: Facts): readonly Finding[] {
  return [
    ...facts.held.flatMap((held) => heldFindings(held, facts)),
    ...facts.owners.flatMap((state) => ownerFindings(state, facts)),
  ];
}

/** True when a process lives that recovers the dead. */
export function hasKeeper({ owners }: Pick<Outline, 'owners'>): boolean {
  return owners.some(({ role, verdict }) => role === 'supervisor' && verdict.verdict === 'alive');
}

function heldFindings({ location, responsible, names }: HeldDirectory, facts: Facts): readonly Finding[] {
  const state = facts.owners.find(({ owner }) => owner === responsible);
  const isDead = state?.verdict.verdict === 'dead';
  const jobs = `${names.length} ${names.length === 1 ? 'job' : 'jobs'}`;
  const findings: Finding[] = [];
  if (state?.hasRecord !== true) {
    findings.push({
      code: 'no-owner-record',
      severity: isDead ? 'warning' : 'error',
      invariant: 'I8',
      message: `${location} holds ${jobs}, but workers/${responsible}.json, the record of its owner, is not there.`,
      location,
      advice: isDead
        ? 'Its owner is dead: `fsq doctor --repair` or the next worker recovers it.'
        : `Whether its owner lives cannot be told. Once you are sure that no worker runs, move what is in it to ${facts.layout.pending} and remove it.`,
      canRepair: isDead,
    });
  }
  if (isDead) {
    const keeper = hasKeeper(facts);
    findings.push({
      code: 'dead-holder',
      severity: keeper ? 'error' : names.length > 0 ? 'warning' : 'info',
      ...(keeper ? { invariant: 'I8' } : {}),
      message: `${location} holds ${jobs} of a process that is dead${keeper ? `, for more than ${span(DEAD_HOLDER_MS)}, although a worker lives` : '; no worker runs that would recover it'}.`,
      location,
      advice: keeper
        ? 'Look at the log of the worker; `fsq doctor --repair` recovers it.'
        : 'The next `fsq worker`, or `fsq doctor --repair`, sends its jobs back.',
      canRepair: true,
    });
  }
  return findings;
}

function ownerFindings({ owner, hasRecord, verdict }: OwnerState, { layout, held }: Facts): readonly Finding[] {
  const location = `${layout.workers}/${owner}.json`;
  if (verdict.verdict === 'unknown' && hasRecord) {
    return [
      {
        code: 'unproved-owner',
        severity: 'warning',
        message: `It cannot be told whether ${owner} lives: ${verdict.reason}. Its jobs stay where they are.`,
        location,
        advice: `Run the doctor as the worker's user, on its machine. Once you are sure that the process is gone, move what is in running/${owner} to pending and remove ${location}.`,
        canRepair: false,
      },
    ];
  }
  if (
    verdict.verdict === 'dead' &&
    !held.some((directory) => directory.responsible === owner || directory.owner === owner)
  ) {
    return [
      {
        code: 'dead-owner',
        severity: 'info',
        message: `${owner} is dead and holds nothing; its record is still there.`,
        location,
        advice: 'A worker removes it within a minute; so does `fsq doctor --repair`.',
        canRepair: true,
      },
    ];
  }
  return [];
}

/** What lies in tmp/ itself. */
export function draftFindings(
  { entry: { location, name, info }, writer }: Pick<Seen, 'entry' | 'writer'>,
  { layout, takenAtMs }: Pick<Outline, 'layout' | 'takenAtMs'>,
): readonly Finding[] {
  if (writer === 'alive' || location !== `${layout.tmp}/${name}`) return [];
  if (writer === 'dead') {
    return [
      {
        code: 'draft-of-the-dead',
        severity: 'info',
        message: `${location} was being written by a process that is dead.`,
        location,
        advice: 'It is no job. A worker removes it within a minute; so does `fsq doctor --repair`.',
        canRepair: true,
      },
    ];
  }
  const canRepair = writer === 'unproved';
  const ageMs = takenAtMs - (canRepair ? info.changedAtMs : info.modifiedAtMs);
  if (ageMs < (canRepair ? UNPROVED_MS : OLD_DRAFT_MS)) return [];
  return [
    {
      code: 'old-draft',
      severity: 'info',
      message: `${location} has not changed for ${span(ageMs)}; whether who writes it lives cannot be told.`,
      location,
      advice: canRepair
        ? 'It is no job. A worker removes it within a minute; so does `fsq doctor --repair`.'
        : 'If no producer of yours writes it, remove it.',
      canRepair,
    },
  ];
}
