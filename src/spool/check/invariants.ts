/** All invariants that a spool shows by itself: a snapshot to findings. Pure. */
import { contentFindings } from './contents.ts';
import { duplicateFindings } from './duplicates.ts';
import type { Finding } from './finding.ts';
import { holderFindings } from './holders.ts';
import { markerFindings } from './markers.ts';
import { modeFindings } from './modes.ts';
import type { Snapshot } from './snapshot.ts';

export function invariantFindings(snapshot: Snapshot): readonly Finding[] {
  return [
    ...duplicateFindings(snapshot),
    ...contentFindings(snapshot),
    ...holderFindings(snapshot),
    ...modeFindings(snapshot),
    ...markerFindings(snapshot),
  ];
}
