/** Where jobs lie, told by their names alone: what they hold is not read, and a backlog is not sorted. */
import type { SpoolContext } from './context.ts';
import { hasCode } from './files.ts';
import {
  type JobName,
  type Layout,
  parseDelayedFileName,
  parseHeldName,
  parseJobFileName,
  resultFileName,
} from './layout.ts';

export type Whereabouts =
  | { readonly at: 'results' }
  | { readonly at: 'waiting'; readonly path: string; readonly name: JobName }
  | {
      readonly at: 'held';
      readonly path: string;
      readonly name: JobName;
      readonly owner: string;
      /** Who took it from the owner, if somebody did: then its life counts. */
      readonly recoverer: string | null;
    };

/** A job may move against the order of a scan; it is missed by all only if it does so each time. */
const SCANS = 3;
/** Where an id begins in a job's name, and behind a due time. */
const ID_AT = { job: 2, delayed: 16 };
const ID_LENGTH = 36;

/** Where each of `ids` is; those that are nowhere are missing. */
export function locate(context: SpoolContext, ids: ReadonlySet<string>): ReadonlyMap<string, Whereabouts> {
  const found = new Map<string, Whereabouts>();
  const { files, layout } = context;
  for (let scan = 0; scan < SCANS && found.size < ids.size; scan++) {
    for (const id of ids) if (files.exists(`${layout.results}/${resultFileName(id)}`)) found.set(id, { at: 'results' });
    for (const [id, spot] of found.size < ids.size ? waitingAndHeld(context, ids) : []) {
      if (!found.has(id)) found.set(id, spot);
      if (found.size === ids.size) break;
    }
  }
  return found;
}

function* waitingAndHeld(context: SpoolContext, ids: ReadonlySet<string>): Generator<readonly [string, Whereabouts]> {
  const { files, layout } = context;
  for (const directory of files.list(layout.running)) {
    const held = parseHeldName(directory);
    if (held === null) continue;
    for (const fileName of namesOf(context, `${layout.running}/${directory}`, ids, ID_AT.job)) {
      const name = parseJobFileName(fileName);
      const path = `${layout.running}/${directory}/${fileName}`;
      if (name !== null) yield [name.id, { at: 'held', path, name, ...held }];
    }
  }
  for (const fileName of namesOf(context, layout.pending, ids, ID_AT.job)) {
    const name = parseJobFileName(fileName);
    if (name !== null) yield [name.id, { at: 'waiting', path: `${layout.pending}/${fileName}`, name }];
  }
  for (const fileName of namesOf(context, layout.delayed, ids, ID_AT.delayed)) {
    const name = parseDelayedFileName(fileName)?.name;
    if (name !== undefined) yield [name.id, { at: 'waiting', path: `${layout.delayed}/${fileName}`, name }];
  }
}

/** Names with one of these ids; the others are not parsed. */
function namesOf({ files }: SpoolContext, directory: string, ids: ReadonlySet<string>, at: number): readonly string[] {
  try {
    return files.list(directory).filter((name) => ids.has(name.slice(at, at + ID_LENGTH)));
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return []; // An owner that has ended meanwhile.
    throw error;
  }
}

export function isIn(layout: Layout, { path }: { readonly path: string }, owner: string): boolean {
  return path.startsWith(`${layout.running}/${owner}/`);
}
