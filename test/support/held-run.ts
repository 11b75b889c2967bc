/** A job that an owner holds to run it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { HeldFile } from '../../src/spool/job-file/holder.ts';
import type { SpoolContext } from '../../src/spool/disk/context.ts';
import { jobFileName } from '../../src/spool/layout.ts';
import { nextId } from './factory.ts';
import { someOwner } from './owners.ts';
import { jobText, plant } from './planted.ts';

/** Plants the file of a job in its first run, held by an owner. */
export function heldRun({ layout }: SpoolContext, parts: Partial<HeldFile['holder']> = {}): HeldFile {
  const name = { id: nextId(), queue: 'default', priority: 5, attempt: 1, crashes: 0 };
  const owner = someOwner(1);
  const directory = join(layout.running, owner);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = plant(layout.running, `${owner}/${jobFileName(name)}`, jobText({ id: name.id }));
  return { holder: { owner, directory, ...parts }, path, name };
}
