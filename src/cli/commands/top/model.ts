/** What each event makes of the screen: a new state, and what is to be done outside. Pure. */
import { actionKeys, confirmation, cursorIndex } from './actions.ts';
import { bodyHeight, settled } from './body.ts';
import type { Input } from './screen/keys.ts';
import type { Report, Wanted } from './looker/reports.ts';
import type { Row } from './rows.ts';
import { rowsOf } from './sections.ts';
import { type Effect, type Known, type Mode, type Place, type State, type Tab, TABS } from './state.ts';
import { RINGS, type RingName } from '../../../broker/figures/history.ts';

export type Event =
  | Input
  | Report
  | { readonly kind: 'resize'; readonly columns: number; readonly rows: number }
  | { readonly kind: 'tick'; readonly nowMs: number };

export interface Step {
  readonly state: State;
  readonly effects: readonly Effect[];
}

export function next(state: State, event: Event): Step {
  const { state: changed, effects } = step(state, event);
  return { state: settled(changed), effects };
}

/** What has to be looked at for this screen. */
export function wantedBy({ tab, mode }: State): Wanted {
  const lists: Readonly<Partial<Record<Tab, Wanted['lists']>>> = {
    home: ['failed'],
    queues: ['pending'],
    delayed: ['delayed'],
    failed: ['failed'],
    schedules: ['schedules'],
  };
  return { lists: lists[tab] ?? [], job: mode.kind === 'job' ? mode.id : null };
}

function step(state: State, event: Event): Step {
  switch (event.kind) {
    case 'key':
      return pressed({ ...state, note: null }, event.key);
    case 'paste':
      return same(
        state.mode.kind === 'filter' ? withFilter(state, filterOf(state) + event.text.replaceAll(/\s+/g, ' ')) : state,
      );
    case 'resize':
      return same({ ...state, columns: event.columns, rows: event.rows });
    case 'tick':
      return same({ ...state, nowMs: event.nowMs });
    default:
      return same(reported(state, event));
  }
}

function reported(state: State, report: Report): State {
  const know = (known: Partial<Known>): State => ({ ...state, known: { ...state.known, ...known } });
  switch (report.kind) {
    case 'facts':
      return know({ facts: report.facts, trouble: null });
    case 'counted':
      return know({ counted: report.counted });
    case 'verdict':
      return know({ verdict: report.verdict });
    case 'list':
      return know({ [report.name]: report.list });
    case 'schedules':
      return know({ schedules: report.schedules });
    case 'trouble':
      return know({ trouble: report.text });
    case 'done':
      return { ...state, note: { text: report.text, isBad: report.isBad } };
    case 'job':
      return state.mode.kind === 'job' && state.mode.id === report.id
        ? { ...state, mode: { ...state.mode, lines: report.lines } }
        : state;
  }
}

function pressed(state: State, key: string): Step {
  if (key === 'ctrl-c') return { state, effects: [{ kind: 'quit', code: 130 }] };
  if (key === 'ctrl-z') return { state, effects: [{ kind: 'suspend' }] };
  if (key === 'ctrl-l') return { state, effects: [{ kind: 'redraw' }] };
  switch (state.mode.kind) {
    case 'rows':
      return pressedAtRows(state, key);
    case 'filter':
      return same(pressedInFilter(state, state.mode, key));
    case 'confirm':
      return pressedAtQuestion(state, state.mode, key);
    case 'help':
    case 'job':
      return pressedAtText(state, state.mode, key);
  }
}

const QUIT: Effect = { kind: 'quit', code: 0 };

function pressedAtRows(state: State, key: string): Step {
  if (key === 'q') return { state, effects: [QUIT] };
  const moved = movement(key, bodyHeight(state) - 1);
  if (moved !== null) return same(atRow(state, moved));
  const tab = tabOf(state, key);
  if (tab !== null) return same({ ...state, tab, marked: new Set() });
  const act = Object.hasOwn(ROW_KEYS, key) ? ROW_KEYS[key] : undefined;
  if (act !== undefined) return same(act(state));
  const question = confirmation(state, key);
  if (question !== null) return same({ ...state, mode: question });
  if (/^[A-Z]$/.test(key)) return same({ ...state, note: { text: nothingText(state, key), isBad: false } });
  return same(state);
}

function nothingText(state: State, key: string): string {
  const known = actionKeys(state).map(([one, label]) => `${one} ${label}`);
  return `${key} does nothing here${known.length === 0 ? '' : `; ${known.join(', ')}`}`;
}

const ROW_KEYS: Readonly<Record<string, (state: State) => State>> = {
  '?': (state) => ({ ...state, mode: { kind: 'help', top: 0 } }),
  '/': (state) => ({ ...state, mode: { kind: 'filter', before: filterOf(state) } }),
  t: (state) => ({ ...state, ring: nextRing(state.ring) }),
  x: (state) => atRow(withMarks(state, currentRow(state)), (at) => at + 1),
  ' ': (state) => atRow(withMarks(state, currentRow(state)), (at) => at + 1),
  a: withAllMarked,
  enter: opened,
  escape: (state) => (state.marked.size > 0 ? { ...state, marked: new Set() } : withFilter(state, '')),
};

/** Where a key moves to, of a number of rows or lines; null for a key that does not. */
function movement(key: string, page: number): ((at: number, count: number) => number) | null {
  switch (key) {
    case 'j':
    case 'down':
      return (at) => at + 1;
    case 'k':
    case 'up':
      return (at) => at - 1;
    case 'g':
    case 'home':
      return () => 0;
    case 'G':
    case 'end':
      return (_at, count) => count - 1;
    case 'pagedown':
    case 'ctrl-f':
      return (at) => at + page;
    case 'pageup':
    case 'ctrl-b':
      return (at) => at - page;
    default:
      return null;
  }
}

function tabOf({ tab }: State, key: string): Tab | null {
  const at = TABS.indexOf(tab);
  if (/^[1-9]$/.test(key)) return TABS[Number(key) - 1] ?? null;
  if (key === 'tab' || key === 'l' || key === 'right') return TABS[(at + 1) % TABS.length] ?? null;
  if (key === 'backtab' || key === 'h' || key === 'left') return TABS[(at + TABS.length - 1) % TABS.length] ?? null;
  return null;
}

function nextRing(ring: RingName): RingName {
  const names = Object.keys(RINGS) as readonly RingName[];
  return names[(names.indexOf(ring) + 1) % names.length] ?? 'seconds';
}

function currentRow(state: State): readonly Row[] {
  const rows = rowsOf(state);
  return rows.slice(Math.max(0, cursorIndex(state, rows))).slice(0, 1);
}

function atRow(state: State, moved: (at: number, count: number) => number): State {
  const rows = rowsOf(state);
  if (rows.length === 0) return state;
  const index = Math.max(0, Math.min(rows.length - 1, moved(cursorIndex(state, rows), rows.length)));
  return withPlace(state, { key: rows[index]?.key ?? null, index });
}

function withPlace(state: State, place: Partial<Place>): State {
  const { tab, places } = state;
  return { ...state, places: { ...places, [tab]: { ...places[tab], ...place } } };
}

function withMarks(state: State, rows: readonly Row[]): State {
  const marked = new Set(state.marked);
  for (const { key } of rows) if (!marked.delete(key)) marked.add(key);
  return { ...state, marked };
}

/** All that are shown are marked; none if all were. */
function withAllMarked(state: State): State {
  const keys = rowsOf(state).map(({ key }) => key);
  const isAll = keys.every((key) => state.marked.has(key));
  return { ...state, marked: new Set(isAll ? [] : keys) };
}

/** Opens a job; of a queue and a worker what runs of it, of a schedule its last job. */
function opened(state: State): State {
  const subject = currentRow(state)[0]?.subject;
  switch (subject?.kind) {
    case undefined:
      return state;
    case 'job':
      return withJob(state, subject.id);
    case 'schedule':
      return subject.lastId === null ? state : withJob(state, subject.lastId);
    case 'queue':
      return withFilter({ ...state, tab: 'running', marked: new Set() }, `queue ${subject.name}`);
    case 'worker':
      return withFilter({ ...state, tab: 'running', marked: new Set() }, `pid ${subject.process}`);
  }
}

function withJob(state: State, id: string): State {
  return { ...state, mode: { kind: 'job', id, lines: undefined, top: 0 } };
}

function filterOf({ places, tab }: State): string {
  return places[tab].filter;
}

function withFilter(state: State, filter: string): State {
  return withPlace(state, { filter, key: null, index: 0, top: 0 });
}

function pressedInFilter(state: State, { before }: Extract<Mode, { kind: 'filter' }>, key: string): State {
  const rows = { kind: 'rows' } as const;
  const filter = filterOf(state);
  if (key === 'enter') return { ...state, mode: rows };
  if (key === 'escape') return withFilter({ ...state, mode: rows }, before);
  if (key === 'backspace') return withFilter(state, [...filter].slice(0, -1).join(''));
  if (key === 'ctrl-u') return withFilter(state, '');
  if (key === 'up' || key === 'down') return atRow(state, (at) => at + (key === 'up' ? -1 : 1));
  return [...key].length === 1 ? withFilter(state, filter + key) : state;
}

function pressedAtQuestion(state: State, { choices, back }: Extract<Mode, { kind: 'confirm' }>, key: string): Step {
  const asked: State = { ...state, mode: back };
  const choice = choices.find((one) => one.key === key);
  if (choice === undefined) return same({ ...asked, note: { text: 'Nothing was changed.', isBad: false } });
  return {
    state: { ...asked, marked: new Set(), note: { text: 'One moment …', isBad: false } },
    effects: [choice.effect],
  };
}

function pressedAtText(state: State, mode: Extract<Mode, { kind: 'help' | 'job' }>, key: string): Step {
  if (key === 'q' && mode.kind === 'help') return same({ ...state, mode: { kind: 'rows' } });
  if (key === 'q') return { state, effects: [QUIT] };
  if (['escape', 'enter', 'backspace', 'left', 'h', '?'].includes(key))
    return same({ ...state, mode: { kind: 'rows' } });
  const moved = movement(key, bodyHeight(state) - 1);
  if (moved !== null)
    return same({ ...state, mode: { ...mode, top: Math.max(0, moved(mode.top, Number.MAX_SAFE_INTEGER)) } });
  const question = mode.kind === 'job' ? confirmation(state, key) : null;
  return same(question === null ? state : { ...state, mode: question });
}

function same(state: State): Step {
  return { state, effects: [] };
}
