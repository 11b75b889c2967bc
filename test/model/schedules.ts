/**
 * Senders of a schedule's instants (src/spool/schedules), step by step as the system calls come, with deaths anywhere; one that is stopped
 * is one whose turn does not come. How a key is decided between rivals is that of unique.ts; here a job may end at any moment, and
 * nothing but a mark says that its instant is done.
 */
import type { Model } from './explore.ts';

/** Each rule that is not fsq's is a mutant that must be caught. */
export interface Rules {
  /** When a sender looks at the marks: before all else, and once more right before its job is accepted, or earlier. */
  readonly check: 'first, last' | 'first' | 'first, before the list';
  /** What comes first when a job was accepted. */
  readonly end: 'mark, release' | 'release, mark' | 'mark before the accept';
  /** How the marks tell what is done. */
  readonly marks: 'the latest counts' | 'the last one written counts';
  /** How long a holder stands: until it is released, or until its job has ended. */
  readonly holds: 'until the mark' | 'while the job has not ended';
}

export const FSQ: Rules = {
  check: 'first, last',
  end: 'mark, release',
  marks: 'the latest counts',
  holds: 'until the mark',
};

export interface Budget {
  readonly senders: number;
  readonly instants: number;
  /** How many ids there are for one instant: a sender that was outdone, or has died and starts again, takes the next. */
  readonly tries: number;
  readonly kills: number;
}

interface Try {
  readonly instant: number;
  readonly draft: boolean;
  readonly holder: 'none' | 'empty' | 'void';
  readonly job: 'none' | 'there' | 'ended';
}

type Sender =
  | { readonly at: 'looks'; readonly instant: number }
  | {
      readonly at: 'drafts' | 'holds' | 'checks early' | 'begins to list' | 'checks' | 'accepts' | 'marks first';
      readonly id: number;
    }
  | { readonly at: 'lists'; readonly id: number; readonly rivals: readonly number[] }
  | Judge
  | { readonly at: 'withdraws' | 'removes its holder'; readonly id: number; readonly isLate: boolean }
  | { readonly at: 'marks' | 'marks last' | 'tidies' | 'releases' | 'releases first'; readonly instant: number }
  | { readonly at: 'done' | 'dead' | 'gave up' };

/** It looks at the first of its rivals. */
interface Judge {
  readonly at: 'asks' | 'asks for the holder';
  readonly id: number;
  readonly rivals: readonly number[];
}

interface State {
  readonly tries: readonly Try[];
  readonly marks: readonly number[];
  /** The mark that was written last; -1: none. */
  readonly lastMark: number;
  readonly senders: readonly Sender[];
  readonly kills: number;
}

export function schedules(rules: Rules, { senders, instants, tries, kills }: Budget): Model<State> {
  const initial: State = {
    tries: [],
    marks: [],
    lastMark: -1,
    senders: Array.from({ length: senders }, () => ({ at: 'looks', instant: 0 }) as const),
    kills,
  };
  return {
    initial: [initial],
    next: (state) => steps(state, rules, { instants, tries }),
    violations: (state) => violations(state, instants),
    key: JSON.stringify,
    isGoal: ({ senders: all }) => all.every(({ at }) => at === 'done' || at === 'dead' || at === 'gave up'),
  };
}

function violations({ tries, senders, marks }: State, instants: number): readonly string[] {
  const counts = Array.from(
    { length: instants },
    (_, instant) => tries.filter((one) => one.instant === instant && one.job !== 'none').length,
  );
  const isOver = senders.every(({ at }) => at === 'done');
  return [
    ...(counts.some((count) => count > 1) ? ['two jobs of an instant'] : []),
    ...(marks.some((mark) => counts[mark] === 0) && isOver ? ['an instant without a job'] : []),
  ];
}

type Step = readonly [name: string, state: State];
type Bounds = Pick<Budget, 'instants' | 'tries'>;

function* steps(state: State, rules: Rules, bounds: Bounds): Generator<Step> {
  for (const [id, one] of state.tries.entries())
    if (one.job === 'there') yield [`job ${id} ends`, withTry(state, id, { job: 'ended' })];
  for (const [n, sender] of state.senders.entries()) {
    if (sender.at === 'done' || sender.at === 'dead' || sender.at === 'gave up') continue;
    if (state.kills > 0)
      yield [
        `${n} dies, and starts again`,
        { ...withSender(state, n, { at: 'looks', instant: 0 }), kills: state.kills - 1 },
      ];
    yield* send(state, n, sender, rules, bounds);
  }
}

function isDone({ marks, lastMark }: State, instant: number, rules: Rules): boolean {
  return rules.marks === 'the latest counts' ? Math.max(-1, ...marks) >= instant : lastMark >= instant;
}

function* send(state: State, n: number, sender: Sender, rules: Rules, bounds: Bounds): Generator<Step> {
  const go = (to: Sender, from = state): State => withSender(from, n, to);
  const next = (instant: number, from = state): State =>
    go(instant + 1 < bounds.instants ? { at: 'looks', instant: instant + 1 } : { at: 'done' }, from);
  switch (sender.at) {
    case 'looks': {
      const { instant } = sender;
      if (isDone(state, instant, rules)) {
        // What a sender left that died between its mark and the release.
        yield [`${n} finds ${instant} done`, next(instant, released(state, instant))];
        return;
      }
      const id = state.tries.length;
      const used = state.tries.filter((one) => one.instant === instant).length;
      if (used >= bounds.tries) yield [`${n} gives up`, go({ at: 'gave up' })];
      else
        yield [
          `${n} begins ${id}`,
          go({ at: 'drafts', id }, { ...state, tries: [...state.tries, { ...NOTHING, instant }] }),
        ];
      return;
    }
    case 'drafts':
      yield [`${n} drafts ${sender.id}`, go({ ...sender, at: 'holds' }, withTry(state, sender.id, { draft: true }))];
      return;
    case 'holds': {
      const at = rules.check === 'first, before the list' ? 'checks early' : 'begins to list';
      yield [`${n} holds with ${sender.id}`, go({ ...sender, at }, withTry(state, sender.id, { holder: 'empty' }))];
      return;
    }
    case 'checks early':
    case 'checks':
      yield* check(state, n, sender.id, rules, sender.at === 'checks' ? 'accepts' : 'begins to list');
      return;
    case 'begins to list': {
      const { instant = -1 } = state.tries[sender.id] ?? {};
      const rivals = state.tries.flatMap((one, id) =>
        one.instant === instant && id !== sender.id && one.holder !== 'none' ? [id] : [],
      );
      yield [`${n} begins to list`, go({ at: 'lists', id: sender.id, rivals })];
      return;
    }
    case 'lists': {
      // What is removed meanwhile may be missed: the worst is that it is.
      const rivals = sender.rivals.filter((id) => state.tries[id]?.holder !== 'none');
      yield [`${n} has listed`, toRival(state, n, sender.id, rivals, rules)];
      return;
    }
    case 'asks':
    case 'asks for the holder':
      yield* judge(state, n, sender, rules);
      return;
    default:
      yield* finish(state, n, sender, rules, next);
  }
}

function* check(
  state: State,
  n: number,
  id: number,
  rules: Rules,
  goesOn: 'begins to list' | 'accepts',
): Generator<Step> {
  const { instant = -1 } = state.tries[id] ?? {};
  if (isDone(state, instant, rules))
    yield [`${n} sees that ${instant} is done`, withSender(state, n, { at: 'withdraws', id, isLate: true })];
  else {
    const at = goesOn === 'accepts' && rules.end === 'mark before the accept' ? 'marks first' : goesOn;
    yield [`${n} sees that ${instant} is not done`, withSender(state, n, { at, id })];
  }
}

function* judge(state: State, n: number, sender: Judge, rules: Rules): Generator<Step> {
  const { id, rivals } = sender;
  const [rival = -1, ...others] = rivals;
  const { draft = false, holder = 'none', job = 'none' } = state.tries[rival] ?? {};
  if (sender.at === 'asks') {
    if (draft) yield [`${n} outdoes ${rival}`, withTry(state, rival, { draft: false, holder: 'void' })];
    else yield [`${n} sees no draft of ${rival}`, withSender(state, n, { ...sender, at: 'asks for the holder' })];
    return;
  }
  const stands = rules.holds === 'until the mark' || job === 'there';
  if (holder === 'empty' && stands)
    yield [`${n} finds job ${rival}`, withSender(state, n, { at: 'withdraws', id, isLate: false })];
  else yield [`${n} clears ${rival}`, toRival(withTry(state, rival, { holder: 'none' }), n, id, others, rules)];
}

function* finish(
  state: State,
  n: number,
  sender: Sender,
  rules: Rules,
  next: (instant: number, from?: State) => State,
): Generator<Step> {
  const go = (to: Sender, from = state): State => withSender(from, n, to);
  switch (sender.at) {
    case 'marks first': {
      const { instant = -1 } = state.tries[sender.id] ?? {};
      yield [`${n} marks ${instant}`, go({ at: 'accepts', id: sender.id }, marked(state, instant))];
      return;
    }
    case 'accepts': {
      const { draft = false, instant = -1 } = state.tries[sender.id] ?? {};
      if (!draft) {
        yield [`${sender.id} is outdone`, go({ at: 'looks', instant }, withTry(state, sender.id, { holder: 'none' }))];
        return;
      }
      const accepted = withTry(state, sender.id, { draft: false, job: 'there' });
      yield [
        `${sender.id} is accepted`,
        go({ at: rules.end === 'release, mark' ? 'releases first' : 'marks', instant }, accepted),
      ];
      return;
    }
    case 'withdraws': {
      const { id, isLate } = sender;
      const isOutdone = state.tries[id]?.draft !== true;
      const to: Sender = { at: 'removes its holder', id, isLate };
      yield [`${n} withdraws ${id}`, isOutdone ? go(to) : go(to, withTry(state, id, { draft: false, holder: 'void' }))];
      return;
    }
    case 'removes its holder': {
      const { id, isLate } = sender;
      const { instant = -1 } = state.tries[id] ?? {};
      const removed = withTry(state, id, { holder: 'none' });
      yield [`${n} removes its holder`, isLate ? next(instant, removed) : go({ at: 'marks', instant }, removed)];
      return;
    }
    case 'releases first':
      yield [`${n} releases ${sender.instant}`, go({ ...sender, at: 'marks last' }, released(state, sender.instant))];
      return;
    case 'marks last':
      yield [`${n} marks ${sender.instant}`, next(sender.instant, marked(state, sender.instant))];
      return;
    case 'marks':
      yield [`${n} marks ${sender.instant}`, go({ ...sender, at: 'tidies' }, marked(state, sender.instant))];
      return;
    case 'tidies': {
      const marks = state.marks.filter((mark) => mark >= Math.max(...state.marks));
      yield [`${n} removes older marks`, go({ at: 'releases', instant: sender.instant }, { ...state, marks })];
      return;
    }
    case 'releases':
      yield [`${n} releases ${sender.instant}`, next(sender.instant, released(state, sender.instant))];
      return;
    default:
      return;
  }
}

const NOTHING = { draft: false, holder: 'none', job: 'none' } as const;

function marked(state: State, instant: number): State {
  return { ...state, marks: [...new Set([...state.marks, instant])].toSorted(), lastMark: instant };
}

/** Without the holders of an instant that is done. */
function released(state: State, instant: number): State {
  const tries = state.tries.map((one) =>
    one.instant === instant && !one.draft ? { ...one, holder: 'none' as const } : one,
  );
  return { ...state, tries };
}

function toRival(state: State, n: number, id: number, rivals: readonly number[], { check: when }: Rules): State {
  if (rivals.length > 0) return withSender(state, n, { at: 'asks', id, rivals });
  return withSender(state, n, { at: when.endsWith('last') ? 'checks' : 'accepts', id });
}

function withTry(state: State, id: number, change: Partial<Try>): State {
  return { ...state, tries: state.tries.map((one, i) => (i === id ? { ...one, ...change } : one)) };
}

function withSender(state: State, n: number, sender: Sender): State {
  return { ...state, senders: state.senders.map((one, i) => (i === n ? sender : one)) };
}
