/** The summary of a drain: as text for people, as JSON for programs, as Markdown for pages. Pure. */
import { escape, jsonText, some, span } from '../../../job/text.ts';
import { stuckText } from './left.ts';
import { countsText, errorLine, outputLines, troubleLine } from './lines.ts';
import { type RunReport, sum, type Trouble } from './report.ts';

export const SUMMARIES = ['text', 'json', 'md'] as const;

export type SummaryForm = (typeof SUMMARIES)[number];

/** How many jobs that did not end well are named to people: `fsq ls --state failed` lists all. */
const MOST_NAMED = 20;

export function summaryText(report: RunReport, form: SummaryForm, isShort: boolean): string {
  if (form === 'json') return `${jsonText(documentOf(report), 2)}\n`;
  return form === 'md' ? markdownText(report) : plainText(report, isShort);
}

/** @param isShort somebody has seen each failure as it came, with its output */
function plainText(report: RunReport, isShort: boolean): string {
  const { tookMs, retries, troubles, stuck, unfinished } = report;
  const attempts = retries === 0 ? '' : `, ${some(retries, 'attempt')} failed with another to follow`;
  const lines = [`${countsText(totalsOf(report))} in ${span(tookMs)}${attempts}`, ...endLines(report)];
  if (unfinished > 0) lines.push(`${some(unfinished, 'job')} ${unfinished === 1 ? 'is' : 'are'} not done`);
  lines.push(...stuck.map((entry) => escape(stuckText(entry))));
  if (!isShort && troubles.length > 0) {
    lines.push('', ...troubles.slice(0, MOST_NAMED).flatMap((one) => [troubleLine(one), ...outputLines(one.output)]));
    if (troubles.length > MOST_NAMED)
      lines.push(`… and ${troubles.length - MOST_NAMED} others: \`fsq ls --state failed\``);
  }
  return `${lines.join('\n')}\n`;
}

function endLines({ end }: RunReport): readonly string[] {
  switch (end.kind) {
    case 'timeout':
      return ['the time was over: jobs that ran were stopped, and are queued again'];
    case 'failed-fast':
      return ['ended at the first failure; what was not begun waits'];
    case 'signal':
      return [`ended by ${end.signal}`];
    case 'done':
    case 'problem':
      return [];
  }
}

function documentOf(report: RunReport): Readonly<Record<string, unknown>> {
  const { spool, startedAtMs, tookMs, tasks, retries, troubles, stuck, unfinished, end, exitCode } = report;
  return {
    spool,
    startedAtMs,
    tookMs,
    exitCode,
    end: end.kind,
    jobs: totalsOf(report),
    retries,
    unfinished,
    tasks,
    left: stuck,
    troubles: troubles.map((trouble) => troubleOf(trouble, report)),
  };
}

function troubleOf(trouble: Trouble, { places }: RunReport): Readonly<Record<string, unknown>> {
  const { id, task, state, attempts, ms, error, output } = trouble;
  const { file = null, line = null } = places.get(task) ?? {};
  return {
    id,
    task,
    state,
    attempts,
    ms,
    file,
    line,
    error,
    output: output.map(({ stream, text }) => ({ stream, text })),
  };
}

export function markdownText(report: RunReport): string {
  const { tasks, tookMs, troubles, stuck, unfinished } = report;
  const rows = tasks.map(
    ({ task, succeeded, failed, revoked, expired, ms }) =>
      `| ${inline(task)} | ${succeeded} | ${failed} | ${revoked + expired} | ${span(ms)} |`,
  );
  const table = [
    '| Task | Succeeded | Failed | Revoked or expired | Time |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...rows,
  ];
  const notes = [
    ...endLines(report),
    ...(unfinished > 0 ? [`${some(unfinished, 'job')} not done`] : []),
    ...stuck.map(stuckText),
  ];
  const named = troubles.slice(0, MOST_NAMED).flatMap((trouble) => details(trouble));
  const more = troubles.length > MOST_NAMED ? ['', `… and ${troubles.length - MOST_NAMED} others.`] : [];
  return [
    `### ${countsText(totalsOf(report))} in ${span(tookMs)}`,
    '',
    ...(rows.length === 0 ? [] : [...table, '']),
    ...notes.flatMap((note) => [`- ${inline(note)}`]),
    ...(notes.length > 0 ? [''] : []),
    ...named,
    ...more,
    '',
  ].join('\n');
}

function details(trouble: Trouble): readonly string[] {
  const { state, task, id, attempts, error, output } = trouble;
  const heading = `**${state}** ${inline(task)} ${inline(id)}${attempts > 1 ? `, ${attempts} attempts` : ''}`;
  const text = [...(error === null ? [] : [escape(errorLine(error))]), ...outputLines(output)].join('\n');
  return [heading, '', ...(text === '' ? [] : [...fenced(text), ''])];
}

/** A code block that the text cannot end. */
function fenced(text: string): readonly string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}text`, text, fence];
}

/** Text in a line or a cell, with nothing that Markdown or HTML obeys. */
export function inline(text: string): string {
  return escape(text).replace(/[\\`*_{}[\]<>()#|&~@]/g, (char) => `&#${char.codePointAt(0)};`);
}

function totalsOf({ tasks }: RunReport): Readonly<Record<'succeeded' | 'failed' | 'revoked' | 'expired', number>> {
  return {
    succeeded: sum(tasks, 'succeeded'),
    failed: sum(tasks, 'failed'),
    revoked: sum(tasks, 'revoked'),
    expired: sum(tasks, 'expired'),
  };
}
