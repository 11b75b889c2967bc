/** Jobs in a journal, as processes of this boot or of an earlier one leave them. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { NewJob } from '../../src/broker/broker.ts';
import type { SpoolContext } from '../../src/spool/disk/context.ts';
import { enqueue, placeOf } from '../../src/spool/sending/enqueue.ts';
import { nodeFiles } from '../../src/spool/disk/files.ts';
import { Journal } from '../../src/spool/journal/journal.ts';
import { readSegment } from '../../src/spool/journal/segment.ts';
import { EARLIER_BOOT, ofBoot } from './boots.ts';
import { contextOf } from './context.ts';

/** Longer than any test: what is recorded must not be freed because the machine is slow. */
const NEVER_MS = 3_600_000;

/** A journal that is used from the first job on, and frees nothing by itself unless it is told when. */
export function journalIn(
  context: SpoolContext,
  segmentBytes: number = 65_536,
  checkpointEveryMs: number = NEVER_MS,
): Journal {
  const measures = { manySteps: 0, segmentBytes, checkpointEveryMs };
  const journal = new Journal(context, { enqueue, placeOf }, measures);
  assert.ok(journal.takes(1), 'a journal can be had here');
  return journal;
}

/** Sends `jobs` through `journal`; resolves when they are durable. */
export async function send(journal: Journal, ...jobs: readonly NewJob[]): Promise<void> {
  const { placed, error, durable } = await journal.append(jobs);
  assert.deepEqual([placed, error], [jobs.length, null]);
  await durable;
}

/** What processes of an earlier boot leave that have sent `jobs`, had not everything been kept. */
export async function sendInEarlierBoot(spool: string, ...jobs: readonly NewJob[]): Promise<void> {
  await send(journalIn(contextOf(spool, { files: ofBoot(EARLIER_BOOT, nodeFiles) })), ...jobs);
}

/** The folders of the journal. */
export function foldersIn(spool: string): readonly string[] {
  return readdirSync(join(spool, 'journal')).toSorted();
}

/** Paths of the segments of all boots. */
export function segmentPaths(spool: string): readonly string[] {
  return foldersIn(spool).flatMap((folder) =>
    readdirSync(join(spool, 'journal', folder)).map((name) => join(spool, 'journal', folder, name)),
  );
}

/** The ids of all records that count, sorted. */
export function recordedIn(spool: string): readonly string[] {
  const segments = segmentPaths(spool).map((path) => readSegment(contextOf(spool), path));
  return segments
    .flatMap((segment) => (segment.kind === 'segment' ? segment.entries.map(({ id }) => id) : []))
    .toSorted();
}
