/** What must hold of a spool at any moment, found out by walking its directories with nothing of fsq but its names and parser. */
import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from '../../src/job/document.ts';
import { parseDelayedFileName, parseHeldName, parseJobFileName, parseResultFileName } from '../../src/spool/layout.ts';

/** Every file that is named like a job or an outcome: its id, and its paths relative to the spool. */
export function placesOf(spool: string): ReadonlyMap<string, readonly string[]> {
  const places = new Map<string, string[]>();
  const add = (id: string | undefined, path: string): void => {
    if (id !== undefined) places.set(id, [...(places.get(id) ?? []), path]);
  };
  for (const name of readdirSync(join(spool, 'pending'))) add(parseJobFileName(name)?.id, `pending/${name}`);
  for (const name of readdirSync(join(spool, 'delayed'))) add(parseDelayedFileName(name)?.name.id, `delayed/${name}`);
  for (const name of readdirSync(join(spool, 'results')))
    add(parseResultFileName(name) ?? undefined, `results/${name}`);
  for (const directory of readdirSync(join(spool, 'running'))) {
    if (parseHeldName(directory) === null) continue;
    for (const name of readdirSync(join(spool, 'running', directory)))
      add(parseJobFileName(name)?.id, `running/${directory}/${name}`);
  }
  return places;
}

/**
 * Asserts that each job is in exactly one place (I1), has one link (I2), parses under its own name (I4) and can be read by
 * nobody else (I13); and that each of `ids` is there.
 */
export function assertSound(spool: string, ids: Iterable<string> = []): void {
  const places = placesOf(spool);
  for (const id of ids) assert.ok(places.has(id), `job ${id} is nowhere`);
  for (const [id, paths] of places) {
    assert.equal(paths.length, 1, `job ${id} is in ${paths.length} places: ${paths.join(', ')}`);
    const path = join(spool, paths[0] ?? '');
    const stats = lstatSync(path);
    assert.equal(stats.nlink, 1, `${path} has ${stats.nlink} links`);
    assert.equal(stats.mode & 0o777, 0o600, `${path} has mode ${(stats.mode & 0o777).toString(8)}`);
    const { record, torn } = parseDocument(readFileSync(path, 'utf8'), id);
    if (paths[0]?.startsWith('results/')) assert.ok(record.outcome !== null && !torn, `${path} holds no outcome`);
  }
}

/** Names in a directory of the spool. */
export function namesIn(spool: string, directory: string): readonly string[] {
  return readdirSync(join(spool, directory)).toSorted();
}
