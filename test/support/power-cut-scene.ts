/** One spool under power cuts, and all that the programs there have noted outside its disk: what they were told, what they read and ran. */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { placesOf } from './invariants.ts';
import type { DiskKind, LoopDisk } from './loop-disk.ts';
import type { Program } from './marked-program.ts';

export interface Scene {
  readonly disk: LoopDisk;
  readonly kind: DiskKind;
  readonly spool: string;
  readonly notes: string;
  readonly running: Set<Program>;
  /** How long its workers keep outcomes, ms; null: for longer than a scene lasts. */
  readonly ttlMs: number | null;
  /** Accepted jobs that had their outcome, which has expired since. */
  readonly gone: Set<string>;
}

/** The spool is made by the programs, its parent too: the first cut may come when that has just been done. */
export function newScene(disk: LoopDisk, kind: DiskKind, notes: string, ttlMs: number | null): Scene {
  const parent = join(disk.path, 'jobs');
  rmSync(parent, { recursive: true, force: true });
  mkdirSync(notes);
  return { disk, kind, spool: join(parent, 'spool'), notes, running: new Set(), ttlMs, gone: new Set() };
}

/** `accepted`: kind and digest of the value; `seen`: the same digest; `read`: digest of an outcome's file; `runs`: the attempt. */
export type NoteKind = 'accepted' | 'seen' | 'read' | 'runs';

export interface Note {
  readonly id: string;
  /** By a clock that all processes share and that nobody sets. */
  readonly atNs: bigint;
  readonly what: string;
}

export function notesIn(scene: Scene, kind: NoteKind): readonly Note[] {
  return linesIn(scene, kind).map((line) => {
    const [id = '', atNs = '', ...what] = line.split(' ');
    return { id, atNs: BigInt(atNs), what: what.join(' ') };
  });
}

/** How many jobs there are notes of. */
export function countIn(scene: Scene, kind: NoteKind): number {
  return new Set(linesIn(scene, kind).map((line) => line.slice(0, line.indexOf(' ')))).size;
}

export function firstError(scene: Scene): string | null {
  return linesIn(scene, 'errors')[0] ?? null;
}

/** What the cut itself made them say. */
export function forgetErrors({ notes }: Scene): void {
  rmSync(join(notes, 'errors'), { force: true });
}

export interface Accepted {
  /** What the job is an example of. */
  readonly kind: string;
  /** Of the value that it must have. */
  readonly value: string;
}

/** Accepted jobs whose outcomes have not expired. */
export function left(scene: Scene): ReadonlyMap<string, Accepted> {
  const jobs = new Map<string, Accepted>();
  for (const { id, what } of notesIn(scene, 'accepted')) {
    const [kind = '', value = ''] = what.split(' ');
    if (!scene.gone.has(id)) jobs.set(id, { kind, value });
  }
  return jobs;
}

/** The first note of each job. */
export function firstOf(notes: readonly Note[]): ReadonlyMap<string, Note> {
  const first = new Map<string, Note>();
  for (const note of notes) if (!first.has(note.id)) first.set(note.id, note);
  return first;
}

/**
 * Enters as gone what is nowhere, and may be: something says that it had ended, or had run, longer ago than outcomes are kept. Of a
 * job that came too late nothing may say so.
 *
 * @returns how many that were
 */
export function noteExpired(scene: Scene): number {
  const { ttlMs, spool, gone } = scene;
  if (ttlMs === null) return 0;
  const known = gone.size;
  const before = process.hrtime.bigint() - BigInt(ttlMs) * 1_000_000n;
  const tooLate = notesIn(scene, 'accepted').filter(({ what }) => what.startsWith('expiring'));
  const signs = [...notesIn(scene, 'read'), ...notesIn(scene, 'seen'), ...notesIn(scene, 'runs'), ...tooLate];
  const places = placesOf(spool);
  for (const { id, atNs } of signs) if (atNs < before && !places.has(id)) gone.add(id);
  return gone.size - known;
}

function linesIn({ notes }: Scene, kind: NoteKind | 'errors'): readonly string[] {
  const path = join(notes, kind);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}
