/**
 * The checker: walks a spool and says which of its invariants do not hold. Files are read one by one and let go;
 * only what was found is held, so that a spool of a million jobs needs little memory.
 *
 * A spool that is in use changes while it is read: a job may be seen twice or not at all, an owner after its end. So a
 * finding about one counts only if LOOKS looks in a row make it; a dead owner that holds jobs must do so for DEAD_HOLDER_MS.
 * The price: what is wrong for a moment only is not seen. The first look is at everything, the others at what was found.
 */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { setImmediate as yieldToOthers, setTimeout as wait } from 'node:timers/promises';
import { createContext, DEFAULT_MAX_BYTES, type SpoolContext } from '../disk/context.ts';
import { nodeFiles } from '../disk/files.ts';
import { layoutOf } from '../layout.ts';
import { entryFindings, linkFindings, markerFindings, missingFindings } from './entry-rows.ts';
import { type Finding, keyOf, subjectOf, Tally } from './finding.ts';
import { duplicateFindings, jobFindings } from './job-rows.ts';
import { fingerprint, type Outline, takeOutline } from './outline.ts';
import { DEAD_HOLDER_MS, draftFindings, ownerFindings } from './owner-rows.ts';
import { contentOf, type Entry, type JobFile, type Seen, visit, type Wanted } from './visit.ts';

export const LOOKS = 3;
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

/** @param next which look is to come: the second waits for a worker that may be about to recover the dead */
export async function pauseBefore(next: number, findings: readonly Finding[]): Promise<void> {
  await wait(next === 2 && findings.some(({ invariant }) => invariant === 'I8') ? DEAD_HOLDER_MS : BETWEEN_MS);
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
    maxBytes: DEFAULT_MAX_BYTES,
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
    this.#say(entryFindings(entry, outline));
    if (entry.place === 'tmp') this.#say(draftFindings(seen, outline));
    if (entry.place === 'cancel') this.#say(markerFindings(entry, outline));
    if (job !== null && outline.doubled.has(job.id)) this.#doubles.push(job);
    if (entry.info.kind === 'file' && entry.info.links > 1) this.#linked.push(entry);
  }

  /** Reports the findings that need all of the spool. */
  conclude(): void {
    this.#say(duplicateFindings(this.#doubles));
    this.#say(ownerFindings(this.#outline));
    this.#say(missingFindings(this.#outline));
    this.#say(linkFindings(this.#linked, this.#outline));
  }

  #say(findings: readonly Finding[]): void {
    for (const finding of findings) this.#report(finding);
  }
}
