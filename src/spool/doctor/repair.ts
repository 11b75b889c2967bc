/**
 * Mends what is surely safe to mend, while workers run. The doctor is an owner like any other then: what it takes lies in its own
 * directory of running/, so that its death at any point leaves the job to the next recoverer.
 */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { BrokerEvent } from '../../broker/worker-side.ts';
import { DEFAULT_PRIORITY, DEFAULT_QUEUE } from '../../job/names.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { writerState } from '../disk/identity.ts';
import { makeDirectory, renameIfThere, walkIfReadable } from '../disk/if-there.ts';
import { deadSegments, freeDead, usableBoot } from '../journal/checkpoint.ts';
import { foreignFolders, replay } from '../journal/replay.ts';
import { BESIDE, jobFileName, type JobName } from '../layout.ts';
import { BesideSweep } from '../beside/sweep-beside.ts';
import { KeySweep } from '../keys/sweep-keys.ts';
import { unmark } from '../notes/notes.ts';
import { register, type Registration } from '../owners/owner.ts';
import { readJob } from '../job-file/read.ts';
import { recoverOrphans } from '../recovery/recover.ts';
import { setAside } from '../job-file/set-aside.ts';
import { sweepDrafts, sweepOwners } from '../recovery/sweep.ts';
import { locate } from '../locate.ts';
import { markerFindings } from './entry-rows.ts';
import type { Mend } from './finding.ts';
import { byId, duplicatePlan } from './job-rows.ts';
import { outlineOf, takeOutline } from './outline.ts';
import { contentOf, type JobFile, unlistedIn, visit } from './visit.ts';

/** One thing that was done. */
export interface Repair {
  readonly code: string;
  readonly message: string;
}

type Note = (code: string, message: string) => void;
type Step = (context: SpoolContext, note: Note, doctor: Registration) => Promise<void>;

/** In this order. Directories are made before: the doctor's own record lies in one of them. */
const STEPS: Readonly<Record<Exclude<Mend, 'make-directories'>, Step>> = {
  recover,
  'set-aside': setBrokenAside,
  'drop-duplicates': removeDuplicates,
  'remove-markers': removeMarkers,
};

/**
 * @param tell hears of each thing that was done
 * @throws the system error when the disk refuses; what was done until then stays done
 */
export async function repairSpool(context: SpoolContext, tell: (repair: Repair) => void): Promise<void> {
  const note: Note = (code, message) => tell({ code, message });
  await makeDirectories(context, note);
  await restoreRecorded(context, note);
  const doctor = await register(context, { role: 'supervisor', queues: [], tasks: [] });
  try {
    for (const step of Object.values(STEPS)) await step(context, note, doctor);
  } finally {
    await doctor.release();
  }
}

async function makeDirectories(context: SpoolContext, note: Note): Promise<void> {
  for (const { location, reason } of unlistedIn(context)) {
    if (reason === 'missing' && makeDirectory(context.files, location)) note('missing-directory', `made ${location}`);
  }
  await syncDirectories(context, context.layout.root);
}

/** Before anything is set aside: what a power cut broke may be whole again. */
async function restoreRecorded(context: SpoolContext, note: Note): Promise<void> {
  const { folders } = foreignFolders(context);
  if (folders.length > 0) {
    const { restored, dropped, odd } = await replay(context);
    note(
      'not-replayed',
      `replayed the journal: ${restored} jobs restored, ${dropped} broken files removed of jobs that were never accepted`,
    );
    for (const what of odd) note('unread-segment', `moved to corrupt/ what cannot be read: ${what}`);
  }
  const boot = usableBoot(context);
  if (boot === null) return;
  const directory = `${context.layout.journal}/${boot}`;
  const dead = deadSegments(context, directory);
  await freeDead(context, directory);
  for (const location of dead)
    if (!context.files.exists(location)) note('dead-segment', `removed ${location}, once its jobs were durable`);
}

async function recover(context: SpoolContext, note: Note, { owner }: Registration): Promise<void> {
  const onEvent = (event: BrokerEvent): void => noteEvent(event, note);
  await recoverOrphans(context, { owner, onEvent, isKnownAlive: () => false });
  const left = await leftByTheDead(context);
  await sweepDrafts(context);
  await sweepOwners(context, (other) => other === owner);
  await new KeySweep(context).sweep();
  for (const location of left) if (!context.files.exists(location)) note('left-by-the-dead', `removed ${location}`);
  await sweepBeside(context, note);
}

async function sweepBeside(context: SpoolContext, note: Note): Promise<void> {
  const { files, layout } = context;
  const before = BESIDE.flatMap((folder) =>
    [...walkIfReadable(files, layout[folder])].map((name) => `${layout[folder]}/${name}`),
  );
  const sweep = new BesideSweep(context);
  for (let found = 0; found < 2; found++) await sweep.sweep(); // What is nowhere must be so twice.
  for (const location of before) if (!files.exists(location)) note('beside-no-job', `removed ${location}`);
}

/** Drafts whose writers are not proved to live, and records of the dead. */
async function leftByTheDead(context: SpoolContext): Promise<readonly string[]> {
  const { files, layout } = context;
  const { owners } = await takeOutline(context);
  const drafts = [...walkIfReadable(files, layout.tmp)].filter((name) =>
    ['dead', 'unproved'].includes(writerState(files, name) ?? ''),
  );
  const dead = owners.filter(({ hasRecord, verdict }) => hasRecord && verdict.verdict === 'dead');
  return [
    ...drafts.map((name) => `${layout.tmp}/${name}`),
    ...dead.map(({ owner }) => `${layout.workers}/${owner}.json`),
  ];
}

function noteEvent(event: BrokerEvent, note: Note): void {
  if (event.kind === 'recovered') {
    const { job, owner, settlement } = event;
    const fate = settlement.kind === 'publish' ? 'has ended' : 'will run again';
    note('dead-holder', `took job ${job.id} back from ${owner}, which is dead; it ${fate}`);
  }
  if (event.kind === 'remains')
    note('left-by-the-dead', `killed ${event.processes} processes that ${event.owner} had left running`);
  if (event.kind === 'corrupt') note('unreadable', `set ${event.name} aside: ${event.reason}`);
  if (event.kind === 'foreign') note('foreign', `moved ${event.name} of a dead owner to corrupt/`);
}

/** The file is claimed first: only its holder has the right to move a job. */
async function setBrokenAside(context: SpoolContext, note: Note, { owner, directory }: Registration): Promise<void> {
  const { files } = context;
  for (const seen of visit(
    context,
    ({ kind }) => ({ kind }),
    (id) => id !== null,
  )) {
    if (seen === null) await yieldToOthers();
    const job = seen?.job ?? null;
    if (job?.content.kind !== 'corrupt' || job.place === 'running' || job.place === 'moving') continue;
    const name = job.name ?? outcomeName(job.id);
    const taken = `${directory}/${jobFileName(name)}`;
    if (!renameIfThere(files, job.location, taken)) continue;
    const reading = readJob(context, taken, job.id);
    if (reading.kind === 'corrupt') {
      await setAside(context, { path: taken, name, holder: { owner } }, reading.reason);
      note('unreadable', `set ${job.location} aside: ${reading.reason}`);
    } else renameIfThere(files, taken, job.location); // It was mended in between.
  }
}

/** The file of an outcome is named by its id alone. */
function outcomeName(id: string): JobName {
  return { id, queue: DEFAULT_QUEUE, priority: DEFAULT_PRIORITY, attempt: 0, crashes: 0 };
}

async function removeDuplicates(context: SpoolContext, note: Note, { directory }: Registration): Promise<void> {
  const { doubled } = outlineOf(context);
  if (doubled.isEmpty) return;
  const seen = [
    ...visit(
      context,
      (reading) => contentOf(reading, true),
      (id) => id !== null && doubled.has(id),
    ),
  ];
  for (const files of byId(seen.flatMap((one) => one?.job ?? [])).values()) {
    const { keep, drop } = duplicatePlan(files) ?? { keep: null, drop: [] };
    for (const file of drop) {
      if (keep !== null && dropDuplicate(context, directory, keep, file))
        note('duplicate', `removed ${file.location}: job ${file.id} is ${keep.location}`);
    }
  }
}

/**
 * Removes `drop` if `keep` is still there and has byte for byte the same base. Otherwise everything stays as it is, and it is false.
 *
 * The file is taken into `directory`, which is the doctor's, before it is compared: nobody can start it meanwhile. If the doctor dies
 * in between, the file is recovered from there and is a duplicate again.
 */
function dropDuplicate(context: SpoolContext, directory: string, keep: JobFile, drop: JobFile): boolean {
  const { files } = context;
  if (drop.name === null) return false;
  const taken = `${directory}/${jobFileName({ ...drop.name, attempt: drop.name.attempt + 1 })}`;
  if (!renameIfThere(files, drop.location, taken)) return false; // A worker has taken it.
  const base = baseOf(context, taken, drop.id);
  if (base === null || baseOf(context, keep.location, drop.id)?.equals(base) !== true) {
    files.rename(taken, drop.location);
    return false;
  }
  files.unlink(taken);
  return true;
}

/** The bytes that the producer wrote; null when the file is gone, or no job. */
function baseOf(context: SpoolContext, path: string, id: string): Buffer | null {
  const reading = readJob(context, path, id);
  if (reading.kind !== 'job') return null;
  const fd = context.files.open(path, 'read');
  try {
    return context.files.read(fd, reading.baseBytes);
  } finally {
    context.files.close(fd);
  }
}

/** A marker whose job waits or runs stays: a worker acts on it. */
async function removeMarkers(context: SpoolContext, note: Note): Promise<void> {
  const outline = outlineOf(context);
  const isMarker = (_id: string | null, location: string): boolean => location.startsWith(`${context.layout.cancel}/`);
  const markers = [...visit(context, () => null, isMarker)].flatMap((seen) => seen?.entry ?? []);
  const stale = markers.flatMap((entry) => markerFindings(entry, outline)).flatMap(({ id }) => id ?? []);
  const spots = await locate(context, new Set(stale));
  const ids = new Set(stale.filter((id) => (spots.get(id)?.at ?? 'results') === 'results'));
  await unmark(context, ids);
  for (const id of ids) note('stale-marker', `removed what marked job ${id} as revoked`);
}
