/** The jobs after which another is to run: a claim looks at them before the first run, and before each where it takes something of them. */
import { setTimeout as wait } from 'node:timers/promises';
import { CorruptJobError } from '../../job/document.ts';
import { idsAfter } from '../../job/edges.ts';
import { type Ended, Predecessors, type Verdict } from '../../job/ended/predecessors.ts';
import { failureOf } from '../../job/failure.ts';
import { peek } from '../../job/values/realm.ts';
import type { SpoolContext } from '../disk/context.ts';
import { Turns } from '../disk/rounds.ts';
import type { Held } from '../job-file/holder.ts';
import { type Reading, readJob } from '../job-file/read.ts';
import { endedSpot, locate } from '../locate.ts';

/** An outcome that the disk refuses is read so often, with such pauses, ms, before it counts as one that cannot be read. */
const MOST_TRIES = 3;
const TRY_AGAIN_MS = 20;

/** What becomes of the job; 'waits': one of the others has not ended. */
export async function lookAtPredecessors(context: SpoolContext, { record: { job } }: Held): Promise<Verdict | 'waits'> {
  const ids = idsAfter(job.options);
  const turns = new Turns();
  for (;;) {
    const found = new Predecessors(job);
    const lost = found.isDecided ? null : await withoutOutcome(context, ids, turns);
    if (lost === 'waits') return 'waits';
    let isMoving = false;
    for (const id of ids) {
      if (found.isDecided) break;
      if (turns.isOver) await turns.next();
      const ended = lost?.has(id) === true ? null : await endOf(context, id);
      // It has gone since: sent back, or forgotten.
      isMoving = ended === 'gone';
      if (ended === 'gone') break;
      found.add(id, ended);
    }
    if (!isMoving) return found.verdict();
  }
}

/** Those of `ids` that are proved to be nowhere; 'waits' when one of all is there and has not ended. */
async function withoutOutcome(
  context: SpoolContext,
  ids: readonly string[],
  turns: Turns,
): Promise<ReadonlySet<string> | 'waits'> {
  const { files, layout } = context;
  let missing: string[] = [];
  const search = async (): Promise<boolean> => {
    const spots = missing.length === 0 ? null : await locate(context, new Set(missing));
    missing = missing.filter((id) => spots?.has(id) !== true); // The others are there, or have ended just now.
    return spots === null || ![...spots.values()].some(({ at }) => at !== 'results');
  };
  // From the last on: jobs end much as they were sent, so one that has not ended is found soon.
  for (let i = ids.length - 1; i >= 0; i--) {
    if (turns.isOver) await turns.next();
    const id = ids[i] ?? '';
    if (files.exists(endedSpot(layout, id).path)) continue;
    missing.push(id);
    // Nearly always this one is there and waits. Where it is nowhere, one more search does for all the others.
    if (missing.length === 1 && !(await search())) return 'waits';
  }
  return missing.length <= 1 || (await search()) ? new Set(missing) : 'waits';
}

/** What lies in results/ and is no outcome does not become one: to wait for that would take for ever. */
async function endOf(context: SpoolContext, id: string): Promise<Ended | 'gone'> {
  const { path } = endedSpot(context.layout, id);
  for (let tries = 1; ; tries++) {
    try {
      return endIn(readJob(context, path, id));
    } catch (error) {
      if (tries < MOST_TRIES && context.odd.blame(error) === 'entry') {
        await wait(TRY_AGAIN_MS);
        continue;
      }
      context.odd.leaveAlone(path, error); // It throws on, so that the look is repeated, unless the disk fails just there.
      return unreadable(`the disk fails (${String(peek(error, 'code') ?? error)})`, null);
    }
  }
}

function endIn(reading: Reading): Ended | 'gone' {
  if (reading.kind === 'gone') return 'gone';
  if (reading.kind === 'corrupt') return unreadable(reading.reason, null);
  const { outcome, job } = reading.document.record;
  return outcome === null ? unreadable('it has no outcome', job.task) : { outcome, task: job.task };
}

function unreadable(reason: string, task: string | null): Ended {
  const error = failureOf(new CorruptJobError(`The outcome cannot be read: ${reason}.`));
  return { outcome: { state: 'failed', error }, task };
}
