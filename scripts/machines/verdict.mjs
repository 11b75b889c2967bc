/** What the runs and the outcomes of `npm run machines` come to. Pure. */

/** Each run, from the lines that it wrote: when it began, and when it was last seen alive. */
export function runsIn(lines) {
  const runs = new Map();
  for (const { what, id, attempt, pid, machine, atMs } of lines) {
    const key = `${id} ${attempt} ${pid}`;
    const run = runs.get(key) ?? { id, attempt, pid, machine, beganAtMs: atMs, aliveAtMs: atMs, hasEnded: false };
    runs.set(key, { ...run, aliveAtMs: atMs, hasEnded: run.hasEnded || what === 'end' });
  }
  return [...runs.values()].sort((a, b) => a.beganAtMs - b.beganAtMs);
}

/** Pairs of runs of one job of which the second began while the first was alive. */
export function overlaps(runs) {
  const last = new Map();
  const found = [];
  for (const run of runs) {
    const before = last.get(run.id);
    if (before !== undefined && before.aliveAtMs > run.beganAtMs) found.push([before, run]);
    if (before === undefined || before.aliveAtMs < run.aliveAtMs) last.set(run.id, run);
  }
  return found;
}

/** How long after `atMs` the jobs began elsewhere that ran on `machine` at that moment and did not end there, ms, sorted. */
export function takenOver(runs, machine, atMs) {
  const caught = runs.filter(
    (run) => run.machine === machine && run.beganAtMs < atMs && run.aliveAtMs > atMs - 100 && !run.hasEnded,
  );
  return caught
    .flatMap((run) => runs.find((later) => later.id === run.id && later.beganAtMs > atMs) ?? [])
    .map((later) => later.beganAtMs - atMs)
    .sort((a, b) => a - b);
}

/** @param outcomes the state of each accepted job, by id */
export function verdict(runs, outcomes) {
  const problems = [...outcomes].flatMap(([id, state]) => (state === 'succeeded' ? [] : [`job ${id} is ${state}`]));
  const ended = new Set(runs.filter(({ hasEnded }) => hasEnded).map(({ id }) => id));
  for (const [id] of outcomes) if (!ended.has(id)) problems.push(`job ${id} never ran to its end`);
  for (const [first, second] of overlaps(runs))
    problems.push(
      `job ${second.id} ran on ${first.machine} and ${second.machine} at one time, for ${first.aliveAtMs - second.beganAtMs} ms`,
    );
  return problems;
}
