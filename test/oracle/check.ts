/**
 * The oracle of the tests: what the doctor's checker finds, and what only a witness can say, who knows what was promised and
 * what ran (a journal), what the spool was like before (an earlier look), or that nothing runs any more.
 */
import { contextFor, LOOKS, pauseBefore } from '../../src/spool/doctor/examine.ts';
import { type Finding, keyOf } from '../../src/spool/doctor/finding.ts';
import type { SpoolContext } from '../../src/spool/disk/context.ts';
import { historyFindings } from './history.ts';
import type { Journal } from './journal.ts';
import { promiseFindings } from './promises.ts';
import { runFindings } from './runs.ts';
import { invariantFindings, type Snapshot, takeSnapshot } from './snapshot.ts';

export interface CheckOptions {
  readonly journal?: Journal;
  /** Nothing runs any more: the spool is looked at once, and nothing is excused. */
  readonly atRest?: boolean;
  /** An earlier look at the same spool. */
  readonly since?: Snapshot;
}

/**
 * The findings about the spool at a path, or of a context; none when all is well.
 *
 * @throws the system error when the spool cannot be read
 */
export async function checkSpool(
  spool: string | SpoolContext,
  { journal, atRest = false, since }: CheckOptions = {},
): Promise<readonly Finding[]> {
  const context = typeof spool === 'string' ? contextFor(spool) : spool;
  const findingsOf = (snapshot: Snapshot): readonly Finding[] => [
    ...(atRest ? atRestFindings(snapshot) : invariantFindings(snapshot)),
    ...(since === undefined ? [] : historyFindings(since, snapshot)),
    ...(journal === undefined ? [] : [...runFindings(journal), ...promiseFindings(journal, snapshot)]),
  ];
  let findings = findingsOf(await takeSnapshot(context));
  for (let looks = 1; !atRest && looks < LOOKS && findings.length > 0; looks++) {
    await pauseBefore(looks + 1, findings);
    const again = new Map(findingsOf(await takeSnapshot(context)).map((found) => [keyOf(found), found]));
    findings = findings.flatMap((found) => again.get(keyOf(found)) ?? []);
  }
  return findings;
}

/** Nothing of the dead is left (I9), and nothing in running/ and workers/ at all (I14). */
function atRestFindings(snapshot: Snapshot): readonly Finding[] {
  const findings = invariantFindings(snapshot).filter(({ code }) => code !== 'dead-holder');
  return [
    ...findings.map((found) => (found.code === 'draft-of-the-dead' ? asError(found) : found)),
    ...leftOvers(snapshot),
  ];
}

function asError(found: Finding): Finding {
  return { ...found, severity: 'error', invariant: 'I9' };
}

function leftOvers({ entries }: Snapshot): readonly Finding[] {
  const left = entries.filter(({ place, name }) => (place === 'running' || place === 'workers') && name !== place);
  return left.map(({ location }) => ({
    code: 'not-at-rest',
    severity: 'error',
    invariant: 'I14',
    message: `${location} is still there although nothing runs.`,
    location,
    advice: 'A process did not end in order, or still lives.',
    canRepair: false,
  }));
}
