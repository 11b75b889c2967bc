/**
 * What the bench makes of its figures: medians, spreads, comparisons and verdicts. Pure.
 *
 * A comparison is worked out in each round and the median of those is taken: on a noisy machine the contestants of one
 * round had the same luck, those of different rounds had not.
 */

/**
 * @typedef {Readonly<Record<string, number>>} Figures of one run of one contestant
 * @typedef {{ readonly name: string, readonly rounds: readonly (Figures | null)[], readonly missing: string | null }} Result
 *   null in `rounds`: nothing in that round; `missing` says why there is none at all
 * @typedef {object} Target
 * @property {'ratio' | 'difference' | 'value'} kind
 * @property {string} of the contestant that is judged
 * @property {string | readonly string[]} [to] whom it is compared with; of several the best, and of a 'value' nobody
 * @property {string} figure which figure of `of`
 * @property {string} [toFigure] which figure of `to`; default: the same
 * @property {number} [atLeast]
 * @property {number} [atMost]
 * @property {string} text for people: what is wanted
 * @property {string} [unit]
 * @typedef {{ readonly median: number, readonly min: number, readonly max: number, readonly count: number }} Summary
 * @typedef {{ readonly key: string, readonly target: Target, readonly against: string | null, readonly summary: Summary | null,
 *   readonly verdict: 'met' | 'missed' | 'unknown', readonly reason: string | null }} Judgement
 */

/**
 * @param {readonly number[]} values
 * @returns {number} NaN when there are none
 */
export function median(values) {
  if (values.length === 0) return Number.NaN;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/**
 * @param {readonly number[]} values in any order
 * @param {number} share from 0 to 1, such as 0.99
 * @returns {number} the smallest value that at least `share` of all do not exceed; NaN when there are none
 */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/**
 * @param {readonly number[]} values
 * @returns {Summary | null} null when there are none
 */
export function summary(values) {
  if (values.length === 0) return null;
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), count: values.length };
}

/**
 * @param {Result | undefined} result
 * @param {string} figure
 * @returns {readonly number[]} of the rounds that have it
 */
export function valuesOf(result, figure) {
  return (result?.rounds ?? []).map((figures) => figures?.[figure]).filter((value) => typeof value === 'number');
}

/**
 * Judges a scenario's results by its targets.
 *
 * @param {string} scenario its name: with the target's it makes the judgement's key
 * @param {readonly Target[]} targets
 * @param {readonly Result[]} results
 * @returns {readonly Judgement[]} one for each target; 'unknown' with the reason where a contestant is missing
 */
export function judge(scenario, targets, results) {
  return targets.map((target) => {
    const of = results.find(({ name }) => name === target.of);
    const rival = target.kind === 'value' ? null : bestRival(target, results);
    const rivalName = rival?.name ?? [target.to ?? ''].flat().join(', ');
    const key = `${scenario}: ${target.of} ${target.figure}${target.kind === 'value' ? '' : ` / ${[target.to].flat().join(' | ')}`}`;
    const values = comparisons(target, of, rival);
    const found = summary(values);
    const base = { key, target, against: rival?.name ?? null, summary: found };
    if (found === null) return { ...base, verdict: 'unknown', reason: whyMissing(of, rival, rivalName) };
    return { ...base, verdict: isMet(target, found.median) ? 'met' : 'missed', reason: null };
  });
}

/** Of several rivals the one with the best median, be that the largest or the smallest. */
function bestRival({ to = [], figure, toFigure = figure, atMost }, results) {
  const rivals = [to].flat().map((name) => results.find((result) => result.name === name));
  const present = rivals.filter((rival) => rival !== undefined && valuesOf(rival, toFigure).length > 0);
  const sign = atMost === undefined ? -1 : 1;
  const sorted = present.toSorted((a, b) => sign * (median(valuesOf(a, toFigure)) - median(valuesOf(b, toFigure))));
  return sorted[0] ?? rivals.find((rival) => rival !== undefined) ?? null;
}

/** One value for each round in which both have the figure. */
function comparisons({ kind, figure, toFigure = figure }, of, rival) {
  if (kind === 'value') return valuesOf(of, figure);
  return (of?.rounds ?? []).flatMap((figures, round) => {
    const mine = figures?.[figure];
    const theirs = rival?.rounds[round]?.[toFigure];
    if (typeof mine !== 'number' || typeof theirs !== 'number') return [];
    if (kind === 'difference') return [mine - theirs];
    return theirs === 0 ? [] : [mine / theirs];
  });
}

function isMet({ atLeast = -Infinity, atMost = Infinity }, value) {
  return value >= atLeast && value <= atMost;
}

function whyMissing(of, rival, rivalName) {
  if (of === undefined || of.missing !== null) return of?.missing ?? 'it was not run';
  return `${rivalName}: ${rival?.missing ?? 'not run'}`;
}

/**
 * Ratios that became at least twice as bad as those recorded, in every round: one bad round may be the machine's. Times are
 * not looked at, they say nothing on another machine.
 *
 * @param {readonly Judgement[]} judgements
 * @param {Readonly<Record<string, number>>} recorded by key
 * @returns {readonly string[]} a sentence for each
 */
export function regressions(judgements, recorded) {
  return judgements.flatMap(({ key, target, summary: now }) => {
    const before = recorded[key];
    if (target.kind !== 'ratio' || before === undefined || now === null) return [];
    const isMoreBetter = target.atMost === undefined;
    const best = isMoreBetter ? now.max : now.min;
    const isWorse = isMoreBetter ? best < before / 2 : best > before * 2;
    return isWorse ? [`${key} is ${short(best)} at best, recorded was ${short(before)}`] : [];
  });
}

/**
 * @param {readonly Judgement[]} judgements
 * @returns {Readonly<Record<string, number>>} the ratios among them, to be recorded
 */
export function ratiosOf(judgements) {
  return Object.fromEntries(
    judgements
      .filter(({ target, summary: found }) => target.kind === 'ratio' && found !== null)
      .map(({ key, summary: found }) => [key, Number((found?.median ?? 0).toPrecision(3))]),
  );
}

function short(value) {
  return Number(value.toPrecision(3));
}
