/** Forgetting outcomes that somebody names, at once, with all that lies beside them. */
import type { Forgetting } from '../../broker/broker.ts';
import { removeBeside } from '../beside/beside-files.ts';
import type { SpoolContext } from '../disk/context.ts';
import { Turns } from '../disk/rounds.ts';
import { BESIDE, parseResultFileName, resultFileName } from '../layout.ts';
import { stillRecorded } from '../journal/checkpoint.ts';
import { locate } from '../locate.ts';
import { BATCH, retire } from './retire.ts';

/** Fewer files than this are not worth a directory in spare/. */
const LEAST_BATCH = 10;

/**
 * Removes the outcomes of `ids`, durably. An outcome that a record of the journal names must not go before the record: after a power
 * cut the job would run again. So the records of this process are made durable first, and those of others are waited for.
 *
 * @param patienceMs for tests
 * @returns what came of each; those that are nowhere are missing
 */
export async function forgetJobs(
  context: SpoolContext,
  ids: readonly string[],
  patienceMs?: number,
): Promise<ReadonlyMap<string, Forgetting>> {
  const found = new Map<string, Forgetting>();
  const ended = new Set<string>();
  for (const [id, { at }] of await locate(context, new Set(ids))) {
    if (at === 'results') ended.add(id);
    else found.set(id, 'unfinished');
  }
  if (ended.size === 0) return found;
  for (const id of await stillRecorded(context, ended, patienceMs)) found.set(id, 'recorded');
  const gone = await retireAll(
    context,
    [...ended].filter((id) => !found.has(id)),
  );
  for (const id of gone) found.set(id, 'forgotten');
  const missed = [...ended].filter((id) => !found.has(id));
  // Another process was faster: it has forgotten them as well, or sent them back to run again.
  const spots = missed.length === 0 ? null : await locate(context, new Set(missed));
  for (const id of missed) {
    const at = spots?.get(id)?.at;
    found.set(id, at === undefined ? 'forgotten' : at === 'results' ? 'recorded' : 'unfinished');
  }
  return found;
}

/** The ids of those that are gone. */
async function retireAll(context: SpoolContext, ids: readonly string[]): Promise<readonly string[]> {
  const turns = new Turns();
  const gone: string[] = [];
  for (let from = 0; from < ids.length; from += BATCH) {
    const fileNames = ids.slice(from, from + BATCH).map(resultFileName);
    const retired = await retire(context, fileNames, turns, { leastBatch: LEAST_BATCH });
    gone.push(...retired.flatMap((fileName) => parseResultFileName(fileName) ?? []));
  }
  for (const id of gone) {
    // What stays is swept later.
    for (const folder of BESIDE) context.odd.try(`${folder}/${id}`, () => removeBeside(context, folder, id));
    if (turns.isOver) await turns.next();
  }
  return gone;
}
