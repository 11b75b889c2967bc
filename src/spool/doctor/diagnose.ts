/** All that a doctor does: looks at the place, at what lies in it, repairs if asked to, and looks again. */
import type { SpoolContext } from '../context.ts';
import { establish } from '../establish.ts';
import { examineSpool } from './examine.ts';
import type { Finding } from './finding.ts';
import { placeFacts, type PlaceFacts } from './place.ts';
import { type Allowed, placeFindings } from './place-rows.ts';
import type { Outline } from './outline.ts';
import { type Repair, repairSpool } from './repair.ts';
import { Tally } from './tally.ts';

export interface Diagnosis {
  readonly place: PlaceFacts;
  /** Files of each kind, after the repair. */
  readonly jobs: Readonly<Record<'pending' | 'delayed' | 'running' | 'results' | 'corrupt', number>>;
  readonly owners: Readonly<Record<'alive' | 'dead' | 'unknown', number>>;
  /** What was done; empty without `repair`. The first hundred of each code. */
  readonly repaired: readonly Repair[];
  /** What is wrong, and after a repair still is. The worst first; the first hundred of each kind. */
  readonly findings: readonly Finding[];
  /** How many more there are of which kind than `repaired` and `findings` tell. */
  readonly more: {
    readonly repaired: readonly (Pick<Repair, 'code'> & Count)[];
    readonly findings: readonly (Pick<Finding, 'code' | 'severity' | 'canRepair'> & Count)[];
  };
}

interface Count {
  readonly count: number;
}

export interface DiagnoseOptions extends Allowed {
  readonly repair: boolean;
}

/** @throws SpoolError when there is no spool, or one of another format; the system error when it cannot be read */
export async function diagnose(context: SpoolContext, { repair, ...allowed }: DiagnoseOptions): Promise<Diagnosis> {
  establish(context, true);
  const repaired = new Tally<Repair>(({ code }) => code);
  if (repair) await repairSpool(context, (done) => repaired.add(done));
  const place = await placeFacts(context);
  const { findings, outline } = await examineSpool(context);
  return {
    place,
    jobs: outline.counts,
    owners: ownersOf(outline),
    repaired: repaired.kept,
    findings: inOrder([...placeFindings(place, allowed), ...findings.kept, ...idleFindings(outline)]),
    more: {
      repaired: repaired.cut.map(({ like: { code }, count }) => ({ code, count })),
      findings: inOrder(
        findings.cut.map(({ like: { code, severity, canRepair }, count }) => ({ code, severity, canRepair, count })),
      ),
    },
  };
}

const SEVERITIES = ['error', 'warning', 'info'] as const;

function inOrder<T extends Pick<Finding, 'severity'>>(findings: readonly T[]): readonly T[] {
  return SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

function ownersOf({ owners }: Outline): Diagnosis['owners'] {
  const count = (wanted: string): number => owners.filter(({ verdict }) => verdict.verdict === wanted).length;
  return { alive: count('alive'), dead: count('dead'), unknown: count('unknown') };
}

/** Jobs that are ready, or whose time has come, where nobody works: they may have been meant for another spool. */
function idleFindings({ layout, waiting, owners }: Outline): readonly Finding[] {
  // Whose life cannot be told may be one. A child whose worker has died takes no more.
  const hasWorker = owners.some(({ role, verdict }) => verdict.verdict !== 'dead' && role !== 'child');
  if (waiting === 0 || hasWorker) return [];
  return [
    {
      code: 'no-worker',
      severity: 'warning',
      message: `${waiting} ${waiting === 1 ? 'job waits' : 'jobs wait'} and no worker is running on this spool.`,
      location: layout.root,
      advice: '`fsq worker` starts one. If one is running, it uses another spool: its first lines say which.',
      canRepair: false,
    },
  ];
}
