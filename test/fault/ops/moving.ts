/** Jobs that move from one spool to another: the program moves those that lie beside the spool into it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openSpool } from '../../../src/spool/spool.ts';
import type { Operation } from './catalogue.ts';
import {
  type Planted,
  plantBeside,
  plantDelayed,
  plantFollowed,
  plantHolder,
  plantPending,
  plantTaking,
} from './planting.ts';

const HOUR_MS = 3_600_000;

export const MOVES: readonly Operation[] = [
  {
    name: 'move to another spool',
    program: 'move.mjs',
    prepare: (spool) => plantMovable(`${spool}.from`),
    isGoneOnWith: true,
    keys: ['moved'],
  },
];

/** Ready and delayed, with a history and without, behind others, with a key, and one with a checkpoint. */
function plantMovable(from: string): readonly Planted[] {
  openSpool({ path: from, fsync: false });
  const keyed = plantPending(from, {}, { key: 'moved' });
  plantHolder(from, 'moved', keyed.id);
  mkdirSync(join(from, 'schedules/nightly'), { recursive: true, mode: 0o700 });
  writeFileSync(join(from, 'schedules/nightly/1700000000000'), '{"v":1,"pattern":"0 3 * * *"}\n', { mode: 0o600 });
  const [kept] = plantBeside(from);
  return [
    keyed,
    ...(kept === undefined ? [] : [kept]),
    plantPending(from, { attempt: 2, crashes: 1 }),
    plantDelayed(from, Date.now() + HOUR_MS),
    ...plantFollowed(from),
    ...plantTaking(from),
  ];
}
