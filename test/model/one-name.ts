/**
 * A file with several names after a power cut, and all who may meet it at the same time: claimants take a name that waits, recoverers
 * fence what dead owners held (src/spool/job-file/one-name.ts, whose decisions these are). Looking, taking, counting the names and removing
 * one are steps of their own, so each decision may be out of date when it is carried out.
 */
import { dirname } from 'node:path';
import type { NameOfFile } from '../../src/spool/job-file/file-names.ts';
import type { JobName } from '../../src/spool/layout.ts';
import { type MyName, type Plan, planFor } from '../../src/spool/job-file/one-name.ts';
import type { Model } from './explore.ts';

/** Each `false` is a mutant that must be caught. */
export interface Rules {
  /** Nobody runs a job whose file has another name. */
  readonly runsOnlyName: boolean;
  /** Where somebody else holds a name, a claim goes back; it does not drop its own. */
  readonly stepsBack: boolean;
}

type Process =
  | { readonly at: 'idle' }
  | { readonly at: 'holds'; readonly mine: MyName }
  | {
      readonly at: 'acts';
      readonly mine: MyName;
      readonly plan: Plan;
      readonly taken: 'none' | 'one' | 'spare' | 'last';
    }
  | { readonly at: 'runs'; readonly mine: MyName };

interface State {
  /** Where each name of the file is; null: removed. */
  readonly names: readonly (NameOfFile | null)[];
  /** Two claim, two recover, and one tidies names that wait. */
  readonly processes: readonly Process[];
}

const CLAIMANTS = 2;
const PROCESSES = ['10-a', '11-a', '12-a', '13-a', '14-a'];
const TIDIER = 4;
const UNUSED = { hasOutcome: false };

const named = (attempt: number, crashes = 0): JobName => ({ id: 'j', queue: 'q', priority: 5, attempt, crashes });
const fileOf = ({ attempt, crashes }: JobName): string => `j.${attempt}.${crashes}`;

export function waiting(where: string, attempt: number, crashes = 0): NameOfFile {
  const name = named(attempt, crashes);
  return { at: 'waiting', path: `/${where}/${fileOf(name)}`, name };
}

export function heldByDead(owner: string, attempt: number): NameOfFile {
  return { at: 'held', path: `/running/${owner}/${fileOf(named(attempt))}`, name: named(attempt), recoverer: null };
}

export const draft: NameOfFile = { at: 'rest', path: '/tmp/draft' };

export function oneName(names: readonly NameOfFile[], rules: Rules): Model<State> {
  const initial: State = { names, processes: PROCESSES.map(() => ({ at: 'idle' })) };
  return {
    initial: [initial],
    next: (state) => PROCESSES.flatMap((_, p) => [...steps(state, p, rules)]),
    violations,
    key: JSON.stringify,
    isGoal: ({ processes }) => processes.some(({ at }) => at === 'runs'),
  };
}

function violations({ names, processes }: State): readonly string[] {
  return [
    ...(names.every((name) => name === null) ? ['the last name is removed'] : []),
    ...(processes.filter(({ at }) => at === 'runs').length > 1 ? ['the job runs twice at a time'] : []),
  ];
}

type Step = readonly [name: string, state: State];

function* steps(state: State, p: number, rules: Rules): Generator<Step> {
  const me = state.processes[p];
  const become = (process: Process, names = state.names): State => ({
    names,
    processes: state.processes.map((old, i) => (i === p ? process : old)),
  });
  if (me?.at === 'idle') yield* begin(state, p, become);
  if (me?.at === 'holds') {
    const left = state.names.filter((name) => name !== null);
    const isMine = left.some(({ path }) => path === me.mine.path);
    if (!isMine) yield [`${p} has lost it`, become({ at: 'idle' })];
    else if (left.length === 1 || !rules.runsOnlyName) yield [`${p} runs`, become({ at: 'runs', mine: me.mine })];
    else yield [`${p} looks`, become({ at: 'acts', mine: me.mine, plan: decide(me.mine, left, rules), taken: 'none' })];
  }
  if (me?.at === 'acts') yield* act(state, p, me, become);
}

function decide(mine: MyName, names: readonly NameOfFile[], { stepsBack }: Rules): Plan {
  const plan = planFor(mine, names);
  return plan.isHeldElsewhere && !stepsBack && mine.takenFrom !== null ? { ...plan, mine: 'goes' } : plan;
}

type Become = (process: Process, names?: State['names']) => State;

function* begin({ names }: State, p: number, become: Become): Generator<Step> {
  const me = PROCESSES[p] ?? '';
  if (p === TIDIER) return yield* tidy(names, become);
  for (const name of names) {
    if (name?.at === 'waiting' && p < CLAIMANTS) {
      const next = { ...name.name, attempt: name.name.attempt + 1 };
      const path = `/running/${me}/${fileOf(next)}`;
      const mine: MyName = { ...UNUSED, path, name: next, takenFrom: name };
      yield [`${p} claims ${name.path}`, become({ at: 'holds', mine }, move(names, name.path, path, next))];
    }
    // A directory is fenced once: its recoverer lives on here.
    if (name?.at === 'held' && name.recoverer === null && p >= CLAIMANTS && isOfDead(name)) {
      const path = `${dirname(name.path)}~${me}/${fileOf(name.name)}`;
      const mine: MyName = { ...UNUSED, path, name: name.name, takenFrom: null };
      const fenced: NameOfFile = { ...name, path, recoverer: me };
      const after = names.map((other) => (other === name ? fenced : other));
      yield [`${p} fences ${name.path}`, become({ at: 'holds', mine }, after)];
    }
  }
}

/** Holds no name itself: the weaker of two that wait is removed. */
function* tidy(names: State['names'], become: Become): Generator<Step> {
  const all = names.flatMap((name) => (name?.at === 'waiting' ? [name] : []));
  const [further, weaker] = all.toSorted((a, b) => b.name.attempt - a.name.attempt || b.name.crashes - a.name.crashes);
  if (further === undefined || weaker === undefined) return;
  const mine: MyName = { ...UNUSED, path: '', name: weaker.name, takenFrom: null };
  const plan: Plan = { mine: 'stays', remove: [weaker.path], isHeldElsewhere: false };
  yield [`the tidier sees ${weaker.path} beside ${further.path}`, become({ at: 'acts', mine, plan, taken: 'none' })];
}

function isOfDead({ path }: NameOfFile): boolean {
  return !PROCESSES.some((process) => path.startsWith(`/running/${process}/`));
}

/** rename(2): what is not there moves nothing, and a name onto another of the same file does nothing. */
function move(names: State['names'], from: string, to: string, name: JobName | null): State['names'] {
  if (names.some((other) => other?.path === to)) return names;
  return names.map((old) => {
    if (old?.path !== from) return old;
    if (name === null) return { at: 'rest', path: to };
    if (to.startsWith('/running/')) return { at: 'held', path: to, name, recoverer: null };
    return { at: 'waiting', path: to, name };
  });
}

function without(names: State['names'], path: string): State['names'] {
  return names.map((name) => (name?.path === path ? null : name));
}

function* act({ names }: State, p: number, me: Extract<Process, { at: 'acts' }>, become: Become): Generator<Step> {
  const { mine, plan, taken } = me;
  const [path, ...more] = plan.remove;
  const aside = `/tmp/${PROCESSES[p]}`;
  const done = { ...me, plan: { ...plan, remove: more }, taken: 'none' } as const;
  if (path === undefined) return yield* end(names, p, me, become);
  switch (taken) {
    case 'none': {
      const after = move(names, path, aside, null);
      const isThere = names.some((name) => name?.path === path);
      return yield [`${p} takes ${path}`, become(isThere ? { ...me, taken: 'one' } : done, after)];
    }
    case 'one': {
      const count = names.filter((name) => name !== null).length;
      const isThere = names.some((name) => name?.path === aside);
      const next = count > 1 ? 'spare' : 'last';
      return yield [`${p} counts`, become(isThere ? { ...me, taken: next } : done)];
    }
    case 'spare':
      return yield [`${p} removes it`, become(done, without(names, aside))];
    case 'last': {
      const back = mine.takenFrom?.name ?? mine.name;
      yield [`${p} puts it back`, become(done, move(names, aside, path, back))];
    }
  }
}

function* end(
  names: State['names'],
  p: number,
  { mine, plan }: Extract<Process, { at: 'acts' }>,
  become: Become,
): Generator<Step> {
  const again: Process = { at: 'holds', mine };
  if (plan.mine === 'stays') return yield [`${p} looks again`, become(again)];
  if (plan.mine === 'goes') return yield [`${p} drops its own`, become({ at: 'idle' }, without(names, mine.path))];
  const { to } = plan.mine;
  const [, attempt, crashes] = (/\.(\d+)\.(\d+)$/.exec(to) ?? []).map(Number);
  const after = move(names, mine.path, to, named(attempt ?? 0, crashes));
  const isStillThere = after.some((name) => name?.path === mine.path);
  yield [`${p} moves its own to ${to}`, become(isStillThere ? again : { at: 'idle' }, after)];
}
