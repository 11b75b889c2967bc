/**
 * One file that is used again: it holds an expired outcome, a reader still has it open, and producers take it from spare/
 * (src/spool/{expire,spare,sweep,outcomes}.ts). Reads and writes go page by page, as the kernel does them.
 */
import type { Model } from './explore.ts';

/** Each `false` is a mutant that must be caught. */
export interface Rules {
  /** A reader makes sure after reading that the name is still there. */
  readonly looksAgain: boolean;
  /** What becomes of drafts in tmp/ whose producer may live; those of the surely dead are always used again. */
  readonly unproved: 'stays' | 'is removed' | 'is used again';
}

/** What stands on a page: whose it is and, on the second, whether the outcome is there. */
type Page = 'old' | 'old outcome' | `${1 | 2}` | `${1 | 2} base` | `${1 | 2} outcome`;

type Reader =
  | { readonly at: 'waits' | 'gone' | 'damaged' }
  | { readonly at: 'opened' }
  | { readonly at: 'first page'; readonly first: Page }
  | { readonly at: 'both pages' | 'told'; readonly first: Page; readonly second: Page };

/** `accepted` and `rejected` are ends. */
type Producer =
  'waits' | 'has the batch' | 'has the file open' | 'wrote one page' | 'wrote both' | 'accepted' | 'rejected';

interface State {
  /** results/ of the old job, tmp/ of the expirer or of producer 1 or 2, spare/, nowhere, or where the new jobs lie. */
  readonly place:
    | 'old result'
    | 'expirer'
    | 'spare'
    | 'taken by 1'
    | 'taken by 2'
    | 'removed'
    | 'job 1'
    | 'job 2'
    | 'result 1'
    | 'result 2';
  readonly pages: readonly [Page, Page];
  readonly reader: Reader;
  readonly producers: readonly [Producer, Producer];
}

export function reuse(rules: Rules): Model<State> {
  const initial: State = {
    place: 'old result',
    pages: ['old', 'old outcome'],
    reader: { at: 'waits' },
    producers: ['waits', 'waits'],
  };
  return { initial: [initial], next: (state) => steps(state, rules), violations, key: JSON.stringify, isGoal };
}

function isGoal({ place, reader }: State): boolean {
  return (place.startsWith('result') || place === 'removed') && ['gone', 'damaged', 'told'].includes(reader.at);
}

function violations({ place, pages, reader, producers }: State): readonly string[] {
  const broken = producers.flatMap((producer, i) => {
    const isWhole = pages[0] === String(i + 1) && pages[1].startsWith(String(i + 1));
    const isHere = place === `job ${i + 1}` || place === `result ${i + 1}`;
    return producer === 'accepted' && !(isHere && isWhole) ? ['an accepted job is lost or torn'] : [];
  });
  return [
    ...broken.slice(0, 1),
    ...(reader.at === 'damaged' ? ['a reader is told of damage'] : []),
    ...(reader.at === 'told' && reader.second !== 'old outcome' ? ['a reader is told the outcome of another job'] : []),
  ];
}

type Step = readonly [name: string, state: State];

function* steps(state: State, rules: Rules): Generator<Step> {
  yield* read(state, rules);
  const { place } = state;
  if (place === 'old result') yield ['it expires', { ...state, place: 'expirer' }];
  if (place === 'expirer') yield ['it becomes a spare file', { ...state, place: 'spare' }];
  for (const n of [1, 2] as const) {
    yield* produce(state, n);
    if (rules.unproved !== 'stays' && place === `taken by ${n}`)
      yield [`${n} is swept`, { ...state, place: rules.unproved === 'is removed' ? 'removed' : 'spare' }];
    if (place === `job ${n}`) {
      const ended: State = { ...state, place: `result ${n}`, pages: [state.pages[0], `${n} outcome`] };
      yield [`${n} runs`, ended];
    }
  }
}

function* read(state: State, { looksAgain }: Rules): Generator<Step> {
  const { reader, pages, place } = state;
  const isThere = place === 'old result';
  const become = (next: Reader): State => ({ ...state, reader: next });
  if (reader.at === 'waits') yield ['the reader opens', become({ at: isThere ? 'opened' : 'gone' })];
  if (reader.at === 'opened') yield ['the reader reads', become({ at: 'first page', first: pages[0] })];
  if (reader.at === 'first page')
    yield ['the reader reads on', become({ ...reader, at: 'both pages', second: pages[1] })];
  if (reader.at !== 'both pages') return;
  // Another id is seen on the first page; a base without an outcome on the second. Any other mixture may be good JSON.
  const looksGood = reader.first === 'old' && reader.second.endsWith('outcome');
  if (looksGood && !(looksAgain && !isThere)) yield ['the reader tells', become({ ...reader, at: 'told' })];
  else yield ['the reader looks again', become({ at: isThere ? 'damaged' : 'gone' })];
}

function* produce(state: State, n: 1 | 2): Generator<Step> {
  const { place, pages, producers } = state;
  const become = (next: Producer): State => ({
    ...state,
    producers: n === 1 ? [next, producers[1]] : [producers[0], next],
  });
  const isMine = place === `taken by ${n}`;
  switch (producers[n - 1]) {
    case 'waits':
      if (place === 'spare') yield [`${n} takes it`, { ...become('has the batch'), place: `taken by ${n}` }];
      return;
    case 'has the batch':
      yield [`${n} opens it`, become(isMine ? 'has the file open' : 'rejected')];
      return;
    case 'has the file open':
      yield [`${n} writes`, { ...become('wrote one page'), pages: [`${n}`, pages[1]] }];
      return;
    case 'wrote one page':
      yield [`${n} writes on`, { ...become('wrote both'), pages: [pages[0], `${n} base`] }];
      return;
    case 'wrote both':
      yield [`${n} renames`, isMine ? { ...become('accepted'), place: `job ${n}` } : become('rejected')];
      return;
    case 'accepted':
    case 'rejected':
    case undefined:
  }
}
