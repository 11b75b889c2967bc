/** All invariants of the spool: a snapshot, and a journal if there is one, to findings. Pure. */
import { contentFindings } from './contents.ts';
import { duplicateFindings } from './duplicates.ts';
import type { Finding } from './finding.ts';
import { historyFindings } from './history.ts';
import { holderFindings } from './holders.ts';
import type { Journal } from './journal.ts';
import { markerFindings } from './markers.ts';
import { modeFindings } from './modes.ts';
import { promiseFindings } from './promises.ts';
import { runFindings } from './runs.ts';
import type { Snapshot } from './snapshot.ts';

export interface Against {
  readonly journal?: Journal;
  /** Nothing runs any more. */
  readonly atRest?: boolean;
  /** An earlier look at the same spool. */
  readonly since?: Snapshot;
}

export function invariantFindings(snapshot: Snapshot, { journal, atRest = false, since }: Against): readonly Finding[] {
  return [
    ...duplicateFindings(snapshot),
    ...contentFindings(snapshot),
    ...holderFindings(snapshot, atRest),
    ...modeFindings(snapshot),
    ...markerFindings(snapshot),
    ...(since === undefined ? [] : historyFindings(since, snapshot)),
    ...(journal === undefined ? [] : [...runFindings(journal), ...promiseFindings(journal, snapshot)]),
  ];
}
