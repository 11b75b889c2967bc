/**
 * Repairs what is surely safe to repair, while workers run. Whoever repairs is an owner like any other: what it takes lies in
 * its own directory of running/, so that its death at any point leaves the job to the next recoverer.
 */
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { BrokerEvent } from '../../broker/worker-side.ts';
import { DEFAULT_PRIORITY, DEFAULT_QUEUE } from '../../job/names.ts';
import { type SpoolContext, syncDirectories } from '../context.ts';
import { setAside } from '../corrupt.ts';
import { hasCode } from '../files.ts';
import { writerState } from '../identity.ts';
import { jobFileName, type JobName } from '../layout.ts';
import { KeySweep } from '../keys/sweep-keys.ts';
import { unmark } from '../markers.ts';
import { register, type Registration } from '../owner.ts';
import { readJob } from '../read.ts';
import { recoverOrphans } from '../recover.ts';
import { sweepDrafts, sweepOwners } from '../sweep.ts';
import { locate } from '../whereabouts.ts';
import { contentsFor } from './content.ts';
import { dropDuplicate } from './drop-duplicate.ts';
import { byId, duplicatePlan } from './duplicates.ts';
import { markerFindings } from './markers.ts';
import { outlineOf, takeOutline } from './outline.ts';
import type { JobSpot } from './job-spot.ts';
import { visit, type Wanted } from './visit.ts';
import { namesAt, unlistedIn } from './walk.ts';

/** One thing that was done. */
export interface Repair {
  readonly code: string;
  readonly message: string;
}

/**
 * Makes missing directories, recovers dead owners, removes what the dead left, sets broken files aside and removes
 * duplicates that are proved to be the same job.
 *
 * @param tell hears of each thing that was done
 * @throws the system error when the disk refuses; what was done until then stays done
 */
export async function repairSpool(context: SpoolContext, tell: (repair: Repair) => void): Promise<void> {
  const note: Note = (code, message) => tell({ code, message });
  await makeDirectories(context, note);
  const registration = await register(context, { role: 'supervisor', queues: [], tasks: [] });
  try {
    await recover(context, registration, note);
    await setBrokenAside(context, registration, note);
    await removeDuplicates(context, registration, note);
    await removeMarkers(context, note);
  } finally {
    await registration.release();
  }
}

type Note = (code: string, message: string) => void;

async function makeDirectories(context: SpoolContext, note: Note): Promise<void> {
  for (const { location, reason } of unlistedIn(context)) {
    if (reason !== 'missing') continue;
    try {
      context.files.makeDirectory(location);
      note('missing-directory', `made ${location}`);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error; // Somebody else has just made it.
    }
  }
  await syncDirectories(context, context.layout.root);
}

async function recover(context: SpoolContext, { owner }: Registration, note: Note): Promise<void> {
  const onEvent = (event: BrokerEvent): void => noteEvent(event, note);
  await recoverOrphans(context, { owner, onEvent, isKnownAlive: () => false });
  const left = await leftByTheDead(context);
  await sweepDrafts(context);
  await sweepOwners(context, (other) => other === owner);
  await new KeySweep(context).sweep();
  for (const location of left) if (!context.files.exists(location)) note('left-by-the-dead', `removed ${location}`);
}

/** Drafts whose writers are not proved to live, and records of the dead. */
async function leftByTheDead(context: SpoolContext): Promise<readonly string[]> {
  const { files, layout } = context;
  const { owners } = await takeOutline(context);
  const drafts = [...namesAt(files, layout.tmp)].filter((name) =>
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
    const { id, owner, settlement } = event;
    const fate = settlement.kind === 'publish' ? 'has ended' : 'will run again';
    note('dead-holder', `took job ${id} back from ${owner}, which is dead; it ${fate}`);
  }
  if (event.kind === 'remains')
    note('left-by-the-dead', `killed ${event.processes} processes that ${event.owner} had left running`);
  if (event.kind === 'corrupt') note('unreadable', `set ${event.name} aside: ${event.reason}`);
  if (event.kind === 'foreign') note('foreign', `moved ${event.name} of a dead owner to corrupt/`);
}

/** The file is claimed first: whoever has the right to move a job is its holder. */
async function setBrokenAside(context: SpoolContext, { owner, directory }: Registration, note: Note): Promise<void> {
  const isWanted: Wanted = (id) => id !== null;
  for (const seen of visit(context, ({ kind }) => ({ kind }), isWanted)) {
    if (seen === null) await yieldToOthers();
    const job = seen?.job ?? null;
    if (job?.content.kind !== 'corrupt' || job.place === 'running') continue;
    const name = job.name ?? nameOf(job);
    const fileName = jobFileName(name);
    if (!move(context, job.location, `${directory}/${fileName}`)) continue;
    const reading = readJob(context, `${directory}/${fileName}`, job.id);
    if (reading.kind === 'corrupt') {
      await setAside(context, { directory, fileName, name, owner }, reading.reason);
      note('unreadable', `set ${job.location} aside: ${reading.reason}`);
    } else move(context, `${directory}/${fileName}`, job.location); // It was mended in between.
  }
}

/** Of a result, whose name says its id only. */
function nameOf({ id }: JobSpot): JobName {
  return { id, queue: DEFAULT_QUEUE, priority: DEFAULT_PRIORITY, attempt: 0, crashes: 0 };
}

async function removeDuplicates(context: SpoolContext, { directory }: Registration, note: Note): Promise<void> {
  const { doubled } = outlineOf(context);
  if (doubled.isEmpty) return;
  const isDoubled: Wanted = (id) => id !== null && doubled.has(id);
  const seen = [...visit(context, contentsFor({ doubled }), isDoubled)];
  const jobs = seen.flatMap((one) => one?.job ?? []);
  for (const files of byId(jobs).values()) {
    const plan = duplicatePlan(files);
    for (const file of plan?.drop ?? []) {
      if (plan !== null && dropDuplicate(context, directory, plan.keep, file))
        note('duplicate', `removed ${file.location}: job ${file.id} is ${plan.keep.location}`);
    }
  }
}

/** A marker whose job waits or runs stays: a worker acts on it. */
async function removeMarkers(context: SpoolContext, note: Note): Promise<void> {
  const outline = outlineOf(context);
  const isMarker: Wanted = (_id, location) => location.startsWith(`${context.layout.cancel}/`);
  const entries = [...visit(context, () => null, isMarker)].flatMap((seen) => seen?.entry ?? []);
  const findings = entries.flatMap((entry) => markerFindings(entry, outline));
  const stale = findings.flatMap(({ id }) => (id === undefined ? [] : [id]));
  const spots = await locate(context, new Set(stale));
  const ids = new Set(stale.filter((id) => (spots.get(id)?.at ?? 'results') === 'results'));
  await unmark(context, ids);
  for (const id of ids) note('stale-marker', `removed what marked job ${id} as revoked`);
}

/** False when it is not there any more. */
function move({ files }: SpoolContext, from: string, to: string): boolean {
  try {
    files.rename(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
