/** Instants of a schedule under fire: what lies there when one is sent, and whether each has one job in the end. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDocument } from '../../../src/job/document.ts';
import { contextFor } from '../../../src/spool/doctor/examine.ts';
import { keyDirectory } from '../../../src/spool/keys/key-holders.ts';
import { KeySweep } from '../../../src/spool/keys/sweep-keys.ts';
import { jobFileName, layoutOf } from '../../../src/spool/layout.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { job, nextId } from '../../support/factory.ts';
import { placesOf } from '../../support/invariants.ts';
import { jobText, plant } from '../../support/planted.ts';
import type { Planted } from './planting.ts';

/** The first is done; of the second the sender died before its mark, of the third before its job was accepted; the fourth is new. */
const INSTANTS: readonly number[] = [1_795_739_000_000, 1_795_739_001_000, 1_795_739_002_000, 1_795_739_003_000];

export const SEND_INSTANTS = {
  name: 'send instants of a schedule',
  program: 'schedule.mjs',
  prepare: plantInstants,
  input: { instants: INSTANTS },
  instants: INSTANTS,
};

function plantInstants(spool: string): readonly Planted[] {
  const [done, unmarked = 0, undecided = 0] = INSTANTS;
  const [accepted, draft] = [nextId(), nextId()];
  const standing = { queue: 'default', priority: 5, attempt: 0, crashes: 0 };
  plant(spool, `schedules/tick/${done}`, '');
  plant(spool, `pending/${jobFileName({ id: accepted, ...standing })}`, textFor(accepted, unmarked));
  plantKey(spool, unmarked, `${accepted}.9999999999999`, '');
  plantKey(spool, undecided, `${draft}.json`, textFor(draft, undecided));
  plantKey(spool, undecided, `${draft}.9999999999999`, '');
  return [{ id: accepted, runs: 1, ends: 'succeeded' }];
}

function textFor(id: string, atMs: number): string {
  return jobText({ id, headers: { 'fsq-instant': String(atMs) } });
}

function plantKey(spool: string, atMs: number, name: string, text: string): void {
  const directory = keyDirectory(layoutOf(spool), '@schedule/tick', String(atMs));
  mkdirSync(directory, { mode: 0o700, recursive: true });
  writeFileSync(join(directory, name), text, { mode: 0o600 });
}

/** The next worker sends them all again: each has one job then, one mark is left, and nothing in keys/. Sends and revokes: asked last. */
export async function instantsOf(
  spool: string,
  instants: readonly number[] | undefined,
  refusesForGood: boolean,
): Promise<readonly string[]> {
  if (instants === undefined) return [];
  const broker = openSpool({ path: spool, fsync: false });
  const broken: string[] = [];
  for (const atMs of instants) {
    const asked = job({ id: broker.nextId(), headers: { 'fsq-instant': String(atMs) } });
    await broker.schedules.send({ schedule: 'tick', atMs, pattern: 'every 1s' }, asked);
  }
  const found = [...placesOf(spool)].map(([id, [path = '']]) => {
    return parseDocument(readFileSync(join(spool, path), 'utf8'), id).record.job.headers['fsq-instant'];
  });
  // The first was done before: its job is forgotten.
  for (const atMs of instants.slice(1)) {
    const count = found.filter((instant) => instant === String(atMs)).length;
    if (count !== 1) broken.push(`the instant ${atMs} has ${count} jobs`);
  }
  if (found.includes(String(instants[0]))) broken.push(`an instant that was done has a job`);
  // What a process left that died before it removed older marks goes with the next.
  const nextMs = (instants.at(-1) ?? 0) + 1_000;
  await broker.schedules.pass({ schedule: 'tick', atMs: nextMs, pattern: 'every 1s' });
  await broker.close();
  // A holder that could not be removed at all goes when its time is over.
  const laterMs = (refusesForGood ? 401 * 24 : 10) * 3_600_000;
  const sweep = new KeySweep({ ...contextFor(spool, false), nowMs: () => Date.now() + laterMs });
  await sweep.sweep();
  await sweep.sweep(); // What is nowhere must be so twice.
  const marks = readdirSync(join(spool, 'schedules', 'tick'));
  return [
    ...broken,
    ...(marks.join() === String(nextMs) ? [] : [`schedules/tick/ holds ${marks.join(', ')}`]),
    ...readdirSync(join(spool, 'keys')).map((name) => `keys/${name} is left`),
  ];
}
