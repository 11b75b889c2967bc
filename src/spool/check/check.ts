/**
 * The checker: walks a spool and says which of its invariants do not hold.
 *
 * A spool that is in use changes while it is read: a job may be seen twice or not at all, an owner after its end. So a
 * finding about one counts only if LOOKS looks in a row make it; a dead owner that holds jobs must do so for DEAD_HOLDER_MS.
 * The price: what is wrong for a moment only is not seen.
 */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createContext, DEFAULT_MAX_BYTES, type SpoolContext } from '../context.ts';
import { nodeFiles } from '../files.ts';
import { layoutOf } from '../layout.ts';
import { type Finding, keyOf } from './finding.ts';
import { DEAD_HOLDER_MS } from './holders.ts';
import { invariantFindings } from './invariants.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';

const LOOKS = 3;
/** Between looks, ms: a job that moves takes microseconds. */
const BETWEEN_MS = 20;

/**
 * What `findingsOf` finds in the spool, and the last look at it; nothing when all is well.
 *
 * @throws the system error when the spool cannot be read
 */
export async function examineSpool(
  context: SpoolContext,
  findingsOf: (snapshot: Snapshot) => readonly Finding[] = invariantFindings,
): Promise<{ readonly findings: readonly Finding[]; readonly snapshot: Snapshot }> {
  let snapshot = await takeSnapshot(context);
  let findings = findingsOf(snapshot);
  for (let look = 1; look < LOOKS && findings.length > 0; look++) {
    await wait(look === 1 && findings.some(({ invariant }) => invariant === 'I8') ? DEAD_HOLDER_MS : BETWEEN_MS);
    snapshot = await takeSnapshot(context);
    const again = new Map(findingsOf(snapshot).map((found) => [keyOf(found), found]));
    findings = findings.flatMap((found) => again.get(keyOf(found)) ?? []);
  }
  return { findings, snapshot };
}

/** The inside of the spool at `path`, to look at; nothing is made. */
export function contextFor(path: string, fsync = true): SpoolContext {
  return createContext({
    layout: layoutOf(resolve(path)),
    files: nodeFiles,
    fsync,
    maxBytes: DEFAULT_MAX_BYTES,
    nowMs: Date.now,
    randomBytes,
  });
}
