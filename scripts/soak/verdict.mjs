/** What a soak has shown: lost, unexpected and doubled jobs, and how soon jobs of the dead ran again. Pure. */

/** Runs in the order of the journal. @typedef {{ id: string, attempt: number, pid: number, beginMs: number, isEnded: boolean }} Run */

/**
 * @param {string} journal lines `begin|end|exit <id> <attempt> <pid> <ms>`
 * @returns {{ runs: Map<string, Run[]>, exits: [pid: number, ms: number][] }} runs by job; when a process ended itself
 */
export function readJournal(journal) {
  const runs = new Map();
  const exits = [];
  for (const line of journal.split('\n')) {
    const [what, id, attempt, pid, ms] = line.split(' ');
    if (ms === undefined) continue;
    if (what === 'exit') exits.push([Number(pid), Number(ms)]);
    const ofJob = runs.get(id) ?? [];
    if (what === 'begin')
      runs.set(id, [...ofJob, { id, attempt: Number(attempt), pid: Number(pid), beginMs: Number(ms), isEnded: false }]);
    if (what === 'end')
      for (const run of ofJob) run.isEnded ||= run.attempt === Number(attempt) && run.pid === Number(pid);
  }
  return { runs, exits };
}

/**
 * @param {{
 *   accepted: ReadonlySet<string>,
 *   uncertain: ReadonlySet<string>,
 *   outcomes: ReadonlySet<string>,
 *   journal: string,
 *   deaths: Iterable<readonly [pid: number, ms: number]>,
 *   producerDeaths: number,
 * }} facts `deaths` says when the soak killed which process
 */
export function verdictOf({ accepted, uncertain, outcomes, journal, deaths, producerDeaths }) {
  const { runs, exits } = readJournal(journal);
  const ends = endsByPid([...exits, ...deaths]);
  const lost = [...accepted].filter((id) => !outcomes.has(id));
  // A producer that is killed between the rename and its note leaves one job that nobody knows it sent.
  const unnoted = [...outcomes].filter((id) => !accepted.has(id) && !uncertain.has(id));
  const doubled = [];
  const recoveryMs = [];
  let rerun = 0;
  for (const ofJob of runs.values()) {
    for (const [i, next] of ofJob.entries()) {
      const before = ofJob[i - 1];
      if (before === undefined) continue;
      rerun++;
      const death = ends.get(before.pid)?.find((ms) => ms >= before.beginMs);
      // The death must come before the next run: otherwise two were alive at once, or it was run again for nothing.
      if (death === undefined || death > next.beginMs)
        doubled.push({ id: next.id, before, next, death: death ?? null });
      // From the third run on the backoff after repeated crashes is part of the time.
      else if (next.attempt === 2) recoveryMs.push(next.beginMs - death);
    }
  }
  return {
    lost,
    unexpected: unnoted.slice(producerDeaths),
    unnoted: unnoted.length,
    doubled,
    rerun,
    jobs: outcomes.size,
    recovery: percentiles(recoveryMs),
  };
}

/** Pids come round again within minutes: each may have ended more than once. A run's end is the first one after it began. */
function endsByPid(ends) {
  const byPid = new Map();
  for (const [pid, ms] of ends.toSorted(([, a], [, b]) => a - b)) byPid.set(pid, [...(byPid.get(pid) ?? []), ms]);
  return byPid;
}

export function percentiles(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
  return { count: sorted.length, p50: at(0.5), p99: at(0.99), most: sorted.at(-1) ?? null };
}
