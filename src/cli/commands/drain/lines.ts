/** The lines of a drain for people who watch: the one that is drawn again and again, and those of jobs that failed. Pure. */
import type { LogLine } from '../../../job/values/log-lines.ts';
import { escape, some, span } from '../../../job/text.ts';
import { cut } from '../../terminal/width.ts';
import type { Trouble } from './report.ts';

/** Longest line of output that is shown, cells. */
const MOST_SHOWN = 500;

/** What the line shows. */
export interface Live {
  readonly done: number;
  readonly failed: number;
  /** With those that are left. */
  readonly total: number;
  readonly running: number;
  /** Jobs per second; null where too little is known. */
  readonly rate: number | null;
  /** The task that runs longest. */
  readonly task: string | null;
  /** What the drain does instead of going on; null while it goes on. */
  readonly ending: string | null;
}

/** Such as `[12/340, 1 failed, 4 running] 35/s, 9 s left, send-mail`. */
export function liveText({ done, failed, total, running, rate, task, ending }: Live): string {
  const parts = [
    rate === null ? null : `${rateText(rate)}/s`,
    rate === null || total === done ? null : `${span(((total - done) / rate) * 1_000)} left`,
    task === null ? null : escape(task),
    ending,
  ].filter((part) => part !== null);
  return `[${done}/${total}, ${failed} failed, ${running} running] ${parts.join(', ')}`.trimEnd();
}

/** A job that did not end well, in one line. */
export function troubleLine({ id, task, state, attempts, ms, error }: Trouble): string {
  const runs = attempts > 1 ? ` in attempt ${attempts}` : '';
  const after = attempts > 0 && ms !== null ? ` after ${span(ms)}` : '';
  return `${escape(`${state} ${task} ${id}${runs}${after}${error === null ? '' : `: ${errorLine(error)}`}`)}`;
}

/** The same, and below it where it was thrown and the end of what it printed. */
export function troubleBlock(trouble: Trouble): readonly string[] {
  const place = placeLine(trouble.error?.stack);
  return [troubleLine(trouble), ...(place === null ? [] : [`  ${place}`]), ...outputLines(trouble.output)];
}

export function outputLines(output: readonly LogLine[]): readonly string[] {
  return output.map(({ text }) => `  | ${shown(text)}`.trimEnd());
}

/** An error in one line, not escaped: the first line of its message. */
export function errorLine({ name, message }: { readonly name: string; readonly message: string }): string {
  const first = message.trim().split('\n')[0] ?? '';
  return `${name}: ${cut(first, MOST_SHOWN)}`;
}

/** How far a drain is, where no line is drawn again. */
export function stepText(live: Live, tookMs: number): string {
  return `${span(tookMs)}: ${liveText(live)}`;
}

export function countsText(counts: Readonly<Record<'succeeded' | 'failed' | 'revoked' | 'expired', number>>): string {
  const { succeeded, failed, revoked, expired } = counts;
  const all = succeeded + failed + revoked + expired;
  const parts = Object.entries({ succeeded, failed, revoked, expired }).filter(([, count]) => count > 0);
  return `${some(all, 'job')}${parts.length === 0 ? '' : `: ${parts.map(([state, count]) => `${count} ${state}`).join(', ')}`}`;
}

/** Safe to print; a tab is four spaces. */
function shown(text: string): string {
  return cut(text.split('\t').map(escape).join('    '), MOST_SHOWN);
}

function placeLine(stack: string | undefined): string | null {
  const line = stack?.split('\n').find((one) => /^\s*at /.test(one));
  return line === undefined ? null : shown(line.trim());
}

function rateText(rate: number): string {
  return rate < 10 ? rate.toFixed(1) : String(Math.round(rate));
}
