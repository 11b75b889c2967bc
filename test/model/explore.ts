/** Walks every state that a model can reach, and tells which of them break a rule and which lead nowhere. */
import assert from 'node:assert/strict';

export interface Model<S> {
  readonly initial: readonly S[];
  /** Every state that one atomic step leads to, with the step's name. */
  readonly next: (state: S) => Iterable<readonly [step: string, state: S]>;
  /** What is wrong in this state, by name; [] when nothing is. */
  readonly violations: (state: S) => readonly string[];
  /** The same for states that differ in nothing that can ever matter. */
  readonly key: (state: S) => string;
  /** From every state a way must lead to such a one. */
  readonly isGoal: (state: S) => boolean;
}

export interface Exploration {
  readonly states: number;
  /** What was found wrong, each with the shortest way there: the steps' names. */
  readonly violations: ReadonlyMap<string, readonly string[]>;
}

export const NO_WAY_OUT = 'no way to an outcome';
/** More would mean that a model has no bound; the largest here has a fifth of it. */
const MOST_STATES = 1_000_000;

/** @param enough what the walk ends at, once all of it was found wrong; [] walks on to the end */
export function explore<S>(model: Model<S>, enough: readonly string[] = []): Exploration {
  const found = new Map<string, Found>();
  const queue: { readonly state: S; readonly entry: Found }[] = [];
  const violations = new Map<string, readonly string[]>();
  const visit = (state: S, from: Found | null, step: string): Found => {
    const key = model.key(state);
    const known = found.get(key);
    if (known !== undefined) return known;
    if (found.size >= MOST_STATES) throw new Error(`More than ${MOST_STATES} states: the model has no bound`);
    const entry: Found = { from, step, cameFrom: [], isGoal: model.isGoal(state) };
    found.set(key, entry);
    queue.push({ state, entry });
    for (const violation of model.violations(state)) {
      if (!violations.has(violation)) violations.set(violation, wayTo(entry));
    }
    return entry;
  };
  for (const state of model.initial) visit(state, null, '');
  for (let i = 0; i < queue.length; i++) {
    const at = queue[i];
    if (at === undefined) break;
    if (enough.length > 0 && enough.every((name) => violations.has(name))) return { states: found.size, violations };
    for (const [step, state] of model.next(at.state)) visit(state, at.entry, step).cameFrom.push(at.entry);
  }
  const lost = withoutWayOut([...found.values()]);
  if (lost !== undefined) violations.set(NO_WAY_OUT, wayTo(lost));
  return { states: found.size, violations };
}

interface Found {
  /** How it was reached first. */
  readonly from: Found | null;
  readonly step: string;
  readonly cameFrom: Found[];
  readonly isGoal: boolean;
}

function wayTo(found: Found): readonly string[] {
  const steps: string[] = [];
  for (let at: Found | null = found; at !== null && at.from !== null; at = at.from) steps.unshift(at.step);
  return steps;
}

/** The first state from which no goal can be reached. */
function withoutWayOut(all: readonly Found[]): Found | undefined {
  const open = all.filter(({ isGoal }) => isGoal);
  const reaching = new Set(open);
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const before of at.cameFrom) {
      if (reaching.has(before)) continue;
      reaching.add(before);
      open.push(before);
    }
  }
  return all.find((entry) => !reaching.has(entry));
}

/** Asserts that a rule that is not fsq's breaks each of `expected`: the model bites. It is walked no further than to the last of these. */
export function assertBites<S>(model: Model<S>, ...expected: readonly string[]): void {
  const { violations } = explore(model, expected);
  for (const name of expected)
    assert.ok(violations.has(name), `not found: ${name}, but: ${[...violations.keys()].join(', ') || 'nothing'}`);
}

/** Asserts which rules are broken, and shows the way to one that should not be. */
export function assertFound({ violations }: Exploration, expected: readonly string[]): void {
  const ways = [...violations]
    .filter(([name]) => !expected.includes(name))
    .map(([name, way]) => `${name}:\n  ${way.join('\n  ')}`);
  assert.equal(ways.join('\n'), '');
  assert.deepEqual([...violations.keys()].toSorted(), expected.toSorted());
}
