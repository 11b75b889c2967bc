/** All that a doctor does: looks at the place, at what lies in it, repairs if asked to, and looks again. */
import type { SpoolContext } from '../disk/context.ts';
import { establish } from '../place/establish.ts';
import { examineSpool } from './examine.ts';
import { type Finding, Tally } from './finding.ts';
import type { Outline } from './outline.ts';
import { idleFindings } from './owner-rows.ts';
import { placeFacts, type PlaceFacts } from './place.ts';
import { type Allowed, placeFindings } from './place-rows.ts';
import { type Repair, repairSpool } from './repair.ts';

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
