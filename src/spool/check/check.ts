/**
 * The checker: walks a spool and says which of its invariants do not hold.
 *
 * A spool that is in use changes while it is read: a job may be seen twice or not at all, an owner after its end. So a
 * finding about one counts only if LOOKS looks in a row make it; a dead owner that holds jobs must do so for DEAD_HOLDER_MS.
 * The price: what is wrong for a moment only is not seen. A spool at rest is looked at once, and nothing is excused.
 */
import { randomBytes } from 'node:crypto';
import { resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createContext, DEFAULT_MAX_BYTES, type SpoolContext } from '../context.ts';
import { nodeFiles } from '../files.ts';
import { layoutOf } from '../layout.ts';
import { type Finding, keyOf } from './finding.ts';
import { DEAD_HOLDER_MS } from './holders.ts';
import { type Against, invariantFindings } from './invariants.ts';
import { type Snapshot, takeSnapshot } from './snapshot.ts';

export type CheckOptions = Against;

const LOOKS = 3;
/** Between looks, ms: a job that moves takes microseconds. */
const BETWEEN_MS = 20;

/**
 * The findings about the spool at a path, or of a context; none when all is well.
 *
 * @throws the system error when the spool cannot be read
 */
export async function checkSpool(
  spool: string | SpoolContext,
  options: CheckOptions = {},
): Promise<readonly Finding[]> {
  return (await examineSpool(typeof spool === 'string' ? contextFor(spool) : spool, options)).findings;
}

/** The same, with the last look. */
export async function examineSpool(
  context: SpoolContext,
  options: CheckOptions = {},
): Promise<{ readonly findings: readonly Finding[]; readonly snapshot: Snapshot }> {
  let snapshot = await takeSnapshot(context);
  let findings = invariantFindings(snapshot, options);
  for (let look = 1; look < LOOKS && findings.length > 0 && options.atRest !== true; look++) {
    await wait(look === 1 && findings.some(({ invariant }) => invariant === 'I8') ? DEAD_HOLDER_MS : BETWEEN_MS);
    snapshot = await takeSnapshot(context);
    const again = new Map(invariantFindings(snapshot, options).map((found) => [keyOf(found), found]));
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
