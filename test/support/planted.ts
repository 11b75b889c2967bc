/** Files planted in a spool as no fsq would leave them, for what must notice. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBase } from '../../src/job/document.ts';
import { encodeTail } from '../../src/job/tail.ts';
import type { Attempt, Outcome } from '../../src/job/job.ts';
import { type JobParts, jobRecord } from './factory.ts';

/** Writes `text` at `path` below the spool, 0600; directories on the way are made 0700. */
export function plant(spool: string, path: string, text: string, mode = 0o600): string {
  const full = join(spool, path);
  mkdirSync(join(full, '..'), { recursive: true, mode: 0o700 });
  writeFileSync(full, text, { mode });
  return full;
}

/** A job's file: base alone, or with these attempts and this outcome. */
export function jobText(
  parts: JobParts,
  tail: { readonly attempts?: readonly Attempt[]; readonly outcome?: Outcome; readonly crashes?: number } = {},
): string {
  const { attempts = [], outcome, crashes = 0 } = tail;
  const base = encodeBase(jobRecord({ enqueuedAtMs: 1_000, ...parts }));
  if (outcome === undefined && attempts.length === 0) return base;
  const standing = { queue: 'default', priority: 5, attempt: attempts.at(-1)?.attempt ?? 0, crashes };
  return base.slice(0, -1) + encodeTail(attempts, outcome === undefined ? null : { outcome, standing });
}

/** An attempt that ended well, by an owner of which nothing is known. */
export function attempt(parts: Partial<Attempt> = {}): Attempt {
  return { attempt: 1, startedAtMs: 2_000, endedAtMs: 3_000, owner: '7-0000000000000007', ...parts };
}
