/** Markers in cancel/ that nobody needs any more: their job has ended, or is nowhere. Pure. */
import { parseMarkerFileName } from '../note-names.ts';
import type { Finding } from './finding.ts';
import type { Snapshot } from './snapshot.ts';

/** A worker removes one within a second; who revokes a job makes it before anything else. */
const STALE_AFTER_MS = 10_000;

export function markerFindings({
  entries,
  jobs,
  takenAtMs,
}: Pick<Snapshot, 'entries' | 'jobs' | 'takenAtMs'>): readonly Finding[] {
  const marked = entries.flatMap(({ place, name, location, info }) => {
    const id = place === 'cancel' ? parseMarkerFileName(name)?.id : undefined;
    return id === undefined || takenAtMs - info.modifiedAtMs < STALE_AFTER_MS ? [] : [{ id, location }];
  });
  if (marked.length === 0) return [];
  const places = new Map(jobs.map(({ id, place }) => [id, place]));
  return marked.flatMap(({ id, location }): Finding[] => {
    const place = places.get(id);
    if (place !== undefined && place !== 'results') return [];
    const why = place === undefined ? 'is nowhere' : 'has ended';
    return [
      {
        code: 'stale-marker',
        severity: 'warning',
        id,
        message: `Job ${id} is marked as revoked, but it ${why}.`,
        location,
        advice: '`fsq doctor --repair` removes the marker; a worker does the same.',
        canRepair: true,
      },
    ];
  });
}
