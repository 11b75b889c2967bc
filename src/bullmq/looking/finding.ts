/** Looking at jobs that are named: one with all that is known of it, and which of many have changed. */
import type { Changed, Sighting } from '../../broker/broker.ts';
import type { JsonValue } from '../../job/values/json.ts';
import { parseCheckpoint } from '../beside/checkpoints.ts';
import type { Engine } from '../engine.ts';
import { isRevoked } from '../jobs/revoking.ts';
import { MOVING } from '../moving/move-store.ts';
import { predecessorsOf, sightingOf } from '../jobs/raw-sighting.ts';
import type { RawJob } from '../store.ts';

/** Jobs that are looked at together. */
const BATCH = 500;

/** See `Broker.find`. */
export async function findJob(engine: Engine, id: string): Promise<Sighting | null> {
  const [raw = null] = await engine.queues.look([id]);
  if (raw === null) return null;
  const isOver = raw.state === 'completed' || raw.state === 'failed';
  const [sighting, isToEnd, kept, moving] = await Promise.all([
    withWaiting(engine, sightingOf(raw, engine.place)),
    isOver ? false : isRevoked(engine, id),
    raw.state === 'completed' ? null : engine.store.checkpoint(raw),
    raw.state === 'delayed' ? engine.store.field(MOVING, id) : null,
  ]);
  const revoked = isToEnd ? ({ isRevoked: true } as const) : {};
  const onItsWay = moving === null ? {} : ({ isOnItsWay: true } as const);
  return { ...sighting, ...revoked, ...onItsWay, ...(kept === null ? {} : { checkpoint: aboutCheckpoint(kept) }) };
}

/** A job that waits for others lies under no time of its own. */
export async function withWaiting(engine: Engine, sighting: Sighting): Promise<Sighting> {
  const { state, dueAtMs, record } = sighting;
  const ids = state === 'delayed' && dueAtMs === null ? predecessorsOf(record) : [];
  if (ids.length === 0) return sighting;
  const ended = (await engine.queues.stages(ids)).filter((stage) => stage === 'ended').length;
  return { ...sighting, waitsFor: { jobs: ids.length, ended } };
}

/** See `Broker.changed`. */
export async function changedJobs(
  engine: Engine,
  seen: ReadonlyMap<string, string | null>,
): Promise<ReadonlyMap<string, Changed>> {
  const changed = new Map<string, Changed>();
  const ids = [...seen.keys()];
  for (let i = 0; i < ids.length; i += BATCH) {
    const atMs = engine.nowMs();
    for (const raw of await engine.queues.look(ids.slice(i, i + BATCH))) {
      const mark = raw === null ? null : markOf(raw);
      if (raw === null || mark === null || mark === seen.get(raw.id)) continue;
      changed.set(raw.id, { mark, atMs, sighting: sightingOf(raw, engine.place) });
    }
  }
  return changed;
}

/** All that a job shows of itself has changed where this has. */
export function markOf(raw: RawJob): string {
  const { state, queue, dueAtMs, token, claims, stalls, finishedOn, tail, report, progress, logged } = raw;
  const told = [report, progress].map((text) => (text === null ? '' : shortened(text)));
  return [state, queue, dueAtMs, token, claims, stalls, finishedOn, tail?.length, ...told, logged].join(' ');
}

/** A report has its time within its first characters; a long one is told apart by its length as well. */
function shortened(text: string): string {
  return text.length <= 64 ? text : `${text.slice(0, 64)}${text.length}`;
}

function aboutCheckpoint(text: string): NonNullable<Sighting['checkpoint']> {
  const kept = parseCheckpoint(text);
  const problem = kept === null ? 'it is no checkpoint' : null;
  return {
    attempt: kept?.attempt ?? null,
    atMs: kept?.atMs ?? null,
    sizeBytes: Buffer.byteLength(text),
    problem,
  };
}

/** What the next run would find; undefined: nothing. */
export async function keptCheckpoint(engine: Engine, id: string): Promise<JsonValue | undefined> {
  const [raw = null] = await engine.queues.look([id]);
  if (raw === null || raw.state === 'completed') return undefined;
  return parseCheckpoint((await engine.store.checkpoint(raw)) ?? '')?.value;
}
