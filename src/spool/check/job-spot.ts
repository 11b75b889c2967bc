/** Which job a path in the spool is named for. Pure. */
import {
  type JobName,
  type Layout,
  parseDelayedFileName,
  parseHeldName,
  parseJobFileName,
  parseResultFileName,
} from '../layout.ts';

export type JobPlace = 'pending' | 'delayed' | 'running' | 'results';

export interface JobSpot {
  readonly id: string;
  readonly place: JobPlace;
  readonly name: JobName | null;
  readonly dueAtMs: number | null;
  readonly holder: string | null;
}

/** Null for what is not named like a job there. */
export function jobSpot(layout: Layout, place: string, location: string): JobSpot | null {
  const fileName = location.slice(location.lastIndexOf('/') + 1);
  const directory = location.slice(0, location.lastIndexOf('/'));
  const none = { dueAtMs: null, holder: null };
  switch (place) {
    case 'pending': {
      const name = parseJobFileName(fileName);
      return name === null ? null : { ...none, id: name.id, place, name };
    }
    case 'delayed': {
      const parsed = parseDelayedFileName(fileName);
      return parsed === null
        ? null
        : { ...none, id: parsed.name.id, place, name: parsed.name, dueAtMs: parsed.dueAtMs };
    }
    case 'results': {
      const id = parseResultFileName(fileName);
      return id === null ? null : { ...none, id, place, name: null };
    }
    case 'running': {
      const held = directory === layout.running ? null : parseHeldName(directory.slice(layout.running.length + 1));
      const name = held === null ? null : parseJobFileName(fileName);
      return held === null || name === null
        ? null
        : { ...none, id: name.id, place, name, holder: held.recoverer ?? held.owner };
    }
    default:
      return null;
  }
}
