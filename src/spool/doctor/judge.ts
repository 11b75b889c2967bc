/** All invariants that a spool shows by itself, held against one thing after the other. Keeps what must be compared, no more. */
import { contentFindings } from './job-rows.ts';
import { duplicateFindings } from './duplicates.ts';
import type { Finding } from './finding.ts';
import { draftFindings, holderFindings } from './owner-rows.ts';
import { markerFindings } from './markers.ts';
import { entryFindings, linkFindings, missingFindings } from './entry-rows.ts';
import type { Outline } from './outline.ts';
import type { Entry, JobFile, Seen } from './visit.ts';

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
    if (job !== null) this.#say(contentFindings(job, outline.owners));
    this.#say(entryFindings(entry, outline));
    if (entry.place === 'tmp') this.#say(draftFindings(seen, outline));
    if (entry.place === 'cancel') this.#say(markerFindings(entry, outline));
    if (job !== null && outline.doubled.has(job.id)) this.#doubles.push(job);
    if (entry.info.kind === 'file' && entry.info.links > 1) this.#linked.push(entry);
  }

  /** What shows only when all was seen. */
  conclude(): void {
    this.#say(duplicateFindings(this.#doubles));
    this.#say(holderFindings(this.#outline));
    this.#say(missingFindings(this.#outline));
    this.#say(linkFindings(this.#linked, this.#outline));
  }

  #say(findings: readonly Finding[]): void {
    for (const finding of findings) this.#report(finding);
  }
}
