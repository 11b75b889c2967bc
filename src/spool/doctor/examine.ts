/**
 * All that a doctor does: looks at the place of a spool and at what lies in it, repairs if asked to, and looks again. Files are read one
 * by one and let go; only what was found is held, so that a spool of a million jobs needs little memory.
 *
 * A spool that is in use changes while it is read: a job may be seen twice or not at all, an owner after its end. So a
 * finding about one counts only if LOOKS looks in a row make it; a dead owner that holds jobs must do so for DEAD_HOLDER_MS.
 * The price: what is wrong for a moment only is not seen. The first look is at everything, the others at what was found.
 */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { setImmediate as yieldToOthers, setTimeout as wait } from 'node:timers/promises';
import { createContext, type SpoolContext } from '../disk/context.ts';
import { nodeFiles } from '../disk/files.ts';
import { establish } from '../place/establish.ts';
import { layoutOf } from '../layout.ts';
import {
  besideFindings,
  entryFindings,
  figuresFindings,
  linkFindings,
  markerFindings,
  missingFindings,
} from './entry-rows.ts';
import { journalFindings } from './journal-rows.ts';
import type { JournalOutline } from './journal-outline.ts';
import { type Finding, keyOf, subjectOf, Tally } from './finding.ts';
import { duplicateFindings, followerFindings, jobFindings } from './job-rows.ts';
import { fingerprint, type Outline, takeOutline } from './outline.ts';
import { DEAD_HOLDER_MS, draftFindings, idleFindings, ownerFindings } from './owner-rows.ts';
import { placeFacts, type PlaceFacts } from './place.ts';
import { trustedUids } from '../place/trust.ts';
import { type Allowed, placeFindings } from './place-rows.ts';
import { type Repair, repairSpool } from './repair.ts';
import { contentOf, type Entry, isBeside, type JobFile, type Seen, visit, type Wanted } from './visit.ts';

export interface Diagnosis {
  readonly place: PlaceFacts;
  /** Files of each kind, after the repair. */
  readonly jobs: Readonly<Record<'pending' | 'delayed' | 'running' | 'results' | 'corrupt', number>> & {
    /** On their way to or from another place; absent: none is. */
    readonly moving?: number;
  };
  readonly owners: Readonly<Record<'alive' | 'dead' | 'unknown', number>>;
  readonly journal: Pick<JournalOutline, 'segments' | 'bytes' | 'records' | 'owners'> & { readonly earlier: number };
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

interface DiagnoseOptions extends Allowed {
  readonly repair: boolean;
}

/** @throws SpoolError when there is no spool, or one of another format; the system error when it cannot be read */
export async function diagnose(context: SpoolContext, { repair, ...allowed }: DiagnoseOptions): Promise<Diagnosis> {
  establish(context, true);
  const repaired = new Tally<Repair>(({ code }) => code);
  if (repair) await repairSpool(allowed.allowUnsafe ? context : trusting(context), (done) => repaired.add(done));
  const place = await placeFacts(context);
  const { findings, outline } = await examineSpool(context);
  const { segments, bytes, records, owners: segmentOwners, earlier } = outline.journal;
  return {
    place,
    jobs: jobsOf(outline),
    owners: ownersOf(outline),
    journal: { segments, bytes, records, owners: segmentOwners, earlier: earlier.length },
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

/** A repair must not restore a job that another user has written. */
function trusting(context: SpoolContext): SpoolContext {
  return { ...context, trustedUids: trustedUids(context.files, context.layout) };
}

const SEVERITIES = ['error', 'warning', 'info'] as const;

function inOrder<T extends Pick<Finding, 'severity'>>(findings: readonly T[]): readonly T[] {
  return SEVERITIES.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
}

function jobsOf({ counts: { moving, ...others } }: Outline): Diagnosis['jobs'] {
  return moving === 0 ? others : { ...others, moving };
}

function ownersOf({ owners }: Outline): Diagnosis['owners'] {
  const count = (wanted: string): number => owners.filter(({ verdict }) => verdict.verdict === wanted).length;
  return { alive: count('alive'), dead: count('dead'), unknown: count('unknown') };
}

export const LOOKS = 3;
/** How long a record may name a job that its process could not place, ms: two checkpoints, and a slow sync. */
const UNPLACED_MS = 5_000;
/** Between looks, ms: a job that moves takes microseconds. */
const BETWEEN_MS = 20;

interface Look {
  readonly outline: Outline;
  readonly findings: Tally<Finding>;
  /** Fingerprints of `keyOf` and `subjectOf` each, also of those that were not kept. */
  readonly keys: ReadonlySet<number>;
  readonly subjects: ReadonlySet<number>;
}

/**
 * What is wrong in the spool, and the outline of the last look at it; nothing when all is well.
 *
 * @throws the system error when the spool cannot be read
 */
export async function examineSpool(context: SpoolContext): Promise<Pick<Look, 'outline' | 'findings'>> {
  let look = await lookAt(context, null);
  for (let looks = 1; looks < LOOKS && look.keys.size > 0; looks++) {
    await pauseBefore(looks + 1, look.findings.kept);
    look = await lookAt(context, look);
  }
  return look;
}

/**
 * @param next which look is to come: the second waits for a worker that may be about to recover the dead, or for a process that has
 * recorded what it could not place, to free its segment
 */
export async function pauseBefore(next: number, findings: readonly Finding[]): Promise<void> {
  const has = (...wanted: readonly Finding['invariant'][]): boolean =>
    next === 2 && findings.some(({ invariant }) => wanted.includes(invariant));
  if (has('I16')) await wait(UNPLACED_MS);
  else await wait(has('I8', 'I17') ? DEAD_HOLDER_MS : BETWEEN_MS);
}

/** @param before the look whose findings are looked at again, and no others count; null: everything */
async function lookAt(context: SpoolContext, before: Look | null): Promise<Look> {
  const keys = new Set<number>();
  const subjects = new Set<number>();
  // Of one code one may be an error and another not, or be repaired and another not: none of these may be cut off unseen.
  const findings = new Tally<Finding>(({ code, severity, canRepair }) => `${code} ${severity} ${canRepair}`);
  const outline = await takeOutline(context);
  const judge = new Judge(outline, (finding) => {
    const key = fingerprint(keyOf(finding));
    if (before?.keys.has(key) === false) return;
    keys.add(key);
    subjects.add(fingerprint(subjectOf(finding)));
    findings.add(finding);
  });
  const isWanted: Wanted = (id, location) =>
    before === null || [id, location].some((text) => text !== null && before.subjects.has(fingerprint(text)));
  for (const seen of visit(context, (reading, id) => contentOf(reading, outline.doubled.has(id)), isWanted)) {
    if (seen === null) await yieldToOthers();
    else judge.see(seen);
  }
  judge.conclude();
  return { outline, findings, keys, subjects };
}

/** The inside of the spool at `path`, to look at; nothing is made. */
export function contextFor(path: string, fsync = true): SpoolContext {
  return createContext({
    layout: layoutOf(resolve(path)),
    files: nodeFiles,
    fsync,
    nowMs: Date.now,
    randomBytes,
  });
}

/** All that can be wrong with a spool, held against one thing after the other. Keeps what must be compared, no more. */
export class Judge {
  readonly #outline: Outline;
  readonly #report: (finding: Finding) => void;
  /** Files of the same jobs. */
  readonly #doubles: JobFile[] = [];
  /** Files with several names. */
  readonly #linked: Entry[] = [];

  constructor(outline: Outline, report: (finding: Finding) => void) {
    this.#outline = outline;
    this.#report = report;
  }

  see(seen: Seen): void {
    const { entry, job } = seen;
    const outline = this.#outline;
    if (job !== null) this.#say(jobFindings(job, outline.owners));
    if (job !== null) this.#say(followerFindings(job, outline));
    this.#say(entryFindings(entry, outline));
    if (entry.place === 'tmp') this.#say(draftFindings(seen, outline));
    if (entry.place === 'cancel') this.#say(markerFindings(entry, outline));
    if (isBeside(entry.place)) this.#say(besideFindings(entry, seen.doubt, outline));
    if (entry.place === 'statistics') this.#say(figuresFindings(entry, seen.doubt));
    if (job !== null && outline.doubled.has(job.id)) this.#doubles.push(job);
    if (entry.info.kind === 'file' && entry.info.links > 1) this.#linked.push(entry);
  }

  /** Reports the findings that need all of the spool. */
  conclude(): void {
    this.#say(duplicateFindings(this.#doubles));
    this.#say(ownerFindings(this.#outline));
    this.#say(missingFindings(this.#outline));
    this.#say(linkFindings(this.#linked, this.#outline));
    this.#say(journalFindings(this.#outline));
  }

  #say(findings: readonly Finding[]): void {
    for (const finding of findings) this.#report(finding);
  }
}
