/** The screen as lines: the tabs, what there is to know above all, the body, and the keys that do something now. Pure. */
import { livingWorkers } from '../../../app/telling/runners.ts';
import { escape, some, span } from '../../../job/text.ts';
import type { Colour } from '../../terminal/colour.ts';
import { cut, textWidth } from '../../terminal/width.ts';
import { actionKeys } from './actions.ts';
import { bodyHeight, bodyLines, textLines } from './body.ts';
import { EMPTY, type Line, line, lineWidth, type Piece, piece, withRight } from './screen/line.ts';
import { countText } from './rows.ts';
import type { JobList } from './looker/reports.ts';
import { failuresIn, rowsOf } from './sections.ts';
import { type Choice, type State, type Tab, TABS } from './state.ts';

/** `state.rows` lines at most. */
export function frameLines(state: State): readonly Line[] {
  const height = bodyHeight(state);
  const body = bodyLines(state).slice(0, height);
  const blank = Array.from({ length: height - body.length }, () => EMPTY);
  return [tabLine(state), headLine(state), ...body, ...blank, lastLine(state)].slice(-Math.max(1, state.rows));
}

/** The widest form of the tabs that fits: with counts and numbers, without the ones or the others, or only the one that is shown. */
function tabLine(state: State): Line {
  const { tab: shown, columns, known } = state;
  const counts = tabCounts(state);
  const tabs = (gap: string, text: (tab: Tab, i: number) => string): Line =>
    line(
      ' ',
      ...TABS.flatMap((tab, i): readonly Piece[] => [
        piece(text(tab, i), tab === shown ? 'bold' : (counts[tab]?.colour ?? 'dim')),
        piece(gap),
      ]),
    );
  const mark = (tab: Tab, text: string): string => (tab === shown ? `[${text}]` : text);
  const forms = [
    tabs('  ', (tab, i) => mark(tab, `${i + 1} ${tab}${countOf(counts[tab]?.count)}`)),
    tabs('  ', (tab) => mark(tab, `${tab}${countOf(counts[tab]?.count)}`)),
    tabs(' ', (tab, i) => mark(tab, `${i + 1} ${tab}`)),
    tabs(' ', (tab) => mark(tab, tab)),
  ];
  const fit = forms.find((form) => lineWidth(form) <= columns + 1);
  const chosen = fit ?? tabs(' ', (tab, i) => (tab === shown ? `[${tab}]` : String(i + 1)));
  return withRight(chosen, line(piece(known.place, 'dim'), ' '), columns);
}

function countOf(count: number | undefined): string {
  return count === undefined || count === 0 ? '' : ` ${countText(count)}`;
}

function tabCounts({
  known,
}: State): Readonly<Partial<Record<Tab, { readonly count: number; readonly colour?: Colour }>>> {
  const { facts, counted } = known;
  const failures = known.failed === null ? null : failuresIn(known.failed).length;
  return {
    ...(facts === null ? {} : { running: { count: facts.running.jobs.length } }),
    ...(facts === null ? {} : { workers: { count: livingWorkers(facts.owners).length } }),
    ...(counted === null ? {} : { delayed: { count: counted.counts.delayed } }),
    ...(failures === null ? {} : { failed: { count: failures, ...(failures > 0 ? { colour: 'red' as const } : {}) } }),
  };
}

/** What is wrong, or how all is; at its end, which rows of the tab are shown. */
function headLine(state: State): Line {
  const { columns, places, tab, marked, known } = state;
  const filter = places[tab].filter;
  const counted = known.counted === null ? 0 : state.nowMs - known.counted.atMs;
  const about = [
    ...(marked.size === 0 ? [] : [`${marked.size} marked`]),
    ...(filter === '' ? [] : [`${some(rowsOf(state).length, 'row')} with ${filter}`]),
    ...(listIsCut(state) ? ['only the first are shown'] : []),
    ...(counted > OLD_COUNT_MS ? [`counted ${span(counted)} ago`] : []),
  ];
  return withRight(line(' ', ...verdictOf(state)), line(piece(about.join(', '), 'yellow'), ' '), columns);
}

/** Counts that are older say so. */
const OLD_COUNT_MS = 5_000;

function listIsCut({ tab, known }: State): boolean {
  const lists: Readonly<Partial<Record<Tab, JobList | null | undefined>>> = {
    running: known.facts?.running,
    queues: known.pending,
    delayed: known.delayed,
    failed: known.failed,
  };
  return lists[tab]?.isAll === false;
}

/** A key with what it does. */
type Key = readonly [key: string, label: string];

function lastLine(state: State): Line {
  const { mode, note, columns } = state;
  switch (mode.kind) {
    case 'filter':
      return keyLine(
        [`/${state.places[state.tab].filter}`, ''],
        [
          ['Enter', 'keep'],
          ['Esc', 'as before'],
        ],
        [],
        columns,
      );
    case 'confirm':
      return questionLine(mode.question, mode.choices, columns);
    case 'help':
    case 'job':
      if (note !== null) break;
      return keyLine(
        null,
        [...textKeys(state), ...(mode.kind === 'job' ? actionKeys(state) : [])],
        [
          ['Esc', 'back'],
          ['q', 'quit'],
        ],
        columns,
      );
    case 'rows':
      if (note !== null) break;
      return keyLine(
        null,
        rowKeys(state),
        [
          ['?', 'help'],
          ['q', 'quit'],
        ],
        columns,
      );
  }
  return line(' ', piece(note?.text ?? '', note?.isBad === true ? 'red' : 'green'));
}

/** The question is cut where it must be, what the keys do is not. */
function questionLine(question: string, choices: readonly Choice[], columns: number): Line {
  const keys = line(...choices.flatMap(({ key, label }) => [piece(key, 'bold'), piece(` ${label}  `)]));
  const room = Math.max(0, columns - lineWidth(keys) - 3);
  const asked = line(' ', piece(cut(escape(question), room), 'yellow'), '  ', ...keys.pieces);
  return lineWidth(asked) + 13 > columns ? asked : line(...asked.pieces, piece('other keys no', 'dim'));
}

function textKeys(state: State): readonly Key[] {
  return textLines(state).length > bodyHeight(state) ? [['j k', 'scroll']] : [];
}

function rowKeys(state: State): readonly Key[] {
  const { tab, marked, places } = state;
  const hasRows = rowsOf(state).length > 0;
  const filter = places[tab].filter;
  return [
    ...(hasRows ? [['Enter', 'open'] as const] : []),
    ...actionKeys(state),
    ...(hasRows ? [['x', 'mark'] as const] : []),
    ...(hasRows || filter !== '' ? [['/', 'filter'] as const] : []),
    ...(marked.size > 0 ? [['Esc', 'unmark'] as const] : filter !== '' ? [['Esc', 'show all'] as const] : []),
    ['Tab', 'next tab'],
    ...(tab === 'home' ? [['t', 'time span'] as const] : []),
  ];
}

/** As many of `keys` as there is room for, and `always` those behind them. */
function keyLine(question: Key | null, keys: readonly Key[], always: readonly Key[], columns: number): Line {
  const width = ([key, label]: Key): number => textWidth(key) + textWidth(label) + 3;
  const shown: Key[] = [];
  let room = columns - 1 - (question === null ? 0 : width(question)) - always.reduce((sum, key) => sum + width(key), 0);
  for (const key of keys) {
    room -= width(key);
    if (room < 0) break;
    shown.push(key);
  }
  return line(
    ' ',
    ...(question === null ? [] : [piece(question[0], 'bold'), piece('  ')]),
    ...[...shown, ...always].flatMap(([key, label]) => [piece(key, 'bold'), piece(` ${label}  `, 'dim')]),
  );
}

function verdictOf({ known, nowMs }: State): readonly Piece[] {
  const { trouble, facts, verdict } = known;
  if (trouble !== null) {
    const since = facts === null ? '' : `As of ${span(nowMs - facts.atMs)} ago. `;
    return [piece(`${since}${trouble}`, 'red')];
  }
  if (verdict === null) return [piece('Looking …', 'dim')];
  const { status, text } = verdict;
  const word = piece(status.toUpperCase(), COLOURS[status]);
  return status === 'ok' ? [word] : [word, piece(` ${text}`)];
}

const COLOURS = { ok: 'green', warning: 'yellow', critical: 'red' } as const;
