/** The lines of a job's log, as text that a pager shows and a program reads: the time, the stream, and what was printed. Pure. */
import { escape } from '../text.ts';

/** `fsq`: what fsq itself says in the log, of lines that it left out. */
export type LogStream = 'stdout' | 'stderr' | 'fsq';

/** A line that a job printed. */
export interface LogLine {
  /** When it was printed, Unix ms. */
  readonly atMs: number;
  readonly stream: LogStream;
  /** Without its end. Colours are left out, and what else a terminal would obey stands there as `\u{…}`. */
  readonly text: string;
}

/** Longer lines are cut into several, characters. */
export const MAX_LINE_LENGTH: number = 16 * 1024;

const MARKS: Readonly<Record<LogStream, string>> = { stdout: 'out', stderr: 'err', fsq: 'fsq' };
const STREAMS: Readonly<Record<string, LogStream>> = { out: 'stdout', err: 'stderr', fsq: 'fsq' };
const FORM = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (out|err|fsq) (.*)$/s;
// eslint-disable-next-line no-control-regex -- a colour begins with one
const COLOURS = /\u001b\[[0-9;:]*m/g;

/** `2026-11-26T20:59:03.120Z out hello`, without an end of line. */
export function logText({ atMs, stream, text }: LogLine): string {
  return `${new Date(atMs).toISOString()} ${MARKS[stream]} ${text}`;
}

/** Null for what is no such line: a full disk may have cut it off. */
export function parseLogText(line: string): LogLine | null {
  const [, time = '', mark = '', text = ''] = FORM.exec(line) ?? [];
  const stream = STREAMS[mark];
  return stream === undefined ? null : { atMs: Date.parse(time), stream, text };
}

/** The lines in what was printed, each ready for the log; what is behind the last end of line is one of them. */
export function printedLines(printed: string): readonly string[] {
  const lines = printed.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.flatMap((line) => piecesOf(line.endsWith('\r') ? line.slice(0, -1) : line)).map(harmless);
}

function piecesOf(line: string): readonly string[] {
  if (line.length <= MAX_LINE_LENGTH) return [line];
  const count = Math.ceil(line.length / MAX_LINE_LENGTH);
  return Array.from({ length: count }, (_, i) => line.slice(i * MAX_LINE_LENGTH, (i + 1) * MAX_LINE_LENGTH));
}

function harmless(text: string): string {
  return text.replace(COLOURS, '').split('\t').map(escape).join('\t');
}

/** How many lines end in it. */
export function lineEnds(text: string): number {
  let count = 0;
  for (let at = -1; (at = text.indexOf('\n', at + 1)) !== -1;) count++;
  return count;
}
