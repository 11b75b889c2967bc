/** Markers in cancel/ that nobody needs any more: their job has ended, or is nowhere. Pure. */
import type { Finding } from './finding.ts';
import type { Outline } from './outline.ts';
import type { Entry } from './visit.ts';

/** A worker removes one within a second; who revokes a job makes it before anything else. */
const STALE_AFTER_MS = 10_000;

/** @param entry of cancel/ */
export function markerFindings(
  { id, location, info }: Entry,
  { marked, takenAtMs }: Pick<Outline, 'marked' | 'takenAtMs'>,
): readonly Finding[] {
  if (id === null || takenAtMs - info.modifiedAtMs < STALE_AFTER_MS) return [];
  const place = marked.get(id);
  if (place !== undefined && place !== 'results') return [];
  return [
    {
      code: 'stale-marker',
      severity: 'warning',
      id,
      message: `Job ${id} is marked as revoked, but it ${place === undefined ? 'is nowhere' : 'has ended'}.`,
      location,
      advice: '`fsq doctor --repair` removes the marker; a worker does the same.',
      canRepair: true,
    },
  ];
}
