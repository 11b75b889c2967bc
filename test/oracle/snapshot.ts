/** All that lies in a spool at once, with digests of what its files say: for looks that are compared with others, or changed. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Finding } from '../../src/spool/doctor/finding.ts';
import { Judge } from '../../src/spool/doctor/examine.ts';
import { type NamedOutline, type Outline, outlineOf, takeOutline } from '../../src/spool/doctor/outline.ts';
import {
  contentOf,
  type Entry,
  type Extracting,
  type JobContent,
  type JobFile,
  type Seen,
  visit,
} from '../../src/spool/doctor/visit.ts';
import type { SpoolContext } from '../../src/spool/disk/context.ts';

/** What the checks need of a job's file, and what two looks compare. */
export type WitnessedContent =
  | Extract<JobContent, { kind: 'unreadable' }>
  | (Extract<JobContent, { kind: 'job' }> & {
      /** Of the value of a job that succeeded; see `valueDigest`. */
      readonly value: string | null;
      /** Of all it says. */
      readonly digest: string;
    });

export type WitnessedJob = JobFile<WitnessedContent>;

interface Files {
  readonly seen: readonly Seen<WitnessedContent>[];
  readonly entries: readonly Entry[];
  readonly jobs: readonly WitnessedJob[];
}

export type FileSnapshot = NamedOutline & Files;
export type Snapshot = Outline & Files;

/** Looks at all of the spool. In one that is in use it is no picture of one moment. */
export async function takeSnapshot(context: SpoolContext): Promise<Snapshot> {
  const outline = await takeOutline(context);
  const all: Seen<WitnessedContent>[] = [];
  for (const seen of visit(context, witnessed(outline))) {
    if (seen === null) await yieldToOthers();
    else all.push(seen);
  }
  return { ...outline, ...filesOf(all) };
}

/** The same in one go and without asking who lives, for a small spool. */
export function takeFileSnapshot(context: SpoolContext): FileSnapshot {
  const outline = outlineOf(context);
  return {
    ...outline,
    ...filesOf([...visit(context, witnessed(outline))].flatMap((seen) => seen ?? [])),
  };
}

/** What the doctor's checker finds in it. */
export function invariantFindings(snapshot: Snapshot): readonly Finding[] {
  const findings: Finding[] = [];
  const judge = new Judge(snapshot, (finding) => findings.push(finding));
  for (const seen of snapshot.seen) judge.see(seen);
  judge.conclude();
  return findings;
}

/** Equal for equal values. */
export function valueDigest(value: unknown): string {
  return digestOf(JSON.stringify(value) ?? 'undefined');
}

function filesOf(seen: readonly Seen<WitnessedContent>[]): Files {
  return { seen, entries: seen.map(({ entry }) => entry), jobs: seen.flatMap(({ job }) => job ?? []) };
}

function witnessed({ doubled }: NamedOutline): Extracting<WitnessedContent> {
  return (reading, id) => {
    const content = contentOf(reading, doubled.has(id));
    if (content.kind === 'unreadable') return content;
    assert.ok(reading.kind === 'job');
    const { record } = reading.document;
    return {
      ...content,
      value: record.outcome?.state === 'succeeded' ? valueDigest(record.outcome.value) : null,
      digest: digestOf(JSON.stringify([record, reading.sizeBytes])),
    };
  };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
