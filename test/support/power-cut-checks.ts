/** What must hold after a power cut, of all that was heard before it. Each check throws what is broken. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSpool } from '../../src/spool/spool.ts';
import { assertSound, namesIn, placesOf } from './invariants.ts';
import { firstOf, left, type Note, notesIn, type Scene } from './power-cut-scene.ts';

/**
 * Of the moment after the replay, when no worker has run yet. An outcome that was read need not be in results/ then: where its own file was
 * synced and no record made, a power cut may leave that file in running/, with the outcome inside. So docs/reliability.md promises it for
 * the moment when a worker has recovered the jobs of the dead, and that is asked of `assertAllEnded`.
 *
 * @returns how many outcomes that were read have to be published again
 */
export function assertNothingLost(scene: Scene): number {
  assertAllThere(scene);
  // There a file may have two names until a worker takes it.
  if (scene.kind !== 'btrfs') assertSound(scene.spool);
  assertNothingCorrupt(scene);
  assertNoneRanAfterRead(scene);
  assertOneOfEachKey(scene);
  return missingOfRead(scene).length;
}

/** Of the moment when a worker has ended all that was left. */
export async function assertAllEnded(scene: Scene): Promise<void> {
  assertNothingCorrupt(scene);
  assertNoneRanAfterRead(scene);
  const [missing] = missingOfRead(scene);
  if (missing !== undefined) throw new Error(`the outcome of job ${missing} was read and is not there`);
  await assertOutcomes(scene);
}

function assertAllThere(scene: Scene): void {
  const places = placesOf(scene.spool);
  const lost = [...left(scene).keys()].filter((id) => !places.has(id));
  if (lost.length === 0) return;
  const ttl = scene.ttlMs === null ? '' : ` (outcomes are kept for ${scene.ttlMs} ms)`;
  throw new Error(`${lost.length} jobs were accepted and are nowhere${ttl}, such as\n${heardOf(scene, lost[0] ?? '')}`);
}

/** All notes of one job, with the time since, for people. */
function heardOf(scene: Scene, wanted: string): string {
  const now = process.hrtime.bigint();
  const lines = (['accepted', 'runs', 'seen', 'read'] as const).flatMap((kind) =>
    notesIn(scene, kind)
      .filter(({ id }) => id === wanted)
      .map(({ id, atNs, what }) => `  ${id} ${(now - atNs) / 1_000_000n} ms ago: ${kind} ${what}`),
  );
  return lines.join('\n');
}

function assertNothingCorrupt({ spool }: Scene): void {
  const names = namesIn(spool, 'corrupt');
  if (names.length > 0) throw new Error(`${names.length} files were taken for broken jobs: ${names.join(', ')}`);
}

/** No run of a job begins after somebody, anybody, had its outcome. */
function assertNoneRanAfterRead(scene: Scene): void {
  const known = firstOf([...notesIn(scene, 'read'), ...notesIn(scene, 'seen')].toSorted(byTime));
  for (const { id, atNs } of notesIn(scene, 'runs')) {
    const had = known.get(id);
    if (had === undefined || had.atNs >= atNs) continue;
    throw new Error(`job ${id} ran again ${(atNs - had.atNs) / 1_000_000n} ms after its outcome had been read`);
  }
}

function byTime(a: Note, b: Note): number {
  return a.atNs < b.atNs ? -1 : 1;
}

/** The jobs whose outcomes were read and are not in results/. @throws when one is there and says something else */
function missingOfRead(scene: Scene): readonly string[] {
  const missing: string[] = [];
  for (const { id, what } of notesIn(scene, 'read')) {
    if (scene.gone.has(id)) continue;
    const path = join(scene.spool, 'results', `${id}.json`);
    if (!existsSync(path)) missing.push(id);
    else if (createHash('sha256').update(readFileSync(path)).digest('hex') !== what)
      throw new Error(
        `the outcome of job ${id} is not the one that was read: ${readFileSync(path, 'utf8').slice(-500)}`,
      );
  }
  return missing;
}

function assertOneOfEachKey({ spool }: Scene): void {
  const ids = new Map<string, string>();
  for (const [id, [path = '', ...others]] of placesOf(spool)) {
    if ([path, ...others].some((place) => place.startsWith('results/'))) continue;
    // Of the base, which is written by us: no key stands in it elsewhere.
    const key = /"key":"(key \d)"/.exec(readFileSync(join(spool, path), 'latin1').slice(0, 500))?.[1];
    if (key === undefined) continue;
    const other = ids.get(key);
    if (other !== undefined) throw new Error(`jobs ${other} and ${id} both wait for ${key}`);
    ids.set(key, id);
  }
}

async function assertOutcomes(scene: Scene): Promise<void> {
  const seen = firstOf(notesIn(scene, 'seen'));
  const broker = openSpool({ path: scene.spool, mustExist: true });
  try {
    for (const [id, { kind, value }] of left(scene)) {
      const outcome = (await broker.outcome(id))?.outcome ?? null;
      const is = outcome?.state === 'succeeded' ? digestOf(outcome.value) : outcome?.state;
      const wasTooLate = kind === 'expiring' && is === 'expired';
      if (is !== value && !wasTooLate)
        throw new Error(`job ${id} (${kind}) does not have its value but ${JSON.stringify(outcome)?.slice(0, 500)}`);
      const heard = seen.get(id)?.what ?? is;
      if (heard !== is) throw new Error(`job ${id} (${kind}) has the outcome ${is} but a caller was told ${heard}`);
    }
  } finally {
    await broker.close();
  }
}

function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('hex');
}
