/** What must hold of a spool, asked of the checker that `fsq doctor` runs too: one truth for both. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { contextFor } from '../../src/spool/doctor/examine.ts';
import { duplicateFindings, jobFindings } from '../../src/spool/doctor/job-rows.ts';
import type { Finding } from '../../src/spool/doctor/finding.ts';
import { entryFindings, linkFindings } from '../../src/spool/doctor/entry-rows.ts';
import { type CheckOptions, checkSpool } from '../oracle/check.ts';
import { promiseFindings } from '../oracle/promises.ts';
import { takeFileSnapshot } from '../oracle/snapshot.ts';

/** Fails, listing what it found, unless every invariant holds; see `checkSpool` for what `options` add. */
export async function assertInvariants(spool: string, options: CheckOptions = {}): Promise<void> {
  fail(await checkSpool(spool, options));
}

/**
 * Fails unless each job is in exactly one place (I1), has one link (I2), parses under its own name (I4) and can be read by
 * nobody else (I13); and each of `ids` is there. Of a moment at which nothing moves; who lives is not asked.
 */
export function assertSound(spool: string, ids: Iterable<string> = []): void {
  const snapshot = takeFileSnapshot(contextFor(spool));
  const { jobs, entries } = snapshot;
  const locations = new Set(jobs.map(({ location }) => location));
  const modes = [
    ...entries.flatMap((entry) => entryFindings(entry, snapshot)),
    ...linkFindings(
      entries.filter(({ info }) => info.kind === 'file' && info.links > 1),
      snapshot,
    ),
  ];
  fail([
    ...duplicateFindings(jobs),
    ...jobs.flatMap((job) => jobFindings(job, [])),
    ...modes.filter(({ location }) => location !== null && locations.has(location)),
    ...promiseFindings({ accepted: [...ids].map((id) => ({ id })) }, snapshot),
  ]);
}

/** Every file that is named like a job or an outcome: its id, and its paths relative to the spool. */
export function placesOf(spool: string): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, string[]>();
  for (const { id, location } of takeFileSnapshot(contextFor(spool)).jobs)
    places.set(id, [...(places.get(id) ?? []), relative(spool, location)]);
  return places;
}

/** Names in a directory of the spool. */
export function namesIn(spool: string, directory: string): readonly string[] {
  return readdirSync(join(spool, directory)).toSorted();
}

function fail(findings: readonly Finding[]): void {
  const broken = findings.filter(({ invariant }) => invariant !== undefined);
  assert.deepEqual(
    broken.map(({ invariant, message }) => `${invariant}: ${message}`),
    [],
  );
}
