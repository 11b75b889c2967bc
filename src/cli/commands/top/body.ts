/** The middle of the screen: which lines there are, and which of them are shown. Pure. */
import { wrapped } from '../../terminal/width.ts';
import { cursorIndex } from './actions.ts';
import { homeLines } from './home.ts';
import { EMPTY, fitted, type Line, line, piece } from './screen/line.ts';
import { type Section, sectionsOf } from './sections.ts';
import type { State } from './state.ts';
import { tableLines } from './screen/table.ts';

/** What the keys do. */
const HELP: readonly (readonly [keys: string, text: string])[] = [
  ['', 'fsq top shows what the spool does, and changes nothing but by upper-case keys, which ask first.'],
  ['', ''],
  ['j k, arrows', 'the row below, above'],
  ['g G', 'the first row, the last one'],
  ['PgUp PgDn', 'a page up, down'],
  ['h l, Tab', 'the tab before, behind'],
  ['1 to 7', 'home, running, queues, delayed, failed, workers, schedules'],
  ['Enter', 'open a job as `fsq show` tells it; of a queue or a worker, what it runs; of a schedule, its last job'],
  ['Esc', 'back; on a tab: no marks, then no filter'],
  ['/', 'show only rows with a text: of id, task, queue, state, error'],
  ['x, a', 'mark this row, all rows that are shown; upper-case keys are about the marked ones'],
  ['t', 'curves of a minute, a quarter of an hour, a day'],
  ['', ''],
  ['R', 'send jobs back that failed, were revoked or expired: they run again'],
  ['K', 'revoke jobs that wait or run; of those that run, ask the task to end or kill its process'],
  ['D', 'forget jobs that have ended, with their outcomes'],
  ['P', 'pause or resume a queue, or a schedule'],
  ['N', 'run a schedule now'],
  ['', ''],
  ['Ctrl-L, Ctrl-Z', 'draw the screen anew, go to the shell (fg comes back)'],
  ['q, Ctrl-C', 'quit'],
];

/** Of the left column of the help. */
const KEYS_WIDTH = 15;

/** The tabs, the verdict, and the line of keys. */
const AROUND = 3;

export function bodyHeight({ rows }: Pick<State, 'rows'>): number {
  return Math.max(1, rows - AROUND);
}

/** The lines that are shown, as many as there is room for or fewer. */
export function bodyLines(state: State): readonly Line[] {
  const { mode, tab, places } = state;
  const height = bodyHeight(state);
  if (mode.kind === 'job' || mode.kind === 'help') return textLines(state).slice(mode.top, mode.top + height);
  const { lines, headingsAt } = tabLines(state);
  const { top } = places[tab];
  const shown = lines.slice(top, top + height).map((make) => make());
  // Of a table whose headings have gone up, the first line shows them.
  const headings = headingsAt.findLast((at) => at < top);
  const pinned = headings === undefined || tab === 'home' || height === 1 ? undefined : lines[headings]?.();
  return pinned === undefined ? shown : [pinned, ...shown.slice(1)];
}

/** All lines of what is open: a job, or the help. */
export function textLines({ mode, columns }: State): readonly Line[] {
  if (mode.kind === 'help') return helpLines(columns);
  if (mode.kind !== 'job') return [];
  if (mode.lines === undefined) return [line(' Looking …')];
  if (mode.lines === null) return [line(' There is no such job any more: it was forgotten. Esc leads back.')];
  const width = Math.max(10, columns - 2);
  return mode.lines.flatMap((text) => wrapped(text, width)).map((text) => line(` ${text}`));
}

function helpLines(columns: number): readonly Line[] {
  const width = Math.max(10, columns - KEYS_WIDTH - 1);
  return HELP.flatMap(([keys, text]) =>
    wrapped(text, width).map((part, i) =>
      line(piece(` ${(i === 0 ? keys : '').padEnd(KEYS_WIDTH)}`, 'bold'), piece(part)),
    ),
  );
}

/** `state` with the cursor on a row that is there, and in view. */
export function settled(state: State): State {
  const { tab, places, mode } = state;
  const height = bodyHeight(state);
  if (mode.kind === 'job' || mode.kind === 'help') {
    const last = Math.max(0, textLines(state).length - height);
    return mode.top <= last ? state : { ...state, mode: { ...mode, top: last } };
  }
  const { lines, rowsAt, cursor } = tabLines(state);
  const at = rowsAt[cursor] ?? 0;
  // Above the cursor there is a line for the headings; with the first row, all that stands above it comes into view.
  const least = at - height + 1;
  const most = cursor <= 0 && at < height ? 0 : at - (height > 1 ? 1 : 0);
  const top = Math.max(0, Math.min(Math.max(places[tab].top, least), most, Math.max(0, lines.length - height)));
  const place = { ...places[tab], top, index: Math.max(0, cursor) };
  return { ...state, places: { ...places, [tab]: place } };
}

interface TabLines {
  readonly lines: readonly (() => Line)[];
  /** Where the headings of tables stand. */
  readonly headingsAt: readonly number[];
  /** Where each row stands. */
  readonly rowsAt: readonly number[];
  /** Which row is under the cursor; -1: there are none. */
  readonly cursor: number;
}

function tabLines(state: State): TabLines {
  const lines: (() => Line)[] = state.tab === 'home' ? homeLines(state).map((one) => () => one) : [];
  const headingsAt: number[] = [];
  const rowsAt: number[] = [];
  const sections = sectionsOf(state);
  const cursor = cursorIndex(
    state,
    sections.flatMap(({ rows }) => rows),
  );
  for (const [i, section] of sections.entries()) {
    if (i > 0) lines.push(() => EMPTY);
    if (section.title !== null) lines.push(() => line(piece(` ${section.title}`, 'bold')));
    if (section.rows.length === 0) {
      lines.push(() => line(piece(`  ${section.empty}`, 'dim')));
      continue;
    }
    const table = tableOf(section, state, cursor - rowsAt.length);
    headingsAt.push(lines.length);
    lines.push(() => table.headings);
    rowsAt.push(...table.rows.map((_, row) => lines.length + row));
    lines.push(...table.rows);
  }
  return { lines, headingsAt, rowsAt, cursor };
}

function tableOf(
  { columns, rows }: Section,
  { marked, columns: width }: State,
  cursor: number,
): ReturnType<typeof tableLines> {
  const shown = rows.map(({ key, cells }, i) => ({
    cells,
    mark: { isCursor: i === cursor, isMarked: marked.has(key) },
  }));
  const { headings, rows: lines } = tableLines(columns, shown, width);
  return { headings: fitted(headings, width), rows: lines };
}
