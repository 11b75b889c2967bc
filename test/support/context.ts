/** The inside of a spool, for tests of its parts. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createContext, type SpoolContext } from '../../src/spool/disk/context.ts';
import { nodeFiles } from '../../src/spool/disk/files.ts';
import { layoutOf } from '../../src/spool/layout.ts';
import type { Recoverer } from '../../src/spool/recovery/take-back.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { tempDir } from './temp.ts';

/** The context of the spool at `path`. */
export function contextOf(path: string, parts: Partial<SpoolContext> = {}): SpoolContext {
  return createContext({
    layout: layoutOf(path),
    files: nodeFiles,
    fsync: true,
    nowMs: Date.now,
    randomBytes,
    ...parts,
  });
}

/** The context of an empty spool, removed after the test. */
export function tempContext(t: TestContext, parts: Partial<SpoolContext> = {}): SpoolContext {
  const path = join(tempDir(t), 'spool');
  openSpool({ path });
  return contextOf(path, parts);
}

/** One who recovers, by the name of `owner`. */
export function recovererOf(owner: string, parts: Partial<Recoverer> = {}): Recoverer {
  return { owner, isKnownAlive: () => false, ...parts };
}
