/** Which job a name in the spool stands for. Pure. */
import { type JobName, parseDelayedFileName, parseHeldName, parseJobFileName, parseResultFileName } from '../layout.ts';

export type JobPlace = 'pending' | 'delayed' | 'running' | 'results';

export interface JobSpot {
  readonly id: string;
  readonly place: JobPlace;
  /** Null in results/. */
  readonly name: JobName | null;
  readonly dueAtMs: number | null;
  /** Who answers for it; null unless it lies in running/. */
  readonly holder: string | null;
}

/**
 * Null for what is not named like a job there.
 *
 * @param inside the directory in `place` in which it lies; null for `place` itself
 */
export function jobSpot(place: string, inside: string | null, fileName: string): JobSpot | null {
  switch (place) {
    case 'pending': {
      const name = parseJobFileName(fileName);
      return name === null ? null : { id: name.id, place, name, dueAtMs: null, holder: null };
    }
    case 'delayed': {
      const parsed = parseDelayedFileName(fileName);
      if (parsed === null) return null;
      const { name, dueAtMs } = parsed;
      return { id: name.id, place, name, dueAtMs, holder: null };
    }
    case 'results': {
      const id = parseResultFileName(fileName);
      return id === null ? null : { id, place, name: null, dueAtMs: null, holder: null };
    }
    case 'running': {
      const held = inside === null ? null : parseHeldName(inside);
      const name = held === null ? null : parseJobFileName(fileName);
      if (held === null || name === null) return null;
      return { id: name.id, place, name, dueAtMs: null, holder: held.recoverer ?? held.owner };
    }
    default:
      return null;
  }
}
