/** All that a doctor does: looks at the place, at what lies in it, repairs if asked to, and looks again. */
import type { SpoolContext } from '../context.ts';
import { establish } from '../establish.ts';
import { SpareFiles } from '../spare.ts';
import { examineSpool } from './check.ts';
import type { Finding } from './finding.ts';
import { placeFacts, type PlaceFacts } from './place.ts';
import { type Allowed, placeFindings } from './place-findings.ts';
import { type Repair, repairSpool } from './repair.ts';
import type { Snapshot } from './snapshot.ts';

export interface Diagnosis {
  readonly place: PlaceFacts;
  /** Files of each kind, after the repair. */
  readonly jobs: Readonly<Record<'pending' | 'delayed' | 'running' | 'results' | 'corrupt', number>>;
  readonly owners: Readonly<Record<'alive' | 'dead' | 'unknown', number>>;
  /** What was done; empty without `repair`. */
  readonly repaired: readonly Repair[];
  /** What is wrong, and after a repair still is. The worst first. */
  readonly findings: readonly Finding[];
}

export interface DiagnoseOptions extends Allowed {
  readonly repair: boolean;
}

/** @throws SpoolError when there is no spool, or one of another format; the system error when it cannot be read */
export async function diagnose(context: SpoolContext, { repair, ...allowed }: DiagnoseOptions): Promise<Diagnosis> {
  const spare = new SpareFiles(context);
  const uniqueName = (): string => spare.uniqueName();
  establish(context, uniqueName(), true);
  const repaired = repair ? await repairSpool(context, uniqueName) : [];
  const place = await placeFacts(context, uniqueName);
  const { findings, snapshot } = await examineSpool(context);
  return {
    place,
    jobs: countsOf(snapshot),
    owners: ownersOf(snapshot),
    repaired,
    findings: inOrder([...placeFindings(place, allowed), ...findings, ...idleFindings(snapshot)]),
  };
}

const SEVERITIES = ['error', 'warning', 'info'] as const;

function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

function countsOf({ jobs, entries }: Snapshot): Diagnosis['jobs'] {
  const count = (place: string): number => jobs.filter((job) => job.place === place).length;
  const aside = entries.filter(({ place, name }) => place === 'corrupt' && name !== place).length;
  return {
    pending: count('pending'),
    delayed: count('delayed'),
    running: count('running'),
    results: count('results'),
    corrupt: aside,
  };
}

function ownersOf({ owners }: Snapshot): Diagnosis['owners'] {
  const count = (wanted: string): number => owners.filter(({ verdict }) => verdict.verdict === wanted).length;
  return { alive: count('alive'), dead: count('dead'), unknown: count('unknown') };
}

/** Jobs that are ready, or whose time has come, where nobody works: they may have been meant for another spool. */
function idleFindings({ root, takenAtMs, jobs, owners }: Snapshot): readonly Finding[] {
  const waiting = jobs.filter(
    ({ place, dueAtMs }) => place === 'pending' || (place === 'delayed' && dueAtMs !== null && dueAtMs <= takenAtMs),
  ).length;
  // Whose life cannot be told may be one. A child whose worker has died takes no more.
  const hasWorker = owners.some(({ role, verdict }) => verdict.verdict !== 'dead' && role !== 'child');
  if (waiting === 0 || hasWorker) return [];
  return [
    {
      code: 'no-worker',
      severity: 'warning',
      message: `${waiting} ${waiting === 1 ? 'job waits' : 'jobs wait'} and no worker is running on this spool.`,
      location: root,
      advice: '`fsq worker` starts one. If one is running, it uses another spool: its first lines say which.',
      canRepair: false,
    },
  ];
}
