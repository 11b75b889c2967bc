/**
 * Jobs that are parked, because no worker that met them knew their tasks: each has an entry in one table, so that a worker which knows the
 * task makes them ready at once, without a look at all that is delayed.
 *
 * A worker announces its tasks in its record, and then looks through the table. A process that parks a job writes the entry, moves the job, and
 * looks for such a record afterwards. So one of the two sees the other, and no job stays parked whose task a living worker knows.
 */
import { isRecord } from '../../job/values/realm.ts';
import { listOwners } from '../crew/owner-records.ts';
import type { Held } from '../claims/held-job.ts';
import type { Engine } from '../engine.ts';
import { pagesOf } from '../looking/table-walk.ts';
import { makeReady } from '../jobs/make-ready.ts';
import { sightingOf } from '../jobs/raw-sighting.ts';
import type { RawJob } from '../store.ts';

/** The table: by ids of jobs. */
const PARKED = 'parked';

/** Parks a job. @param move puts it where it waits */
export async function park(engine: Engine, held: Held, move: () => Promise<void>): Promise<void> {
  const { id, queue, owner, record } = held;
  const { task } = record.job;
  await engine.store.setField(PARKED, id, JSON.stringify({ queue, task }));
  await move();
  if (await isKnownElsewhere(engine, { owner, task, queue })) await wake(engine, [id], [queue]);
}

/** Makes ready what is parked for these tasks in these queues; null: in all. */
export async function wakeParked(
  engine: Engine,
  tasks: readonly string[],
  queues: readonly string[] | null,
): Promise<void> {
  const all = await engine.queues.all();
  for await (const page of pagesOf(engine.store, PARKED)) {
    const wanted = [...page].flatMap(([id, text]) => {
      const entry = parkedTaskOf(text);
      const isWanted = entry === null || (tasks.includes(entry.task) && queues?.includes(entry.queue) !== false);
      return isWanted ? [id] : [];
    });
    if (wanted.length > 0) await wake(engine, wanted, all);
  }
}

/** Removes the entries of jobs that have ended, or are gone: they were revoked, for example, before a worker came that knew their tasks. */
export async function sweepParked({ store, queues }: Engine): Promise<void> {
  for await (const page of pagesOf(store, PARKED)) {
    const ids = [...page.keys()];
    const stages = await queues.stages(ids);
    await store.removeFields(
      PARKED,
      ids.filter((_, at) => stages[at] !== 'open'),
    );
  }
}

async function wake(engine: Engine, ids: readonly string[], queues: readonly string[]): Promise<void> {
  const raws = await engine.store.look(ids, queues);
  for (const raw of raws) if (raw !== null && isParked(engine, raw)) await makeReady(engine, raw);
  // One that is held just now is about to be parked: whoever does that looks for us afterwards, and needs the entry no more.
  await engine.store.removeFields(PARKED, ids);
}

function isParked(engine: Engine, raw: RawJob): boolean {
  return raw.state === 'delayed' && (sightingOf(raw, engine.place).record?.parked ?? null) !== null;
}

/** Whether a living worker knows the task and takes jobs of the queue. The worker of the process that asks does not count. */
async function isKnownElsewhere(
  engine: Engine,
  { owner: asker, task, queue }: { readonly owner: string; readonly task: string; readonly queue: string },
): Promise<boolean> {
  const owners = await listOwners(engine);
  const parent = owners.find(({ owner }) => owner === asker)?.parent ?? null;
  return owners.some(
    ({ owner, role, verdict, tasks, queues }) =>
      owner !== asker &&
      owner !== parent &&
      role !== 'child' &&
      verdict !== 'dead' &&
      tasks.includes(task) &&
      queues?.includes(queue) !== false,
  );
}

/** Null for what is no entry. */
function parkedTaskOf(text: string): { readonly queue: string; readonly task: string } | null {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!isRecord(parsed)) return null;
    const { queue, task } = parsed;
    return typeof queue === 'string' && typeof task === 'string' ? { queue, task } : null;
  } catch {
    return null;
  }
}
