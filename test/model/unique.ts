/**
 * Producers that want one key (src/spool/keys): drafts, holders and jobs, step by step as the system calls come, with deaths
 * anywhere, a worker that ends jobs, and a sweep at any moment. A producer that is stopped is one whose turn does not come.
 */
import type { Model } from './explore.ts';

/** Each rule that is not fsq's is a mutant that must be caught. */
export interface Rules {
  /** `time`: a holder keeps others out until its time is over, whatever became of its job. */
  readonly span: 'job' | 'time';
  /** When a producer looks for rivals, and when its holder is made. */
  readonly order: 'draft, holder, look' | 'draft, look, holder' | 'draft, look, accept, holder' | 'holder, draft, look';
  /** How a rival's chance is taken away. */
  readonly steal: 'rename onto holder' | 'unlink draft' | 'unlink holder, then draft';
  /** How a producer withdraws that found another. */
  readonly retreat: 'rename onto holder' | 'unlink draft';
  /** Whether a draft without its holder is swept while its producer may live. */
  readonly sweepsLoneDrafts: boolean;
}

export const FSQ: Rules = {
  span: 'job',
  order: 'draft, holder, look',
  steal: 'rename onto holder',
  retreat: 'rename onto holder',
  sweepsLoneDrafts: false,
};

export interface Budget {
  readonly producers: number;
  /** How often each begins anew after it was outdone. */
  readonly tries: number;
  readonly kills: number;
}

/** What lies there of one try; its index is its id: a later one is younger, whoever came first. */
interface Try {
  readonly draft: boolean;
  readonly holder: 'none' | 'empty' | 'void';
  /** `over`: it has ended, or its time is over. */
  readonly job: 'none' | 'there' | 'over';
}

type Producer =
  /** `todo` are the steps of a rule that are left. */
  | { readonly at: 'begins'; readonly id: number; readonly todo: readonly Part[] }
  | { readonly at: 'lists'; readonly id: number; readonly todo: readonly Part[]; readonly seen: readonly number[] }
  | { readonly at: Judging; readonly id: number; readonly todo: readonly Part[]; readonly rivals: readonly number[] }
  | { readonly at: 'retreats'; readonly id: number; readonly other: number; readonly isVoid: boolean }
  | { readonly at: 'accepted'; readonly id: number }
  | { readonly at: 'told'; readonly other: number }
  | { readonly at: 'gave up' | 'dead' };

/** Its questions about the first of its rivals: is there a draft, what is its holder, where is its job. */
type Judging = 'asks for a draft' | 'asks for the holder' | 'asks for the job' | 'clears' | 'steals';
type Part = 'draft' | 'holder' | 'look' | 'accept';

interface State {
  readonly tries: readonly Try[];
  readonly producers: readonly Producer[];
  readonly kills: number;
}

const NOTHING: Try = { draft: false, holder: 'none', job: 'none' };

export function unique(rules: Rules, { producers, tries, kills }: Budget): Model<State> {
  const initial: State = {
    tries: Array.from({ length: producers * tries }, () => NOTHING),
    producers: Array.from({ length: producers }, (_, id) => begin(rules, id)),
    kills,
  };
  return { initial: [initial], next: (state) => steps(state, rules), violations, key: JSON.stringify, isGoal };
}

function begin({ order }: Rules, id: number): Producer {
  const parts = order.split(', ') as Part[];
  return { at: 'begins', id, todo: parts.includes('accept') ? parts : [...parts, 'accept'] };
}

function isGoal({ producers }: State): boolean {
  return producers.every(({ at }) => at === 'accepted' || at === 'told' || at === 'gave up' || at === 'dead');
}

function violations({ tries, producers }: State): readonly string[] {
  const there = tries.filter(({ job }) => job === 'there').length;
  return [
    ...(there > 1 ? ['two jobs of one key'] : []),
    ...(producers.some((one) => one.at === 'told' && tries[one.other]?.job === 'none')
      ? ['a duplicate of nothing']
      : []),
    ...(producers.some((one) => one.at === 'accepted' && tries[one.id]?.job === 'none')
      ? ['an accepted job is lost']
      : []),
  ];
}

type Step = readonly [name: string, state: State];

function* steps(state: State, rules: Rules): Generator<Step> {
  for (const [id, one] of state.tries.entries()) {
    if (one.job === 'there') yield [`job ${id} is over`, withTry(state, id, { job: 'over' })];
    yield* sweep(state, id, one, rules);
  }
  for (const [n, producer] of state.producers.entries()) {
    if (producer.at === 'accepted' || producer.at === 'told' || producer.at === 'gave up' || producer.at === 'dead')
      continue;
    if (state.kills > 0) yield [`${n} dies`, { ...withProducer(state, n, { at: 'dead' }), kills: state.kills - 1 }];
    yield* produce(state, n, producer, rules);
  }
}

/** Anything may be older than the sweep wants it; but for drafts alone, that only of the dead. */
function* sweep(state: State, id: number, { draft, holder, job }: Try, { sweepsLoneDrafts }: Rules): Generator<Step> {
  const isDead = state.producers[id % state.producers.length]?.at === 'dead';
  if (draft && holder === 'empty') yield [`${id} is swept`, withTry(state, id, { draft: false, holder: 'void' })];
  if (draft && holder === 'none' && (isDead || sweepsLoneDrafts))
    yield [`the draft of ${id} is swept`, withTry(state, id, { draft: false })];
  if (holder === 'void' || (holder === 'empty' && !draft && job === 'over'))
    yield [`the holder of ${id} is swept`, withTry(state, id, { holder: 'none' })];
}

function* produce(state: State, n: number, producer: Producer, rules: Rules): Generator<Step> {
  switch (producer.at) {
    case 'begins':
      yield* doPart(state, n, producer, rules);
      return;
    case 'lists': {
      // What is made or removed meanwhile may be missed: the worst is that it is.
      const rivals = producer.seen.filter((id) => state.tries[id]?.holder !== 'none');
      yield [`${n} has listed`, toRival(state, n, producer, rivals)];
      return;
    }
    case 'retreats':
      yield* retreat(state, n, producer, rules);
      return;
    case 'accepted':
    case 'told':
    case 'gave up':
    case 'dead':
      return;
    default:
      yield* judge(state, n, producer, rules);
  }
}

function* doPart(
  state: State,
  n: number,
  producer: Extract<Producer, { at: 'begins' }>,
  rules: Rules,
): Generator<Step> {
  const { id } = producer;
  const [part, ...todo] = producer.todo;
  const { draft, holder } = state.tries[id] ?? NOTHING;
  const next: Producer = { ...producer, todo };
  switch (part) {
    case 'draft':
      yield [`${n} drafts ${id}`, withProducer(withTry(state, id, { draft: true }), n, next)];
      return;
    case 'holder': {
      const made = holder === 'none' ? withTry(state, id, { holder: 'empty' }) : state;
      yield [`${n} holds with ${id}`, withProducer(made, n, holder === 'none' ? next : again(state, n, id, rules))];
      return;
    }
    case 'look': {
      const seen = state.tries.flatMap((one, other) => (one.holder !== 'none' && other !== id ? [other] : []));
      yield [`${n} begins to list`, withProducer(state, n, { at: 'lists', id, todo, seen })];
      return;
    }
    case 'accept': {
      const end: Producer = todo.length > 0 ? next : { at: 'accepted', id };
      if (draft) yield [`${id} is accepted`, withProducer(withTry(state, id, { draft: false, job: 'there' }), n, end)];
      // Its own holder goes with it: it was voided, or made in vain.
      else
        yield [`${id} is outdone`, withProducer(withTry(state, id, { holder: 'none' }), n, again(state, n, id, rules))];
      return;
    }
    case undefined:
      yield [`${n} is done`, withProducer(state, n, { at: 'accepted', id })];
  }
}

/** Under a new id, or not any more in this model. */
function again({ tries, producers }: State, _n: number, id: number, rules: Rules): Producer {
  const next = id + producers.length;
  return next < tries.length ? begin(rules, next) : { at: 'gave up' };
}

function* judge(state: State, n: number, producer: Extract<Producer, { at: Judging }>, rules: Rules): Generator<Step> {
  const { id, rivals } = producer;
  const [rival = -1, ...others] = rivals;
  const { draft, holder, job } = state.tries[rival] ?? NOTHING;
  const go = (at: Judging, from = state): State => withProducer(from, n, { ...producer, at });
  const pass = (from = state): State => toRival(from, n, producer, others);
  switch (producer.at) {
    case 'asks for a draft':
      if (!draft) yield [`${n} sees no draft of ${rival}`, go('asks for the holder')];
      // An older one is waited for, for some time: it may be stolen from at any moment.
      else yield* steal(state, n, rival, rules, go);
      return;
    case 'steals':
      // The second half of a theft in two steps.
      if (draft) yield [`${n} removes the draft of ${rival}`, pass(withTry(state, rival, { draft: false }))];
      else yield [`${n} finds ${rival} decided`, go('asks for a draft')];
      return;
    case 'asks for the holder':
      if (holder === 'empty') yield [`${n} sees ${rival} accepted`, go('asks for the job')];
      else if (holder === 'void') yield [`${n} sees ${rival} void`, go('clears')];
      else yield [`${n} sees ${rival} gone`, pass()];
      return;
    case 'asks for the job': {
      const blocks = rules.span === 'time' ? job !== 'over' : job === 'there';
      if (blocks)
        yield [`${n} finds job ${rival}`, withProducer(state, n, { at: 'retreats', id, other: rival, isVoid: false })];
      else yield [`${n} finds that ${rival} stands for nothing`, go('clears')];
      return;
    }
    case 'clears':
      yield [`${n} clears ${rival}`, pass(withTry(state, rival, { holder: 'none' }))];
  }
}

function* steal(
  state: State,
  n: number,
  rival: number,
  { steal: how }: Rules,
  go: (at: Judging, from?: State) => State,
): Generator<Step> {
  const name = `${n} steals from ${rival}`;
  if (how === 'rename onto holder')
    yield [name, go('asks for a draft', withTry(state, rival, { draft: false, holder: 'void' }))];
  else if (how === 'unlink draft') yield [name, go('asks for a draft', withTry(state, rival, { draft: false }))];
  else yield [name, go('steals', withTry(state, rival, { holder: 'none' }))];
}

function* retreat(
  state: State,
  n: number,
  producer: Extract<Producer, { at: 'retreats' }>,
  { retreat: how }: Rules,
): Generator<Step> {
  const { id, other, isVoid } = producer;
  const told = (from: State): State => withProducer(from, n, { at: 'told', other });
  if (isVoid) yield [`${n} removes its holder`, told(withTry(state, id, { holder: 'none' }))];
  else if (state.tries[id]?.draft !== true) yield [`${n} retreats, outdone`, told(state)];
  else {
    const change: Partial<Try> = how === 'unlink draft' ? { draft: false } : { draft: false, holder: 'void' };
    yield [`${n} retreats`, withProducer(withTry(state, id, change), n, { ...producer, isVoid: true })];
  }
}

/** On to the next rival, or to what is left to do. */
function toRival(
  state: State,
  n: number,
  { id, todo }: { readonly id: number; readonly todo: readonly Part[] },
  rivals: readonly number[],
): State {
  if (rivals.length > 0) return withProducer(state, n, { at: 'asks for a draft', id, todo, rivals });
  return withProducer(state, n, { at: 'begins', id, todo });
}

function withTry(state: State, id: number, change: Partial<Try>): State {
  return { ...state, tries: state.tries.map((one, i) => (i === id ? { ...one, ...change } : one)) };
}

function withProducer(state: State, n: number, producer: Producer): State {
  return { ...state, producers: state.producers.map((one, i) => (i === n ? producer : one)) };
}
